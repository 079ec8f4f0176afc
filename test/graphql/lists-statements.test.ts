// How many statements an operation costs where it is not compiled, counted below Prisma: the same for one parent and for fifty.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/platform/ids.js';
import type { Client } from '../support/client.js';
import { type Harness, startHarness } from '../support/harness.js';
import { type StatementWatch, watchStatements } from './statements.js';

const PARENTS = 50;

let harness: Harness;
let watch: StatementWatch;
let client: Client;
let contactIds: readonly string[];
let agentIds: readonly string[];

beforeAll(async () => {
  watch = watchStatements();
  harness = await startHarness({ works: false, env: { FAST_LANE: 'off' } });
  const scopes = [
    'contacts:read',
    'messages:read',
    'agents:read',
    'inboxes:read',
    'api_keys:read',
    'approvals:read',
    'audit:read',
  ];
  client = harness.as(await harness.createKey({ kind: 'ACCOUNT', scopes }));
  await fill();
});
afterAll(async () => {
  watch?.stop();
  await harness?.stop();
});

/** Fifty people and fifty agents, two conversations for each pair, three messages in each, an effect behind each. */
async function fill(): Promise<void> {
  const { workspaceId, userId } = harness.place;
  const { owner: db } = harness.database;
  const each = <Made>(count: number, make: (i: number) => Made) => Array.from({ length: count }, (_, i) => make(i));
  contactIds = each(PARENTS, () => newId('ctc'));
  agentIds = each(PARENTS, () => newId('agt'));
  const inboxIds = each(PARENTS, () => newId('inb'));
  const conversations = each(PARENTS * 2, (i) => ({
    workspaceId,
    id: newId('cnv'),
    channel: 'EMAIL' as const,
    contactId: contactIds[i % PARENTS] ?? null,
    agentId: agentIds[i % PARENTS] ?? null,
    inboxId: inboxIds[i % PARENTS] ?? null,
  }));
  const effects = each(PARENTS, (i) => ({
    workspaceId,
    id: newId('eff'),
    kind: 'message.send',
    status: 'AWAITING_APPROVAL' as const,
    actorKind: 'SESSION' as const,
    actorId: i % 2 === 0 ? userId : newId('usr'),
    scopes: [],
    payload: {},
    priceCredits: 1,
    priceBook: '1',
    rule: {},
    seal: '',
    requestId: 'r',
  }));
  await db.contact.createMany({ data: contactIds.map((id, i) => ({ workspaceId, id, name: `Person ${i}` })) });
  await db.agent.createMany({
    data: agentIds.map((id, i) => ({ workspaceId, id, name: `Agent ${i}`, instructions: '' })),
  });
  await db.inbox.createMany({
    data: inboxIds.map((id, i) => ({ workspaceId, id, channel: 'EMAIL' as const, address: `i${i}@shop.example` })),
  });
  await db.conversation.createMany({ data: conversations });
  await db.effect.createMany({ data: effects });
  await db.effectDecision.createMany({
    data: effects.map(({ id: effectId }) => ({
      workspaceId,
      id: newId('apr'),
      effectId,
      verdict: 'APPROVED' as const,
      seal: '',
      userId,
    })),
  });
  const keyIds = each(PARENTS, () => newId('key'));
  await db.apiKey.createMany({
    data: keyIds.map((id, i) => ({
      workspaceId,
      id,
      kind: 'ACCOUNT' as const,
      name: `Key ${i}`,
      keyPrefix: 'sp_acct_',
      start: 'sp_acct_0000',
      scopes: ['*:read'],
    })),
  });
  const use = keyIds.map((keyId) => ({ workspaceId, keyId }));
  await db.apiKeySecretUse.createMany({ data: use.map((of) => ({ ...of, id: newId('sec'), start: 'sp_acct_0000' })) });
  await db.apiKeyScopeUse.createMany({
    data: use.map((of) => ({ ...of, scope: 'contacts:read', lastUsedAt: new Date() })),
  });
  await db.message.createMany({
    data: conversations.flatMap(({ id: conversationId, agentId, contactId }, at) =>
      each(3, (i) => ({
        workspaceId,
        id: newId('msg'),
        conversationId,
        agentId,
        contactId,
        effectId: effects[at % PARENTS]?.id ?? null,
        direction: 'INBOUND' as const,
        status: 'RECEIVED' as const,
        channel: 'EMAIL' as const,
        body: `${i}`,
      })),
    ),
  });
}

