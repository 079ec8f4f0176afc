import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/platform/ids.js';
import type { Client } from '../support/client.js';
import { type Harness, startHarness } from '../support/harness.js';

interface Page {
  readonly edges: readonly { readonly cursor: string; readonly node: { readonly id: string } }[];
  readonly nodes: readonly { readonly id: string }[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
  readonly totalCount: number;
}

interface Row {
  readonly id: string;
  readonly name: string;
  readonly createdAt: Date;
  readonly optedOutAt: Date | null;
}

let harness: Harness;
let client: Client;
let rows: readonly Row[];
let elsewhere: Client;

beforeAll(async () => {
  harness = await startHarness({ works: false });
  const { workspaceId } = harness.place;
  // Few different values: most neighbours differ by their id alone.
  rows = Array.from({ length: 47 }, (_, i) => ({
    id: newId('ctc'),
    name: ['ada', 'bob', 'cy'][i % 3] ?? '',
    createdAt: new Date(Date.UTC(2026, 0, 1 + (i % 2), 9, 0, 0, i % 2)),
    optedOutAt: i % 5 === 0 ? new Date() : null,
  }));
  await harness.database.owner.contact.createMany({ data: rows.map((row) => ({ ...row, workspaceId })) });
  client = harness.as(
    await harness.createKey({ kind: 'ACCOUNT', scopes: ['contacts:read', 'messages:read', 'agents:read'] }),
  );
  const there = await harness.addPlace('Elsewhere');
  await harness.database.owner.contact.createMany({
    data: [1, 2, 3].map(() => ({ workspaceId: there.workspaceId, id: newId('ctc'), name: 'dot' })),
  });
  elsewhere = await harness.signIn(there);
});
afterAll(() => harness?.stop());

const list = `query L($first: Int, $after: String, $last: Int, $before: String, $orderBy: ContactOrder, $search: String, $isOptedOut: Boolean) {
  contacts(first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy, search: $search, isOptedOut: $isOptedOut) {
    edges { cursor node { id } } nodes { id } totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`;

const ask = async (variables: object, by: Client = client): Promise<Page> =>
  (await by.data<{ contacts: Page }>(list, variables)).contacts;

const compare = (one: string | number, other: string | number): number => (one < other ? -1 : one > other ? 1 : 0);

function expected(field: 'NAME' | 'CREATED_AT', direction: 'ASC' | 'DESC', of: readonly Row[] = rows): string[] {
  const key = (row: Row) => (field === 'NAME' ? row.name : row.createdAt.getTime());
  const sorted = [...of].sort((one, other) => compare(key(one), key(other)) || compare(one.id, other.id));
  return (direction === 'ASC' ? sorted : sorted.reverse()).map(({ id }) => id);
}

describe('a list', () => {
  it('is paged either way, in any order and size, without gap or repeat', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('NAME' as const, 'CREATED_AT' as const),
        fc.constantFrom('ASC' as const, 'DESC' as const),
        fc.boolean(),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 6 }),
        async (field, direction, isForward, sizes) => {
          const orderBy = { field, direction };
          const seen: string[] = [];
          let cursor: string | null = null;
          for (let turn = 0; ; turn++) {
            const size = sizes[turn % sizes.length];
            const page: Page = await ask(
              isForward ? { orderBy, first: size, after: cursor } : { orderBy, last: size, before: cursor },
            );
            const ids = page.nodes.map(({ id }) => id);
            if (isForward) seen.push(...ids);
            else seen.unshift(...ids);
            const { hasNextPage, hasPreviousPage, startCursor, endCursor } = page.pageInfo;
            expect(page.totalCount).toBe(rows.length);
            expect([startCursor, endCursor]).toEqual([page.edges[0]?.cursor, page.edges.at(-1)?.cursor]);
            const goesOn = isForward ? hasNextPage : hasPreviousPage;
            expect(goesOn).toBe(seen.length < rows.length);
            expect(isForward ? hasPreviousPage : hasNextPage).toBe(turn > 0);
            if (!goesOn) break;
            cursor = isForward ? endCursor : startCursor;
          }
          expect(seen).toEqual(expected(field, direction));
        },
      ),
      { numRuns: 12 },
    );
  });

  it('goes on from any edge, both ways', async () => {
    const orderBy = { field: 'NAME', direction: 'ASC' };
    const whole = (await ask({ orderBy, first: 100 })).edges;
    await fc.assert(
      fc.asyncProperty(fc.nat(rows.length - 1), fc.integer({ min: 0, max: 10 }), async (place, size) => {
        const cursor = whole[place]?.cursor;
        const after = await ask({ orderBy, first: size, after: cursor });
        expect(after.edges).toEqual(whole.slice(place + 1, place + 1 + size));
        const before = await ask({ orderBy, last: size, before: cursor });
        expect(before.edges).toEqual(whole.slice(Math.max(0, place - size), place));
      }),
      { numRuns: 12 },
    );
  });

  it('is filtered the same on every page and in its count', async () => {
    const opted = rows.filter(({ optedOutAt }) => optedOutAt !== null);
    const orderBy = { field: 'CREATED_AT', direction: 'DESC' };
    const first = await ask({ orderBy, isOptedOut: true, first: 6 });
    const rest = await ask({ orderBy, isOptedOut: true, first: 100, after: first.pageInfo.endCursor });
    expect([...first.nodes, ...rest.nodes].map(({ id }) => id)).toEqual(expected('CREATED_AT', 'DESC', opted));
    expect([first.totalCount, rest.totalCount]).toEqual([opted.length, opted.length]);
    const searched = await ask({ search: 'AD', first: 100 });
    expect(searched.totalCount).toBe(rows.filter(({ name }) => name === 'ada').length);
    for (const search of ['%', '_', '\\']) expect((await ask({ search })).totalCount).toBe(0);
  });

  it('has 20 on a page where no size is given, the newest first', async () => {
    const page = await ask({});
    expect(page.nodes.map(({ id }) => id)).toEqual(expected('CREATED_AT', 'DESC').slice(0, 20));
    expect(page.pageInfo.hasNextPage).toBe(true);
  });

  it('has pages without anything on them', async () => {
    const none = { edges: [], nodes: [], pageInfo: { hasPreviousPage: false, startCursor: null, endCursor: null } };
    expect(await ask({ first: 0 })).toMatchObject({
      ...none,
      totalCount: rows.length,
      pageInfo: { hasNextPage: true },
    });
    expect(await ask({ search: 'nobody' })).toMatchObject({ ...none, totalCount: 0, pageInfo: { hasNextPage: false } });
    expect(
      await client.data('{ agents { totalCount nodes { id } edges { cursor } pageInfo { hasNextPage } } }'),
    ).toEqual({
      agents: { totalCount: 0, nodes: [], edges: [], pageInfo: { hasNextPage: false } },
    });
    const last = (await ask({ first: 100 })).pageInfo.endCursor;
    expect(await ask({ first: 5, after: last })).toMatchObject({
      nodes: [],
      pageInfo: { hasNextPage: false, hasPreviousPage: true },
    });
  });

  it('keeps its place while rows come before it', async () => {
    const orderBy = { field: 'NAME', direction: 'ASC' };
    const { workspaceId } = harness.place;
    const page = await ask({ orderBy, first: 10 });
    const id = newId('ctc');
    await harness.database.owner.contact.create({ data: { workspaceId, id, name: 'aaa' } });
    try {
      const next = await ask({ orderBy, first: 10, after: page.pageInfo.endCursor });
      expect(next.nodes.map((node) => node.id)).toEqual(expected('NAME', 'ASC').slice(10, 20));
    } finally {
      await harness.database.owner.contact.delete({ where: { workspaceId_id: { workspaceId, id } } });
    }
  });
});

