// The environment, read once. Nothing else in src touches process.env: whoever needs a setting is handed it. A bad value
// stops the start with one line that names the variable and the remedy, and never the value, which may be a secret.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { z } from 'zod';
import { DEFAULT_PLANS, type Plans } from './auth/plans.js';
import { ConfigurationError } from './platform/errors.js';

const whenGiven = <T extends z.ZodType>(schema: T) => z.preprocess((text) => (text === '' ? undefined : text), schema);

const optional = <T extends z.ZodType>(schema: T) => whenGiven(schema.optional()).transform((value) => value ?? null);

const wholeNumber = (most: number, byDefault: number, remedy: string) =>
  whenGiven(
    z
      .string()
      .regex(/^\d{1,6}$/, remedy)
      .transform(Number)
      .refine((value) => value <= most, remedy)
      .default(byDefault),
  );

const choice = <const T extends readonly [string, ...string[]]>(values: T, byDefault: T[number]) =>
  whenGiven(z.enum(values, `must be one of ${values.join(', ')}`).optional()).transform((value) => value ?? byDefault);

function urlOf(text: string): URL | null {
  return URL.canParse(text) ? new URL(text) : null;
}

const url = (protocols: readonly string[], example: string) =>
  z.string().refine((text) => protocols.includes(urlOf(text)?.protocol ?? ''), `must be a URL such as ${example}`);

const isOrigin = (text: string): boolean => {
  const parsed = urlOf(text);
  return parsed !== null && /^https?:$/.test(parsed.protocol) && parsed.origin === text && !text.includes('*');
};

const SECRET_REMEDY = 'must be at least 32 random bytes in base64; make one with: openssl rand -base64 32';

const secret = z
  .string()
  .refine((text) => /^[A-Za-z0-9+/_-]+={0,2}$/.test(text) && Buffer.from(text, 'base64').length >= 32, SECRET_REMEDY);

const POSTGRES = url(['postgres:', 'postgresql:'], 'postgresql://user:password@host:5432/sallyport');
const WEB = url(['http:', 'https:'], 'https://host/path');

const amount = z.number().int().min(1).max(1_000_000_000);
const planLimits = z.strictObject({ rpm: amount, rpd: amount, costMax: amount, costPerSecond: amount }).partial();
const somePlans = z.strictObject({ free: planLimits, pro: planLimits, scale: planLimits }).partial();

const plans = z
  .string()
  .optional()
  .transform((text, context): Plans => {
    const read = somePlans.safeParse(jsonOf(text ?? '{}'));
    if (read.success) return plansWith(read.data);
    context.addIssue(
      'must be JSON such as {"free":{"rpm":60,"rpd":5000}}; plans are free, pro, scale, and each may set rpm, rpd, costMax, costPerSecond to whole numbers from 1',
    );
    return z.NEVER;
  });

