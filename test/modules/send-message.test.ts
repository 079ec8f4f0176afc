import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../support/client.js';
import { approval, type Sent, type Shop, sending, startShop, unknownId } from './shop.js';

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
});
afterAll(() => shop?.stop());
beforeEach(async () => {
  await changeContact({ optedOutAt: null, email: 'amelia@example.com', phone: '+442079460101' });
  await changeAgent('ACTIVE');
});

const where = (id: string) => ({ workspaceId_id: { workspaceId: shop.place.workspaceId, id } });
const changeContact = (data: { optedOutAt?: Date | null; email?: string | null; phone?: string | null }) =>
  shop.database.owner.contact.update({ where: where(shop.ids.contactId), data });
const changeAgent = (status: 'ACTIVE' | 'PAUSED') =>
  shop.database.owner.agent.update({ where: where(shop.ids.agentId), data: { status } });

const changeInbox = (data: { address: string }) =>
  shop.database.owner.inbox.update({ where: where(shop.ids.inboxId), data });

const content = (more: object = {}) => ({
  input: { conversationId: shop.ids.conversationId, body: 'It arrives tomorrow.', ...more },
});
const account = () =>
  shop.database.owner.creditAccount.findFirstOrThrow({ where: { workspaceId: shop.place.workspaceId } });
const messageStatus = async (id: string) =>
  (await shop.database.owner.message.findFirstOrThrow({ where: { id } })).status;

async function ask(client: Client, more: object = {}) {
  return (await client.data<Sent>(sending, content(more))).sendMessage;
}

describe('does', () => {
  it('wait for a person, reserve its price, and leave as it was sealed', async () => {
    const client = await shop.key('messages:send');
    const before = await account();
    const { messageId, status, effect } = await ask(client, { subject: 'Your order' });
    expect(status).toBe('AWAITING_APPROVAL');
    expect(effect).toMatchObject({
      price: 1,
      rule: { id: 'default.key', requirement: 'ONE' },
      payload: {
        messageId,
        channel: 'EMAIL',
        from: { address: 'hello@halberd.example', name: 'Halberd Cycles' },
        to: { address: 'amelia@example.com', name: 'Amelia Okafor' },
        subject: 'Your order',
        body: 'It arrives tomorrow.',
      },
    });
    expect(await account()).toMatchObject({ reservedCredits: before.reservedCredits + 1 });
    expect(await shop.outbox()).not.toContain(`${effect.id}.eml`);

    const ended = await shop.approve(effect);
    expect(ended).toMatchObject({ status: 'SUCCEEDED', charged: 1, result: { captured: true } });
    expect(await account()).toMatchObject({
      reservedCredits: before.reservedCredits,
      balanceCredits: before.balanceCredits - 1,
    });
    expect(await messageStatus(messageId)).toBe('SENT');
    const mail = await readFile(join(shop.dataDir, 'outbox', `${effect.id}.eml`), 'utf8');
    expect(mail).toContain('Subject: Your order');
    expect(mail).toContain('It arrives tomorrow.');
  });

  it('leave at once when a person asks', async () => {
    const { status, effect, messageId } = await ask(shop.owner);
    expect(status).toBe('QUEUED');
    expect(await shop.ends(effect.id)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await messageStatus(messageId)).toBe('SENT');
  });

  it('take a draft, and start a conversation with a person who has none', async () => {
    const { createDraft } = await shop.owner.data<{ createDraft: { messageId: string } }>(
      'mutation C($input: CreateDraftInput!) { createDraft(input: $input) { messageId } }',
      { input: { conversationId: shop.ids.conversationId, body: 'Drafted.' } },
    );
    const { messageId } = createDraft;
    const { sendMessage } = await shop.owner.data<Sent>(sending, { input: { messageId } });
    expect(sendMessage.messageId).toBe(messageId);
    await shop.ends(sendMessage.effect.id);

    const { createContact } = await shop.owner.data<{ createContact: { contact: { id: string } } }>(
      'mutation { createContact(input: { name: "New", email: "new@example.com" }) { contact { id } } }',
    );
    const contactId = createContact.contact.id;
    const fresh = await shop.owner.data<Sent>(sending, { input: { contactId, body: 'Welcome.', subject: 'Hello' } });
    expect(fresh.sendMessage.effect).toMatchObject({
      payload: { isFirstContact: true, to: { address: 'new@example.com' } },
    });
    expect(await shop.ends(fresh.sendMessage.effect.id)).toMatchObject({ status: 'SUCCEEDED' });
    const conversation = await shop.database.owner.conversation.findFirstOrThrow({ where: { contactId } });
    expect(conversation).toMatchObject({ channel: 'EMAIL', subject: 'Hello' });
  });

  it('one send of two under one idempotencyKey, also of two at once', async () => {
    const client = await shop.key('messages:send');
    const first = await ask(client, { idempotencyKey: 'send-1' });
    expect(await shop.repeats(() => ask(client, { idempotencyKey: 'send-1' }))).toEqual(first);
    expect(await shop.lastEntry('request.repeat')).toMatchObject({ actorId: client.keyId });
    const all = await Promise.all([1, 2, 3, 4].map(() => ask(client, { idempotencyKey: 'send-2' })));
    expect(new Set(all.map(({ effect }) => effect.id)).size).toBe(1);
    const refused = await shop.writesNothing(() =>
      client.refused(sending, content({ idempotencyKey: 'send-1', body: 'Something else.' })),
    );
    expect(refused.extensions.code).toBe('IDEMPOTENCY_CONFLICT');
  });

  it('give the message back as a draft once its request was taken back', async () => {
    const client = await shop.key('messages:send');
    const before = await account();
    const { messageId, effect } = await ask(client);
    await client.data('mutation C($id: ID!) { cancelEffect(input: { effectId: $id }) { effect { status } } }', {
      id: effect.id,
    });
    expect(await shop.ends(effect.id)).toMatchObject({ status: 'CANCELLED', charged: 0 });
    expect(await messageStatus(messageId)).toBe('DRAFT');
    expect(await account()).toEqual(before);
  });
});