describe('a list refuses', () => {
  const cursor = async (variables: object = {}, by: Client = client) =>
    (await ask({ first: 1, ...variables }, by)).pageInfo.endCursor ?? '';
  const refused = async (variables: object, field: string) => {
    const { extensions, message } = await client.refused(list, variables);
    expect(extensions).toMatchObject({ code: 'BAD_USER_INPUT', field });
    return message;
  };

  it.each([
    [{ first: 101 }, 'first', /0 to 100/],
    [{ last: 101 }, 'last', /0 to 100/],
    [{ first: -1 }, 'first', /0 to 100/],
    [{ last: -1 }, 'last', /0 to 100/],
    [{ first: 1, last: 1 }, 'last', /first or last/],
    [{ after: 'a', before: 'b' }, 'before', /after or before/],
    [{ after: 'a', last: 1 }, 'after', /after goes with first/],
    [{ before: 'a', first: 1 }, 'before', /before goes with last/],
    [{ after: '' }, 'after', /cursor/],
    [{ after: 'not a cursor' }, 'after', /cursor/],
    [{ before: 'AAAA' }, 'before', /cursor/],
  ])('%j, naming the argument %s', async (variables, field, sentence) => {
    expect(await refused(variables, field)).toMatch(sentence);
  });

  it('a cursor of another workspace, field, order or filter', async () => {
    await refused({ after: await cursor({}, elsewhere) }, 'after');
    const own = await cursor();
    await refused({ after: own, orderBy: { field: 'NAME', direction: 'DESC' } }, 'after');
    await refused({ after: own, orderBy: { field: 'CREATED_AT', direction: 'ASC' } }, 'after');
    await refused({ after: own, search: 'a' }, 'after');
    await refused({ after: await cursor({ isOptedOut: true }), isOptedOut: false }, 'after');
    const other = await client.refused(
      'query C($after: String) { conversations(after: $after) { totalCount nodes { id } } }',
      { after: own },
    );
    expect(other.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'after' });
  });

  it('a cursor of which any one character was changed', async () => {
    const own = await cursor();
    await fc.assert(
      fc.asyncProperty(fc.nat(own.length - 1), fc.constantFrom('A', 'z', '0', '-'), async (place, letter) => {
        const tampered = own.slice(0, place) + letter + own.slice(place + 1);
        fc.pre(tampered !== own);
        await refused({ after: tampered }, 'after');
      }),
      { numRuns: 20 },
    );
  });
});

