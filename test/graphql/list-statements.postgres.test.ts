// How many statements a read takes, counted where they are sent. It must not grow with the number of parents, and no list
// may be read without a limit.
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/platform/ids.js';
import type { Client } from '../support/client.js';
import { type Harness, startHarness } from '../support/harness.js';

describe('the statements of a read', () => {
  let harness: Harness;
  let client: Client;
  const sent: string[] = [];
  const { query } = pg.Client.prototype;

  beforeAll(async () => {
    harness = await startHarness({ works: false });
    await seed(harness, 50, 12);
    const { key } = await harness.createKey({
      kind: 'ACCOUNT',
      scopes: ['messages:read', 'contacts:read', 'agents:read'],
    });
    client = harness.as({ key });
    pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
      const [statement] = args as [string | { text?: string }];
      const text = typeof statement === 'string' ? statement : (statement.text ?? '');
      if (text.includes('FROM') && !/pgboss|set_config|sallyport_find_key|api_key|audit_|FROM workspace|pg_advisory/.test(text)) sent.push(text);
      return Reflect.apply(query, this, args);
    } as typeof query;
  });
  afterEach(() => sent.splice(0));
  afterAll(async () => {
    pg.Client.prototype.query = query;
    await harness?.stop();
  });

  const nested = `query Nested($first: Int!) {
    conversations(first: $first) { nodes {
      subject contact { name } agent { name }
      messages(first: 3) { nodes { body } }
    } }
  }`;

  async function statementsOf(document: string, variables: object): Promise<string[]> {
    sent.splice(0);
    await client.data(document, variables);
    return sent.splice(0);
  }

  it('are as many for 50 parents as for one', async () => {
    const one = await statementsOf(nested, { first: 1 });
    const fifty = await statementsOf(nested, { first: 50 });
    expect(fifty).toHaveLength(one.length);
    // Places and rows of two lists, and one for each of the two single relations.
    expect(fifty.length).toBeLessThanOrEqual(6);
  });

  it('stay as many per list when one relation is read twice with different arguments', async () => {
    const twice = `query Twice($first: Int!) {
      conversations(first: $first) { nodes {
        newest: messages(first: 2) { nodes { body } }
        oldest: messages(first: 4, orderBy: { field: CREATED_AT, direction: ASC }) { nodes { body } }
      } }
    }`;
    const one = await statementsOf(twice, { first: 1 });
    const fifty = await statementsOf(twice, { first: 50 });
    expect(fifty).toHaveLength(one.length);
    expect(fifty.length).toBeLessThanOrEqual(6);
    const { conversations } = await client.data<{
      conversations: { nodes: { newest: { nodes: { body: string }[] }; oldest: { nodes: { body: string }[] } }[] };
    }>(twice, { first: 3 });
    for (const { newest, oldest } of conversations.nodes) {
      expect(newest.nodes.map(({ body }) => body)).toEqual(['message 11', 'message 10']);
      expect(oldest.nodes.map(({ body }) => body)).toEqual(['message 0', 'message 1', 'message 2', 'message 3']);
    }
  });

  it('are bounded by depth, three lists deep', async () => {
    const deep = `query Deep($first: Int!) {
      contacts(first: $first) { nodes { conversations(first: 2) { nodes { agent { name } messages(first: 2) { totalCount nodes { contact { name } } } } } } }
    }`;
    const one = await statementsOf(deep, { first: 1 });
    const fifty = await statementsOf(deep, { first: 50 });
    expect(fifty).toHaveLength(one.length);
    expect(fifty.length).toBeLessThanOrEqual(9);
  });

  it('read no list without a limit', async () => {
    const statements = await statementsOf(nested, { first: 50 });
    const places = statements.filter((text) => text.includes('AS value FROM'));
    expect(places).toHaveLength(2);
    for (const text of places) expect(text).toMatch(/LIMIT \$\d+/);
    const others = statements.filter((text) => !places.includes(text));
    // Rows are asked for by their ids, so their number is that of the page.
    for (const text of others) expect(text).toMatch(/IN \(|= \(?\$|ANY/);
  });

  it('for many ids of several types are one per type, and one per relation', async () => {
    const { conversations, contacts } = await client.data<Record<string, { nodes: { id: string }[] }>>(
      '{ conversations(first: 20) { nodes { id } } contacts(first: 20) { nodes { id } } }',
    );
    const ids = [...(conversations?.nodes ?? []), ...(contacts?.nodes ?? [])].map(({ id }) => id);
    const statements = await statementsOf(
      'query N($ids: [ID!]!) { nodes(ids: $ids) { id ... on Conversation { agent { name } } ... on Contact { name } } }',
      { ids },
    );
    expect(statements.length).toBeLessThanOrEqual(3);
  });
});

async function seed({ database, place }: Harness, conversations: number, messages: number): Promise<void> {
  const { workspaceId } = place;
  const { owner } = database;
  const agentId = newId('agt');
  await owner.agent.create({ data: { workspaceId, id: agentId, name: 'Robin', instructions: '' } });
  for (let i = 0; i < conversations; i++) {
    const contactId = newId('ctc');
    const conversationId = newId('cnv');
    await owner.contact.create({ data: { workspaceId, id: contactId, name: `Contact ${i}` } });
    await owner.conversation.create({
      data: { workspaceId, id: conversationId, channel: 'EMAIL', contactId, agentId },
    });
    await owner.message.createMany({
      data: Array.from({ length: messages }, (_, n) => ({
        workspaceId,
        id: newId('msg'),
        conversationId,
        direction: 'INBOUND' as const,
        status: 'RECEIVED' as const,
        channel: 'EMAIL' as const,
        body: `message ${n}`,
        contactId,
        createdAt: new Date(Date.UTC(2026, 0, 1, 0, n)),
      })),
    });
  }
}
