import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../support/client.js';
import { startFakeModel } from '../support/fake-model.js';
import { type Asked, approval, type Shop, startShop } from './shop.js';

let model: Awaited<ReturnType<typeof startFakeModel>>;
let shop: Shop;
beforeAll(async () => {
  model = await startFakeModel();
  shop = await startShop({ env: { MODEL_URL: model.url, MODEL_NAME: 'default-model' } });
});
afterAll(async () => {
  await shop?.stop();
  await model?.close();
});
beforeEach(() => setStatus('ACTIVE'));

const setStatus = (status: 'ACTIVE' | 'PAUSED') =>
  shop.database.owner.agent.update({
    where: { workspaceId_id: { workspaceId: shop.place.workspaceId, id: shop.ids.agentId } },
    data: { status },
  });

const trigger = `mutation T($input: TriggerAgentInput!) {
  triggerAgent(input: $input) { conversationId messageId status effect { id status seal price payload rule { id } } } }`;
const talk = `query C($id: ID!) { conversation(id: $id) {
  channel messages(orderBy: { field: CREATED_AT, direction: ASC }) { nodes { direction status body } } } }`;

interface Triggered {
  readonly triggerAgent: {
    readonly conversationId: string;
    readonly messageId: string;
    readonly status: string;
    readonly effect: Asked;
  };
}

const chat = (more: object = {}) => ({
  input: { agentId: shop.ids.agentId, mode: 'CHAT', message: 'When do you open?', ...more },
});
const say = async (client: Client, more: object = {}) =>
  (await client.data<Triggered>(trigger, chat(more))).triggerAgent;

describe('does', () => {
  it('lets an agent key chat at once, and go on in the conversation', async () => {
    const client = await shop.agentKey(['agent:trigger', 'agent:conversations:read']);
    model.behave({ answer: 'At nine.' });
    const first = await say(client);
    expect(first).toMatchObject({ status: 'QUEUED', effect: { price: 1, rule: { id: 'default.agentChat' } } });
    expect(await shop.ends(first.effect.id)).toMatchObject({ status: 'SUCCEEDED', charged: 1 });
    model.behave({ answer: 'At one on Saturdays.' });
    const second = await say(client, { conversationId: first.conversationId, message: 'And until when?' });
    expect(second.conversationId).toBe(first.conversationId);
    await shop.ends(second.effect.id);
    expect(await client.data(talk, { id: first.conversationId })).toEqual({
      conversation: {
        channel: 'CHAT',
        messages: {
          nodes: [
            { direction: 'INBOUND', status: 'RECEIVED', body: 'When do you open?' },
            { direction: 'OUTBOUND', status: 'SENT', body: 'At nine.' },
            { direction: 'INBOUND', status: 'RECEIVED', body: 'And until when?' },
            { direction: 'OUTBOUND', status: 'SENT', body: 'At one on Saturdays.' },
          ],
        },
      },
    });
    expect(model.asked.at(-1)?.body).toMatchObject({
      model: 'default-model',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'When do you open?' },
        { role: 'assistant', content: 'At nine.' },
        { role: 'user', content: 'And until when?' },
      ],
    });
  });

  it('lets an account key wait for a person', async () => {
    const client = await shop.key('agents:trigger');
    const asked = model.asked.length;
    const { status, effect } = await say(client);
    expect(status).toBe('AWAITING_APPROVAL');
    expect(effect).toMatchObject({ rule: { id: 'default.key' } });
    expect(model.asked.length).toBe(asked);
    expect(await shop.approve(effect)).toMatchObject({ status: 'SUCCEEDED' });
    expect(model.asked.length).toBe(asked + 1);
  });

  it('asks once of two under one idempotencyKey', async () => {
    const client = await shop.agentKey(['agent:trigger']);
    const first = await say(client, { idempotencyKey: 'chat-1' });
    await shop.ends(first.effect.id);
    const again = await say(client, { idempotencyKey: 'chat-1' });
    expect([again.effect.id, again.messageId]).toEqual([first.effect.id, first.messageId]);
  });

  it('invents no answer when the model refuses, and charges nothing', async () => {
    const client = await shop.agentKey(['agent:trigger', 'agent:conversations:read']);
    model.behave({ status: 400 });
    try {
      const { effect, conversationId } = await say(client);
      expect(await shop.ends(effect.id)).toMatchObject({
        status: 'FAILED',
        charged: 0,
        failure: { code: 'REFUSED_BY_PROVIDER' },
      });
      expect(await client.data(talk, { id: conversationId })).toMatchObject({
        conversation: { messages: { nodes: [{ direction: 'INBOUND' }] } },
      });
    } finally {
      model.behave({ answer: 'Hello.' });
    }
  });
});

