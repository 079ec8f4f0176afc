// The routes that better-auth answers, each with only the fields we know: sign-in and its second step, sign-out, the session,
// the second factor. What it does leaves its entry in the trail right after, as sign-in-trail.ts says.
import { attempt } from './attempts.js';
import { type AuthParts, requireSignedIn, type SignedIn, signedIn } from './auth-parts.js';
import { type AuthRoute, readBody, texts } from './auth-request.js';
import { sessionCookieOf } from './credentials.js';
import { freshAuthRequired } from './refusals.js';
import { openSessionCookie } from './session-cookie.js';
import {
  type AuthRequestFacts,
  recordRefusal,
  recordSecondFactor,
  recordSignIn,
  recordSignOut,
} from './sign-in-trail.js';

/** Hands a request on to better-auth, with this body or none. */
export type AskLibrary = (request: Request, facts: AuthRequestFacts, body: object | null) => Promise<Response>;

export interface LibraryParts extends AuthParts {
  readonly ask: AskLibrary;
  /** Done once the answer is on its way. */
  readonly afterAnswer: (work: Promise<void>) => void;
}

type Route = readonly [string, AuthRoute];

export const libraryRoutes = (parts: LibraryParts): readonly Route[] => [
  ['/sign-in/email', { method: 'POST', answer: (request, facts) => signIn(parts, request, facts) }],
  ['/sign-out', { method: 'POST', answer: (request, facts) => signOut(parts, request, facts) }],
  ['/get-session', { method: 'GET', answer: (request, facts) => parts.ask(request, facts, null) }],
  ['/two-factor/enable', { method: 'POST', answer: (request, facts) => enable(parts, request, facts) }],
  ['/two-factor/verify-totp', verifying(parts, 'totp')],
  ['/two-factor/verify-backup-code', verifying(parts, 'recovery code')],
  ['/two-factor/generate-backup-codes', guarded(parts, 'secondFactor.renewCodes')],
  ['/two-factor/disable', guarded(parts, 'secondFactor.disable')],
];

async function signIn(parts: LibraryParts, request: Request, facts: AuthRequestFacts): Promise<Response> {
  const body = await readBody(request);
  const { email, password } = texts(body, 'email', 'password');
  const tried = attempt(parts.throttle, 'sign-in', email, facts.ip);
  const response = await parts.ask(request, facts, { email, password, rememberMe: body.rememberMe !== false });
  if (response.status !== 401) tried.succeeded();
  if (response.status === 200) {
    // With a second factor there is no session yet.
    const token = startedBy(parts, response);
    if (token !== null) await recordSignIn(parts, { token, method: 'password' }, facts);
  }
  // Not awaited: a known address must not take longer to refuse than an unknown one.
  if (response.status === 401) parts.afterAnswer(recordRefusal(parts, email, facts));
  return response;
}

async function signOut(parts: LibraryParts, request: Request, facts: AuthRequestFacts): Promise<Response> {
  const session = await signedIn(parts, request);
  const response = await parts.ask(request, facts, null);
  if (response.status === 200 && session !== null) await recordSignOut(parts, session, facts);
  return response;
}

/** Answers with the secret for an authenticator app and recovery codes, once; a first code then makes it count. */
async function enable(parts: LibraryParts, request: Request, facts: AuthRequestFacts): Promise<Response> {
  const { password } = texts(await readBody(request), 'password');
  const session = await requireSignedIn(parts, request);
  const tried = attempt(parts.throttle, 'password', session.userId, facts.ip);
  const response = await parts.ask(request, facts, { password });
  if (response.status === 200) tried.succeeded();
  return response;
}

/** In the second step of a sign-in, at the first code of a new app, or to prove oneself again while signed in. */
const verifying = (parts: LibraryParts, method: 'totp' | 'recovery code'): AuthRoute => ({
  method: 'POST',
  async answer(request, facts) {
    const { code } = texts(await readBody(request), 'code');
    const session = await signedIn(parts, request);
    const tried = attempt(parts.throttle, 'code', session?.sessionId ?? '', facts.ip);
    const response = await parts.ask(request, facts, { code });
    if (response.status !== 200) {
      if (session !== null) await recordSecondFactor(parts, 'secondFactor.refused', session, { method }, facts);
      return response;
    }
    tried.succeeded();
    const token = startedBy(parts, response) ?? session?.token ?? null;
    if (token !== null) await verified(parts, { token, method, session }, facts);
    return response;
  },
});

interface Verified {
  readonly token: string;
  readonly method: string;
  /** The session that asked; null in the second step of a sign-in. */
  readonly session: SignedIn | null;
}

async function verified(parts: LibraryParts, { token, method, session }: Verified, facts: AuthRequestFacts) {
  await parts.database.owner.$executeRaw`UPDATE session SET second_factor_at = now() WHERE token = ${token}`;
  if (session === null) return recordSignIn(parts, { token, method: `password and ${method}` }, facts);
  const action = token === session.token ? 'secondFactor.verify' : 'secondFactor.enable';
  return recordSecondFactor(parts, action, session, action === 'secondFactor.verify' ? { method } : {}, facts);
}

/** What weakens the second factor takes the password and a second factor that was verified just now. */
const guarded = (parts: LibraryParts, action: 'secondFactor.disable' | 'secondFactor.renewCodes'): AuthRoute => ({
  method: 'POST',
  async answer(request, facts) {
    const { password } = texts(await readBody(request), 'password');
    const session = await requireSignedIn(parts, request);
    if (!session.isFresh) throw freshAuthRequired();
    const tried = attempt(parts.throttle, 'password', session.userId, facts.ip);
    const response = await parts.ask(request, facts, { password });
    if (response.status !== 200) return response;
    tried.succeeded();
    await recordSecondFactor(parts, action, session, {}, facts);
    return response;
  },
});

/** The token of a session that the answer begins; null when it begins none. */
function startedBy(parts: AuthParts, response: Response): string | null {
  for (const line of response.headers.getSetCookie()) {
    const sealed = sessionCookieOf(line.split(';')[0] ?? '');
    const token = sealed === null ? null : openSessionCookie(sealed, parts.secrets);
    if (token !== null) return token;
  }
  return null;
}
