// Operations made up at random from a schema: aliases, fragments, conditions, ids of many prefixes, mutations whose
// arguments change what they take; with the variables they are sent with. Valid, and small enough for every limit.
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
} from 'graphql';
import { ruleOf } from '../../../src/graphql/guard-plugin/field-rule.js';
import { ID_PREFIXES, newId } from '../../../src/platform/ids.js';

export interface MadeUp {
  readonly text: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

export type Pick = <T>(values: readonly T[]) => T;
export type Chance = (percent: number) => boolean;

const ALIASES_MAX = 20;
const DEPTH_MAX = 7;

/** A small generator of our own: fast-check would spend minutes shrinking a document choice by choice. */
export const dice = (seed: number): [Pick, Chance] => {
  let state = seed + 1;
  const next = (below: number): number => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return Math.abs(state ^ (state >>> 13)) % below;
  };
  return [(values) => values[next(values.length)] as never, (percent) => next(100) < percent];
};

export interface MakingUp {
  readonly pick: Pick;
  readonly chance: Chance;
  /** Fields of the roots that are never asked for. */
  readonly without?: readonly string[];
}

export function madeUp(schema: GraphQLSchema, { pick, chance, without = [] }: MakingUp): MadeUp {
  const maker = new Map<string, string>();
  const variables: Record<string, unknown> = {};
  const fragments: string[] = [];
  let aliases = 0;

  const sampleOf = (type: GraphQLInputType): unknown => {
    const nullable = getNullableType(type);
    if (isListType(nullable))
      return chance(30) ? [sampleOf(nullable.ofType), sampleOf(nullable.ofType)] : [sampleOf(nullable.ofType)];
    if (isEnumType(nullable)) return pick(nullable.getValues()).name;
    if (isInputObjectType(nullable)) {
      const fields = Object.values(nullable.getFields()).filter((field) => isRequiredInputField(field) || chance(10));
      return Object.fromEntries(fields.map((field) => [field.name, sampleOf(field.type)]));
    }
    return scalars[nullable.name]?.(pick) ?? 'x';
  };
  const variable = (type: GraphQLInputType | string, value: unknown): string => {
    const name = `v${maker.size}`;
    maker.set(name, `${type}`);
    variables[name] = value;
    return `$${name}`;
  };
  const argument = ({ name, type }: GraphQLArgument): string => {
    const value = sampleOf(type);
    if (chance(40)) return `${name}: ${variable(type, value)}`;
    return `${name}: ${literalOf(type, value, (inner, of) => (chance(25) ? variable(inner, of) : null))}`;
  };
  const argumentsOf = (field: GraphQLField<unknown, unknown>): string => {
    const narrowing = ruleOf(field)?.byArgument?.path[0];
    const sent = field.args.filter((arg) => isRequiredArgument(arg) || arg.name === narrowing).map(argument);
    const all = field.args.some(({ name }) => name === 'first') ? [...sent, 'first: 2'] : sent;
    return all.length === 0 ? '' : `(${all.join(', ')})`;
  };
  const condition = (): string => {
    if (!chance(20)) return '';
    if (chance(20)) return pick([' @skip(if: true)', ' @include(if: true) @skip(if: false)']);
    const known = [...maker].find(([, type]) => type === 'Boolean!')?.[0];
    const name = known === undefined || chance(50) ? variable('Boolean!', chance(50)) : `$${known}`;
    return pick([` @skip(if: ${name})`, ` @include(if: ${name})`]);
  };
  const fieldText = (field: GraphQLField<unknown, unknown>, depth: number): string => {
    const named = getNamedType(field.type);
    const inner = isLeafType(named) ? '' : ` ${selection(named, depth + 1)}`;
    aliases += 1;
    return `f${aliases}: ${field.name}${argumentsOf(field)}${condition()}${inner}`;
  };
  const selection = (type: GraphQLNamedType, depth: number): string => {
    const parts = ['__typename'];
    const fields = isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [];
    for (let i = 0; i < (depth < 3 ? 3 : 2); i += 1) {
      const field = fields.length === 0 ? undefined : pick(fields);
      if (field === undefined || aliases >= ALIASES_MAX || !chance(80)) continue;
      if (depth < DEPTH_MAX || isLeafType(getNamedType(field.type))) parts.push(fieldText(field, depth));
    }
    for (const possible of isAbstractType(type) ? schema.getPossibleTypes(type) : []) {
      if (depth < DEPTH_MAX && chance(30))
        parts.push(`... on ${possible.name}${condition()} ${selection(possible, depth + 1)}`);
    }
    if (depth > 0 && depth < 4 && chance(20)) {
      const name = `F${fragments.length}`;
      const place = fragments.push('') - 1;
      fragments[place] = `fragment ${name} on ${type.name} ${selection(type, depth + 1)}`;
      parts.push(`...${name}${condition()}`);
    }
    return `{ ${parts.join(' ')} }`;
  };

  const isMutation = chance(35);
  const root = isMutation ? schema.getMutationType() : schema.getQueryType();
  if (root === null || root === undefined) throw new Error('The schema lacks a root.');
  const rootFields = Object.values(root.getFields()).filter(({ name }) => !without.includes(name));
  const scoped = rootFields.filter((field) => ['node', 'nodes', 'triggerAgent'].includes(field.name));
  const count = pick([1, 1, 2, 3]);
  const roots = Array.from({ length: count }, () =>
    fieldText(chance(25) && scoped.length > 0 ? pick(scoped) : pick(rootFields), 0),
  );
  const declared = [...maker].map(([name, type]) => `$${name}: ${type}`).join(', ');
  const head = `${isMutation ? 'mutation' : 'query'}${declared === '' ? '' : ` (${declared})`}`;
  return { text: `${head} { ${roots.join(' ')} } ${fragments.join(' ')}`.trim(), variables };
}

const scalars: Readonly<Record<string, (pick: Pick) => unknown>> = {
  ID: (pick) => (pick([true, true, true, false]) ? newId(pick(ID_PREFIXES)) : 'nonsense'),
  Int: () => 1,
  Float: () => 1.5,
  Boolean: (pick) => pick([true, false]),
  DateTime: () => '2030-01-31T09:30:00Z',
  JSON: () => ({ a: 1 }),
  Scope: () => 'contacts:read',
};

/** As GraphQL writes it; `instead` may put a variable in the place of a part. */
function literalOf(
  type: GraphQLInputType,
  value: unknown,
  instead: (type: GraphQLInputType, value: unknown) => string | null,
): string {
  const nullable = getNullableType(type);
  if (isListType(nullable) && Array.isArray(value)) {
    return `[${value.map((one) => instead(nullable.ofType, one) ?? literalOf(nullable.ofType, one, instead)).join(', ')}]`;
  }
  if (isInputObjectType(nullable)) {
    const fields = nullable.getFields();
    const parts = Object.entries(value as object).flatMap(([name, part]) => {
      const field = fields[name];
      return field === undefined
        ? []
        : [`${name}: ${instead(field.type, part) ?? literalOf(field.type, part, instead)}`];
    });
    return `{ ${parts.join(', ')} }`;
  }
  if (isEnumType(nullable)) return String(value);
  return typeof value === 'object' && value !== null ? '{ a: 1 }' : JSON.stringify(value);
}
