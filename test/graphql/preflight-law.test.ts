// The law of the two walls: preflight refuses an operation exactly when some field that its execution reaches is refused,
// and the second wall alone refuses exactly those. Documents, variables and credentials are made up at random.
import fc from 'fast-check';
import {
  execute,
  type GraphQLNamedType,
  type GraphQLObjectType,
  getNamedType,
  isAbstractType,
  isLeafType,
  isObjectType,
  parse,
  validate,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { isAllowed } from '../../src/graphql/guard-plugin/access.js';
import { accessesFor, ruleOf } from '../../src/graphql/guard-plugin/field-rule.js';
import { refusalsOf } from '../../src/graphql/preflight/preflight.js';
import type { Scope } from '../../src/guard/scopes.js';
import { isCoded } from '../../src/platform/errors.js';
import { agentId, contactId, smallSchema } from './small-schema.js';
import { contextOf, principalWith } from './speak.js';

const { schema } = smallSchema();

/** What an execution by somebody who may do everything reaches: the simulation that both walls are held to. */
const recording = (() => {
  const { schema: open } = smallSchema();
  const reached: { coordinate: string; args: unknown }[] = [];
  for (const type of Object.values(open.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) {
      const { resolve } = field;
      field.resolve = (parent, args, context, info) => {
        reached.push({ coordinate: `${type.name}.${field.name}`, args });
        return resolve === undefined ? Reflect.get(Object(parent), field.name) : resolve(parent, args, context, info);
      };
    }
  }
  return { schema: open, reached };
})();

const SCOPES: Scope[] = [
  'contacts:read',
  'contacts:write',
  'agents:read',
  'agents:write',
  'agent:config:read',
  'calls:detail',
  'analytics:read',
  'results:read',
];
const EVERYTHING = principalWith(SCOPES, 'OWNER');
const ids = [contactId, agentId, 'nonsense', 'ctc'];
const argumentsFor: Readonly<Record<string, readonly string[]>> = {
  'Query.node': [...ids.map((id) => `(id: "${id}")`), '(id: $id)'],
  'Query.nodes': [`(ids: ["${contactId}", "${agentId}"])`, '(ids: [$id])', `(ids: ["${agentId}", $id])`],
  'Query.report': ['', '(detail: FULL)', '(detail: $detail)'],
  'Query.fieldAccess': ['(coordinates: ["Query.me"])'],
};

type Pick = (values: readonly string[]) => string;
type Chance = (percent: number) => boolean;

/** Imperative, so that a selection follows the schema's own types. */
const documentOf = (pick: Pick, chance: Chance): string => {
  const fragments: string[] = [];
  const condition = () =>
    chance(25)
      ? pick([
          ' @skip(if: $a)',
          ' @include(if: $a)',
          ' @skip(if: $b)',
          ' @include(if: $b) @skip(if: $a)',
          ' @skip(if: true)',
          ' @skip(if: false) @include(if: true)',
        ])
      : '';
  let aliases = 0;
  const selection = (type: GraphQLNamedType, depth: number): string => {
    const parts = ['__typename'];
    const fields = 'getFields' in type ? Object.values((type as GraphQLObjectType).getFields()) : [];
    for (const field of fields) {
      const named = getNamedType(field.type);
      if (!chance(depth > 2 ? 15 : 35) || (depth > 4 && !isLeafType(named))) continue;
      const alias = chance(40) || field.args.length > 0 ? `f${aliases++}: ` : '';
      const inner = isLeafType(named) ? '' : ` ${selection(named, depth + 1)}`;
      parts.push(
        `${alias}${field.name}${pick(argumentsFor[`${type.name}.${field.name}`] ?? [''])}${condition()}${inner}`,
      );
    }
    const narrower = isAbstractType(type) ? schema.getPossibleTypes(type) : [];
    for (const possible of narrower) {
      if (chance(40)) parts.push(`... on ${possible.name}${condition()} ${selection(possible, depth + 1)}`);
    }
    if (isObjectType(type) && depth < 3 && chance(20)) parts.push(`...${condition()} ${selection(type, depth + 1)}`);
    if (depth < 3 && chance(20)) {
      const name = `F${fragments.length}`;
      fragments.push('');
      fragments[Number(name.slice(1))] = `fragment ${name} on ${type.name} ${selection(type, depth + 1)}`;
      parts.push(`...${name}${condition()}`);
    }
    return `{ ${parts.join(' ')} }`;
  };
  const root = schema.getQueryType();
  const body = root ? selection(root, 0) : '{ __typename }';
  const text = `${body} ${fragments.join(' ')}`;
  const used = ['$a: Boolean!', '$b: Boolean = true', '$id: ID!', '$detail: Detail'].filter((definition) =>
    new RegExp(`\\${definition.split(':')[0]}\\b`).test(text),
  );
  return `query ${used.length === 0 ? '' : `(${used.join(', ')})`} ${text}`;
};

/** A small generator of our own: fast-check would spend minutes shrinking a document choice by choice. */
const dice = (seed: number): [Pick, Chance] => {
  let state = seed + 1;
  const next = (below: number): number => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    return Math.abs(state ^ (state >>> 13)) % below;
  };
  return [(values) => values[next(values.length)] ?? '', (percent) => next(100) < percent];
};

