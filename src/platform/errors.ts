// Every refusal a caller may see is a CodedError: a code from a closed list, a sentence that names cause and remedy,
// and data for machines. Anything else that is thrown is a defect and is masked at the door.

export type ErrorCode =
  | 'GRAPHQL_PARSE_FAILED'
  | 'GRAPHQL_VALIDATION_FAILED'
  | 'QUERY_TOO_COMPLEX'
  | 'BAD_USER_INPUT'
  | 'UNAUTHENTICATED'
  | 'AMBIGUOUS_CREDENTIALS'
  | 'IP_NOT_ALLOWED'
  | 'FORBIDDEN'
  | 'FORBIDDEN_AGENT'
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'IDEMPOTENCY_CONFLICT'
  | 'APPROVAL_MISMATCH'
  | 'PLAN_DRIFTED'
  | 'SPEND_CAP_EXCEEDED'
  | 'INSUFFICIENT_CREDITS'
  | 'RATE_LIMITED'
  | 'INTERNAL_SERVER_ERROR'
  | 'SERVICE_UNAVAILABLE';

export class CodedError extends Error {
  override readonly name = 'CodedError';
  readonly code: ErrorCode;
  /** Sent to the caller beside `code`; never a secret, SQL, a path or a stack. */
  readonly data: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, data: Readonly<Record<string, unknown>> = {}, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.data = data;
  }
}

/** The input is at fault; `field` is its path inside the arguments, for example `input.scopes`. */
export const badInput = (message: string, field?: string): CodedError =>
  new CodedError('BAD_USER_INPUT', message, field === undefined ? {} : { field });

/** Unknown, or of another workspace: one sentence for both, and no id in it. */
export const notFound = (noun: string): CodedError =>
  new CodedError('NOT_FOUND', `No ${noun} with this id in this workspace.`);

export const conflict = (message: string, data: Readonly<Record<string, unknown>> = {}): CodedError =>
  new CodedError('CONFLICT', message, data);

/** A start that cannot go on: one line for the operator, no stack, exit 2. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
}

/** Two errors of one code are still one refusal; everything else is a defect. */
export const isCoded = (error: unknown, code?: ErrorCode): error is CodedError =>
  error instanceof CodedError && (code === undefined || error.code === code);
