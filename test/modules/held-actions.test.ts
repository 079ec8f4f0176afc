// A rule may hold any action: nothing changes, an effect waits, and an approval carries it out as its requester.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApprovalRule } from '../../src/effects/approval-policy.js';
import { type Asked, approval, type Shop, startShop } from './shop.js';

const held = (id: string, kinds: readonly string[], principalKinds?: ApprovalRule['when']['principalKinds']) =>
  ({
    id,
    version: 1,
    when: { act: 'ACTION', kinds, ...(principalKinds === undefined ? {} : { principalKinds }) },
    requirement: 'ONE',
    approvers: ['ADMIN', 'OWNER'],
    reason: 'We want to see it first.',
  }) as const satisfies ApprovalRule;

const rules: readonly ApprovalRule[] = [
  held('shop.contacts', ['contact.create', 'contact.update'], ['ACCOUNT_KEY']),
  held('shop.agents', ['agent.update'], ['AGENT_KEY']),
  { ...held('shop.inboxes', ['inbox.delete'], ['SESSION']), requirement: 'CONFIRM' },
];

let shop: Shop;
beforeAll(async () => {
  shop = await startShop({ rules });
});
afterAll(() => shop?.stop());

const create = `mutation C($input: CreateContactInput!) { createContact(input: $input) {
  contact { id } effect { id kind status seal payload price rule { id requirement } } } }`;
const update = `mutation U($input: UpdateContactInput!) { updateContact(input: $input) {
  contact { id } effect { id status seal } } }`;

interface Held {
  readonly createContact: {
    readonly contact: { readonly id: string } | null;
    readonly effect: Asked & { readonly payload: { readonly subjectId: string } };
  };
}

describe('does', () => {
  it('nothing but wait, and makes the contact once somebody agreed', async () => {
    const client = await shop.key('contacts:write');
    const before = await shop.database.owner.contact.count();
    const { createContact } = await client.data<Held>(create, { input: { name: 'Held', email: 'held@example.com' } });
    const { contact, effect } = createContact;
    expect(contact).toBeNull();
    expect(effect).toMatchObject({
      kind: 'contact.create',
      status: 'AWAITING_APPROVAL',
      price: 0,
      rule: { id: 'shop.contacts', requirement: 'ONE' },
      payload: { name: 'Held', email: 'held@example.com', subjectId: expect.stringMatching(/^ctc_/) },
    });
    expect(await shop.database.owner.contact.count()).toBe(before);

    expect(await shop.approve(effect)).toMatchObject({ status: 'SUCCEEDED', charged: 0, failure: null });
    expect(
      await shop.owner.data('query R($id: ID!) { contact(id: $id) { name email } }', { id: effect.payload.subjectId }),
    ).toEqual({ contact: { name: 'Held', email: 'held@example.com' } });
  });

  it('lets whom no rule holds act at once', async () => {
    const { createContact } = await shop.owner.data<Held>(create, { input: { name: 'At once' } });
    expect(createContact).toEqual({ contact: { id: expect.any(String) }, effect: null });
  });

  it('gives a repeat under one idempotencyKey the waiting effect, and the contact once it exists', async () => {
    const client = await shop.key('contacts:write');
    const input = { name: 'Held once', idempotencyKey: 'held-1' };
    const first = (await client.data<Held>(create, { input })).createContact;
    const second = (await shop.repeats(() => client.data<Held>(create, { input }))).createContact;
    expect(second).toEqual(first);
    await shop.approve(first.effect);
    const third = (await shop.repeats(() => client.data<Held>(create, { input }))).createContact;
    expect(third).toEqual({ contact: { id: first.effect.payload.subjectId }, effect: null });
    expect(await shop.database.owner.contact.count({ where: { name: 'Held once' } })).toBe(1);
  });

  it("carries an agent key's action out within what that key sees", async () => {
    const client = await shop.agentKey(['agent:config:write', 'agent:config:read']);
    const { updateAgent } = await client.data<{ updateAgent: { effect: Asked } }>(
      `mutation U($id: ID!) { updateAgent(input: { id: $id, description: "Knows bicycles." }) { agent { id } effect { id status seal } } }`,
      { id: shop.ids.agentId },
    );
    expect(await shop.approve(updateAgent.effect)).toMatchObject({ status: 'SUCCEEDED' });
    const agent = await shop.database.owner.agent.findFirstOrThrow({ where: { id: shop.ids.agentId } });
    expect(agent.description).toBe('Knows bicycles.');
  });

  it('waits for the own yes of a person where the rule asks for no more', async () => {
    const { createInbox } = await shop.owner.data<{ createInbox: { inbox: { id: string } } }>(
      'mutation { createInbox(input: { channel: CHAT, address: "shop-floor" }) { inbox { id } } }',
    );
    const { id } = createInbox.inbox;
    const { deleteInbox } = await shop.owner.data<{ deleteInbox: { deletedId: null; effect: Asked } }>(
      'mutation D($id: ID!) { deleteInbox(input: { id: $id }) { deletedId effect { id status seal rule { requirement } } } }',
      { id },
    );
    expect(deleteInbox).toMatchObject({
      deletedId: null,
      effect: { status: 'AWAITING_APPROVAL', rule: { requirement: 'CONFIRM' } },
    });
    expect(await shop.database.owner.inbox.count({ where: { id } })).toBe(1);
    const { id: effectId, seal } = deleteInbox.effect;
    const wrong = await shop.writesNothing(() => shop.owner.refused(confirmation, { effectId, seal: '0'.repeat(64) }));
    expect(wrong.extensions.code).toBe('APPROVAL_MISMATCH');
    await shop.owner.data(confirmation, { effectId, seal });
    expect(await shop.ends(effectId)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await shop.database.owner.inbox.count({ where: { id } })).toBe(0);
    expect(await shop.lastEntry('effect.confirm')).toMatchObject({ effectId, actorId: shop.place.userId });
  });
});

