// What a list promises its reader, over HTTP.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/platform/ids.js';
import type { Client } from '../support/client.js';
import { type Harness, startHarness } from '../support/harness.js';

interface Page {
  readonly nodes: { readonly id: string; readonly name: string }[];
  readonly edges: { readonly cursor: string }[];
  readonly pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
  readonly totalCount: number;
}

const page = `query Page($first: Int, $after: String, $last: Int, $before: String, $orderBy: ContactOrder, $search: String) {
  contacts(first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy, search: $search) {
    totalCount nodes { id name } edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`;

describe('a list', () => {
  let harness: Harness;
  let client: Client;
  const names = Array.from({ length: 23 }, (_, i) => `Name ${i % 4}`);

  beforeAll(async () => {
    harness = await startHarness({ works: false });
    const { workspaceId } = harness.place;
    // Many equal values, made at one moment, so that only the id tells rows apart.
    const createdAt = new Date('2026-01-01T00:00:00Z');
    await harness.database.owner.contact.createMany({
      data: names.map((name) => ({ workspaceId, id: newId('ctc'), name, createdAt })),
    });
    const { key } = await harness.createKey({ kind: 'ACCOUNT', scopes: ['contacts:read', 'agents:read'] });
    client = harness.as({ key });
  });
  afterAll(() => harness?.stop());

  const read = async (variables: object): Promise<Page> =>
    (await client.data<{ contacts: Page }>(page, variables)).contacts;
  const everything = async (orderBy: object) => (await read({ first: 100, orderBy })).nodes.map(({ id }) => id);

  it('is paged forwards and backwards without a gap or a repeat, over equal values', async () => {
    const order = fc.record({
      field: fc.constantFrom('NAME', 'CREATED_AT'),
      direction: fc.constantFrom('ASC', 'DESC'),
    });
    await fc.assert(
      fc.asyncProperty(order, fc.integer({ min: 1, max: 9 }), fc.boolean(), async (orderBy, size, isForward) => {
        const seen: string[] = [];
        let cursor: string | null = null;
        for (;;) {
          const found: Page = await read(
            isForward ? { first: size, after: cursor, orderBy } : { last: size, before: cursor, orderBy },
          );
          const ids = found.nodes.map(({ id }) => id);
          if (isForward) seen.push(...ids);
          else seen.unshift(...ids);
          expect(found.totalCount).toBe(names.length);
          const { hasNextPage, hasPreviousPage, endCursor, startCursor } = found.pageInfo;
          if (!(isForward ? hasNextPage : hasPreviousPage)) break;
          cursor = isForward ? endCursor : startCursor;
        }
        expect(seen).toEqual(await everything(orderBy));
      }),
      { numRuns: 8 },
    );
  });

  it('answers an empty page with null cursors', async () => {
    const found = await read({ first: 5, search: 'nobody is called this' });
    expect(found).toMatchObject({
      totalCount: 0,
      nodes: [],
      pageInfo: { hasNextPage: false, startCursor: null, endCursor: null },
    });
    expect((await read({ first: 0 })).nodes).toEqual([]);
  });

  it('filters, and takes the signs of a pattern as signs', async () => {
    expect((await read({ first: 100, search: 'name 3' })).totalCount).toBe(5);
    expect((await read({ first: 100, search: 'name_3' })).totalCount).toBe(0);
    expect((await read({ first: 100, search: '%' })).totalCount).toBe(0);
  });

  it.each([
    ['first', { first: 101 }],
    ['first', { first: -1 }],
    ['last', { last: 1000 }],
    ['last', { first: 1, last: 1 }],
    ['after', { last: 1, after: 'x' }],
    ['before', { first: 1, before: 'x' }],
    ['after', { first: 1, after: 'not a cursor' }],
    ['before', { last: 1, before: '' }],
  ])('names the argument at fault: %s in %o', async (field, variables) => {
    const refused = await client.refused(page, variables);
    expect(refused.extensions).toMatchObject({ field });
    expect(['BAD_USER_INPUT', 'QUERY_TOO_COMPLEX']).toContain(refused.extensions.code);
  });

  it('refuses a cursor that was changed, or made for another order, filter or workspace', async () => {
    const orderBy = { field: 'NAME', direction: 'ASC' };
    const { pageInfo } = await read({ first: 3, orderBy });
    const cursor = pageInfo.endCursor ?? '';
    const other = await harness.addPlace('Elsewhere');
    const { key } = await harness.createKey({
      kind: 'ACCOUNT',
      scopes: ['contacts:read'],
      workspaceId: other.workspaceId,
    });
    const flipped = `${cursor.slice(0, -2)}${cursor.endsWith('AA') ? 'BB' : 'AA'}`;
    for (const [who, variables] of [
      [client, { first: 3, orderBy, after: flipped }],
      [client, { first: 3, orderBy: { field: 'NAME', direction: 'DESC' }, after: cursor }],
      [client, { first: 3, orderBy, search: 'name', after: cursor }],
      [harness.as({ key }), { first: 3, orderBy, after: cursor }],
    ] as const) {
      expect((await who.refused(page, variables)).extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'after' });
    }
    expect((await read({ first: 3, orderBy, after: cursor })).nodes).toHaveLength(3);
  });

  it('reads objects by their ids in the order asked for, with one NOT_FOUND for each that is missing', async () => {
    const [first, second] = (await read({ first: 2 })).nodes;
    const ids = [second?.id, newId('ctc'), first?.id, 'nothing', second?.id];
    const answer = await client.ask<{ nodes: ({ id: string } | null)[] }>(
      'query N($ids: [ID!]!) { nodes(ids: $ids) { id } }',
      { ids },
    );
    expect(answer.data.nodes.map((node) => node?.id ?? null)).toEqual([second?.id, null, first?.id, null, second?.id]);
    expect(answer.errors.map(({ path, extensions }) => [path, extensions.code])).toEqual([
      [['nodes', 1], 'NOT_FOUND'],
      [['nodes', 3], 'NOT_FOUND'],
    ]);
    expect(answer.text).not.toContain(String(ids[1]));
  });
});
