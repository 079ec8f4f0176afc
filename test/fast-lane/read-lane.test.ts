// What a compiled read promises beside sameness: it confines itself twice, emits nothing that its reader may not see, leaves
// nothing on a connection, and is no way around what changed about a key.
import { parse } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { factsOfKey } from '../../src/auth/api-key.js';
import { hashKey } from '../../src/auth/key-format.js';
import type { Prepared, ReadRow } from '../../src/fast-lane/read-lane.js';
import { newId } from '../../src/platform/ids.js';
import { type Harness, startHarness } from '../support/harness.js';
import { type SeededWorkspace, seedSite, seedWorkspace } from '../support/world.js';
import { bareLane, readerOf, statementOf } from './bare-lane.js';
import { askBoth, byPost, laneLog } from './both-ways.js';

const lanes = laneLog();
let harness: Harness;
let ours: SeededWorkspace;
let theirs: SeededWorkspace;
beforeAll(async () => {
  harness = await startHarness({ works: false, log: lanes.log });
  const { owner } = harness.database;
  ours = await seedWorkspace(owner, harness.place, 'ours');
  theirs = await seedWorkspace(owner, await seedSite(owner, 'theirs'), 'theirs');
});
afterAll(() => harness.stop());

let ran = 0;
const run = ({ text, values }: Prepared): Promise<ReadRow[]> =>
  harness.database.query<ReadRow>(`test ${++ran}`, text, values);

const LISTS = '{ contacts { nodes { id name conversations { nodes { id messages { nodes { body } } } } } } }';

describe('a compiled read', () => {
  it.each(['both', 'rls-only'] as const)('sees one workspace, by id and in lists (walls: %s)', async (walls) => {
    const reader = readerOf(ours, ['*:read']);
    const [lists] = await run(statementOf(LISTS, reader, {}, walls)?.byTenant() as Prepared);
    expect(lists?.data).toContain(ours.rows.Contact);
    expect(lists?.data).not.toContain('theirs');
    const query = 'query ($id: ID!) { contact(id: $id) { name } }';
    const found = async (id: string) => {
      const rows = await run(statementOf(query, reader, { id }, walls)?.byTenant() as Prepared).catch(() => []);
      return rows[0]?.data ?? null;
    };
    expect(await found(ours.rows.Contact)).toContain('ours');
    expect(await found(theirs.rows.Contact)).toBeNull();
  });

  it('sees nothing where row-level security knows another workspace than the condition', async () => {
    const prepared = statementOf(LISTS, readerOf(ours, ['*:read']), {})?.byTenant() as Prepared;
    const [workspaceId, ...rest] = prepared.values;
    expect(workspaceId).toBe(ours.workspaceId);
    const [row] = await run({ ...prepared, values: [theirs.workspaceId, ...rest] });
    expect(row?.data).not.toContain(ours.rows.Contact);
  });

  it('leaves no workspace behind on the connection that it used', async () => {
    const prepared = statementOf(LISTS, readerOf(ours, ['*:read']))?.byTenant() as Prepared;
    await Promise.all(Array.from({ length: 30 }, () => run(prepared)));
    const left = await Promise.all(
      Array.from({ length: 30 }, () =>
        harness.database.query<{ w: string | null; n: number }>(
          'left',
          "SELECT nullif(current_setting('app.workspace_id', true), '') AS w, (SELECT count(*)::int FROM contact) AS n",
          [],
        ),
      ),
    );
    for (const [row] of left) expect(row).toEqual({ w: null, n: 0 });
  });

  it.each([
    ['{ contacts { nodes { id } } }', ['agents:read']],
    ['{ agents { nodes { id conversations { nodes { id } } } } }', ['agents:read']],
    ['{ conversations { nodes { contact { name } } } }', ['messages:read']],
    ['{ me { workspace { name } } }', ['contacts:read']],
    ['{ auditEntries { nodes { id } } }', ['*:read']],
    ['{ members { nodes { name } } }', ['*:read']],
  ])('is not made of a field that its reader may not see: %s', (query, scopes) => {
    expect(statementOf(query, readerOf(ours, scopes))).toBeNull();
    expect(
      statementOf(
        query.replace('auditEntries', 'agents').replace('members', 'agents'),
        readerOf(ours, ['*:read', 'audit:read']),
      ),
    ).not.toBeNull();
  });

  it('is kept for one set of scopes, and refuses another', () => {
    const lane = bareLane();
    const compiled = lane.compiledOf(parse('{ contacts { nodes { id } } }'), null);
    const asked = (scopes: readonly string[]) =>
      compiled?.statementFor({ principal: readerOf(ours, scopes), variables: null, standing: null }) ?? null;
    expect(asked(['contacts:read'])).not.toBeNull();
    expect(asked(['agents:read'])).toBeNull();
    expect(asked(['contacts:read'])).not.toBeNull();
  });

  it('has one statement for all values of its variables', () => {
    const query =
      'query ($id: ID!, $first: Int, $search: String) { contact(id: $id) { name } contacts(first: $first, search: $search) { nodes { id } } }';
    const texts = ['a', 'b', 'c'].map((text, place) => {
      const variables = { id: `ctc_${text}`, first: place + 1, search: text };
      return statementOf(query, readerOf(ours, ['*:read']), variables)?.byTenant();
    });
    expect(new Set(texts.map((one) => one?.text)).size).toBe(1);
    expect(new Set(texts.map((one) => one?.name)).size).toBe(1);
    expect(JSON.stringify(texts.map((one) => one?.text))).not.toContain('ctc_a');
  });
});