describe('refuses', () => {
  const bad: readonly [string, object, string][] = [
    ['nothing to send', {}, 'input.body'],
    ['a text with nobody to send it to', { body: 'Hello.' }, 'input.conversationId'],
    ['a subject of two lines', { body: 'Hello.', subject: 'a\nb' }, 'input.subject'],
    ['an empty idempotencyKey', { body: 'Hello.', idempotencyKey: '' }, 'input.idempotencyKey'],
  ];
  it.each(bad)('%s, naming the field', async (_, input, field) => {
    const client = await shop.key('messages:send');
    const refused = await shop.writesNothing(() => client.refused(sending, { input }));
    expect(refused.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field });
  });

  it('a draft and a content at once, and two recipients at once', async () => {
    const client = await shop.key('messages:send');
    const { conversationId, contactId } = shop.ids;
    const both = await shop.writesNothing(() =>
      client.refused(sending, { input: { messageId: 'msg_x', body: 'Hello.' } }),
    );
    expect(both.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.messageId' });
    const two = await shop.writesNothing(() =>
      client.refused(sending, { input: { conversationId, contactId, body: 'Hello.' } }),
    );
    expect(two.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.contactId' });
  });

  it('a chat, in whichever way it is named: nobody is reached there by a phone number', async () => {
    const client = await shop.key('messages:send', 'messages:write', 'inboxes:write');
    const { workspaceId } = shop.place;
    const { contactId, agentId } = shop.ids;
    const inboxId = unknownId('inb');
    const conversationId = unknownId('cnv');
    const { owner: db } = shop.database;
    await db.inbox.create({ data: { workspaceId, id: inboxId, channel: 'CHAT', address: 'website' } });
    await db.conversation.create({ data: { workspaceId, id: conversationId, channel: 'CHAT', contactId, agentId } });
    const { createDraft } = await client.data<{ createDraft: { messageId: string } }>(
      'mutation C($input: CreateDraftInput!) { createDraft(input: $input) { messageId } }',
      { input: { conversationId, body: 'Hello.' } },
    );
    for (const [field, input] of [
      ['input.conversationId', { conversationId, body: 'Hello.' }],
      ['input.inboxId', { contactId, inboxId, body: 'Hello.' }],
      ['input.messageId', { messageId: createDraft.messageId }],
    ] as const) {
      const refused = await shop.writesNothing(() => client.refused(sending, { input }));
      expect(refused.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field });
    }
  });

  it('a person who opted out, at once', async () => {
    await changeContact({ optedOutAt: new Date() });
    const client = await shop.key('messages:send');
    const refused = await shop.writesNothing(() => client.refused(sending, content()));
    expect(refused.extensions.code).toBe('CONFLICT');
    expect(refused.message).toContain('opted out');
  });

  it('a person who opted out meanwhile, at approval: the status stays', async () => {
    const { effect, messageId } = await ask(await shop.key('messages:send'));
    await changeContact({ optedOutAt: new Date() });
    const refused = await shop.writesNothing(() =>
      shop.owner.refused(approval, { effectId: effect.id, seal: effect.seal }),
    );
    expect(refused.extensions.code).toBe('CONFLICT');
    expect(refused.message).toContain('opted out');
    expect(await messageStatus(messageId)).toBe('PENDING');
    await changeContact({ optedOutAt: null });
    expect(await shop.approve(effect)).toMatchObject({ status: 'SUCCEEDED' });
  });

  it.each([
    ['that opted out', () => changeContact({ optedOutAt: new Date() }), 'opted out'],
    ['whose address changed', () => changeContact({ email: 'else@example.com' }), 'another address'],
    ['whose agent was paused', () => changeAgent('PAUSED'), 'paused'],
    ['from an inbox that went', () => changeInbox({ address: 'else@halberd.example' }), 'inbox'],
  ] as const)('at performance to write to a person %s after the approval', async (_, change, sentence) => {
    const idle = await startShop({ works: false });
    const busy = shop;
    try {
      shop = idle;
      const { effect, messageId } = await ask(await idle.key('messages:send'));
      await idle.owner.data(approval, { effectId: effect.id, seal: effect.seal });
      await change();
      await idle.app.work();
      const ended = await idle.ends(effect.id);
      expect(ended).toMatchObject({ status: 'FAILED', charged: 0, failure: { code: 'CONFLICT' } });
      expect(ended.failure?.message).toContain(sentence);
      expect(await idle.outbox()).toEqual([]);
      expect(await messageStatus(messageId)).toBe('FAILED');
      expect(await account()).toMatchObject({ balanceCredits: 1_000, reservedCredits: 0 });
    } finally {
      shop = busy;
      await idle.stop();
    }
  });

  it('to speak for an agent that is paused, when asked and when approved', async () => {
    const client = await shop.key('messages:send');
    const { effect } = await ask(client);
    await changeAgent('PAUSED');
    const asked = await shop.writesNothing(() => client.refused(sending, content()));
    expect(asked.message).toContain('paused');
    const approved = await shop.writesNothing(() =>
      shop.owner.refused(approval, { effectId: effect.id, seal: effect.seal }),
    );
    expect(approved.extensions.code).toBe('CONFLICT');
    expect(approved.message).toContain('paused');
  });

  it('a person without an address of that channel', async () => {
    await changeContact({ email: null });
    const client = await shop.key('messages:send');
    const refused = await shop.writesNothing(() => client.refused(sending, content()));
    expect(refused.message).toContain('no address for the channel EMAIL');
  });

  it('an inbox of another channel', async () => {
    const { createInbox } = await shop.owner.data<{ createInbox: { inbox: { id: string } } }>(
      'mutation { createInbox(input: { channel: SMS, address: "+442079460999" }) { inbox { id } } }',
    );
    const client = await shop.key('messages:send');
    const refused = await shop.writesNothing(() => client.refused(sending, content({ inboxId: createInbox.inbox.id })));
    expect(refused.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.inboxId' });
  });

  it('more than the workspace has credits for', async () => {
    const { workspaceId } = shop.place;
    const { balanceCredits, reservedCredits } = await account();
    const set = (credits: number) =>
      shop.database.owner.creditAccount.update({ where: { workspaceId }, data: { balanceCredits: credits } });
    await set(reservedCredits);
    try {
      const client = await shop.key('messages:send');
      const refused = await shop.writesNothing(() => client.refused(sending, content()));
      expect(refused.extensions).toMatchObject({
        code: 'INSUFFICIENT_CREDITS',
        requiredCredits: 1,
        availableCredits: 0,
      });
    } finally {
      await set(balanceCredits);
    }
  });

  it("more than a key's spend cap leaves, and gives the rest of it back when nothing was sent", async () => {
    const made = await shop.createKey({ kind: 'ACCOUNT', scopes: ['messages:send'], spendCapCredits: 1 });
    const client = shop.as({ key: made.key });
    const { effect } = await ask(client);
    const refused = await shop.writesNothing(() => client.refused(sending, content()));
    expect(refused.extensions.code).toBe('SPEND_CAP_EXCEEDED');
    await client.data('mutation C($id: ID!) { cancelEffect(input: { effectId: $id }) { effect { id } } }', {
      id: effect.id,
    });
    await ask(client);
  });

  it('to carry one draft twice, however many ask at once', async () => {
    const client = await shop.key('messages:write', 'messages:send');
    const { createDraft } = await client.data<{ createDraft: { messageId: string } }>(
      'mutation C($input: CreateDraftInput!) { createDraft(input: $input) { messageId } }',
      { input: { conversationId: shop.ids.conversationId, body: 'Drafted once.' } },
    );
    const { messageId } = createDraft;
    const answers = await Promise.all(
      [1, 2, 3, 4, 5, 6].map(() => client.ask<Sent>(sending, { input: { messageId } })),
    );
    expect(answers.filter(({ errors }) => errors.length === 0)).toHaveLength(1);
    for (const { errors } of answers) for (const { extensions } of errors) expect(extensions.code).toBe('CONFLICT');
    const { myEffects } = await client.data<{ myEffects: { nodes: { payload: { messageId: string } }[] } }>(
      '{ myEffects(first: 100) { nodes { payload } } }',
    );
    expect(myEffects.nodes.map(({ payload }) => payload.messageId)).toEqual([messageId]);
  });

  it('a key that may write and not send', async () => {
    const client = await shop.key('messages:write', 'messages:read');
    const refused = await shop.writesNothing(() => client.refused(sending, content()));
    expect(refused).toMatchObject({ status: 403, extensions: { missingScopes: ['messages:send'] } });
  });
});

describe('isolates', () => {
  it.each(['conversationId', 'contactId', 'inboxId'] as const)(
    'the %s of another workspace as if it did not exist',
    async (name) => {
      const client = await shop.key('messages:send');
      await shop.looksUnknown(shop.elsewhere.ids[name], (id) =>
        client.ask(sending, name === 'contactId' ? { input: { contactId: id, body: 'Hi.' } } : content({ [name]: id })),
      );
    },
  );
});

describe('records', () => {
  it('the request, the decision and what came of it, under one effect', async () => {
    const client = await shop.key('messages:send');
    const { messageId, effect } = await ask(client);
    await shop.approve(effect);
    expect(await shop.lastEntry('message.send')).toMatchObject({
      subjectId: messageId,
      effectId: effect.id,
      outcome: 'HELD',
      actorId: client.keyId,
      allowedBy: 'messages:send',
      details: { seal: effect.seal, rule: 'default.key@1', status: 'AWAITING_APPROVAL' },
    });
    expect(await shop.lastEntry('effect.approve')).toMatchObject({ effectId: effect.id, actorKind: 'SESSION' });
    expect(await shop.lastEntry('effect.perform')).toMatchObject({
      effectId: effect.id,
      costCredits: 1,
      apiKeyId: client.keyId,
      details: { status: 'SUCCEEDED', connector: 'capture', attempt: 1 },
    });
    const entries = await shop.database.owner.auditEntry.findMany({ where: { effectId: effect.id } });
    expect(JSON.stringify(entries)).not.toMatch(/tomorrow|amelia|"Go\./);
  });

  it('every status of the effect as an event, in order', async () => {
    const { effect } = await ask(await shop.key('messages:send'));
    await shop.approve(effect);
    const events = await shop.database.owner.event.findMany({
      where: { subjectId: effect.id },
      orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    });
    expect(events.map(({ type }) => type)).toEqual([
      'effect.awaiting_approval',
      'effect.queued',
      'effect.performing',
      'effect.succeeded',
    ]);
  });
});
