// The values of an operation's conditions when not all of its variables are at hand: read by the very code that reads
// them for a request, with something in the place of what is missing; a value that is made of that is not known.
import {
  type GraphQLSchema,
  getVariableValues,
  isNonNullType,
  type OperationDefinitionNode,
  typeFromAST,
} from 'graphql';
import { badInput } from '../../platform/errors.js';
import { readCondition, type Values, type Variables, variablesOf } from '../preflight/conditions.js';
import type { Requirements } from '../preflight/requirements.js';

export interface ReadValues {
  /** As the requirements' conditions stand; null where a missing variable decides. */
  readonly values: Values;
  /** Variables that a request must send and that were not given, in the order of the operation. */
  readonly missing: readonly string[];
}

const UNKNOWN: unknown = Object.freeze({});

/**
 * A variable that may be left out, and is, has the value it has in a request without it.
 * @throws BAD_USER_INPUT with `field: variables` for variables that a request would be refused with
 */
export const readValues = (schema: GraphQLSchema, requirements: Requirements, given: Variables): ReadValues => {
  const { operation, conditions } = requirements;
  const missing = missingVariables(schema, operation, given);
  const there = (operation.variableDefinitions ?? []).filter(({ variable }) => !missing.includes(variable.name.value));
  const { coerced, errors } = getVariableValues(schema, there, given);
  if (coerced === undefined) throw badInput(`variables: ${errors?.[0]?.message ?? 'they do not fit.'}`, 'variables');
  const variables = { ...coerced, ...Object.fromEntries(missing.map((name) => [name, UNKNOWN])) };
  return {
    missing,
    values: conditions.map((condition) =>
      variablesOf(condition).some((name) => missing.includes(name)) ? null : readCondition(condition, variables),
    ),
  };
};

const missingVariables = (
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
  given: Variables,
): readonly string[] =>
  variableDefinitions
    .filter(({ type, defaultValue }) => defaultValue === undefined && isNonNullType(typeFromAST(schema, type as never)))
    .map(({ variable }) => variable.name.value)
    .filter((name) => !Object.hasOwn(given, name));