describe('an effect by its id', () => {
  const ASKED = 'query ($id: ID!) { effect(id: $id) { id status price requestedBy { kind id name } } }';
  const seen = async (headers: Readonly<Record<string, string>>, id: string) => {
    const { post, get, lane } = await askBoth(harness.url, lanes, headers, { query: ASKED, variables: { id } });
    expect(post).toEqual(get);
    return { lane, text: post.text };
  };
  const keyOf = async (scopes: readonly string[]) =>
    harness.as({ key: (await harness.createKey({ kind: 'ACCOUNT', scopes, name: 'Poller' })).key });

  it('is read at once by the key that asked for it, by its name, and by no other key', async () => {
    const mine = await keyOf(['messages:send', 'contacts:read']);
    const { sendMessage } = await mine.data<{ sendMessage: { effect: { id: string } } }>(
      'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { effect { id } } }',
      { input: { conversationId: ours.rows.Conversation, body: 'Hello', idempotencyKey: 'polled-effect-1' } },
    );
    const { id } = sendMessage.effect;
    const { lane, text } = await seen(mine.headers, id);
    expect([lane, JSON.parse(text).data.effect.requestedBy.name]).toEqual(['fast', 'Poller']);
    const another = await seen((await keyOf(['messages:send'])).headers, id);
    expect(another.text).toContain('NOT_FOUND');
    // Its use of the scope that shows what others asked for is counted, once the row is known.
    const approver = await seen((await keyOf(['approvals:read'])).headers, id);
    expect(approver.lane).toBe('ordinary');
    expect(JSON.parse(approver.text).data.effect.id).toBe(id);
    const person = await seen((await harness.signIn()).headers, id);
    expect([person.lane, JSON.parse(person.text).data.effect.id]).toEqual(['fast', id]);
  });
});

describe('who acted', () => {
  it('is told as the resolvers tell it: a person, a key, the server, one who is gone', async () => {
    const { owner } = harness.database;
    const gone = newId('usr');
    const [first] = await owner.apiKey.findMany({ where: { workspaceId: ours.workspaceId }, take: 1 });
    const made = [null, gone, harness.place.userId].map((createdById) => ({
      ...first,
      id: newId('key'),
      createdById,
    }));
    await owner.apiKey.createMany({ data: made as never });
    const query = '{ apiKeys(first: 100) { nodes { id createdBy { __typename kind id name } } } }';
    const { headers } = await harness.signIn();
    const { post, get, lane } = await askBoth(harness.url, lanes, headers, { query, variables: {} });
    expect([lane, post]).toEqual(['fast', get]);
    const names = JSON.parse(post.text).data.apiKeys.nodes.map(
      ({ createdBy }: { createdBy: { kind: string; name: string | null } }) => `${createdBy.kind} ${createdBy.name}`,
    );
    expect(names).toEqual(expect.arrayContaining(['SYSTEM Sallyport', 'SESSION null', 'SESSION Olive Owner']));
  });
});

