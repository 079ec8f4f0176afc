// The last thing an error passes on its way out, and the only place that knows which HTTP status a code has (CONTRACT §5).
// A CodedError keeps its sentence and data; whatever else was thrown is a defect: it is logged whole under the request id
// and leaves as one masked sentence.
import { GraphQLError } from 'graphql';
import { withoutKeys } from '../auth/key-format.js';
import type { ErrorCode } from '../platform/errors.js';
import type { MediaType } from './media-type.js';
import { headersOfRefusal } from './rate-headers.js';
import { judge, type Masking, type Verdict } from './verdict.js';

/** At most so many errors leave in one answer. */
export const ERRORS_MAX = 10;

// Before anything ran. A code that only a resolver raises is an answer, not a failure of the request: 200.
export const STATUS_OF_CODE: Readonly<Record<ErrorCode, number>> = {
  GRAPHQL_PARSE_FAILED: 400,
  GRAPHQL_VALIDATION_FAILED: 400,
  QUERY_TOO_COMPLEX: 400,
  BAD_USER_INPUT: 400,
  UNAUTHENTICATED: 401,
  AMBIGUOUS_CREDENTIALS: 400,
  IP_NOT_ALLOWED: 403,
  FORBIDDEN: 403,
  FORBIDDEN_AGENT: 403,
  NOT_FOUND: 200,
  CONFLICT: 200,
  IDEMPOTENCY_CONFLICT: 200,
  APPROVAL_MISMATCH: 200,
  PLAN_DRIFTED: 200,
  SPEND_CAP_EXCEEDED: 200,
  INSUFFICIENT_CREDITS: 200,
  RATE_LIMITED: 429,
  INTERNAL_SERVER_ERROR: 500,
  SERVICE_UNAVAILABLE: 503,
};

// What is wrong with the HTTP request itself keeps HTTP's own status; the code stays BAD_USER_INPUT.
const STATUS_OF_REASON: ReadonlyMap<unknown, number> = new Map([
  ['UNKNOWN_PATH', 404],
  ['METHOD_NOT_ALLOWED', 405],
  ['NOT_ACCEPTABLE', 406],
  ['PAYLOAD_TOO_LARGE', 413],
  ['UNSUPPORTED_MEDIA_TYPE', 415],
]);

export interface Result {
  readonly data?: unknown;
  readonly errors?: readonly unknown[] | undefined;
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
}

export interface MaskedResult extends Result {
  readonly errors?: readonly GraphQLError[] | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly result: MaskedResult;
  /** The code of the first error; null when there is none. */
  readonly code: ErrorCode | null;
}

/** Masks a result and says how it travels. Safe to call on each event of a stream. */
export function answerOf(result: Result, mediaType: MediaType, masking: Masking): Answer {
  const thrown = result.errors ?? [];
  if (thrown.length === 0) return { status: 200, headers: {}, result: withoutErrors(result), code: null };
  // A client that wrote its key where something else belongs is not told it back: answers end up in logs.
  const verdicts = thrown
    .slice(0, ERRORS_MAX)
    .map((error) => judge(error, masking))
    .map((verdict) => ({ ...verdict, message: withoutKeys(verdict.message) }));
  const errors = verdicts.map((verdict, place) => errorOf(verdict, thrown[place], masking.requestId));
  const status = statusOf(result, verdicts, mediaType);
  const headers = status === 200 ? {} : Object.assign({}, ...verdicts.map(headersOf));
  return { status, headers, result: { ...result, errors }, code: verdicts[0]?.code ?? null };
}

/** The answer to a request that never became an operation. */
export const refusalOf = (error: unknown, masking: Masking): Answer =>
  answerOf({ errors: [error] }, 'application/graphql-response+json', masking);

function withoutErrors({ errors: _, ...result }: Result): MaskedResult {
  return result as MaskedResult;
}

function statusOf(result: Result, verdicts: readonly Verdict[], mediaType: MediaType): number {
  if (result.data !== undefined && result.data !== null) return 200;
  const hasRun = 'data' in result && result.data !== undefined;
  const statuses = verdicts.map(({ code, data, isOfDocument }) => {
    if (hasRun) return STATUS_OF_CODE[code] === 400 ? 200 : STATUS_OF_CODE[code];
    if (isOfDocument && mediaType === 'application/json') return 200;
    if (code === 'BAD_USER_INPUT') return STATUS_OF_REASON.get(data.reason) ?? 400;
    return code === 'NOT_FOUND' ? (STATUS_OF_REASON.get(data.reason) ?? 200) : STATUS_OF_CODE[code];
  });
  return Math.max(...statuses);
}

function headersOf({ code, data, message }: Verdict): Record<string, string> {
  if (code === 'UNAUTHENTICATED') return { 'WWW-Authenticate': challenge(data.reason, message) };
  if (code === 'SERVICE_UNAVAILABLE') return { 'Retry-After': '5' };
  if (code === 'BAD_USER_INPUT' && typeof data.allow === 'string') return { Allow: data.allow };
  return code === 'RATE_LIMITED' ? headersOfRefusal(data) : {};
}

/** RFC 6750: no error attribute when nothing was sent. */
function challenge(reason: unknown, message: string): string {
  const realm = 'Bearer realm="sallyport"';
  if (reason === 'MISSING' || reason === undefined) return realm;
  return `${realm}, error="invalid_token", error_description="${message.replace(/[^\x20-\x7e]|["\\]/g, "'")}"`;
}

function errorOf(verdict: Verdict, thrown: unknown, requestId: string): GraphQLError {
  const extensions = { ...verdict.data, code: verdict.code, requestId };
  if (!(thrown instanceof GraphQLError)) return new GraphQLError(verdict.message, { extensions });
  return new GraphQLError(verdict.message, {
    nodes: thrown.nodes ?? null,
    source: thrown.source ?? null,
    positions: thrown.positions ?? null,
    path: thrown.path ?? null,
    extensions,
  });
}
