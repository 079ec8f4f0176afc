// explainAccess tells who would have to agree and what it would cost: the same as the request itself meets, as far as the
// variables at hand decide it, and the reason where they do not.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/platform/ids.js';
import { type Sent, type Shop, sending, startShop } from '../modules/shop.js';
import type { Client } from '../support/client.js';

let shop: Shop;
beforeAll(async () => {
  shop = await startShop({ works: false });
  await shop.database.owner.creditAccount.updateMany({ data: { balanceCredits: 1_000 } });
});
afterAll(() => shop?.stop());

const ASK = `query ($document: String!, $variables: JSON, $scopes: [Scope!]) {
  explainAccess(document: $document, variables: $variables, scopes: $scopes) {
    allowed approval approvalReason price priceReason
    effects { kind approval approvalReason price priceReason rule { id version requirement approvers atCap reason } }
    actions { kind approval approvalReason rule { id requirement } }
  }
}`;

interface Judged {
  readonly approval: string | null;
  readonly approvalReason: string | null;
  readonly rule: { readonly id: string; readonly requirement: string } | null;
}
interface Told extends Omit<Judged, 'rule'> {
  readonly price: number | null;
  readonly priceReason: string | null;
  readonly effects: readonly (Judged & { readonly price: number | null; readonly priceReason: string | null })[];
  readonly actions: readonly Judged[];
}

const told = async (client: Client, document: string, variables?: object, scopes?: readonly string[]): Promise<Told> =>
  (await client.data<{ explainAccess: Told }>(ASK, { document, variables, scopes })).explainAccess;

const rule = async (input: object): Promise<string> => {
  const { createApprovalRule } = await shop.owner.data<{ createApprovalRule: { approvalRule: { id: string } } }>(
    'mutation ($input: CreateApprovalRuleInput!) { createApprovalRule(input: $input) { approvalRule { id } } }',
    { input: { reason: 'For this test.', ...input } },
  );
  return createApprovalRule.approvalRule.id;
};
const without = (id: string) =>
  shop.owner.data('mutation ($id: ID!) { deleteApprovalRule(input: { id: $id }) { deletedId } }', { id });

const CONTACT = 'mutation { createContact(input: { name: "Sam" }) { contact { id } } }';
const DELETING = 'mutation ($id: ID!) { deleteInbox(input: { id: $id }) { deletedId } }';

