import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/platform/ids.js';
import { type Shop, startShop } from './shop.js';

let shop: Shop;
let otherAgentId: string;
let otherConversationId: string;
beforeAll(async () => {
  shop = await startShop();
  const { workspaceId } = shop.place;
  otherAgentId = newId('agt');
  otherConversationId = newId('cnv');
  const { owner: db } = shop.database;
  await db.agent.create({ data: { workspaceId, id: otherAgentId, name: 'Imke', instructions: '' } });
  await db.conversation.create({
    data: { workspaceId, id: otherConversationId, channel: 'CHAT', status: 'CLOSED', agentId: otherAgentId },
  });
});
afterAll(() => shop?.stop());

const read = 'query R($id: ID!) { conversation(id: $id) { id subject channel status } }';
const list = `query L($status: [ConversationStatus!], $channel: [Channel!], $contactId: ID, $agentId: ID, $since: DateTime) {
  conversations(status: $status, channel: $channel, contactId: $contactId, agentId: $agentId, activeSince: $since) {
    totalCount nodes { id } } }`;

describe('does', () => {
  it('show a conversation with its person, agent, inbox and words', async () => {
    const client = await shop.key('messages:read', 'contacts:read', 'agents:read', 'inboxes:read');
    const { conversationId: id, contactId, agentId, inboxId } = shop.ids;
    expect(
      await client.data(
        `query R($id: ID!) { conversation(id: $id) { subject channel status contact { id name } agent { id } inbox { id }
           messages { totalCount nodes { id } } } }`,
        { id },
      ),
    ).toEqual({
      conversation: {
        subject: 'Order 4211',
        channel: 'EMAIL',
        status: 'OPEN',
        contact: { id: contactId, name: 'Amelia Okafor' },
        agent: { id: agentId },
        inbox: { id: inboxId },
        messages: { totalCount: 0, nodes: [] },
      },
    });
  });

  it('list by state, channel, person, agent and time', async () => {
    const client = await shop.key('messages:read');
    const ids = async (variables: object) => {
      const { conversations } = await client.data<{ conversations: { totalCount: number; nodes: { id: string }[] } }>(
        list,
        variables,
      );
      expect(conversations.totalCount).toBe(conversations.nodes.length);
      return conversations.nodes.map(({ id }) => id);
    };
    const { conversationId, contactId, agentId } = shop.ids;
    expect(new Set(await ids({}))).toEqual(new Set([conversationId, otherConversationId]));
    expect(await ids({ status: ['CLOSED'] })).toEqual([otherConversationId]);
    expect(await ids({ channel: ['EMAIL', 'SMS'] })).toEqual([conversationId]);
    expect(await ids({ contactId })).toEqual([conversationId]);
    expect(await ids({ agentId })).toEqual([conversationId]);
    expect(await ids({ status: [] })).toEqual([]);
    expect(await ids({ since: new Date(Date.now() + 60_000).toISOString() })).toEqual([]);
    expect(await ids({ since: '2020-01-01T00:00:00Z', agentId, contactId })).toEqual([conversationId]);
  });

  it('put the conversation first in which something was said last', async () => {
    const client = await shop.key('messages:read');
    const { conversations } = await client.data<{ conversations: { nodes: { id: string }[] } }>(list);
    const [latest] = conversations.nodes;
    const stale = latest?.id === shop.ids.conversationId ? otherConversationId : shop.ids.conversationId;
    expect(stale).toBe(shop.ids.conversationId);
    const { sendMessage } = await shop.owner.data<{ sendMessage: { effect: { id: string } } }>(
      'mutation S($id: ID!) { sendMessage(input: { conversationId: $id, body: "Hello again." }) { effect { id } } }',
      { id: stale },
    );
    expect(await shop.ends(sendMessage.effect.id)).toMatchObject({ status: 'SUCCEEDED' });
    const after = await client.data<{ conversations: { nodes: { id: string }[] } }>(list);
    expect(after.conversations.nodes[0]?.id).toBe(stale);
  });
});

describe('refuses', () => {
  it('a key without the scope, also below a contact or an agent', async () => {
    const client = await shop.key('contacts:read', 'agents:read');
    for (const query of [
      '{ conversations { totalCount } }',
      '{ contacts { nodes { conversations { totalCount } } } }',
      '{ agents { nodes { conversations { nodes { id } } } } }',
    ]) {
      const refused = await client.refused(query);
      expect(refused).toMatchObject({ status: 403, extensions: { code: 'FORBIDDEN' } });
      expect(refused.message).toContain('messages:read');
    }
  });

  it('a time without a zone, before anything runs', async () => {
    const client = await shop.key('messages:read');
    const refused = await client.refused(list, { since: '2026-01-01T00:00:00' });
    expect(refused).toMatchObject({ status: 400, extensions: { code: 'BAD_USER_INPUT' } });
  });
});

describe('isolates', () => {
  it('a conversation of another workspace as if it did not exist', async () => {
    const client = await shop.key('messages:read');
    const { conversationId, contactId, agentId } = shop.elsewhere.ids;
    await shop.looksUnknown(conversationId, (id) => client.ask(read, { id }));
    for (const variables of [{ contactId }, { agentId }]) {
      expect(await client.data(list, variables)).toEqual({ conversations: { totalCount: 0, nodes: [] } });
    }
  });

  it("another agent's conversations from an agent key", async () => {
    const client = await shop.agentKey(['agent:conversations:read']);
    await shop.looksUnknown(otherConversationId, (id) => client.ask(read, { id }));
    expect(await client.data(list)).toEqual({
      conversations: { totalCount: 1, nodes: [{ id: shop.ids.conversationId }] },
    });
    const named = await client.refused(list, { agentId: otherAgentId });
    expect(named).toMatchObject({ status: 403, extensions: { code: 'FORBIDDEN_AGENT' } });
  });
});