describe('refuses', () => {
  it('to go on in a conversation that is not a chat, naming the field', async () => {
    const client = await shop.key('agents:trigger');
    const { conversationId } = shop.ids;
    const refused = await shop.writesNothing(() => client.refused(trigger, chat({ conversationId })));
    expect(refused.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.conversationId' });
    expect(refused.message).toContain('EMAIL');
  });

  it('an empty message, and a message of 20,001 characters', async () => {
    const client = await shop.agentKey(['agent:trigger']);
    for (const message of ['  ', 'x'.repeat(20_001)]) {
      const refused = await shop.writesNothing(() => client.refused(trigger, chat({ message })));
      expect(refused.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.message' });
    }
  });

  it.each(['VOICE', 'MISSION'])('%s from an agent key, whatever it holds', async (mode) => {
    const client = await shop.agentKey(['agent:trigger']);
    const refused = await shop.writesNothing(() => client.refused(trigger, chat({ mode })));
    expect(refused).toMatchObject({ status: 403, extensions: { code: 'FORBIDDEN' } });
  });

  it('VOICE from an account key, since nothing speaks yet, naming the field', async () => {
    const client = await shop.key('agents:trigger');
    const refused = await shop.writesNothing(() => client.refused(trigger, chat({ mode: 'VOICE' })));
    expect(refused.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.mode' });
  });

  it('a paused agent, when asked and when approved', async () => {
    const client = await shop.key('agents:trigger');
    const { effect } = await say(client);
    await setStatus('PAUSED');
    const asked = await shop.writesNothing(() => client.refused(trigger, chat()));
    expect(asked.extensions.code).toBe('CONFLICT');
    expect(asked.message).toContain('paused');
    const approved = await shop.writesNothing(() =>
      shop.owner.refused(approval, { effectId: effect.id, seal: effect.seal }),
    );
    expect(approved.message).toContain('paused');
  });

  it("another agent's conversation, naming the field", async () => {
    const { createAgent } = await shop.owner.data<{ createAgent: { agent: { id: string } } }>(
      'mutation { createAgent(input: { name: "Imke", instructions: "" }) { agent { id } } }',
    );
    const agentId = createAgent.agent.id;
    const client = await shop.key('agents:trigger');
    const { conversationId } = await say(client, { agentId });
    const refused = await shop.writesNothing(() => client.refused(trigger, chat({ conversationId })));
    expect(refused.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.conversationId' });
    const own = await shop.agentKey(['agent:trigger']);
    await shop.looksUnknown(conversationId, (id) => own.ask(trigger, chat({ conversationId: id })));
  });

  it('an agent key for another agent of its workspace', async () => {
    const { createAgent } = await shop.owner.data<{ createAgent: { agent: { id: string } } }>(
      'mutation { createAgent(input: { name: "Tariq", instructions: "" }) { agent { id } } }',
    );
    const client = await shop.agentKey(['agent:trigger']);
    const refused = await shop.writesNothing(() => client.refused(trigger, chat({ agentId: createAgent.agent.id })));
    expect(refused).toMatchObject({ status: 403, extensions: { code: 'FORBIDDEN_AGENT' } });
  });
});

describe('isolates', () => {
  it('an agent and a conversation of another workspace as if they did not exist', async () => {
    const client = await shop.key('agents:trigger');
    const { agentId, conversationId } = shop.elsewhere.ids;
    await shop.looksUnknown(agentId, (id) => client.ask(trigger, chat({ agentId: id })));
    await shop.looksUnknown(conversationId, (id) => client.ask(trigger, chat({ conversationId: id })));
  });
});

describe('records', () => {
  it('the request and what came of it, and not what was said', async () => {
    const client = await shop.agentKey(['agent:trigger']);
    const { effect } = await say(client, { message: 'Something private.' });
    await shop.ends(effect.id);
    expect(await shop.lastEntry('agent.trigger')).toMatchObject({
      subjectId: shop.ids.agentId,
      effectId: effect.id,
      outcome: 'DONE',
      actorId: client.keyId,
      allowedBy: 'agent:trigger',
    });
    expect(await shop.lastEntry('effect.perform')).toMatchObject({ effectId: effect.id, costCredits: 1 });
    const entries = await shop.database.owner.auditEntry.findMany({ where: { effectId: effect.id } });
    expect(JSON.stringify(entries)).not.toMatch(/private|Hello/);
  });
});
