// What the routes of /api/auth share: the database as its owner, the trail, the mail, the throttles, and how a session's
// cookie is read and written.
import type { Database } from '../db/database.js';
import { CodedError } from '../platform/errors.js';
import type { RecordAuthAudit } from './audit-port.js';
import { SECURE_SESSION_COOKIE, SESSION_COOKIE, sessionCookieOf } from './credentials.js';
import type { EnqueueMail } from './mail-port.js';
import { SESSION_DAYS, type Started } from './person-session.js';
import { cookieLine, openSessionCookie, sealSessionCookie } from './session-cookie.js';
import type { Throttle } from './throttle.js';

export interface AuthParts {
  readonly database: Pick<Database, 'owner'>;
  readonly audit: RecordAuthAudit;
  readonly enqueueMail: EnqueueMail;
  readonly publicUrl: () => string;
  /** Of session cookies; the first signs. */
  readonly secrets: readonly string[];
  /** Of the first owner's token; the first signs. */
  readonly signUpSecrets: readonly Buffer[];
  readonly throttle: Throttle;
  /** Attempts within the throttle's window, per address. */
  readonly attemptsMax: number;
}

export const isSecure = ({ publicUrl }: Pick<AuthParts, 'publicUrl'>): boolean => publicUrl().startsWith('https:');

export interface SignedIn {
  readonly sessionId: string;
  readonly token: string;
  readonly userId: string;
  readonly email: string;
  /** The second factor was verified in it within the last ten minutes. */
  readonly isFresh: boolean;
}

/** The session of the request's cookie; null when there is none that is good. */
export async function signedIn(parts: AuthParts, request: Request): Promise<SignedIn | null> {
  const sealed = sessionCookieOf(request.headers.get('cookie'), isSecure(parts));
  const token = sealed === null ? null : openSessionCookie(sealed, parts.secrets);
  if (token === null) return null;
  const [found] = await parts.database.owner.$queryRaw<SignedIn[]>`
    SELECT s.id AS "sessionId", s.token, s.user_id AS "userId", u.email,
      COALESCE(s.second_factor_at > now() - interval '10 minutes', false) AS "isFresh"
    FROM session s JOIN "user" u ON u.id = s.user_id WHERE s.token = ${token} AND s.expires_at > now()`;
  return found ?? null;
}

/** @throws UNAUTHENTICATED */
export async function requireSignedIn(parts: AuthParts, request: Request): Promise<SignedIn> {
  const session = await signedIn(parts, request);
  if (session !== null) return session;
  throw new CodedError('UNAUTHENTICATED', 'This takes a session. Sign in first.', { reason: 'MISSING' });
}

/** The answer that hands a browser its new session. */
export const withSession = (parts: AuthParts, { token }: Started, body: object): Response => {
  const secure = isSecure(parts);
  const line = cookieLine({
    name: secure ? SECURE_SESSION_COOKIE : SESSION_COOKIE,
    value: sealSessionCookie(token, parts.secrets[0] ?? ''),
    secure,
    maxAgeSeconds: SESSION_DAYS * 86_400,
  });
  return Response.json(body, { headers: { 'set-cookie': line } });
};