/** The reads of one operation. */
async function reads(query: string, variables: object): Promise<{ data: unknown; texts: readonly string[] }> {
  watch.take();
  const data = await client.data(query, variables);
  return { data, texts: watch.take() };
}

const bounded = (text: string): boolean =>
  /\bLIMIT\b/.test(text) || /\bcount\(\*\)/.test(text) || / (IN \(|= ANY\(|= \$\d)/.test(text);

const operations: readonly [string, number, string][] = [
  ['a list', 2, 'query Q($first: Int!) { contacts(first: $first) { nodes { id name } } }'],
  ['a list and how many there are', 3, 'query Q($first: Int!) { contacts(first: $first) { totalCount nodes { id } } }'],
  ['how many there are, and nothing else', 1, '{ contacts { totalCount } }'],
  [
    'whether there are more, and nothing else',
    1,
    'query Q($first: Int!) { contacts(first: $first) { pageInfo { hasNextPage } } }',
  ],
  [
    'a list inside a list',
    4,
    'query Q($first: Int!) { contacts(first: $first) { nodes { id conversations(first: 2) { nodes { id } } } } }',
  ],
  [
    'one relation under two names with different arguments',
    6,
    `query Q($first: Int!) { contacts(first: $first) { nodes { id
       newest: conversations(first: 1, orderBy: { field: CREATED_AT, direction: DESC }) { nodes { id } }
       open: conversations(first: 2, status: [OPEN]) { nodes { id subject } } } } }`,
  ],
  [
    'two names whose rows take different relations',
    8,
    `query Q($first: Int!) { contacts(first: $first) { nodes { id
       one: conversations(first: 1) { nodes { id agent { name } } }
       two: conversations(first: 2) { nodes { id inbox { address } } } } } }`,
  ],
  [
    'three levels, with relations and counts at each',
    14,
    `query Q($first: Int!) { agents(first: $first) { totalCount nodes { name
       conversations(first: 2) { totalCount nodes { subject contact { name } inbox { address }
         messages(first: 3) { totalCount nodes { body contact { name } agent { name } conversation { subject } } } } } } } }`,
  ],
  [
    'nodes and edges of one list, each with a relation',
    4,
    `query Q($first: Int!) { conversations(first: $first) {
       nodes { id contact { name } } edges { cursor node { id agent { name } } } } }`,
  ],
  [
    'a list of fragments',
    5,
    `query Q($first: Int!) { conversations(first: $first) { ...Page } }
     fragment Page on ConversationConnection { nodes { ...Talk } }
     fragment Talk on Conversation { id contact { ...Person } messages(first: 1) { nodes { id } } }
     fragment Person on Contact { id name }`,
  ],
  [
    'who asked for effects and who decided, by name',
    8,
    `query Q($first: Int!) { effects(first: $first) { nodes { requestedBy { kind name }
       decisions(first: 5) { nodes { verdict decidedBy { name } } } } } }`,
  ],
  [
    'the effects behind messages, and who asked for them',
    5,
    'query Q($first: Int!) { messages(first: $first) { nodes { id effect { status requestedBy { name } } } } }',
  ],
  [
    'what keys used, and by which secrets',
    5,
    `query Q($first: Int!) { apiKeys(first: $first) { nodes {
       scopeUse { scope lastUsedAt } secrets { start lastUsedAt } seenInBrowserAt } } }`,
  ],
  [
    'the relation of a relation',
    4,
    'query Q($first: Int!) { messages(first: $first) { nodes { id conversation { subject contact { name } } } } }',
  ],
];

describe('an operation takes as many statements for fifty parents as for one', () => {
  it.each(operations)('%s: at most %i', async (_, most, query) => {
    const one = await reads(query, { first: 1 });
    const fifty = await reads(query, { first: PARENTS });
    expect(fifty.texts.length, fifty.texts.join('\n')).toBe(one.texts.length);
    expect(one.texts.length, one.texts.join('\n')).toBeLessThanOrEqual(most);
    for (const text of fifty.texts) {
      expect(bounded(text), text).toBe(true);
      // A list for many parents limits each of them: the LIMIT stands inside the LATERAL part.
      if (text.includes('LATERAL') && !text.includes('count(*)'))
        expect(text).toMatch(/LATERAL \(SELECT .* LIMIT \$\d+::int\)/);
    }
  });

  it('nodes(ids): one for each type that is named, however many ids', async () => {
    const query = 'query N($ids: [ID!]!) { nodes(ids: $ids) { id ... on Agent { name } ... on Contact { name } } }';
    expect((await reads(query, { ids: contactIds.slice(0, 1) })).texts).toHaveLength(1);
    expect((await reads(query, { ids: contactIds })).texts).toHaveLength(1);
    expect((await reads(query, { ids: [...contactIds, ...agentIds] })).texts).toHaveLength(2);
  });

  it('nodes(ids) with a list inside each', async () => {
    const query = `query N($ids: [ID!]!) { nodes(ids: $ids) { id
      ... on Contact { conversations(first: 2) { totalCount nodes { id agent { name } } } } } }`;
    const one = await reads(query, { ids: contactIds.slice(0, 1) });
    const fifty = await reads(query, { ids: contactIds });
    expect(fifty.texts.length).toBe(one.texts.length);
    expect(fifty.texts.length).toBeLessThanOrEqual(5);
  });
});

describe('what is read at once is shared out rightly', () => {
  it('each parent has its own rows under each name', async () => {
    const query = `query Q($first: Int!) { contacts(first: $first) { nodes { id
      one: conversations(first: 1) { totalCount nodes { contact { id } } }
      all: conversations(first: 5) { nodes { contact { id } messages(first: 2) { totalCount nodes { conversation { contact { id } } } } } } } } }`;
    interface Talk {
      readonly contact: { readonly id: string };
    }
    const { contacts } = await client.data<{
      contacts: {
        nodes: {
          id: string;
          one: { totalCount: number; nodes: Talk[] };
          all: { nodes: (Talk & { messages: { totalCount: number; nodes: { conversation: Talk }[] } })[] };
        }[];
      };
    }>(query, { first: PARENTS });
    expect(contacts.nodes).toHaveLength(PARENTS);
    for (const { id, one, all } of contacts.nodes) {
      expect([one.totalCount, one.nodes.length, all.nodes.length]).toEqual([2, 1, 2]);
      for (const { contact, messages } of all.nodes) {
        expect([contact.id, messages.totalCount, messages.nodes.length]).toEqual([id, 3, 2]);
        for (const { conversation } of messages.nodes) expect(conversation.contact.id).toBe(id);
      }
      for (const { contact } of one.nodes) expect(contact.id).toBe(id);
    }
  });

  it('each name has its own order, filter and count', async () => {
    interface Talks {
      readonly totalCount: number;
      readonly nodes: readonly { readonly id: string }[];
    }
    const { contacts } = await client.data<{ contacts: { nodes: { first: Talks; last: Talks; none: Talks }[] } }>(
      `query Q($first: Int!) { contacts(first: $first) { nodes {
        first: conversations(first: 1, orderBy: { field: CREATED_AT, direction: ASC }) { totalCount nodes { id } }
        last: conversations(first: 1, orderBy: { field: CREATED_AT, direction: DESC }) { totalCount nodes { id } }
        none: conversations(first: 1, status: [CLOSED]) { totalCount nodes { id } } } } }`,
      { first: PARENTS },
    );
    for (const { first, last, none } of contacts.nodes) {
      expect([first.totalCount, last.totalCount, none.totalCount]).toEqual([2, 2, 0]);
      expect([first.nodes.length, last.nodes.length, none.nodes.length]).toEqual([1, 1, 0]);
      expect(first.nodes[0]?.id).not.toBe(last.nodes[0]?.id);
    }
  });

  it('the watch itself sees what the database is asked', async () => {
    watch.take();
    await harness.database.owner.contact.count({ where: { workspaceId: harness.place.workspaceId } });
    const [text = ''] = watch.take();
    expect(text).toMatch(/COUNT\(\*\)/);
  });
});
