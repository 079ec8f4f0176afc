import { buildSchema, parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { costOf } from '../../src/graphql/cost.js';

const schema = buildSchema(`
  type Query { me: Person, people(first: Int, last: Int): People!, nodes(ids: [ID!]!): [Person]! }
  type Mutation { rename(name: String): Person }
  type Subscription { renamed: Person }
  type People { nodes: [Person!]! totalCount: Int! }
  type Person { name: String, friends(first: Int = 20): People! }
`);
const friends = 'query Friends($size: Int) { people(first: $size) { nodes { friends(first: 5) { nodes { name } } } } }';

describe('the cost of an operation', () => {
  it.each([
    ['{ me { name } }', 1],
    ['{ a: me { name } b: me { name } }', 1],
    ['{ people { totalCount } }', 21],
    ['{ people(first: 3) { nodes { name } } }', 4],
    ['{ people(first: 3) { nodes { friends(first: 5) { nodes { name } } } } }', 1 + 3 + 15],
    ['{ nodes(ids: ["a", "b"]) { name } }', 3],
    ['mutation { rename(name: "a") { name } }', 11],
    ['mutation { a: rename(name: "a") { name } b: rename(name: "b") { friends(first: 4) { totalCount } } }', 25],
    ['subscription { renamed { name } }', 1],
    ['{ ...All } fragment All on Query { people(first: 3) { ...All2 } } fragment All2 on People { nodes { name } }', 4],
  ])('%s is %d', (text, points) => {
    expect(costOf(schema, parse(text))).toBe(points);
  });

  it('reads page sizes from variables, each time anew for one document', () => {
    const document = parse(friends);
    const costs = [{ size: 2 }, { size: 10 }, { size: 2 }, {}, null].map((variables) =>
      costOf(schema, document, 'Friends', variables),
    );
    expect(costs).toEqual([1 + 2 + 10, 1 + 10 + 50, 1 + 2 + 10, 1 + 20 + 100, 1 + 20 + 100]);
  });

  it('is that of the operation which is named, and null for one that is not there', () => {
    const document = parse(`${friends} query Mine { me { name } }`);
    expect(costOf(schema, document, 'Mine')).toBe(1);
    expect(costOf(schema, document, 'Friends', { size: 1 })).toBe(1 + 1 + 5);
    expect(costOf(schema, document, 'Nobody')).toBeNull();
  });
});
