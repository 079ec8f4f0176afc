// What answers at /api/auth: a list of three routes in front of better-auth, which sees nothing else. Only the fields we
// know are passed on, a browser's Origin is judged by better-auth against PUBLIC_URL and ALLOWED_ORIGINS, and every
// sign-in of a known person, good or refused, is entered in the audit trail of each workspace the person can act in.
import { newId } from '../platform/ids.js';
import type { RecordAuthAudit } from './audit-port.js';
import { AUTH_PATH, CLIENT_IP_HEADER, sessionCookieOf } from './credentials.js';
import type { openPeople, PeopleOptions } from './people.js';
import { openSessionCookie, sealSessionCookie } from './session-cookie.js';
import { type AuthRequestFacts, recordRefusal, recordSignIn } from './sign-in-trail.js';

export interface SignInOptions extends Omit<PeopleOptions, 'publicUrl' | 'signInAttemptsMax'> {
  /** Asked at the first request, because the port may be chosen at the start. */
  readonly publicUrl: () => string;
  readonly audit: RecordAuthAudit;
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

interface Attempt {
  readonly email: string;
  readonly password: string;
  readonly rememberMe: boolean;
}

const ATTEMPTS_MAX = 20;
const BODY_BYTES_MAX = 16_384;
const PASSED_ON = ['cookie', 'origin', 'referer', 'user-agent', 'sec-fetch-site', 'sec-fetch-mode', 'sec-fetch-dest'];
const METHODS: ReadonlyMap<string, string> = new Map([
  [`${AUTH_PATH}/sign-in/email`, 'POST'],
  [`${AUTH_PATH}/sign-out`, 'POST'],
  [`${AUTH_PATH}/get-session`, 'GET'],
]);

export function openSignIn(options: SignInOptions): SignIn {
  let people: ReturnType<typeof openPeople> | null = null;
  const unfinished = new Set<Promise<void>>();

  const ask = async (request: Request, facts: AuthRequestFacts, attempt: Attempt | null): Promise<Response> => {
    const publicUrl = options.publicUrl();
    // Loaded with the first sign-in: a start, a worker or a command without one should not wait for it.
    people ??= (await import('./people.js')).openPeople({
      ...options,
      publicUrl,
      signInAttemptsMax: options.signInAttemptsMax ?? ATTEMPTS_MAX,
    });
    const url = new URL(new URL(request.url).pathname, publicUrl);
    const headers = headersFor(request, facts, options.secrets);
    const body = attempt === null ? null : JSON.stringify(attempt);
    const response = await people.handler(new Request(url, { method: request.method, headers, body }));
    return response.status < 500 ? withRetryAfter(response) : problem(500, 'INTERNAL_SERVER_ERROR', facts.requestId);
  };

  const afterAnswer = (work: Promise<void>): void => {
    const tracked = work.catch(options.onError).finally(() => unfinished.delete(tracked));
    unfinished.add(tracked);
  };

  return {
    async handle(request) {
      const facts = factsOf(request);
      const { pathname } = new URL(request.url);
      const method = METHODS.get(pathname);
      if (method === undefined) return problem(404, 'NOT_FOUND', facts.requestId);
      if (request.method !== method) return problem(405, 'METHOD_NOT_ALLOWED', facts.requestId, { allow: method });
      if (!pathname.endsWith('/sign-in/email')) return ask(request, facts, null);
      const attempt = await readAttempt(request, facts);
      if (attempt instanceof Response) return attempt;
      const response = await ask(request, facts, attempt);
      if (response.status === 200) await recordSignIn(options, response, facts);
      // Not awaited: a known address must not take longer to refuse than an unknown one.
      if (response.status === 401) afterAnswer(recordRefusal(options, attempt.email, facts));
      return response;
    },
    async settled() {
      await Promise.all(unfinished);
    },
  };
}

const factsOf = ({ headers }: Request): AuthRequestFacts => ({
  ip: headers.get('x-forwarded-for'),
  requestId: headers.get('x-request-id') ?? newId('req'),
});

const MESSAGES: Readonly<Record<string, string>> = {
  NOT_FOUND: 'There is nothing here.',
  METHOD_NOT_ALLOWED: 'This path takes another method; see the Allow header.',
  UNSUPPORTED_MEDIA_TYPE: 'Send the body as application/json.',
  PAYLOAD_TOO_LARGE: `The body may have at most ${BODY_BYTES_MAX} bytes.`,
  BAD_USER_INPUT: 'The body must be a JSON object with the texts "email" and "password".',
  INTERNAL_SERVER_ERROR: 'Something went wrong on our side. Try again; if it stays so, quote the requestId.',
};

const problem = (status: number, code: string, requestId: string, headers: Record<string, string> = {}): Response =>
  Response.json({ code, message: MESSAGES[code] ?? code, requestId }, { status, headers });

const withRetryAfter = (response: Response): Response => {
  const seconds = response.headers.get('x-retry-after');
  if (seconds !== null) response.headers.set('retry-after', seconds);
  return response;
};

/** Headers that better-auth may see. A cookie that the previous secret signed is signed anew, so that it still opens. */
const headersFor = (request: Request, facts: AuthRequestFacts, secrets: readonly string[]): Headers => {
  const headers = new Headers({ 'content-type': 'application/json' });
  for (const name of PASSED_ON) {
    const value = request.headers.get(name);
    if (value !== null) headers.set(name, value);
  }
  if (facts.ip !== null) headers.set(CLIENT_IP_HEADER, facts.ip);
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

async function readAttempt(request: Request, { requestId }: AuthRequestFacts): Promise<Attempt | Response> {
  const [type = ''] = (request.headers.get('content-type') ?? '').split(';');
  if (type.trim().toLowerCase() !== 'application/json') return problem(415, 'UNSUPPORTED_MEDIA_TYPE', requestId);
  const text = await readText(request);
  if (text === null) return problem(413, 'PAYLOAD_TOO_LARGE', requestId);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    body = null;
  }
  if (typeof body !== 'object' || body === null || !('email' in body) || !('password' in body)) {
    return problem(400, 'BAD_USER_INPUT', requestId);
  }
  const { email, password } = body;
  if (typeof email !== 'string' || typeof password !== 'string') return problem(400, 'BAD_USER_INPUT', requestId);
  return { email, password, rememberMe: !('rememberMe' in body && body.rememberMe === false) };
}

/** Null when there is more than may be read. */
async function readText(request: Request): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > BODY_BYTES_MAX) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