describe('the longest page', () => {
  it.each([
    ['first: 100', 'hasNextPage'],
    ['last: 100', 'hasPreviousPage'],
  ])('tells that one more is there, and that none is: %s', async (page, more) => {
    const { owner } = harness.database;
    const { workspaceId } = await harness.addPlace(more);
    const { headers } = harness.as(
      await harness.createKey({ kind: 'ACCOUNT', workspaceId, scopes: ['contacts:read'] }),
    );
    const query = `{ contacts(${page}) { nodes { id } pageInfo { ${more} } } }`;
    for (const [added, isMore] of [
      [100, false],
      [1, true],
    ] as const) {
      const data = Array.from({ length: added }, () => ({ workspaceId, id: newId('ctc'), name: 'One of many' }));
      await owner.contact.createMany({ data });
      const { post, get, lane } = await askBoth(harness.url, lanes, headers, { query, variables: {} });
      expect([lane, post]).toEqual(['fast', get]);
      const { nodes, pageInfo } = JSON.parse(post.text).data.contacts;
      expect([nodes.length, pageInfo[more]]).toEqual([100, isMore]);
    }
  });
});

describe('a key and its read in one statement', () => {
  it('reads nothing once anything about the key has changed', async () => {
    const { id, key } = await harness.createKey({ kind: 'ACCOUNT', scopes: ['*:read'] });
    const [row] = await harness.database.query<{ facts: string }>('facts', factsOfKey('$1'), [hashKey(key)]);
    const facts = row?.facts ?? '';
    const prepared = statementOf(LISTS, readerOf(ours, ['*:read']))?.byKey(hashKey(key), facts) as Prepared;
    const [before] = await run(prepared);
    expect(before?.data).toContain(ours.rows.Contact);
    await harness.database.owner.apiKey.updateMany({ where: { id }, data: { scopes: ['agents:read'] } });
    expect(await run(prepared)).toEqual([]);
  });

  it.each([
    ['is narrowed', { scopes: ['agents:read'] }, 403],
    ['is suspended', { status: 'SUSPENDED' }, 401],
    ['is revoked', { status: 'REVOKED', revokedAt: new Date() }, 401],
    ['has expired', { expiresAt: new Date(0) }, 401],
    ['may come from elsewhere only', { allowedIps: ['192.0.2.1'] }, 403],
  ])('answers the very next request by what the key is then: it %s', async (_title, data, status) => {
    const { id, key } = await harness.createKey({ kind: 'ACCOUNT', scopes: ['contacts:read'] });
    const { headers } = harness.as({ key });
    const ask = async (requestId: string) => {
      const { status: answered } = await byPost(
        harness.url,
        headers,
        { query: '{ contacts { nodes { id } } }', variables: {} },
        requestId,
      );
      return [answered, await lanes.laneOf(requestId)];
    };
    expect(await ask(`${id}-1`)).toEqual([200, 'fast']);
    expect(await ask(`${id}-2`)).toEqual([200, 'fast']);
    await harness.database.owner.apiKey.updateMany({ where: { id }, data: data as never });
    expect(await ask(`${id}-3`)).toEqual([status, null]);
  });

  it('refuses a bad key before it says what is wrong with the body', async () => {
    const { id, key } = await harness.createKey({ kind: 'ACCOUNT', scopes: ['contacts:read'] });
    const { headers } = harness.as({ key });
    await harness.as({ key }).data('{ contacts { nodes { id } } }');
    await harness.database.owner.apiKey.updateMany({
      where: { id },
      data: { status: 'REVOKED', revokedAt: new Date() },
    });
    const response = await fetch(`${harness.url}/graphql`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: '{',
    });
    expect(response.status).toBe(401);
  });
});

describe('what PostgreSQL writes', () => {
  it.each([
    ['quotes and backslashes', 'a "quoted" \\ back/slash'],
    ['control characters', '\u0001\u0002\b\f\n\r\t\u001f\u007f'],
    ['separators of lines and scripts', '\u2028\u2029</script>'],
    ['other alphabets and signs beyond the first plane', 'äß 日本 🚲 \u{10ffff}'],
  ])('is what JSON.stringify writes: %s', async (_title, text) => {
    await harness.database.owner.contact.updateMany({
      where: { id: ours.rows.Contact },
      data: { name: text, notes: text },
    });
    const query = `{ contact(id: "${ours.rows.Contact}") { name notes phone createdAt } }`;
    const [row] = await run(statementOf(query, readerOf(ours, ['*:read']))?.byTenant() as Prepared);
    expect(row?.data).toContain(JSON.stringify({ name: text, notes: text }).slice(1, -1));
  });
});
