// Signing in by an outside identity (OpenID Connect): code flow with PKCE, state and nonce, the token's signature checked
// against the provider's keys. The provider says who it is; whether that person comes in is ours to say: a member, or an
// open invitation, of an address the provider has verified.
import type * as OpenIdClient from 'openid-client';
import { asSystem, type SystemDb } from '../guard/as-system.js';
import { CodedError } from '../platform/errors.js';
import { newId } from '../platform/ids.js';
import { countFrom } from './attempts.js';
import { type AuthParts, isSecure, withSession } from './auth-parts.js';
import { type AuthRoute, NotServed, readBody } from './auth-request.js';
import { AUTH_PATH, cookieNamed, cookiePrefix } from './credentials.js';
import { joinByInvitation, recordStart } from './joining.js';
import { createOutsider } from './password.js';
import { startSession } from './person-session.js';
import { cookieLine, openSessionCookie, sealSessionCookie } from './session-cookie.js';
import { type AuthRequestFacts, recordRefusal } from './sign-in-trail.js';

export interface OidcConfig {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Null: what the issuer publishes, read at the first sign-in. */
  readonly endpoints: { readonly authorization: string; readonly token: string; readonly jwks: string } | null;
}

export interface OidcParts extends AuthParts {
  /** Null: not offered, and the routes answer as if they were not there. */
  readonly oidc: OidcConfig | null;
  readonly afterAnswer: (work: Promise<void>) => void;
}

const LIFE_SECONDS = 600;
const PROVIDER = 'oidc';

export function oidcRoutes(parts: OidcParts): readonly (readonly [string, AuthRoute])[] {
  const provider = providerOf(parts);
  return [
    ['/sign-in/oidc', { method: 'POST', answer: (request, facts) => begin(parts, provider, request, facts) }],
    ['/oidc/callback', { method: 'GET', answer: (request, facts) => finish(parts, provider, request, facts) }],
  ];
}

interface Provider {
  readonly client: typeof OpenIdClient;
  readonly configuration: OpenIdClient.Configuration;
}

/** Opened at the first sign-in, and again after one that failed: a provider that is down does not stop the start. */
function providerOf({ oidc }: OidcParts): () => Promise<Provider> {
  let opened: Promise<Provider> | null = null;
  return () => {
    if (oidc === null) throw new NotServed('NOT_FOUND');
    opened ??= openProvider(oidc).catch((error: unknown) => {
      opened = null;
      throw new CodedError(
        'SERVICE_UNAVAILABLE',
        'The identity provider does not answer. Try again later.',
        {},
        {
          cause: error,
        },
      );
    });
    return opened;
  };
}

async function openProvider({ issuer, clientId, clientSecret, endpoints }: OidcConfig): Promise<Provider> {
  const client = await import('openid-client');
  // config.ts takes http only for this machine.
  const insecure = issuer.startsWith('http:') ? [client.allowInsecureRequests] : [];
  const execute = [...insecure, client.enableNonRepudiationChecks];
  if (endpoints === null) {
    const configuration = await client.discovery(new URL(issuer), clientId, clientSecret, undefined, { execute });
    return { client, configuration };
  }
  const server = {
    issuer,
    authorization_endpoint: endpoints.authorization,
    token_endpoint: endpoints.token,
    jwks_uri: endpoints.jwks,
  };
  const configuration = new client.Configuration(server, clientId, clientSecret);
  for (const prepare of execute) prepare(configuration);
  return { client, configuration };
}