const values = fc.record(
  { a: fc.boolean(), b: fc.boolean(), id: fc.constantFrom(...ids), detail: fc.constantFrom('SHORT', 'FULL', null) },
  { requiredKeys: ['a', 'id'] },
);
const principals = fc.oneof(
  fc.constant(null),
  fc.subarray(SCOPES).map((scopes) => principalWith(scopes)),
  fc
    .tuple(fc.subarray(SCOPES), fc.constantFrom('MEMBER', 'ADMIN', 'OWNER'))
    .map(([scopes, role]) => principalWith(scopes, role)),
);
const cases = fc.record({
  document: fc.nat().map((seed) => documentOf(...dice(seed))),
  variables: values,
  principal: principals,
});

describe('both walls', () => {
  it('refuse exactly the operations that reach a refused field', async () => {
    const seen = { allowed: 0, refused: 0 };
    await fc.assert(
      fc.asyncProperty(cases, async ({ document: text, variables, principal }) => {
        const document = parse(text);
        expect(validate(schema, document)).toEqual([]);
        const variableValues = { ...variables };

        recording.reached.length = 0;
        const full = await execute({
          schema: recording.schema,
          document,
          variableValues,
          contextValue: contextOf(EVERYTHING),
        });
        expect(full.errors).toBeUndefined();
        const mayAll = recording.reached.every(({ coordinate, args }) => {
          const [typeName = '', fieldName = ''] = coordinate.split('.');
          const field = (schema.getType(typeName) as GraphQLObjectType).getFields()[fieldName];
          const rule = field === undefined ? null : ruleOf(field);
          return rule !== null && accessesFor(rule, args).every((access) => isAllowed(access, principal));
        });

        const first = refusalsOf({ schema, document, variables: variableValues, principal, introspection: 'open' });
        expect(first.length === 0).toBe(mayAll);

        const second = await execute({ schema, document, variableValues, contextValue: contextOf(principal) });
        const refused = second.errors ?? [];
        expect(refused.length === 0).toBe(mayAll);
        for (const error of refused) expect(isCoded(error.originalError)).toBe(true);
        seen[mayAll ? 'allowed' : 'refused'] += 1;
      }),
      { numRuns: 400, interruptAfterTimeLimit: 20_000 },
    );
    expect(Math.min(seen.allowed, seen.refused)).toBeGreaterThan(30);
  });

  it('give a kept document the verdict of a fresh one, whoever asked before with whatever values', () => {
    const asked = fc.array(fc.record({ variables: values, principal: principals }), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(fc.nat(), asked, (seed, requests) => {
        const text = documentOf(...dice(seed));
        const kept = parse(text);
        for (const { variables, principal } of requests) {
          const told = (document: typeof kept) =>
            refusalsOf({ schema, document, variables: { ...variables }, principal, introspection: 'open' }).map(String);
          expect(told(kept)).toEqual(told(parse(text)));
        }
      }),
      { numRuns: 150 },
    );
  });
});
