// How PostgreSQL goes about a read, and that it keeps to it: what is read to answer does not grow with what lies beside it,
// and a statement that was prepared is not planned with each request (the embedded database prepares none).
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Principal } from '../../src/auth/principal.js';
import type { Prepared } from '../../src/fast-lane/read-lane.js';
import { newId } from '../../src/platform/ids.js';
import { type Harness, startHarness } from '../support/harness.js';
import { type SeededWorkspace, seedSite, seedWorkspace } from '../support/world.js';
import { readerOf, statementOf } from './bare-lane.js';

let harness: Harness;
let long: SeededWorkspace;
let reader: Principal;
beforeAll(async () => {
  harness = await startHarness({ works: false, env: { FAST_LANE: 'off' } });
  const { owner } = harness.database;
  long = await seedWorkspace(owner, harness.place, 'long');
  reader = readerOf(long, ['*:read']);
  const beside = await seedWorkspace(owner, await seedSite(owner, 'beside'), 'beside');
  const { workspaceId } = long;
  const rows = <T extends object>(count: number, row: (place: number) => T) =>
    Array.from({ length: count }, (_, place) => ({ workspaceId, ...row(place) }));

  await owner.contact.createMany({ data: rows(5_000, () => ({ id: newId('ctc'), name: 'One of many' })) });
  const conversations = rows(2_000, (place) => ({
    ...{ id: newId('cnv'), channel: 'EMAIL' as const },
    lastMessageAt: new Date(Date.UTC(2026, 0, 1) - place * 60_000),
  }));
  await owner.conversation.createMany({ data: conversations });
  // A message of each of the twenty liveliest after the other, and each beside one of another workspace.
  const others = { workspaceId: beside.workspaceId, id: beside.rows.Conversation };
  const places = Array.from({ length: 100 }, () => conversations.slice(0, 20).flatMap((one) => [one, others])).flat();
  await owner.message.createMany({
    data: places.map((of, place) => ({
      ...{ workspaceId: of.workspaceId, id: newId('msg'), conversationId: of.id, channel: 'EMAIL' as const },
      ...{ direction: 'INBOUND' as const, status: 'RECEIVED' as const, body: `Message ${place}.`.repeat(40) },
      createdAt: new Date(Date.UTC(2026, 0, 1) + ((place * 7_919) % places.length) * 60_000),
    })),
  });
  await harness.database.executeAsOwner('ANALYZE');
});
afterAll(() => harness.stop());

const LONG_LISTS = [
  '{ conversations(first: 15) { nodes { messages(first: 5) { nodes { body } } } } }',
  '{ conversations(first: 15) { nodes { messages(first: 5) { nodes { body } pageInfo { hasNextPage } } } } }',
];

describe('the plan of a compiled read', () => {
  it.each([
    ['query ($id: ID!) { contact(id: $id) { name } }', 'Contact'],
    ['query ($id: ID!) { node(id: $id) { id ... on Contact { name } } }', 'Contact'],
    ['query ($id: ID!) { conversation(id: $id) { contact { name } } }', 'Conversation'],
    ['query ($id: ID!) { me { kind } contact(id: $id) { conversations { nodes { contact { name } } } } }', 'Contact'],
  ] as const)('finds a row by its id without looking at those beside it: %s', async (query, type) => {
    expect(passedOver(await planOf(query, { id: long.rows[type] }))).toBeLessThan(20);
  });

  it.each(LONG_LISTS)(
    'reads no more of long lists than their pages show, wherever their rows lie: %s',
    async (query) => {
      const plan = await planOf(query);
      // The liveliest conversation is not one of the long ones.
      expect(read(plan, 'message')).toBeGreaterThan(14 * 4);
      expect(read(plan, 'message')).toBeLessThanOrEqual(15 * 6);
    },
  );

  it.each(LONG_LISTS)('is made once, however long the lists are: %s', async (query) => {
    const prepared = statementOf(query, reader)?.byTenant() as Prepared;
    const { text, values } = prepared;
    const name = newName();
    for (let time = 0; time < 10; time++) await harness.database.query(name, text, values);
    expect(await timesKept(text)).toBeGreaterThan(0);
  });
});

describe('the plan of a list that the resolvers read', () => {
  it('is made once, however long the list is', async () => {
    const client = harness.as(await harness.createKey({ kind: 'ACCOUNT', scopes: ['contacts:read'] }));
    const query = '{ contacts(first: 15, orderBy: { field: NAME, direction: ASC }) { nodes { id } } }';
    for (let time = 0; time < 10; time++) await client.data(query);
    expect(await timesKept('%x.value FROM%"contact"%')).toBeGreaterThan(0);
  });
});

/** How often a prepared statement, by its text, was run by the plan that was made before. Null: there is none. */
async function timesKept(text: string): Promise<number | null> {
  const kept =
    'SELECT max(generic_plans)::int AS times FROM pg_prepared_statements WHERE statement LIKE $1 OR statement = $1';
  const [row] = await harness.database.query<{ times: number | null }>('times kept', kept, [text]);
  return row?.times ?? null;
}

let named = 0;
const newName = () => `plan ${++named}`;

interface PlanNode {
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly Plans?: readonly PlanNode[];
}

async function planOf(query: string, variables: object = {}): Promise<PlanNode> {
  const prepared = statementOf(query, reader, variables)?.byTenant() as Prepared;
  const explain = `EXPLAIN (ANALYZE, FORMAT JSON) ${prepared.text}`;
  const [row] = await harness.database.query<object>(newName(), explain, prepared.values);
  const [[{ Plan }]] = Object.values(row as object) as [[{ Plan: PlanNode }]];
  return Plan;
}

/** How many rows of a table a plan read. */
const read = (plan: PlanNode, table: string): number =>
  (plan['Relation Name'] === table ? plan['Actual Rows'] * plan['Actual Loops'] : 0) +
  (plan.Plans ?? []).reduce((sum, below) => sum + read(below, table), 0);

/** How many rows a plan read only to leave them out. */
const passedOver = (plan: PlanNode): number =>
  [...JSON.stringify(plan).matchAll(/"Rows Removed by (?:Filter|Join Filter)":(\d+)/g)].reduce(
    (sum, [, rows]) => sum + Number(rows),
    0,
  );
