// What an operation costs before it runs, in whole points: the price at which it draws on the workspace's cost bucket, and
// what explainAccess tells. Pure; what does not hang on variables is measured once per document.
import { type DocumentNode, OperationTypeNode } from 'graphql';
import { type MeasuredOperation, measuredOperation, type Schema, type Variables } from './measure.js';

/** Points. */
export const COST = {
  /** Any operation. */
  operation: 1,
  /** Each object that a list may return by its declared page size, inner lists multiplied by the outer ones. */
  object: 1,
  /** Each root field of a mutation: a transaction of its own. */
  mutation: 10,
} as const;

/** The sentence that the schema and the docs show. */
export const COST_RULE =
  `${COST.operation} point for the operation, ${COST.object} for each object that its lists may return by their page sizes, ` +
  `${COST.mutation} for each mutation in it`;

/**
 * The most that the operation can cost with these variables, whatever `@skip` and `@include` leave out.
 * @param operationName as in the request; null or left out: the only operation
 * @param variables as in the request, not coerced; a page size in a variable that is not given counts as the default page
 * @returns null when the document has no such operation
 */
export function costOf(
  schema: Schema,
  document: DocumentNode,
  operationName?: string | null,
  variables?: Variables | null,
): number | null {
  const measured = measuredOperation(schema, document, operationName, variables);
  return measured === null ? null : fixedCostOf(measured) + measured.nodes * COST.object;
}

/** The part of the cost that stays when every list is empty. */
export function costWithoutObjects(schema: Schema, document: DocumentNode, operationName?: string | null): number {
  const measured = measuredOperation(schema, document, operationName, null);
  return measured === null ? COST.operation : fixedCostOf(measured);
}

function fixedCostOf({ operation, measure }: MeasuredOperation): number {
  const isMutation = operation.operation === OperationTypeNode.MUTATION;
  return COST.operation + (isMutation ? measure.rootFields * COST.mutation : 0);
}

/** Objects that stand in lists, at any depth. */
export function objectsIn(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  let found = 0;
  if (Array.isArray(value)) {
    for (const one of value) if (typeof one === 'object' && one !== null) found += 1 + objectsIn(one);
    return found;
  }
  for (const name in value) found += objectsIn((value as Record<string, unknown>)[name]);
  return found;
}