function plansWith(changes: z.infer<typeof somePlans>): Plans {
  const { free, pro, scale } = DEFAULT_PLANS;
  return {
    free: { ...free, ...changes.free },
    pro: { ...pro, ...changes.pro },
    scale: { ...scale, ...changes.scale },
  } as Plans;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Tokens travel there, so in the clear only on this machine. */
const IDENTITY = z.string().refine((text) => {
  const parsed = urlOf(text);
  if (parsed?.protocol === 'https:') return true;
  return parsed?.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(parsed.hostname);
}, 'must be an https URL such as https://id.example.com; http only for this machine');

const checkpoints = z
  .string()
  .refine(
    (text) => !text.includes('://') || ['http:', 'https:'].includes(urlOf(text)?.protocol ?? ''),
    'must be the path of a file, or a URL such as https://witness.example.com/checkpoints',
  )
  .transform((text) => (text.includes('://') ? { url: text } : { file: resolve(text) }));

const environment = z.object({
  DATABASE_URL: optional(POSTGRES),
  DATABASE_REPLICA_URL: optional(POSTGRES),
  DATA_DIR: whenGiven(z.string().default('.data')).transform((folder) => resolve(folder)),
  REDIS_URL: optional(url(['redis:', 'rediss:'], 'redis://host:6379')),
  HOST: whenGiven(
    z
      .string()
      .regex(/^[A-Za-z0-9.:_-]+$/, 'must be an address or host name without a port; 0.0.0.0 listens on all')
      .default('127.0.0.1'),
  ),
  PORT: wholeNumber(65_535, 4_000, 'must be a whole number from 0 to 65535; 0 picks a free port'),
  PUBLIC_URL: optional(
    z
      .string()
      .transform((text) => text.replace(/\/$/, ''))
      .refine(isOrigin, 'must be scheme and host alone, such as https://api.example.com'),
  ),
  ALLOWED_ORIGINS: whenGiven(
    z
      .string()
      .default('')
      .transform((text) =>
        text
          .split(',')
          .map((part) => part.trim())
          .filter((part) => part !== ''),
      )
      .refine(
        (origins) => origins.every(isOrigin),
        'must list exact origins such as https://app.example.com, separated by commas; * is never allowed',
      ),
  ),
  SALLYPORT_SECRET: optional(secret),
  SALLYPORT_SECRET_PREVIOUS: optional(secret),
  KEY_BRAND: whenGiven(
    z
      .string()
      .regex(/^[a-z][a-z0-9]{0,9}$/, 'must be 1 to 10 lower-case letters and digits, a letter first')
      .default('sp'),
  ),
  TRUST_PROXY: wholeNumber(10, 0, 'must be the number of proxies in front of this server, 0 to 10'),
  SMTP_URL: optional(url(['smtp:', 'smtps:'], 'smtp://user:password@host:587')),
  SMTP_FROM: optional(
    z
      .string()
      .regex(
        /^[^\s@<>]+@[^\s@<>]+$|^[^<>\r\n]*<[^\s@<>]+@[^\s@<>]+>$/,
        'must be an e-mail address, such as hello@example.com',
      ),
  ),
  SMS_URL: optional(WEB),
  VOICE_URL: optional(WEB),
  MODEL_URL: optional(WEB),
  MODEL_NAME: optional(z.string()),
  MODEL_API_KEY: optional(z.string().regex(/^[\x21-\x7e]+$/, 'must be one word without spaces')),
  OIDC_ISSUER: optional(IDENTITY),
  OIDC_CLIENT_ID: optional(z.string()),
  OIDC_CLIENT_SECRET: optional(z.string()),
  OIDC_AUTHORIZATION_URL: optional(IDENTITY),
  OIDC_TOKEN_URL: optional(IDENTITY),
  OIDC_JWKS_URL: optional(IDENTITY),
  SHARED_PROVIDERS: choice(['on', 'off'], 'on'),
  SECURITY_CONTACT: optional(
    z
      .string()
      .transform((text) => (/^[^\s@:/]+@[^\s@:/]+$/.test(text) ? `mailto:${text}` : text))
      .refine(
        (text) => /^(mailto:[^\s@]+@[^\s@]+|tel:\+[\d-]+|https:\/\/[^\s]+)$/.test(text) && URL.canParse(text),
        'must be an e-mail address, or a URI that begins with mailto:, https:// or tel:+',
      ),
  ),
  INTROSPECTION: choice(['public', 'keys'], 'public'),
  FAST_LANE: choice(['on', 'off'], 'on'),
  AUDIT_CHECKPOINTS: optional(checkpoints),
  PLAN_LIMITS: whenGiven(plans),
  LOG_LEVEL: choice(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], 'info'),
});

/** Every variable that is read, in the order of `.env.example`. */
export const VARIABLES: readonly string[] = Object.keys(environment.shape);

export interface Config {
  /** Null: the embedded database in `dataDir`. */
  readonly databaseUrl: string | null;
  readonly databaseReplicaUrl: string | null;
  /** Absolute. */
  readonly dataDir: string;
  readonly redisUrl: string | null;
  readonly host: string;
  /** 0 asks for any free port. */
  readonly port: number;
  /** Scheme and host under which people and partners reach this server; null only when the port is not known yet. */
  readonly publicUrl: string | null;
  /** Exact origins that may use a session cookie, besides our own. */
  readonly allowedOrigins: readonly string[];
  /** Base64, at least 32 bytes; `current` is null only when embedded: then the one in `dataDir` is used. */
  readonly secrets: { readonly current: string | null; readonly previous: string | null };
  readonly keyBrand: string;
  /** How many proxies may speak through `X-Forwarded-For`. */
  readonly trustProxy: number;
  readonly smtp: { readonly url: string | null; readonly from: string | null };
  readonly smsUrl: string | null;
  readonly voiceUrl: string | null;
  readonly model: { readonly url: string | null; readonly name: string | null; readonly apiKey: string | null };
  /** Null: nobody signs in by an outside identity. */
  readonly oidc: {
    readonly issuer: string;
    readonly clientId: string;
    readonly clientSecret: string;
    /** Null: what the issuer publishes. */
    readonly endpoints: { readonly authorization: string; readonly token: string; readonly jwks: string } | null;
  } | null;
  /** False: workspaces without a provider of their own have none. */
  readonly hasSharedProviders: boolean;
  /** The URI named in security.txt; null: there is none. */
  readonly securityContact: string | null;
  /** `keys`: an anonymous request may not introspect. */
  readonly introspection: 'public' | 'keys';
  /** Where audit checkpoints are kept outside the database; null: nowhere. */
  readonly auditCheckpoints: { readonly file: string } | { readonly url: string } | null;
  /** `off`: every operation goes the ordinary way, through Yoga and the resolvers. */
  readonly fastLane: 'on' | 'off';
  /** What each plan allows, with what PLAN_LIMITS changes. */
  readonly plans: Plans;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
}

