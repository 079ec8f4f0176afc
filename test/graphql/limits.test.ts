import fc from 'fast-check';
import {
  buildSchema,
  type DocumentNode,
  getIntrospectionQuery,
  type OperationDefinitionNode,
  parse,
  validate,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { LIMITS, type LimitName, parseWithin, requireWithinLimits } from '../../src/graphql/limits.js';
import { measureOperation, nestingOf } from '../../src/graphql/measure.js';
import { CodedError } from '../../src/platform/errors.js';

const schema = buildSchema(`
  type Query { me: Person, people(first: Int, last: Int, after: String): PersonConnection!, nodes(ids: [ID!]!): [Person]! }
  type PersonConnection { edges: [PersonEdge!]! }
  type PersonEdge { node: Person! }
  interface Named { name: String }
  type Person implements Named {
    name: String, best: Person, friends(first: Int = 20, last: Int): PersonConnection!, tags(limit: Int): [String!]!
  }
`);

type Variables = Record<string, unknown>;

function judge(text: string, variables: Variables = {}, operationName?: string): CodedError | null {
  try {
    requireWithinLimits(schema, parseWithin(text), operationName, variables);
    return null;
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
}

function measure(text: string, variables: Variables = {}) {
  const document = parse(text);
  const operation = document.definitions.find((one) => one.kind === 'OperationDefinition') as OperationDefinitionNode;
  return measureOperation(schema, document, operation, variables, 100_000);
}

const nested = (levels: number): string => `{ ${'me { '.repeat(levels - 1)}me ${'}'.repeat(levels)}`;
const repeat = (count: number, each: (place: number) => string): string =>
  Array.from({ length: count }, (_, place) => each(place)).join(' ');

// `me` has no field `me`: a limit must speak before validation does.
const AT: Readonly<
  Record<Exclude<LimitName, 'characters' | 'tokens' | 'fields' | 'nodes'>, (count: number) => string>
> = {
  depth: nested,
  aliases: (count) => `{ me { ${repeat(count, (place) => `a${place}: __typename`)} } }`,
  directives: (count) => `{ me { name ${repeat(count, () => '@include(if: true)')} } }`,
  rootFields: (count) => `{ ${repeat(count, () => '__typename')} }`,
};

describe('limits', () => {
  it.each(Object.entries(AT))('allow as many %s as they say, and refuse one more by name', (name, make) => {
    const { most, remedy } = LIMITS[name as LimitName];
    expect(judge(make(most))).toBeNull();
    const refused = judge(make(most + 1));
    expect(refused?.code).toBe('QUERY_TOO_COMPLEX');
    expect(refused?.data).toEqual({ limit: name, found: most + 1, most });
    expect(refused?.message).toContain(String(most + 1));
    expect(refused?.message).toContain(remedy);
  });

  it('count fragments where they are spread, through the root as well', () => {
    expect(judge(`{ ...R } fragment R on Query { ${repeat(21, () => '__typename')} }`)?.data.limit).toBe('rootFields');
    expect(judge(`{ ... on Query { ${repeat(21, () => 'me { name }')} } }`)?.data.limit).toBe('rootFields');
    const eight = `me { ${repeat(8, () => '... on Person { best { ')} name ${'} }'.repeat(8)} }`;
    expect(measure(`{ ${eight} }`).depth).toBe(10);
    expect(judge(`{ me { ...A } } fragment A on Person { ${repeat(31, (n) => `b${n}: name`)} }`)?.data.limit).toBe(
      'aliases',
    );
  });

  it('stop fragments that multiply each other, at once', () => {
    const doubling = repeat(28, (n) => `fragment F${n} on Person { best { ...F${n + 1} } b: best { ...F${n + 1} } }`);
    const startedAt = performance.now();
    const refused = judge(`{ me { ...F0 } } ${doubling} fragment F28 on Person { name }`);
    expect(refused?.code).toBe('QUERY_TOO_COMPLEX');
    expect(performance.now() - startedAt).toBeLessThan(500);
    const flat = repeat(40, (n) => `fragment F${n} on Person { ...F${n + 1} ...F${n + 1} }`);
    expect(judge(`{ me { ...F0 } } ${flat} fragment F40 on Person { name }`)?.data.limit).toBe('fields');
  });

  it('survive fragments that spread themselves, and leave them to validation', () => {
    expect(judge('{ me { ...A } } fragment A on Person { best { ...B } } fragment B on Person { ...A }')).toBeNull();
    expect(judge('{ me { ...A } } fragment A on Person { ...A }')).toBeNull();
  });

  it('stop a query that is 3,000 deep in the parser, and survive the deepest that it lets through', () => {
    expect(judge(nested(3_000))?.data).toMatchObject({ limit: 'tokens', most: LIMITS.tokens.most });
    const deepest = nested(Math.floor(LIMITS.tokens.most / 3));
    expect(judge(deepest)?.data.limit).toBe('depth');
    const fragment = `{ me { name } } fragment F on Person ${nested(650).replaceAll('me', 'best')}`;
    expect(judge(fragment)?.data.limit).toBe('depth');
    expect(judge(`{ ${'... { '.repeat(600)} me ${'}'.repeat(600)} }`)).toBeNull();
  });

  it('do not recurse: a document a hundred thousand levels deep is measured', () => {
    const name = { kind: 'Name', value: 'best' } as const;
    let selectionSet = {
      kind: 'SelectionSet',
      selections: [{ kind: 'Field', name }],
    } as OperationDefinitionNode['selectionSet'];
    for (let level = 1; level < 100_000; level += 1) {
      selectionSet = {
        kind: 'SelectionSet',
        selections: [{ kind: 'Field', name, selectionSet }],
      } as typeof selectionSet;
    }
    const operation = { kind: 'OperationDefinition', operation: 'query', selectionSet } as OperationDefinitionNode;
    expect(nestingOf(operation)).toBe(100_000);
    const document = { kind: 'Document', definitions: [operation] } as unknown as DocumentNode;
    expect(measureOperation(schema, document, operation, {}, 200_000).depth).toBe(100_000);
  });

  it('refuse long texts before they are parsed', () => {
    const refused = judge(`{ me { name } } # ${'x'.repeat(LIMITS.characters.most)}`);
    expect(refused?.data).toMatchObject({ limit: 'characters', most: LIMITS.characters.most });
  });

  it('say the same of a token too many, however often it is asked', () => {
    const text = `{ ${'a '.repeat(LIMITS.tokens.most)} }`;
    expect(judge(text)?.code).toBe('QUERY_TOO_COMPLEX');
    expect(judge(text)?.message).toContain(`more than ${LIMITS.tokens.most} tokens`);
    expect(() => parseWithin('{ a')).toThrow('Syntax Error');
  });

  it('let the introspection query of every tool through', () => {
    const everything = getIntrospectionQuery({
      specifiedByUrl: true,
      directiveIsRepeatable: true,
      schemaDescription: true,
      inputValueDeprecation: true,
      oneOf: true,
    });
    expect(judge(everything)).toBeNull();
    expect(validate(schema, parse(everything))).toEqual([]);
  });

  it('judge each operation of a document, and the breadth of the one that runs', () => {
    const wide =
      'people(first: 100) { edges { node { friends(first: 100) { edges { node { friends(first: 100) { edges { node { name } } } } } } } } }';
    const document = `query A { me { name } } query B { ${wide} }`;
    expect(judge(document, {}, 'A')).toBeNull();
    expect(judge(document, {}, 'B')?.data.limit).toBe('nodes');
    expect(judge(document, {}, 'C')).toBeNull();
  });
});

describe('breadth', () => {
  const page = (inner: string, first = ''): string => `people${first} { edges { node { ${inner} } } }`;

  it.each([
    ['one page by default', `{ ${page('name')} }`, {}, 20],
    ['a literal size', `{ ${page('name', '(first: 7)')} }`, {}, 7],
    ['the larger of first and last', `{ ${page('name', '(first: 7, last: 9)')} }`, {}, 9],
    ['a variable', `query($n: Int) { ${page('name', '(first: $n)')} }`, { n: 50 }, 50],
    ['a variable left out', `query($n: Int) { ${page('name', '(first: $n)')} }`, {}, 20],
    ['a variable with a default', `query($n: Int = 3) { ${page('name', '(first: $n)')} }`, {}, 3],
    ['a page too large, as the largest: the list itself refuses it', `{ ${page('name', '(first: 100000)')} }`, {}, 100],
    ['nesting, multiplied and added up', `{ ${page('friends(first: 10) { edges { node { name } } }')} }`, {}, 20 + 200],
    ['each alias again', `{ a: ${page('name')} b: ${page('name')} }`, {}, 40],
    ['ids', '{ nodes(ids: ["a", "b"]) { name } }', {}, 2],
    [
      'ids by variable',
      'query($ids: [ID!]!) { nodes(ids: $ids) { friends { edges { node { name } } } } }',
      { ids: ['a', 'b', 'c'] },
      3 + 60,
    ],
    ['a list inside a fragment', `{ ...Q } fragment Q on Query { ${page('name')} }`, {}, 20],
    ['no list at all', '{ me { best { name tags } } }', {}, 0],
    ['nonsense as nothing', `query($n: Int) { ${page('name', '(first: $n)')} }`, { n: 'many' }, 20],
    ['less than nothing', `query($n: Int) { ${page('name', '(first: $n)')} }`, { n: -5 }, 20],
  ])('counts %s', (_name, text, variables, nodes) => {
    expect(measure(text, variables).nodes).toBe(nodes);
  });

  it('lets two full pages inside each other through, and no three', () => {
    const two = page('friends(first: 100) { edges { node { name } } }', '(first: 100)');
    const three = page(
      'friends(first: 100) { edges { node { friends(first: 100) { edges { node { name } } } } } }',
      '(first: 100)',
    );
    expect(judge(`{ ${two} }`)).toBeNull();
    expect(judge(`{ ${three} }`)?.data).toEqual({ limit: 'nodes', found: 1_010_100, most: LIMITS.nodes.most });
  });

  it('judges one document anew for each set of variables', () => {
    const text = `query($n: Int) { ${page('friends(first: $n) { edges { node { friends(first: $n) { edges { node { name } } } } } }', '(first: $n)')} }`;
    const document = parseWithin(text);
    const run = (n: number) => () => requireWithinLimits(schema, document, undefined, { n });
    expect(run(10)).not.toThrow();
    expect(run(100)).toThrow('objects by its page sizes');
    expect(run(10)).not.toThrow();
  });

  it('grows with every page size', () => {
    const size = fc.integer({ min: 0, max: 100 });
    const at = (outer: number, inner: number): number =>
      measure(`{ ${page(`friends(first: ${inner}) { edges { node { name } } }`, `(first: ${outer})`)} }`).nodes;
    fc.assert(
      fc.property(size, size, size, size, (a, b, c, d) => {
        expect(at(Math.min(a, b), Math.min(c, d))).toBeLessThanOrEqual(at(Math.max(a, b), Math.max(c, d)));
      }),
    );
  });
});
