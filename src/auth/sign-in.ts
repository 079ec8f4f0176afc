// What answers at /api/auth: a closed list of routes. Some are ours, some are handed on to better-auth, which sees nothing
// else. A browser's Origin is judged against PUBLIC_URL and ALLOWED_ORIGINS, and whatever is done for a known person, or
// refused, is entered in the audit trail of each workspace the person can act in.
import type { RecordAuthAudit } from './audit-port.js';
import type { AuthParts } from './auth-parts.js';
import { type AuthRoute, factsOf, NotServed, problem, problemOf, requireTrustedOrigin } from './auth-request.js';
import { AUTH_PATH, CLIENT_IP_HEADER, sessionCookieOf } from './credentials.js';
import { joiningRoutes } from './joining-routes.js';
import { type AskLibrary, libraryRoutes } from './library-routes.js';
import type { EnqueueMail } from './mail-port.js';
import { type OidcConfig, oidcRoutes } from './oidc.js';
import { passwordRoutes } from './password-routes.js';
import type { openPeople, PeopleOptions } from './people.js';
import { openSessionCookie, sealSessionCookie } from './session-cookie.js';
import { openThrottle } from './throttle.js';
import { trustedOrigins } from './trusted-origins.js';

export interface SignInOptions extends Omit<PeopleOptions, 'publicUrl' | 'signInAttemptsMax'> {
  /** Asked at the first request, because the port may be chosen at the start. */
  readonly publicUrl: () => string;
  readonly audit: RecordAuthAudit;
  readonly enqueueMail: EnqueueMail;
  /** Of the first owner's token; the first signs. */
  readonly signUpSecrets: readonly Buffer[];
  /** Null: nobody signs in by an outside identity. */
  readonly oidc: OidcConfig | null;
  /** Attempts from one address without a minute's pause; 20 when left out. */
  readonly signInAttemptsMax?: number;
}

export interface SignIn {
  /**
   * @param request its `X-Forwarded-For` and `X-Request-Id` are what http/ judged, not what the client sent
   * @throws when the audit trail cannot be written; nobody is signed in then
   */
  handle(request: Request): Promise<Response>;
  /** Resolves when the entries of refused sign-ins, which are written after the answer, are stored. */
  settled(): Promise<void>;
}

const ATTEMPTS_MAX = 20;
const ATTEMPTS_WINDOW_MS = 15 * 60_000;
const PASSED_ON = ['cookie', 'origin', 'referer', 'user-agent', 'sec-fetch-site', 'sec-fetch-mode', 'sec-fetch-dest'];

export function openSignIn(options: SignInOptions): SignIn {
  const unfinished = new Set<Promise<void>>();
  const parts: AuthParts = {
    ...options,
    throttle: openThrottle(ATTEMPTS_WINDOW_MS),
    attemptsMax: options.signInAttemptsMax ?? ATTEMPTS_MAX,
  };
  const afterAnswer = (work: Promise<void>): void => {
    const tracked = work.catch(options.onError).finally(() => unfinished.delete(tracked));
    unfinished.add(tracked);
  };
  const ask = libraryOf(options, parts.attemptsMax);
  const routes: ReadonlyMap<string, AuthRoute> = new Map(
    [
      ...libraryRoutes({ ...parts, ask, afterAnswer }),
      ...passwordRoutes(parts),
      ...joiningRoutes(parts),
      ...oidcRoutes({ ...parts, oidc: options.oidc, afterAnswer }),
    ].map(([path, route]) => [`${AUTH_PATH}${path}`, route] as const),
  );
  return {
    async handle(request) {
      const facts = factsOf(request);
      const route = routes.get(new URL(request.url).pathname);
      try {
        if (route === undefined) throw new NotServed('NOT_FOUND');
        if (request.method !== route.method) {
          return problem('METHOD_NOT_ALLOWED', facts.requestId, { allow: route.method });
        }
        requireTrustedOrigin(request, originsOf(options));
        return await route.answer(request, facts);
      } catch (error) {
        return problemOf(error, facts.requestId);
      }
    },
    async settled() {
      await Promise.all(unfinished);
    },
  };
}

const originsOf = ({ publicUrl, allowedOrigins }: SignInOptions): readonly string[] => {
  const own = publicUrl();
  return [new URL(own).origin, ...trustedOrigins({ publicUrl: own, allowedOrigins })];
};

function libraryOf(options: SignInOptions, attemptsMax: number): AskLibrary {
  let people: ReturnType<typeof openPeople> | null = null;
  return async (request, facts, asked) => {
    const publicUrl = options.publicUrl();
    // Loaded with the first sign-in: a start, a worker or a command without one should not wait for it.
    people ??= (await import('./people.js')).openPeople({ ...options, publicUrl, signInAttemptsMax: attemptsMax });
    const url = new URL(new URL(request.url).pathname, publicUrl);
    const headers = headersFor(request, facts.ip, options.secrets);
    const body = asked === null ? null : JSON.stringify(asked);
    const response = await people.handler(new Request(url, { method: request.method, headers, body }));
    if (response.status >= 500) return problem('INTERNAL_SERVER_ERROR', facts.requestId);
    const seconds = response.headers.get('x-retry-after');
    if (seconds !== null) response.headers.set('retry-after', seconds);
    return response;
  };
}

/** Headers that better-auth may see. A cookie that the previous secret signed is signed anew, so that it still opens. */
const headersFor = (request: Request, ip: string | null, secrets: readonly string[]): Headers => {
  const headers = new Headers({ 'content-type': 'application/json' });
  for (const name of PASSED_ON) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  if (ip !== null) headers.set(CLIENT_IP_HEADER, ip);
  const cookie = headers.get('cookie');
  const sealed = sessionCookieOf(cookie);
  const token = sealed === null ? null : openSessionCookie(sealed, secrets.slice(1));
  if (cookie !== null && sealed !== null && token !== null) {
    headers.set(
      'cookie',
      cookie.replace(sealed, () => sealSessionCookie(token, secrets[0] ?? '')),
    );
  }
  return headers;
};
