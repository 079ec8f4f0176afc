// Queries made up from the schema: any nesting, aliases, fragments, interfaces, directives, filters, orders, pages and
// cursors, with arguments written out or as variables. Imperative, so that a selection follows the schema's own types.
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { sourceOf } from '../../src/graphql/source.js';

export interface Chooser {
  pick<T>(values: readonly T[]): T;
  chance(percent: number): boolean;
}

export interface MadeUpRead {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** What arguments are made of: ids that are there, that are another's, that are nobody's. */
export interface Known {
  readonly ids: Readonly<Record<string, readonly string[]>>;
  readonly cursors: readonly string[];
}

const DEPTH_MAX = 5;

/** What differs from one request to the next, whoever answers. */
const UNSTEADY: ReadonlySet<string> = new Set([
  'rateLimit',
  'lastUsedAt',
  'lastUsedIp',
  'lastUsedUserAgent',
  'requestCount',
  'scopeUse',
  'secrets',
  'apiKeyInsights',
]);

/** Which of its fields are chosen to compile; `first`: the first one, and no other. */
export type Compiles = 'all' | 'any' | 'first';

export function madeUpRead(
  schema: GraphQLSchema,
  { pick, chance }: Chooser,
  known: Known,
  compiles: Compiles,
): MadeUpRead {
  const variables: Record<string, unknown> = {};
  const definitions: string[] = [];
  const fragments: string[] = [];
  let aliases = 0;
  let lists = 0;
  let isFirst = true;

  const variable = (type: GraphQLInputType, value: unknown): string => {
    const name = `v${definitions.length}`;
    // A variable that is left out, or null, where the argument allows it.
    const isOptional = !isNonNullType(type);
    if (isOptional && chance(15)) definitions.push(`$${name}: ${type}`);
    else {
      definitions.push(`$${name}: ${type}`);
      variables[name] = isOptional && chance(10) ? null : value;
    }
    return `$${name}`;
  };

  const made = (type: GraphQLInputType, arg: GraphQLArgument, typeName: string): unknown => {
    const nullable = getNullableType(type);
    if (isListType(nullable)) {
      return Array.from({ length: pick([0, 1, 1, 2, 3]) }, () => made(nullable.ofType, arg, typeName));
    }
    if (isEnumType(nullable)) return pick(nullable.getValues().map(({ name }) => name));
    if (isInputObjectType(nullable)) {
      return Object.fromEntries(
        Object.values(nullable.getFields()).map((field) => [field.name, made(field.type, arg, typeName)]),
      );
    }
    switch (getNamedType(type).name) {
      case 'Int':
        return pick([0, 1, 2, 3, 7, 20, 100, 100]);
      case 'Boolean':
        return chance(50);
      case 'DateTime':
        return pick(['2020-01-01T00:00:00Z', '2026-11-26T12:00:00.123+02:00', '2099-01-01T00:00:00Z']);
      case 'ID':
        return pick(known.ids[arg.name] ?? known.ids.id ?? ['nonsense']);
      default:
        if (arg.name === 'after' || arg.name === 'before') return pick([...known.cursors, 'nonsense']);
        return pick(['a', 'canary', '%', '', 'contact.*', 'message.send', 'é\\"']);
    }
  };

  const literal = (value: unknown, type: GraphQLInputType): string => {
    const nullable = getNullableType(type);
    if (value === null) return 'null';
    if (isListType(nullable)) return `[${(value as unknown[]).map((one) => literal(one, nullable.ofType)).join(', ')}]`;
    if (isEnumType(nullable)) return String(value);
    if (isInputObjectType(nullable)) {
      const parts = Object.values(nullable.getFields()).map(
        (field) => `${field.name}: ${literal((value as Record<string, unknown>)[field.name], field.type)}`,
      );
      return `{ ${parts.join(', ')} }`;
    }
    return JSON.stringify(value);
  };

  const argument = (arg: GraphQLArgument, typeName: string): string => {
    const value = made(arg.type, arg, typeName);
    return `${arg.name}: ${chance(40) ? variable(arg.type, value) : literal(value, arg.type)}`;
  };

  const argumentsOf = (field: GraphQLField<unknown, unknown>): string => {
    const wanted = field.args.filter(({ name, type }) => {
      if (isNonNullType(type)) return true;
      if (name === 'last' || name === 'before') return chance(12);
      if (name === 'first') return chance(50);
      if (name === 'after') return chance(12);
      return chance(12);
    });
    return wanted.length === 0 ? '' : `(${wanted.map((arg) => argument(arg, field.name)).join(', ')})`;
  };

  const condition = (): string => {
    if (!chance(8)) return '';
    const name = pick(['skip', 'include']);
    return ` @${name}(if: ${chance(60) ? variableOfBoolean() : pick(['true', 'false'])})`;
  };
  const variableOfBoolean = (): string => {
    const name = `v${definitions.length}`;
    definitions.push(`$${name}: Boolean!`);
    variables[name] = chance(50);
    return `$${name}`;
  };

  const isWanted = (type: GraphQLObjectType, field: GraphQLField<unknown, unknown>, depth: number): boolean => {
    const named = getNamedType(field.type);
    if (UNSTEADY.has(field.name)) return false;
    if (isLeafType(named)) return depth > 0 && field.args.every(({ type: of }) => !isNonNullType(of));
    if (depth >= DEPTH_MAX) return false;
    const source = sourceOf(field);
    if (source?.kind === 'list' && lists >= 4) return false;
    if (type === schema.getQueryType()) {
      return compiles === 'any' || (source !== null) === (compiles === 'all' || isFirst);
    }
    if (compiles === 'any' || !isFirst) return true;
    return (
      source !== null || field.extensions.pothosPrismaRelationField !== undefined || /Connection$|Edge$/.test(type.name)
    );
  };

  const fieldText = (type: GraphQLObjectType, depth: number): string => {
    const fields = Object.values(type.getFields()).filter((field) => isWanted(type, field, depth));
    if (fields.length === 0 || (depth > 0 && chance(4))) return '__typename';
    const field = pick(fields);
    const named = getNamedType(field.type);
    if (sourceOf(field)?.kind === 'list') lists += 1;
    const hasAlias = field.args.length > 0 || chance(10);
    const alias = hasAlias ? `a${++aliases}: ` : '';
    const inner = isLeafType(named) ? '' : ` ${selection(named, depth + 1)}`;
    return `${alias}${field.name}${argumentsOf(field)}${condition()}${inner}`;
  };

  const selection = (type: GraphQLNamedType, depth: number): string => {
    if (isAbstractType(type)) {
      const possible = schema.getPossibleTypes(type);
      const parts = Array.from({ length: 2 }, () => {
        const one = pick(possible);
        return `... on ${one.name} ${selection(one, depth)}`;
      });
      return `{ __typename ${isInterfaceType(type) ? 'id' : ''} ${parts.join(' ')} }`;
    }
    if (!isObjectType(type)) return '';
    const parts: string[] = [];
    const wanted = depth === 0 ? (compiles === 'first' ? 2 : pick([1, 1, 2])) : pick([1, 2, 3, 5]);
    for (let place = 0; place < wanted; place++) {
      if (depth === 0) isFirst = place === 0 || compiles === 'all';
      const part = fieldText(type, depth);
      if (chance(8)) parts.push(`... on ${type.name} { ${part} }`);
      else if (chance(5)) parts.push(`...${fragment(type, part)}`);
      else parts.push(part);
    }
    return `{ ${parts.join(' ')} }`;
  };

  const fragment = (type: GraphQLObjectType, part: string): string => {
    const name = `F${fragments.length}`;
    fragments.push(`fragment ${name} on ${type.name} { ${part} }`);
    return name;
  };

  const body = selection(schema.getQueryType() as GraphQLObjectType, 0);
  const head = definitions.length === 0 ? 'query' : `query (${definitions.join(', ')})`;
  return { query: [`${head} ${body}`, ...fragments].join('\n'), variables };
}