describe('nodes', () => {
  const query = 'query N($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }';

  it('come in the order asked for, also twice, and one that is unknown is null with an error of its own', async () => {
    const [one, two, three] = rows;
    const unknown = newId('ctc');
    const foreign = (await ask({ first: 1 }, elsewhere)).nodes[0]?.id;
    const ids = [three?.id, unknown, one?.id, foreign, two?.id, one?.id, 'ctc_short', 'nothing', ''];
    const answer = await client.ask<{ nodes: ({ id: string } | null)[] }>(query, { ids });
    expect(answer.status).toBe(200);
    expect(answer.data.nodes.map((node) => node?.id ?? null)).toEqual([
      three?.id,
      null,
      one?.id,
      null,
      two?.id,
      one?.id,
      null,
      null,
      null,
    ]);
    expect(answer.errors.map(({ path, extensions }) => [path, extensions.code])).toEqual(
      [1, 3, 6, 7, 8].map((place) => [['nodes', place], 'NOT_FOUND']),
    );
    expect(new Set(answer.errors.map(({ message }) => message)).size).toBe(1);
  });

  it('are none for no ids, and refused above 100, naming the argument', async () => {
    expect(await client.data(query, { ids: [] })).toEqual({ nodes: [] });
    const refused = await client.refused(query, { ids: Array.from({ length: 101 }, () => newId('ctc')) });
    expect(['BAD_USER_INPUT', 'QUERY_TOO_COMPLEX']).toContain(refused.extensions.code);
    expect(refused.extensions).toMatchObject({ field: 'ids' });
  });

  it('of several types come each as what it is', async () => {
    const { workspaceId } = harness.place;
    const agentId = newId('agt');
    await harness.database.owner.agent.create({ data: { workspaceId, id: agentId, name: 'Robin', instructions: '' } });
    const [one] = rows;
    expect(
      await client.data(
        'query N($ids: [ID!]!) { nodes(ids: $ids) { id ... on Agent { name } ... on Contact { createdAt } } }',
        {
          ids: [agentId, one?.id],
        },
      ),
    ).toEqual({
      nodes: [
        { id: agentId, name: 'Robin' },
        { id: one?.id, createdAt: one?.createdAt.toISOString() },
      ],
    });
  });
});