const confirmation = `mutation Confirm($effectId: ID!, $seal: String!) {
  confirmEffect(input: { effectId: $effectId, seal: $seal }) { effect { status } } }`;

describe('refuses', () => {
  it('at performance what the action itself refuses by then, and keeps nothing of it', async () => {
    const client = await shop.key('contacts:write');
    const input = { id: shop.ids.contactId, email: 'not an address' };
    const { updateContact } = await client.data<{ updateContact: { effect: Asked } }>(update, { input });
    const before = await shop.database.owner.contact.findFirstOrThrow({ where: { id: shop.ids.contactId } });
    expect(await shop.approve(updateContact.effect)).toMatchObject({
      status: 'FAILED',
      failure: { code: 'BAD_USER_INPUT', message: expect.stringContaining('input.email') },
    });
    expect(await shop.database.owner.contact.findFirstOrThrow({ where: { id: shop.ids.contactId } })).toEqual(before);
  });

  it('to carry out what was altered in the database after it was sealed', async () => {
    const client = await shop.key('contacts:write');
    const { createContact } = await client.data<Held>(create, { input: { name: 'Sealed' } });
    const { id, seal, payload } = createContact.effect;
    const { workspaceId } = shop.place;
    await shop.database.owner.effect.update({
      where: { workspaceId_id: { workspaceId, id } },
      data: { payload: { ...payload, name: 'Altered' } },
    });
    const refused = await shop.owner.refused(approval, { effectId: id, seal });
    expect(refused.extensions.code).toBe('APPROVAL_MISMATCH');
    expect(await shop.database.owner.contact.count({ where: { name: { in: ['Sealed', 'Altered'] } } })).toBe(0);
  });

  it('to approve for a key that was narrowed meanwhile', async () => {
    const client = await shop.key('contacts:write');
    const { createContact } = await client.data<Held>(create, { input: { name: 'Narrowed' } });
    const { workspaceId } = shop.place;
    await shop.database.owner.apiKey.update({
      where: { workspaceId_id: { workspaceId, id: client.keyId } },
      data: { scopes: ['contacts:read'] },
    });
    const { id: effectId, seal } = createContact.effect;
    const refused = await shop.writesNothing(() => shop.owner.refused(approval, { effectId, seal }));
    expect(refused.extensions).toMatchObject({ code: 'FORBIDDEN', missingScopes: ['contacts:write'] });
  });
});

describe('isolates', () => {
  it('a held action from whoever may not read the effects of others', async () => {
    const client = await shop.key('contacts:write');
    const { createContact } = await client.data<Held>(create, { input: { name: 'Mine' } });
    const other = await shop.key('contacts:write');
    const ask = (id: string) => other.ask('query E($id: ID!) { effect(id: $id) { payload } }', { id });
    await shop.looksUnknown(createContact.effect.id, ask);
  });

  it('a contact of another workspace, also when it is named in what was held', async () => {
    const client = await shop.key('contacts:write');
    const { contactId } = shop.elsewhere.ids;
    const { updateContact } = await client.data<{ updateContact: { effect: Asked } }>(update, {
      input: { id: contactId, name: 'Moved' },
    });
    expect(await shop.approve(updateContact.effect)).toMatchObject({
      status: 'FAILED',
      failure: { code: 'NOT_FOUND' },
    });
    const contact = await shop.database.owner.contact.findFirstOrThrow({ where: { id: contactId } });
    expect(contact.name).toBe('Amelia Okafor');
  });
});

describe('records', () => {
  it('that it was held, who agreed, and the action itself by its requester', async () => {
    const client = await shop.key('contacts:write');
    const { createContact } = await client.data<Held>(create, { input: { name: 'Recorded' } });
    const { id: effectId, payload } = createContact.effect;
    await shop.approve(createContact.effect);
    expect(await shop.lastEntry('action.hold')).toMatchObject({ effectId, outcome: 'HELD', actorId: client.keyId });
    expect(await shop.lastEntry('effect.approve')).toMatchObject({ effectId, actorId: shop.place.userId });
    expect(await shop.lastEntry('contact.create')).toMatchObject({
      subjectId: payload.subjectId,
      actorId: client.keyId,
      allowedBy: 'contacts:write',
      outcome: 'DONE',
    });
    expect(await shop.lastEntry('effect.perform')).toMatchObject({ effectId, actorKind: 'SYSTEM' });
  });
});
