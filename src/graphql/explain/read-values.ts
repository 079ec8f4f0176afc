// The values of an operation's conditions when not all of its variables are at hand: read by the very code that reads
// them for a request, with something in the place of what is missing; a value that is made of that is not known.
import {
  type GraphQLSchema,
  getVariableValues,
  isNonNullType,
  type OperationDefinitionNode,
  typeFromAST,
  visit,
} from 'graphql';
import { badInput } from '../../platform/errors.js';
import type { IsOpen } from '../guard-plugin/field-rule.js';
import { argumentsOf, readCondition, type Values, type Variables, variablesOf } from '../preflight/conditions.js';
import type { Need, Requirements } from '../preflight/requirements.js';

export interface ReadValues {
  /** As the requirements' conditions stand; null where a missing variable decides. */
  readonly values: Values;
  /** Variables that a request must send and that were not given, in the order of the operation. */
  readonly missing: readonly string[];
  /** Coerced, with `UNKNOWN` in the place of what is missing. */
  readonly variables: Variables;
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
    variables,
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

export interface ReadInput {
  /** As the mutation would get it, without what is not known. */
  readonly input: Variables;
  /** The missing variables in its arguments. */
  readonly open: readonly string[];
  readonly isOpen: IsOpen;
}

/** The input of one mutation, as far as it is known. */
export const readInput = ({ node, field }: Need, { missing, variables }: ReadValues): ReadInput => {
  const used = new Set<string>();
  for (const { value } of node.arguments ?? []) visit(value, { Variable: ({ name }) => void used.add(name.value) });
  const { input: given = {} } = argumentsOf(field, node, variables);
  const isWhollyOpen = given === UNKNOWN;
  const entries = Object.entries(isWhollyOpen ? {} : (given as Variables));
  const known = Object.fromEntries(entries.filter(([, value]) => !isUnknown(value)));
  return {
    input: known,
    open: missing.filter((name) => used.has(name)),
    isOpen: (...names) => isWhollyOpen || entries.some(([name, value]) => names.includes(name) && isUnknown(value)),
  };
};

const isUnknown = (value: unknown): boolean => value === UNKNOWN || (Array.isArray(value) && value.some(isUnknown));
