// An operation inside an operation: read under the limits of a real request, all that one request explains counted
// together, so that explaining costs no more than asking. Its faults are coded errors of the field `document`.
import { type DocumentNode, GraphQLError, type GraphQLSchema, validate } from 'graphql';
import { badInput, CodedError, type ErrorCode, isCoded } from '../../platform/errors.js';
import { parseWithin, requireWithin, requireWithinLimits } from '../limits.js';

/** How many operations one request may have explained. */
export const EXPLAINED_MAX = 10;
const ERRORS_MAX = 10;

/** What one request has had explained so far. */
export interface Reading {
  readonly parsed: Map<string, DocumentNode | CodedError>;
  readonly validated: Map<string, CodedError | null>;
  explained: number;
  characters: number;
  tokens: number;
}

export const newReading = (): Reading => ({
  parsed: new Map(),
  validated: new Map(),
  explained: 0,
  characters: 0,
  tokens: 0,
});

export interface ReadRequest {
  readonly schema: GraphQLSchema;
  readonly document: string;
  readonly operationName: string | null;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** @throws GRAPHQL_PARSE_FAILED, GRAPHQL_VALIDATION_FAILED, QUERY_TOO_COMPLEX, BAD_USER_INPUT with `field: document` */
export const readDocument = (request: ReadRequest, reading: Reading): DocumentNode => {
  const { schema, document: text, operationName, variables } = request;
  reading.explained += 1;
  if (reading.explained > EXPLAINED_MAX) throw tooMany();
  const document = once(reading.parsed, text, () => parseOnce(text, reading));
  if (document instanceof CodedError) throw document;
  // Not once: by the variables, which may be others than when the same text was read before.
  inDocument(() => requireWithinLimits(schema, document, operationName, variables));
  const fault = once(reading.validated, text, () => validateOnce(schema, document));
  if (fault !== null) throw fault;
  return document;
};

const once = <T>(known: Map<string, T>, text: string, make: () => T): T => {
  const value = known.get(text);
  if (value !== undefined) return value;
  const made = make();
  known.set(text, made);
  return made;
};

const parseOnce = (text: string, reading: Reading): DocumentNode | CodedError => {
  try {
    return inDocument(() => {
      reading.characters += text.length;
      requireWithin('characters', reading.characters);
      const document = parseWithin(text);
      reading.tokens += document.tokenCount ?? 0;
      requireWithin('tokens', reading.tokens);
      return document;
    });
  } catch (error) {
    if (isCoded(error)) return error;
    throw error;
  }
};

const validateOnce = (schema: GraphQLSchema, document: DocumentNode): CodedError | null => {
  const errors = validate(schema, document);
  return errors.length === 0 ? null : faults('GRAPHQL_VALIDATION_FAILED', errors);
};

const inDocument = <T>(run: () => T): T => {
  try {
    return run();
  } catch (error) {
    if (isCoded(error)) throw new CodedError(error.code, error.message, { ...error.data, field: 'document' });
    if (error instanceof GraphQLError) throw faults('GRAPHQL_PARSE_FAILED', [error]);
    throw error;
  }
};

const faults = (code: ErrorCode, errors: readonly GraphQLError[]): CodedError => {
  const told = errors.slice(0, ERRORS_MAX).map(({ message, locations }) => ({ message, locations: locations ?? [] }));
  return new CodedError(code, `document: ${told[0]?.message}`, { field: 'document', errors: told });
};

/** Variables as an argument of type JSON gives them. @throws BAD_USER_INPUT */
export const requireObject = (variables: unknown): Readonly<Record<string, unknown>> => {
  if (variables === null || variables === undefined) return {};
  if (typeof variables === 'object' && !Array.isArray(variables)) return variables as Readonly<Record<string, unknown>>;
  throw badInput('variables: an object with a value per variable is expected.', 'variables');
};

const tooMany = (): CodedError =>
  new CodedError(
    'QUERY_TOO_COMPLEX',
    `One request explains at most ${EXPLAINED_MAX} operations. Send several requests.`,
    { limit: 'explained', most: EXPLAINED_MAX, field: 'document' },
  );
