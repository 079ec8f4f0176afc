// From the text of a request to an operation that is valid and within limits. All that does not hang on variables is done
// once per document and kept by its text, a bounded number; nothing of a caller is kept with it.
import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  type OperationDefinitionNode,
  validate,
} from 'graphql';
import { documentCache } from './document-cache.js';
import { parseWithin, requireWithinLimits } from './limits.js';

interface AskedFor {
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
}

export interface Opened {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  /** What refuses it; none: it is valid and within limits. */
  readonly errors: readonly unknown[];
}

export interface Documents {
  /**
   * The operation that is asked for.
   * @throws GRAPHQL_PARSE_FAILED; QUERY_TOO_COMPLEX for too long a text; an error when there is no such operation
   */
  open(asked: AskedFor): Opened;
}

interface Kept {
  readonly document: DocumentNode;
  /** By name; '' is the only one. */
  readonly operations: Map<string, OperationDefinitionNode>;
  invalid: readonly GraphQLError[] | null;
}

const NONE: readonly unknown[] = [];

export function openDocuments(schema: GraphQLSchema): Documents {
  const kept = documentCache<Kept>();
  const broken = documentCache<GraphQLError>();

  const documentOf = (text: string): Kept => {
    const known = kept.get(text);
    if (known !== undefined) return known;
    const fault = broken.get(text);
    if (fault !== undefined) throw fault;
    try {
      const parsed: Kept = { document: parseWithin(text), operations: new Map(), invalid: null };
      kept.set(text, parsed);
      return parsed;
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error;
      const coded = withCode(error, 'GRAPHQL_PARSE_FAILED');
      broken.set(text, coded);
      throw coded;
    }
  };

  return {
    open({ query, operationName, variables }) {
      const known = documentOf(query);
      const { document } = known;
      const operation = operationIn(known, operationName ?? '');
      try {
        requireWithinLimits(schema, document, operationName, variables);
      } catch (error) {
        return { document, operation, errors: [error] };
      }
      known.invalid ??= validate(schema, document).map((error) => withCode(error, 'GRAPHQL_VALIDATION_FAILED'));
      return { document, operation, errors: known.invalid.length === 0 ? NONE : known.invalid };
    },
  };
}

function operationIn({ document, operations }: Kept, name: string): OperationDefinitionNode {
  const known = operations.get(name);
  if (known !== undefined) return known;
  const found = getOperationAST(document, name === '' ? null : name);
  if (found === null || found === undefined) throw noSuchOperation();
  operations.set(name, found);
  return found;
}

const noSuchOperation = (): GraphQLError =>
  new GraphQLError('Could not determine what operation to execute.', {
    extensions: { code: 'OPERATION_RESOLUTION_FAILURE' },
  });

const withCode = ({ message, nodes, source, positions, path }: GraphQLError, code: string): GraphQLError =>
  new GraphQLError(message, {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    path: path ?? null,
    extensions: { code },
  });
