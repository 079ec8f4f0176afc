import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Sent, type Shop, sending, startShop } from './shop.js';

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
});
afterAll(() => shop?.stop());

const fields = 'id status direction channel subject body fromAddress toAddress sentAt';
const create = `mutation C($input: CreateDraftInput!) { createDraft(input: $input) { messageId effect { id } message { ${fields} } } }`;
const createBlind =
  'mutation C($input: CreateDraftInput!) { createDraft(input: $input) { messageId message { id } effect { id } } }';
const update =
  'mutation U($input: UpdateDraftInput!) { updateDraft(input: $input) { messageId message { id } effect { id } } }';
const remove = 'mutation D($id: ID!) { deleteDraft(input: { id: $id }) { deletedId effect { id } } }';
const read = `query R($id: ID!) { message(id: $id) { ${fields} } }`;

interface Made {
  readonly createDraft: { readonly messageId: string };
}

const input = () => ({ conversationId: shop.ids.conversationId, body: 'It arrives tomorrow.' });

describe('does', () => {
  it('writes a draft into a conversation, under its subject', async () => {
    const client = await shop.key('messages:read', 'messages:write');
    const { createDraft } = await client.data<Made & { createDraft: { message: object } }>(create, { input: input() });
    expect(createDraft).toEqual({
      messageId: expect.stringMatching(/^msg_/),
      effect: null,
      message: {
        id: createDraft.messageId,
        status: 'DRAFT',
        direction: 'OUTBOUND',
        channel: 'EMAIL',
        subject: 'Order 4211',
        body: 'It arrives tomorrow.',
        fromAddress: null,
        toAddress: null,
        sentAt: null,
      },
    });
    expect(await client.data(read, { id: createDraft.messageId })).toEqual({ message: createDraft.message });
  });

  it('changes what was given, and throws a draft away', async () => {
    const client = await shop.key('messages:read', 'messages:write');
    const { messageId: id } = (await client.data<Made>(create, { input: input() })).createDraft;
    await client.data(update, { input: { id, subject: null } });
    expect(await client.data(read, { id })).toMatchObject({ message: { subject: null, body: 'It arrives tomorrow.' } });
    await client.data(update, { input: { id, subject: 'Your order', body: 'It arrived.' } });
    expect(await client.data(read, { id })).toMatchObject({ message: { subject: 'Your order', body: 'It arrived.' } });
    expect(await client.data(remove, { id })).toEqual({ deleteDraft: { deletedId: id, effect: null } });
    expect((await client.refused(read, { id })).extensions.code).toBe('NOT_FOUND');
    expect(await shop.database.owner.message.count({ where: { id } })).toBe(0);
  });

  it('lets a key that may only write work by ids alone', async () => {
    const client = await shop.key('messages:write');
    const { messageId } = (await client.data<Made>(createBlind, { input: input() })).createDraft;
    expect(await client.data(update, { input: { id: messageId, body: 'Blind.' } })).toEqual({
      updateDraft: { messageId, message: { id: messageId }, effect: null },
    });
    const refused = await client.refused(create, { input: input() });
    expect(refused.extensions.missingScopes).toEqual(['messages:read']);
    await client.data(remove, { id: messageId });
  });

  it('gives a repeat under one idempotencyKey the same draft, and says so when it is gone', async () => {
    const client = await shop.key('messages:write');
    const variables = { input: { ...input(), idempotencyKey: 'draft-1' } };
    const first = await client.data<Made>(createBlind, variables);
    expect(await shop.repeats(() => client.data(createBlind, variables))).toEqual(first);
    await client.data(remove, { id: first.createDraft.messageId });
    const refused = await shop.writesNothing(() => client.refused(createBlind, variables));
    expect(refused.extensions.code).toBe('CONFLICT');
    expect(refused.message).toContain('is gone');
  });
});