/** Where a browser finds a server that listens here; a wildcard address is reached by the loopback. */
export function urlOfAddress(host: string, port: number): string {
  const name = host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

/** Reads `.env` of the working folder first, unless an environment is handed in. Throws ConfigurationError. */
export function loadConfig(env: Readonly<Record<string, string | undefined>> = processEnvironment()): Config {
  const read = environment.safeParse(env);
  if (!read.success) {
    const issue = read.error.issues[0];
    throw new ConfigurationError(`${String(issue?.path[0])} ${issue?.message ?? 'is not valid'}.`);
  }
  const given = read.data;
  if (given.DATABASE_URL !== null && given.SALLYPORT_SECRET === null) {
    throw new ConfigurationError(`SALLYPORT_SECRET is required with DATABASE_URL and ${SECRET_REMEDY}.`);
  }
  return {
    databaseUrl: given.DATABASE_URL,
    databaseReplicaUrl: given.DATABASE_REPLICA_URL,
    dataDir: given.DATA_DIR,
    redisUrl: given.REDIS_URL,
    host: given.HOST,
    port: given.PORT,
    publicUrl: given.PUBLIC_URL ?? (given.PORT === 0 ? null : urlOfAddress(given.HOST, given.PORT)),
    allowedOrigins: given.ALLOWED_ORIGINS,
    secrets: { current: given.SALLYPORT_SECRET, previous: given.SALLYPORT_SECRET_PREVIOUS },
    keyBrand: given.KEY_BRAND,
    trustProxy: given.TRUST_PROXY,
    smtp: { url: given.SMTP_URL, from: given.SMTP_FROM },
    smsUrl: given.SMS_URL,
    voiceUrl: given.VOICE_URL,
    model: { url: given.MODEL_URL, name: given.MODEL_NAME, apiKey: given.MODEL_API_KEY },
    oidc: oidcOf(given),
    hasSharedProviders: given.SHARED_PROVIDERS === 'on',
    securityContact: given.SECURITY_CONTACT,
    introspection: given.INTROSPECTION,
    fastLane: given.FAST_LANE,
    auditCheckpoints: given.AUDIT_CHECKPOINTS,
    plans: given.PLAN_LIMITS,
    logLevel: given.LOG_LEVEL,
  };
}

function oidcOf(given: z.output<typeof environment>): Config['oidc'] {
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId, OIDC_CLIENT_SECRET: clientSecret } = given;
  const { OIDC_AUTHORIZATION_URL: authorization, OIDC_TOKEN_URL: token, OIDC_JWKS_URL: jwks } = given;
  const missing = (names: Readonly<Record<string, string | null>>) =>
    Object.entries(names).flatMap(([name, value]) => (value === null ? [name] : []));
  const lacks = missing({ OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId, OIDC_CLIENT_SECRET: clientSecret });
  const lacksUrls = missing({ OIDC_AUTHORIZATION_URL: authorization, OIDC_TOKEN_URL: token, OIDC_JWKS_URL: jwks });
  if (lacks.length === 3 && lacksUrls.length === 3) return null;
  if (issuer === null || clientId === null || clientSecret === null) {
    throw new ConfigurationError(`${lacks[0]} is required beside the other OIDC_ variables.`);
  }
  if (lacksUrls.length === 3) return { issuer, clientId, clientSecret, endpoints: null };
  if (authorization === null || token === null || jwks === null) {
    throw new ConfigurationError(
      `${lacksUrls[0]} is required beside the other OIDC_ URLs; leave out all three to have them found.`,
    );
  }
  return { issuer, clientId, clientSecret, endpoints: { authorization, token, jwks } };
}

/** What was set for this process, then what `.env` of the working folder adds. */
export function processEnvironment(): Readonly<Record<string, string | undefined>> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  return process.env;
}