describe('explainAccess', () => {
  it('tells the rule and the price that the request then meets', async () => {
    const asking = await shop.key('messages:send');
    const variables = { input: { contactId: shop.ids.contactId, inboxId: shop.ids.inboxId, body: 'Hello.' } };
    const before = await told(asking, sending, variables);
    expect(before).toMatchObject({
      approval: 'ONE',
      price: 1,
      approvalReason: null,
      priceReason: null,
      effects: [
        { approval: 'ONE', price: 1, rule: { id: 'default.key', approvers: ['ADMIN', 'OWNER'], atCap: 'REFUSE' } },
      ],
    });
    const { sendMessage } = await asking.data<Sent>(sending, variables);
    expect(sendMessage.effect).toMatchObject({ price: before.price, rule: { id: 'default.key' } });
    const { price, approval } = await told(shop.owner, sending, variables);
    expect({ price, approval }).toEqual({ price: 1, approval: 'NONE' });
  });

  it('reads channel, first contact and draft as the request would, by its rules in their order', async () => {
    const asking = await shop.key('messages:send', 'messages:write');
    const { contactId, inboxId, conversationId } = shop.ids;
    const first = await rule({ when: { isFirstContact: true, channels: ['EMAIL'] }, requirement: 'TWO' });
    const variables = { input: { contactId, inboxId, body: 'Hello.' } };
    expect(await told(asking, sending, variables)).toMatchObject({
      approval: 'TWO',
      effects: [{ rule: { id: first } }],
    });
    const { createDraft } = await asking.data<{ createDraft: { messageId: string } }>(
      'mutation ($id: ID!) { createDraft(input: { conversationId: $id, body: "Hi" }) { messageId } }',
      { id: conversationId },
    );
    const draft = { input: { messageId: createDraft.messageId } };
    expect(await told(asking, sending, draft)).toMatchObject({ approval: 'TWO', price: 1 });
    // Without the ids two rules may decide, and they do not agree.
    const open = await told(asking, sending);
    expect(open).toMatchObject({ approval: null, price: null, effects: [{ rule: null }] });
    expect([open.approvalReason, open.priceReason]).toEqual(Array(2).fill('It hangs on $input: send it in variables.'));
    await without(first);
    // Now one rule decides whatever they are.
    expect(await told(asking, sending)).toMatchObject({ approval: 'ONE', price: null });
  });

  it('judges an action by the rules of today, and the strictest for the whole operation', async () => {
    const writer = await shop.key('contacts:write', 'inboxes:write');
    expect(await told(writer, CONTACT)).toMatchObject({
      approval: 'NONE',
      price: 0,
      actions: [{ approval: 'NONE', rule: { id: 'default.action' } }],
    });
    const held = await rule({ when: { act: 'ACTION', kinds: ['inbox.delete'] }, requirement: 'CONFIRM' });
    const both = `${CONTACT.slice(0, -1)} deleteInbox(input: { id: "${newId('inb')}" }) { deletedId } }`;
    expect(await told(writer, both)).toMatchObject({
      approval: 'ONE',
      actions: [{ approval: 'NONE' }, { approval: 'ONE' }],
    });
    expect(await told(shop.owner, DELETING)).toMatchObject({ approval: 'CONFIRM' });
    await without(held);
  });

  it('judges for scopes that are typed in, and says so where a rule looks at which key it is', async () => {
    const { contactId } = shop.ids;
    const variables = { input: { contactId, body: 'Hello.' } };
    expect(await told(shop.owner, sending, variables, ['messages:send'])).toMatchObject({ approval: 'ONE', price: 1 });
    const { keyId } = await shop.key('messages:send');
    const named = await rule({ when: { apiKeyIds: [keyId] }, requirement: 'NONE' });
    const unknown = await told(shop.owner, sending, variables, ['messages:send']);
    expect(unknown).toMatchObject({ approval: null, price: 1 });
    expect(unknown.approvalReason).toContain('which key asks');
    expect(await told(shop.owner, sending, variables)).toMatchObject({ approval: 'NONE' });
    await without(named);
  });

  it('knows an agent key from an account key', async () => {
    const document = `mutation ($mode: TriggerMode!) {
      triggerAgent(input: { agentId: "${shop.ids.agentId}", mode: $mode, message: "Hi" }) { status }
    }`;
    const chat = { mode: 'CHAT' };
    expect(await told(await shop.agentKey(['agent:trigger']), document, chat)).toMatchObject({
      approval: 'NONE',
      price: 1,
    });
    expect(await told(await shop.key('agents:trigger'), document, chat)).toMatchObject({ approval: 'ONE', price: 1 });
    const voice = await told(await shop.key('agents:trigger'), document, { mode: 'VOICE' });
    expect(voice).toMatchObject({ approval: 'ONE', price: null });
    expect(voice.priceReason).toContain('no price');
  });

  it('costs nothing where the workspace only rehearses', async () => {
    const { workspaceId: id } = shop.place;
    await shop.database.owner.workspace.update({ where: { id }, data: { mode: 'SANDBOX' } });
    expect(await told(await shop.key('messages:send'), sending)).toMatchObject({ price: 0, priceReason: null });
    await shop.database.owner.workspace.update({ where: { id }, data: { mode: 'LIVE' } });
  });

  it('tells nobody what an id names who may not ask for the operation, and nothing of another workspace', async () => {
    const input = { contactId: shop.ids.contactId, body: 'Hello.' };
    const reader = await shop.key('contacts:read');
    const refused = await told(reader, sending, { input }, ['messages:send']);
    expect(refused).toMatchObject({ approval: 'ONE', price: null });
    expect(refused.priceReason).toContain('may ask for it');
    const asking = await shop.key('messages:send');
    const foreign = await told(asking, sending, { input: { ...input, contactId: shop.elsewhere.ids.contactId } });
    const unknown = await told(asking, sending, { input: { ...input, contactId: newId('ctc') } });
    expect(foreign).toEqual(unknown);
    expect(foreign).toMatchObject({ approval: 'ONE', price: null });
  });

  it('goes by the rules that every workspace begins with, where there is none', async () => {
    const anyone = shop.as(null);
    expect(await told(anyone, sending, undefined, ['messages:send'])).toMatchObject({ approval: 'ONE', price: null });
    const nobody = await told(anyone, sending);
    expect(nobody).toMatchObject({ approval: null, price: null });
    expect(nobody.approvalReason).toContain('who asks');
  });

  it('runs nothing and writes nothing', async () => {
    const asking = await shop.key('messages:send');
    const variables = { input: { contactId: shop.ids.contactId, body: 'Hello.' } };
    await shop.writesNothing(() => told(asking, sending, variables));
  });
});