describe('refuses', () => {
  const bad: readonly [string, object, string, RegExp][] = [
    ['an empty text', { body: '' }, 'input.body', /give a text/],
    ['a text of 100,001 characters', { body: 'x'.repeat(100_001) }, 'input.body', /at most 100,000/],
    ['a subject of two lines', { subject: 'Hello\r\nBcc: all@example.com' }, 'input.subject', /one line/],
    ['a subject of 501 characters', { subject: 'x'.repeat(501) }, 'input.subject', /at most 500/],
  ];
  it.each(bad)('%s, naming the field, in a new draft and in an old one', async (_, patch, field, sentence) => {
    const client = await shop.key('messages:write');
    const { messageId: id } = (await client.data<Made>(createBlind, { input: input() })).createDraft;
    for (const [document, whole] of [
      [createBlind, { ...input(), ...patch }],
      [update, { id, ...patch }],
    ] as const) {
      const refused = await shop.writesNothing(() => client.refused(document, { input: whole }));
      expect(refused.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field });
      expect(refused.message).toMatch(sentence);
    }
  });

  it('to change or delete what was asked to be sent, until that was refused', async () => {
    const client = await shop.key('messages:write', 'messages:send', 'messages:read');
    const { messageId: id } = (await client.data<Made>(create, { input: input() })).createDraft;
    const { sendMessage } = await client.data<Sent>(sending, { input: { messageId: id } });
    expect(sendMessage).toMatchObject({ messageId: id, status: 'AWAITING_APPROVAL' });
    expect(await client.data(read, { id })).toMatchObject({
      message: { status: 'PENDING', fromAddress: 'hello@halberd.example', toAddress: 'amelia@example.com' },
    });
    for (const [document, variables] of [
      [update, { input: { id, body: 'Something else.' } }],
      [remove, { id }],
      [sending, { input: { messageId: id } }],
    ] as const) {
      const refused = await shop.writesNothing(() => client.refused(document, variables));
      expect(refused.extensions.code).toBe('CONFLICT');
      expect(refused.message).toContain('PENDING');
    }
    const { id: effectId } = sendMessage.effect;
    await shop.owner.data(
      'mutation R($effectId: ID!) { rejectEffect(input: { effectId: $effectId, reason: "Too curt." }) { effect { status } } }',
      { effectId },
    );
    expect(await shop.ends(effectId)).toMatchObject({ status: 'REJECTED', failure: { message: 'Too curt.' } });
    expect(await client.data(read, { id })).toMatchObject({
      message: { status: 'DRAFT', sentAt: null, fromAddress: null, toAddress: null },
    });
    await client.data(update, { input: { id, body: 'Dear Amelia, it arrives tomorrow.' } });
  });

  it('to change what came in or went out', async () => {
    const { workspaceId } = shop.place;
    const client = await shop.key('messages:write', 'messages:send');
    for (const status of ['RECEIVED', 'SENT', 'FAILED'] as const) {
      const { messageId: id } = (await client.data<Made>(createBlind, { input: input() })).createDraft;
      await shop.database.owner.message.update({ where: { workspaceId_id: { workspaceId, id } }, data: { status } });
      for (const [document, variables] of [
        [update, { input: { id, body: 'Rewritten.' } }],
        [remove, { id }],
      ] as const) {
        const refused = await shop.writesNothing(() => client.refused(document, variables));
        expect(refused.extensions.code).toBe('CONFLICT');
        expect(refused.message).toContain(status);
      }
    }
  });

  it('a key without the scope', async () => {
    const client = await shop.key('messages:read', 'messages:send');
    const refused = await shop.writesNothing(() => client.refused(createBlind, { input: input() }));
    expect(refused).toMatchObject({ status: 403, extensions: { missingScopes: ['messages:write'] } });
  });

  it('an agent key, which may read its conversations and write none', async () => {
    const client = await shop.agentKey(['agent:conversations:read']);
    const refused = await shop.writesNothing(() => client.refused(createBlind, { input: input() }));
    expect(refused).toMatchObject({ status: 403, extensions: { code: 'FORBIDDEN' } });
  });
});

describe('isolates', () => {
  it('a draft into a conversation of another workspace as if that did not exist', async () => {
    const client = await shop.key('messages:write');
    await shop.looksUnknown(shop.elsewhere.ids.conversationId, (conversationId) =>
      client.ask(createBlind, { input: { ...input(), conversationId } }),
    );
  });

  it('the draft of another workspace from reading, changing, deleting and sending', async () => {
    const there = await shop.signIn(shop.elsewhere);
    const foreign = await there.data<Made>(createBlind, {
      input: { conversationId: shop.elsewhere.ids.conversationId, body: 'Not yours.' },
    });
    const { messageId } = foreign.createDraft;
    const client = await shop.key('messages:read', 'messages:write', 'messages:send');
    await shop.looksUnknown(messageId, (id) => client.ask(read, { id }));
    await shop.looksUnknown(messageId, (id) => client.ask(update, { input: { id, body: 'Mine.' } }));
    await shop.looksUnknown(messageId, (id) => client.ask(remove, { id }));
    await shop.looksUnknown(messageId, (id) => client.ask(sending, { input: { messageId: id } }));
  });

  it("another agent's messages from an agent key", async () => {
    const client = await shop.key('messages:write');
    const { messageId } = (await client.data<Made>(createBlind, { input: input() })).createDraft;
    const { createAgent } = await shop.owner.data<{ createAgent: { agent: { id: string } } }>(
      'mutation { createAgent(input: { name: "Imke", instructions: "" }) { agent { id } } }',
    );
    const own = await shop.agentKey(['agent:conversations:read']);
    const other = await shop.agentKey(['agent:conversations:read'], createAgent.agent.id);
    expect(await own.data(read, { id: messageId })).toMatchObject({ message: { id: messageId } });
    await shop.looksUnknown(messageId, (id) => other.ask(read, { id }));
    expect(await other.data('{ messages { totalCount nodes { id } } }')).toEqual({
      messages: { totalCount: 0, nodes: [] },
    });
  });
});

describe('records', () => {
  it('who wrote, changed and threw away which draft, and never its text', async () => {
    const client = await shop.key('messages:write');
    const { messageId: subjectId } = (await client.data<Made>(createBlind, { input: input() })).createDraft;
    await client.data(update, { input: { id: subjectId, subject: 'Secret plans', body: 'Hush.' } });
    await client.data(remove, { id: subjectId });
    const by = { subjectId, actorId: client.keyId, allowedBy: 'messages:write', outcome: 'DONE' };
    expect(await shop.lastEntry('draft.create')).toMatchObject(by);
    expect(await shop.lastEntry('draft.update')).toMatchObject({ ...by, details: { fields: ['subject', 'body'] } });
    expect(await shop.lastEntry('draft.delete')).toMatchObject(by);
    const entries = await shop.database.owner.auditEntry.findMany({ where: { subjectId } });
    expect(entries).toHaveLength(3);
    expect(JSON.stringify(entries)).not.toMatch(/Secret|Hush|tomorrow/);
  });
});
