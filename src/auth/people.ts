// better-auth, cut down to what Sallyport has it do: sign in with a password and a second factor, sign out, ask who is signed
// in. Organizations and members are ours. Its tables are ours too (prisma/people.prisma) and are reached as their owner; its other routes are disabled here and not
// reachable through sign-in.ts either.

import type { BetterAuthOptions } from 'better-auth';
import { prismaAdapter } from 'better-auth/adapters/prisma';
import { hashPassword, verifyPassword } from 'better-auth/crypto';
import { betterAuth } from 'better-auth/minimal';
import { twoFactor } from 'better-auth/plugins/two-factor';
import type { Database } from '../db/database.js';
import { type IdPrefix, newId } from '../platform/ids.js';
import { AUTH_PATH, CLIENT_IP_HEADER, cookiePrefix } from './credentials.js';
import { PASSWORD_MAX, PASSWORD_MIN } from './password.js';
import { trustedOrigins } from './trusted-origins.js';

export interface PeopleOptions {
  readonly database: Pick<Database, 'owner'>;
  /** PUBLIC_URL; over https cookies are Secure and carry the `__Host-` prefix. */
  readonly publicUrl: string;
  /** ALLOWED_ORIGINS, exact. */
  readonly allowedOrigins: readonly string[];
  /** The first signs. */
  readonly secrets: readonly string[];
  /** Attempts from one address without a minute's pause. */
  readonly signInAttemptsMax: number;
  /** How passwords are hashed and compared; better-auth's scrypt when left out. */
  readonly hashing?: {
    readonly hash: (password: string) => Promise<string>;
    readonly verify: (asked: { hash: string; password: string }) => Promise<boolean>;
  };
  /** Told of a defect; the caller is answered 500 without its words. */
  readonly onError: (error: unknown) => void;
}

export const OPEN_PATHS = [
  '/sign-in/email',
  '/sign-out',
  '/get-session',
  '/two-factor/enable',
  '/two-factor/verify-totp',
  '/two-factor/verify-backup-code',
  '/two-factor/generate-backup-codes',
  '/two-factor/disable',
] as const;

const ID_PREFIXES: Readonly<Record<string, IdPrefix>> = {
  user: 'usr',
  session: 'ses',
  account: 'acc',
  verification: 'ver',
  twoFactor: 'tfa',
};

/** Paths that better-auth has too, disabled there: what answers at them is ours (password-routes.ts). */
export const ANSWERED_BY_US: readonly string[] = [
  '/change-password',
  '/request-password-reset',
  '/reset-password',
  '/send-verification-email',
  '/verify-email',
];

/** Every route of better-auth but OPEN_PATHS; a test compares the list with what the library mounts. */
export const DISABLED_PATHS = [
  '/sign-in/social',
  '/callback/:id',
  '/sign-up/email',
  '/reset-password',
  '/reset-password/:token',
  '/request-password-reset',
  '/verify-password',
  '/verify-email',
  '/send-verification-email',
  '/change-email',
  '/change-password',
  '/set-password',
  '/update-session',
  '/update-user',
  '/delete-user',
  '/delete-user/callback',
  '/list-sessions',
  '/revoke-session',
  '/revoke-sessions',
  '/revoke-other-sessions',
  '/link-social',
  '/list-accounts',
  '/unlink-account',
  '/refresh-token',
  '/get-access-token',
  '/account-info',
  '/two-factor/get-totp-uri',
  '/two-factor/send-otp',
  '/two-factor/verify-otp',
  '/ok',
  '/error',
] as const;

export const peopleOptions = (options: PeopleOptions) =>
  ({
    appName: 'Sallyport',
    baseURL: new URL(options.publicUrl).origin,
    basePath: AUTH_PATH,
    secret: options.secrets[0] ?? '',
    // Named too, because an environment variable of better-auth's own would otherwise win.
    secrets: options.secrets.map((value, index) => ({ version: options.secrets.length - index, value })),
    database: prismaAdapter(options.database.owner, { provider: 'postgresql' }),
    trustedOrigins: trustedOrigins(options),
    disabledPaths: [...DISABLED_PATHS],
    emailAndPassword: {
      enabled: true,
      disableSignUp: true,
      minPasswordLength: PASSWORD_MIN,
      maxPasswordLength: PASSWORD_MAX,
      password: options.hashing ?? { hash: hashPassword, verify: verifyPassword },
    },
    account: { encryptOAuthTokens: true },
    plugins: [twoFactor({ issuer: 'Sallyport' })],
    session: { cookieCache: { enabled: false } },
    rateLimit: {
      enabled: true,
      storage: 'memory',
      customRules: {
        '/sign-in/email': { window: 60, max: options.signInAttemptsMax },
        '/two-factor/*': { window: 60, max: options.signInAttemptsMax },
        // Counted without end while the pauses are short: a console that asks now and then would be locked out.
        '/get-session': false,
        '/sign-out': false,
      },
    },
    advanced: {
      // The library's own prefix would be `__Secure-`; ours is part of the name.
      cookiePrefix: cookiePrefix(isSecure(options.publicUrl)),
      useSecureCookies: false,
      defaultCookieAttributes: { httpOnly: true, sameSite: 'lax', path: '/', secure: isSecure(options.publicUrl) },
      ipAddress: { ipAddressHeaders: [CLIENT_IP_HEADER] },
      // Said aloud, since the library is laxer under a test runner.
      disableOriginCheck: false,
      disableCSRFCheck: false,
      database: { generateId: ({ model }) => newPersonId(model) },
    },
    telemetry: { enabled: false },
    logger: { disabled: true },
    onAPIError: {
      onError: (error) => {
        if (!isAnswer(error)) options.onError(error);
      },
    },
  }) satisfies BetterAuthOptions;

export const openPeople = (options: PeopleOptions) => betterAuth(peopleOptions(options));

const isSecure = (publicUrl: string): boolean => new URL(publicUrl).protocol === 'https:';

const newPersonId = (model: string): string => {
  const prefix = ID_PREFIXES[model];
  if (prefix === undefined) throw new Error(`No id prefix for better-auth's model ${model}.`);
  return newId(prefix);
};

/** better-auth throws its own answers; only those below 500 are meant for the caller. */
const isAnswer = (error: unknown): boolean =>
  error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number' && error.statusCode < 500;
