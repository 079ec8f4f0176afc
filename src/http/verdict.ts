// What an error that was thrown anywhere behind the door is to the caller: a refusal somebody wrote, a fault of the document
// that GraphQL found, an outage, a race with another write, or a defect. The last three are logged whole and leave as one sentence of ours.
import { GraphQLError, Kind } from 'graphql';
import type { Logger } from 'pino';
import { CodedError, type ErrorCode } from '../platform/errors.js';
import { isLostRace } from '../platform/lost-race.js';
import { isDatabaseUnreachable } from './unreachable.js';

export interface Masking {
  readonly requestId: string;
  readonly log: Logger;
}

export interface Verdict {
  readonly code: ErrorCode;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
  /** The document or its variables are at fault: under `application/json` the draft wants 200. */
  readonly isOfDocument: boolean;
}

/** Logs what is masked; judging one error twice logs it twice. */
export function judge(error: unknown, masking: Masking): Verdict {
  const coded = codedIn(error);
  if (coded !== null) {
    if (coded.code === 'INTERNAL_SERVER_ERROR' || coded.cause !== undefined) {
      masking.log.warn({ err: coded, requestId: masking.requestId }, 'a coded error with a cause left');
    }
    return { code: coded.code, message: coded.message, data: coded.data, isOfDocument: false };
  }
  return (error instanceof GraphQLError ? judgeGraphQL(error) : null) ?? judgeDefect(error, masking);
}

/** What our own code threw, however GraphQL has wrapped it; null: nothing of ours. */
export function codedIn(error: unknown): CodedError | null {
  let current = error;
  while (current instanceof GraphQLError) current = current.originalError;
  return current instanceof CodedError ? current : null;
}

/** What GraphQL itself says about a document or its variables; null when the error came from our own code. */
function judgeGraphQL(error: GraphQLError): Verdict | null {
  const { code, http: _http, originalError: _original, unexpected: _unexpected, ...data } = error.extensions;
  if (code === 'OPERATION_RESOLUTION_FAILURE') return badRequest(error.message);
  const isOfDocument = isAboutDocument(error);
  if (isRefusal(code) && (isOfDocument || !isOurs(error))) {
    const isOfVariables = error.nodes?.[0]?.kind === Kind.VARIABLE_DEFINITION;
    return { code, message: error.message, data, isOfDocument: code.startsWith('GRAPHQL_') || isOfVariables };
  }
  return code === undefined && isOfDocument ? badRequest(error.message) : null;
}

// Codes that graphql-js, Yoga or the schema's plugins put on a GraphQLError that carries no CodedError.
const REFUSALS: ReadonlySet<unknown> = new Set<ErrorCode>([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'QUERY_TOO_COMPLEX',
  'BAD_USER_INPUT',
  'UNAUTHENTICATED',
  'AMBIGUOUS_CREDENTIALS',
  'IP_NOT_ALLOWED',
  'FORBIDDEN',
  'FORBIDDEN_AGENT',
  'NOT_FOUND',
  'CONFLICT',
  'IDEMPOTENCY_CONFLICT',
  'APPROVAL_MISMATCH',
  'PLAN_DRIFTED',
  'SPEND_CAP_EXCEEDED',
  'INSUFFICIENT_CREDITS',
  'RATE_LIMITED',
  'SERVICE_UNAVAILABLE',
]);

const isRefusal = (code: unknown): code is ErrorCode => REFUSALS.has(code);

const badRequest = (message: string): Verdict => ({ code: 'BAD_USER_INPUT', message, data: {}, isOfDocument: true });

function rootCause(error: GraphQLError): Error {
  let current: Error = error;
  while (current instanceof GraphQLError && current.originalError !== undefined) current = current.originalError;
  return current;
}

const isOurs = (error: GraphQLError): boolean => !(rootCause(error) instanceof GraphQLError);

// Errors about a field point at the field; those about variables and arguments point at a definition or a value. What our
// code threw into a stream points at the operation; what a scalar of ours threw while reading a variable, at its definition.
function isAboutDocument(error: GraphQLError): boolean {
  const kind = error.nodes?.[0]?.kind;
  if (isOurs(error)) return kind === Kind.VARIABLE_DEFINITION && error.path === undefined;
  if (kind === undefined) return error.message.startsWith('Too many errors processing variables');
  return kind !== Kind.FIELD;
}

function judgeDefect(error: unknown, { log, requestId }: Masking): Verdict {
  const cause = error instanceof GraphQLError ? rootCause(error) : error;
  const path = error instanceof GraphQLError ? error.path : undefined;
  if (isDatabaseUnreachable(error)) {
    log.error({ err: cause, requestId, path }, 'the database cannot be reached');
    const message = 'The database cannot be reached at the moment. Try again in a few seconds.';
    return { code: 'SERVICE_UNAVAILABLE', message, data: {}, isOfDocument: false };
  }
  if (isLostRace(error)) {
    // Logged all the same: what always fails so is a defect.
    log.warn({ err: cause, requestId, path }, 'two writes came into each other’s way');
    const message =
      'What this names was changed by somebody else at the same moment. Read it again, then repeat the call.';
    return { code: 'CONFLICT', message, data: {}, isOfDocument: false };
  }
  log.error({ err: cause, requestId, path }, 'an unexpected error was masked');
  const message = 'Something went wrong on our side. Quote the requestId of this error when you report it.';
  return { code: 'INTERNAL_SERVER_ERROR', message, data: {}, isOfDocument: false };
}
