import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Shop, startShop, unknownId } from './shop.js';

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
});
afterAll(() => shop?.stop());

const create = `mutation C($input: CreateInboxInput!) { createInbox(input: $input) {
  effect { id } inbox { id channel address name agent { id } } } }`;
const createBlind = 'mutation C($input: CreateInboxInput!) { createInbox(input: $input) { inbox { id } } }';
const update = 'mutation U($input: UpdateInboxInput!) { updateInbox(input: $input) { effect { id } inbox { id } } }';
const remove = 'mutation D($id: ID!) { deleteInbox(input: { id: $id }) { deletedId effect { id } } }';
const read = 'query R($id: ID!) { inbox(id: $id) { channel address name agent { id } } }';

interface Made {
  readonly createInbox: { readonly inbox: { readonly id: string } };
}

const mail = (more: object = {}) => ({
  input: { channel: 'EMAIL', address: `${unknownId('inb')}@halberd.example`, ...more },
});

describe('does', () => {
  it('creates an inbox of an agent, changes it, and deletes it while nobody uses it', async () => {
    const client = await shop.key('inboxes:read', 'inboxes:write', 'agents:read', 'agents:write');
    const { agentId } = shop.ids;
    const variables = mail({ name: 'Sales', agentId });
    const { createInbox } = await client.data<Made>(create, variables);
    const { id } = createInbox.inbox;
    const whole = { channel: 'EMAIL', address: variables.input.address, name: 'Sales', agent: { id: agentId } };
    expect(createInbox).toEqual({ effect: null, inbox: { id, ...whole } });
    await client.data(update, { input: { id, agentId: null } });
    expect(await client.data(read, { id })).toEqual({ inbox: { ...whole, agent: null } });
    await client.data(update, { input: { id, name: null, agentId } });
    expect(await client.data(read, { id })).toEqual({ inbox: { ...whole, name: null } });
    expect(await client.data(remove, { id })).toEqual({ deleteInbox: { deletedId: id, effect: null } });
    expect((await client.refused(read, { id })).extensions.code).toBe('NOT_FOUND');
  });

  it.each([
    ['SMS', '+442079460199'],
    ['VOICE', '+442079460198'],
    ['CHAT', 'website.support'],
  ])('takes the address that a channel %s has', async (channel, address) => {
    const client = await shop.key('inboxes:write');
    await client.data(createBlind, { input: { channel, address } });
  });

  it('gives a repeat under one idempotencyKey the same inbox, to a key that may only write', async () => {
    const client = await shop.key('inboxes:write');
    const variables = mail({ idempotencyKey: 'inbox-1' });
    const first = await client.data<Made>(createBlind, variables);
    expect(await shop.repeats(() => client.data(createBlind, variables))).toEqual(first);
  });
});

describe('refuses', () => {
  const bad: readonly [string, object, string, RegExp][] = [
    ['an e-mail inbox without an e-mail address', { address: '+442079460199' }, 'input.address', /an e-mail address/],
    ['a number without its country', { channel: 'SMS', address: '020' }, 'input.address', /E\.164/],
    ['a chat with blanks in its name', { channel: 'CHAT', address: 'a b' }, 'input.address', /letters, digits/],
    ['an address that adds a header', { address: 'a@b.example\r\nBcc: c@d.example' }, 'input.address', /e-mail/],
    ['a blank name', { name: ' ' }, 'input.name', /give a name/],
    ['a name of 101 characters', { name: 'x'.repeat(101) }, 'input.name', /at most 100/],
    ['a name that adds a header', { name: 'Sales\r\nBcc: all@example.com' }, 'input.name', /one line/],
  ];
  it.each(bad)('%s, naming the field', async (_, input, field, sentence) => {
    const client = await shop.key('inboxes:write');
    const refused = await shop.writesNothing(() => client.refused(createBlind, mail(input)));
    expect(refused.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field });
    expect(refused.message).toMatch(sentence);
  });

  it('a second inbox with the same channel and address, also of two at once', async () => {
    const client = await shop.key('inboxes:write');
    for (let round = 0; round < 5; round++) {
      const variables = mail();
      const answers = await Promise.all([1, 2, 3, 4, 5, 6].map(() => client.ask(createBlind, variables)));
      const codes = answers.map(({ errors }) => errors[0]?.extensions.code ?? 'made').sort();
      expect(codes).toEqual([...Array(5).fill('CONFLICT'), 'made']);
      expect(await shop.database.owner.inbox.count({ where: { address: variables.input.address } })).toBe(1);
    }
  });

  it('to delete an inbox that conversations go through', async () => {
    const client = await shop.key('inboxes:write');
    const refused = await shop.writesNothing(() => client.refused(remove, { id: shop.ids.inboxId }));
    expect(refused.extensions.code).toBe('CONFLICT');
  });

  it('a key without the scope', async () => {
    const client = await shop.key('inboxes:read');
    for (const [document, variables] of [
      [createBlind, mail()],
      [update, { input: { id: shop.ids.inboxId } }],
      [remove, { id: shop.ids.inboxId }],
    ] as const) {
      const refused = await shop.writesNothing(() => client.refused(document, variables));
      expect(refused).toMatchObject({ status: 403, extensions: { missingScopes: ['inboxes:write'] } });
    }
  });
});

describe('isolates', () => {
  it('an inbox, or the agent of an inbox, of another workspace as if it did not exist', async () => {
    const client = await shop.key('inboxes:read', 'inboxes:write');
    const { inboxId, agentId } = shop.elsewhere.ids;
    await shop.looksUnknown(inboxId, (id) => client.ask('query R($id: ID!) { inbox(id: $id) { address } }', { id }));
    await shop.looksUnknown(inboxId, (id) => client.ask(update, { input: { id, name: 'Mine' } }));
    await shop.looksUnknown(inboxId, (id) => client.ask(remove, { id }));
    const variables = mail();
    await shop.looksUnknown(agentId, (id) => client.ask(createBlind, { input: { ...variables.input, agentId: id } }));
    await shop.looksUnknown(agentId, (id) => client.ask(update, { input: { id: shop.ids.inboxId, agentId: id } }));
  });

  it('addresses: another workspace may have the same one', async () => {
    const client = await shop.key('inboxes:write');
    const there = await shop.signIn(shop.elsewhere);
    const variables = mail();
    await client.data(createBlind, variables);
    await there.data(createBlind, variables);
  });
});

describe('records', () => {
  it('who made, changed and deleted which inbox, and not its address', async () => {
    const client = await shop.key('inboxes:write');
    const { createInbox } = await client.data<Made>(createBlind, mail({ name: 'Recorded' }));
    const { id: subjectId } = createInbox.inbox;
    await client.data(update, { input: { id: subjectId, name: 'Renamed' } });
    await client.data(remove, { id: subjectId });
    const by = { subjectId, actorId: client.keyId, allowedBy: 'inboxes:write', outcome: 'DONE' };
    expect(await shop.lastEntry('inbox.create')).toMatchObject({
      ...by,
      details: { fields: ['channel', 'address', 'name'] },
    });
    expect(await shop.lastEntry('inbox.update')).toMatchObject({ ...by, details: { fields: ['name'] } });
    expect(await shop.lastEntry('inbox.delete')).toMatchObject(by);
    const entries = await shop.database.owner.auditEntry.findMany({ where: { subjectId } });
    expect(JSON.stringify(entries)).not.toMatch(/halberd|Renamed/);
  });
});