interface Begun {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

const redirectUri = ({ publicUrl }: AuthParts): string => `${publicUrl()}${AUTH_PATH}/oidc/callback`;

/** Answers with the page to go to; what the callback must match goes along in a cookie of this browser. */
async function begin(
  parts: OidcParts,
  provider: () => Promise<Provider>,
  request: Request,
  facts: AuthRequestFacts,
): Promise<Response> {
  const { client, configuration } = await provider();
  await readBody(request);
  countFrom(parts.throttle, 'oidc', facts.ip, parts.attemptsMax);
  const begun: Begun = {
    state: client.randomState(),
    nonce: client.randomNonce(),
    verifier: client.randomPKCECodeVerifier(),
  };
  const url = client.buildAuthorizationUrl(configuration, {
    redirect_uri: redirectUri(parts),
    scope: 'openid email profile',
    state: begun.state,
    nonce: begun.nonce,
    code_challenge: await client.calculatePKCECodeChallenge(begun.verifier),
    code_challenge_method: 'S256',
  });
  const until = Date.now() + LIFE_SECONDS * 1_000;
  const text = `${until} ${begun.state} ${begun.nonce} ${begun.verifier}`;
  const value = sealSessionCookie(text, parts.secrets[0] ?? '');
  return Response.json({ url: url.href }, { headers: { 'set-cookie': lineOf(parts, value, LIFE_SECONDS) } });
}

const lineOf = (parts: AuthParts, value: string, maxAgeSeconds: number): string =>
  cookieLine({ name: cookieOf(parts), value, secure: isSecure(parts), maxAgeSeconds });

const cookieOf = (parts: AuthParts): string => `${cookiePrefix(isSecure(parts))}.oidc`;

async function finish(
  parts: OidcParts,
  provider: () => Promise<Provider>,
  request: Request,
  facts: AuthRequestFacts,
): Promise<Response> {
  const opened = await provider();
  countFrom(parts.throttle, 'oidc', facts.ip, parts.attemptsMax);
  const begun = begunBy(parts, request);
  if (begun === null) throw refused('This sign-in was not begun in this browser, or too long ago. Begin again.');
  const identity = await identityOf(parts, opened, new URL(request.url), begun);
  const started = await asSystem(parts.database, 'sign in by an outside identity', (db) =>
    admit(parts, db, identity, facts),
  );
  if (started === null) {
    parts.afterAnswer(recordRefusal(parts, identity.email, facts, PROVIDER));
    throw refused('Nobody here has this address. Ask an administrator for an invitation.');
  }
  const { headers } = withSession(parts, started, {});
  headers.append('set-cookie', lineOf(parts, '', 0));
  headers.set('location', `${parts.publicUrl()}/console`);
  headers.delete('content-type');
  return new Response(null, { status: 302, headers });
}

const refused = (message: string): CodedError => new CodedError('FORBIDDEN', message);

function begunBy(parts: AuthParts, request: Request): Begun | null {
  const sealed = cookieNamed(request.headers.get('cookie'), cookieOf(parts));
  const text = sealed === null ? null : openSessionCookie(sealed, parts.secrets);
  if (text === null) return null;
  const [until = '', state, nonce, verifier] = text.split(' ');
  if (state === undefined || nonce === undefined || verifier === undefined) return null;
  return Number(until) > Date.now() ? { state, nonce, verifier } : null;
}

interface Identity {
  readonly subject: string;
  readonly email: string;
  readonly name: string;
}

/** @throws FORBIDDEN for whatever is not exactly the answer to what was begun, and for an address nobody has verified */
async function identityOf(
  parts: AuthParts,
  { client, configuration }: Provider,
  asked: URL,
  { state, nonce, verifier }: Begun,
): Promise<Identity> {
  const current = new URL(redirectUri(parts));
  current.search = asked.search;
  const checks = { expectedState: state, expectedNonce: nonce, pkceCodeVerifier: verifier, idTokenExpected: true };
  const tokens = await client.authorizationCodeGrant(configuration, current, checks).catch((error: unknown) => {
    throw new CodedError('FORBIDDEN', 'The identity provider’s answer is not good. Begin again.', {}, { cause: error });
  });
  const claims = tokens.claims();
  if (claims === undefined || claims.email_verified !== true || typeof claims.email !== 'string') {
    throw refused('The identity provider has not verified your address. Verify it there, then sign in again.');
  }
  const email = claims.email.trim().toLowerCase();
  const name = typeof claims.name === 'string' && claims.name.trim() !== '' ? claims.name.trim() : email;
  return { subject: claims.sub, email, name: name.slice(0, 100) };
}

/** Null for somebody who belongs nowhere and whom nobody invited. */
async function admit(parts: OidcParts, db: SystemDb, identity: Identity, facts: AuthRequestFacts) {
  const linked = await db.account.findUnique({
    where: { providerId_accountId: { providerId: PROVIDER, accountId: identity.subject } },
    select: { userId: true },
  });
  const userId = linked?.userId ?? (await link(db, identity));
  if (userId === null) return null;
  const isMember = (await db.member.count({ where: { userId } })) > 0;
  if (!isMember && !(await joinByInvitation(parts, db, userId, facts))) return null;
  const started = await startSession(db, userId, facts);
  await recordStart(parts, db, facts, userId, started.sessionId, PROVIDER);
  return started;
}

/** Only to a person whose address is known to be read by that person: else whoever signed up with it first would wait there. */
async function link(db: SystemDb, { subject, email, name }: Identity): Promise<string | null> {
  const known = await db.user.findUnique({ where: { email }, select: { id: true, emailVerified: true } });
  if (known !== null && !known.emailVerified) return null;
  const isInvited = async () =>
    (await db.invitation.count({
      where: { email, acceptedAt: null, revokedAt: null, expiresAt: { gt: new Date() } },
    })) > 0;
  if (known === null && !(await isInvited())) return null;
  const userId = known?.id ?? (await createOutsider(db, { email, name }));
  await db.account.create({ data: { id: newId('acc'), providerId: PROVIDER, accountId: subject, userId } });
  return userId;
}
