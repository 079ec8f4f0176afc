// Requests to /api/auth and what is said to those that are not served: one shape of problem, small JSON bodies of texts only,
// and no page of another origin. What http/ judged of the sender comes along in two headers that no client can set.
import { CodedError, type ErrorCode } from '../platform/errors.js';
import { newId } from '../platform/ids.js';
import type { AuthRequestFacts } from './sign-in-trail.js';

export type Answer = (request: Request, facts: AuthRequestFacts) => Promise<Response>;

export interface AuthRoute {
  readonly method: 'GET' | 'POST';
  readonly answer: Answer;
}

export const BODY_BYTES_MAX = 16_384;

const PROBLEMS = {
  NOT_FOUND: [404, 'There is nothing here.'],
  METHOD_NOT_ALLOWED: [405, 'This path takes another method; see the Allow header.'],
  UNSUPPORTED_MEDIA_TYPE: [415, 'Send the body as application/json.'],
  PAYLOAD_TOO_LARGE: [413, `The body may have at most ${BODY_BYTES_MAX} bytes.`],
  INTERNAL_SERVER_ERROR: [500, 'Something went wrong on our side. Try again; if it stays so, quote the requestId.'],
} as const;

const STATUS: Partial<Readonly<Record<ErrorCode, number>>> = {
  BAD_USER_INPUT: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  CONFLICT: 409,
  RATE_LIMITED: 429,
  SERVICE_UNAVAILABLE: 503,
};

/** Thrown where a request is not one that could be served. */
export class NotServed extends Error {
  override readonly name = 'NotServed';
  readonly code: keyof typeof PROBLEMS;
  constructor(code: keyof typeof PROBLEMS) {
    super(PROBLEMS[code][1]);
    this.code = code;
  }
}

export const problem = (
  code: keyof typeof PROBLEMS,
  requestId: string,
  headers: Readonly<Record<string, string>> = {},
): Response => {
  const [status, message] = PROBLEMS[code];
  return Response.json({ code, message, requestId }, { status, headers });
};

/** The answer to what a route threw. @throws whatever is a defect */
export function problemOf(error: unknown, requestId: string): Response {
  if (error instanceof NotServed) return problem(error.code, requestId);
  if (!(error instanceof CodedError)) throw error;
  const { code, message, data } = error;
  const { retryAfter, ...rest } = data as { readonly retryAfter?: number };
  const headers: Record<string, string> = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
  return Response.json({ code, message, requestId, ...rest }, { status: STATUS[code] ?? 400, headers });
}

export const tooMany = (retryAfter: number): CodedError =>
  new CodedError('RATE_LIMITED', 'Too many attempts. Wait as long as Retry-After says, then try again.', {
    retryAfter,
  });

export const factsOf = ({ headers }: Request): AuthRequestFacts => ({
  ip: headers.get('x-forwarded-for'),
  requestId: headers.get('x-request-id') ?? newId('req'),
  userAgent: headers.get('user-agent')?.slice(0, 256) ?? null,
});

/** @throws FORBIDDEN for a page of an origin that is neither ours nor listed; better-auth judges its own routes alike */
export function requireTrustedOrigin(request: Request, trusted: readonly string[]): void {
  const origin = request.headers.get('origin');
  if (origin === null || trusted.includes(origin)) return;
  throw new CodedError(
    'FORBIDDEN',
    'Pages of this origin may not do this. The operator may list it in ALLOWED_ORIGINS.',
    { reason: 'CSRF' },
  );
}

export type Body = Readonly<Record<string, unknown>>;

/** @throws for what is no small JSON object */
export async function readBody(request: Request): Promise<Body> {
  const [type = ''] = (request.headers.get('content-type') ?? '').split(';');
  if (type.trim().toLowerCase() !== 'application/json') throw new NotServed('UNSUPPORTED_MEDIA_TYPE');
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > BODY_BYTES_MAX) throw new NotServed('PAYLOAD_TOO_LARGE');
    chunks.push(chunk);
  }
  const body = parsed(Buffer.concat(chunks).toString('utf8'));
  if (typeof body !== 'object' || body === null) {
    throw new CodedError('BAD_USER_INPUT', 'The body must be a JSON object.');
  }
  return body as Body;
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

/** @throws BAD_USER_INPUT naming the field that is missing or no text */
export function texts<const Name extends string>(body: Body, ...names: Name[]): Readonly<Record<Name, string>> {
  const read = names.map((name): [Name, string] => {
    const value = body[name];
    if (typeof value === 'string') return [name, value];
    throw new CodedError('BAD_USER_INPUT', `The body must have the text "${name}".`, { field: name });
  });
  return Object.fromEntries(read) as Readonly<Record<Name, string>>;
}
