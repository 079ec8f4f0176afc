import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../support/client.js';
import { type Asked, approval, type Sent, type Shop, sending, startShop } from './shop.js';

let shop: Shop;
let sender: Client & { readonly keyId: string };
let admin: Client;
beforeAll(async () => {
  shop = await startShop();
  sender = await shop.key('messages:send');
  admin = await shop.signIn(await shop.addPerson('ADMIN'));
});
afterAll(() => shop?.stop());

interface Rule {
  readonly id: string;
  readonly version: number;
  readonly position: number;
  readonly requirement: string;
}

const creating = `mutation C($input: CreateApprovalRuleInput!) {
  createApprovalRule(input: $input) { approvalRule { id version position requirement } effect { id } } }`;
const updating = `mutation U($input: UpdateApprovalRuleInput!) {
  updateApprovalRule(input: $input) { approvalRule { id version position requirement } } }`;
const deleting = 'mutation D($id: ID!) { deleteApprovalRule(input: { id: $id }) { deletedId } }';

const create = async (input: object): Promise<Rule> =>
  (
    await admin.data<{ createApprovalRule: { approvalRule: Rule } }>(creating, {
      input: { reason: 'A test says so.', requirement: 'TWO', ...input },
    })
  ).createApprovalRule.approvalRule;
const remove = ({ id }: Rule) => admin.data(deleting, { id });

async function ask(client: Client = sender): Promise<Asked & { rule: { id: string; version: number } }> {
  const input = { conversationId: shop.ids.conversationId, body: 'It arrives tomorrow.' };
  const sent = await client.data<Sent>(sending.replace('rule { id', 'rule { version id'), { input });
  return sent.sendMessage.effect as Asked & { rule: { id: string; version: number } };
}

describe('does', () => {
  it('decide from the next request on, the first that matches', async () => {
    const second = await create({ position: 20, when: { kinds: ['message.send'] }, requirement: 'ONE' });
    const first = await create({ position: 10, when: { kinds: ['message.*'], apiKeyIds: [sender.keyId] } });
    expect((await ask()).rule).toMatchObject({ id: first.id, version: 1, requirement: 'TWO' });
    await admin.data(updating, { input: { id: first.id, position: 30 } });
    expect((await ask()).rule).toMatchObject({ id: second.id, requirement: 'ONE' });
    await remove(first);
    await remove(second);
    expect((await ask()).rule).toMatchObject({ id: 'default.key' });
  });

  it('let go at once what a rule lets go', async () => {
    const free = await create({ when: { kinds: ['message.send'], creditsAtMost: 1 }, requirement: 'NONE' });
    const effect = await ask();
    expect(effect.status).toBe('QUEUED');
    expect(await shop.ends(effect.id)).toMatchObject({ status: 'SUCCEEDED', charged: 1 });
    await remove(free);
  });

  it('judge what waits by the version it was sealed with, changed or deleted since', async () => {
    const rule = await create({ when: { kinds: ['message.send'] } });
    const effect = await ask();
    await admin.data(updating, { input: { id: rule.id, requirement: 'NONE' } });
    await remove(rule);
    await admin.data(approval, { effectId: effect.id, seal: effect.seal });
    const { effect: still } = await shop.owner.data<{ effect: Asked }>(
      'query E($id: ID!) { effect(id: $id) { status } }',
      {
        id: effect.id,
      },
    );
    expect(still.status).toBe('AWAITING_APPROVAL');
    expect(await shop.approve(effect)).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('hold an action, and the decision on it is never held', async () => {
    const all = await create({ when: { act: 'ACTION', kinds: ['agent.update', 'effect.*'] }, requirement: 'ONE' });
    const asked = await (await shop.key('agents:write')).data<{ updateAgent: { agent: null; effect: Asked } }>(
      'mutation U($id: ID!) { updateAgent(input: { id: $id, name: "Wren" }) { agent { id } effect { id seal status } } }',
      { id: shop.ids.agentId },
    );
    expect(asked.updateAgent).toMatchObject({ agent: null, effect: { status: 'AWAITING_APPROVAL' } });
    expect(await shop.approve(asked.updateAgent.effect)).toMatchObject({ status: 'SUCCEEDED' });
    await remove(all);
  });

  it('tell which rule would decide and why, and what today’s rules make of the requests of late', async () => {
    const sms = await create({ position: 1, when: { channels: ['SMS'], creditsAtLeast: 5 }, reason: 'Dear.' });
    const two = await create({ position: 2, when: { kinds: ['message.send'] } });
    const reader = await shop.key('approvals:read');
    const { simulateApproval } = await reader.data<{ simulateApproval: Record<string, unknown> }>(
      `query S($input: SimulateApprovalInput!) { simulateApproval(input: $input) {
        rule { id requirement } tried { ruleId matched unmet reason }
        recent(last: 2) { differs rule { id } effect { id } } } }`,
      { input: { kind: 'message.send', principalKind: 'ACCOUNT_KEY', channel: 'EMAIL', credits: 1 } },
    );
    expect(simulateApproval).toMatchObject({
      rule: { id: two.id, requirement: 'TWO' },
      tried: [
        { ruleId: sms.id, matched: false, unmet: ['channels', 'creditsAtLeast'], reason: 'Dear.' },
        { ruleId: two.id, matched: true, unmet: [] },
      ],
    });
    expect(simulateApproval.recent).toHaveLength(2);
    await remove(sms);
    await remove(two);
  });

  it('repeat a creation by its idempotency key', async () => {
    const input = { when: { kinds: ['agent.trigger'] }, idempotencyKey: 'one-rule' };
    const rule = await create(input);
    expect(await create(input)).toEqual(rule);
    await remove(rule);
  });
});

describe('refuses', () => {
  it.each([
    ['a kind that does not exist', { when: { kinds: ['mesage.send'] } }, 'input.when.kinds'],
    ['a kind that is no noun.verb', { when: { kinds: ['*'] } }, 'input.when.kinds.0'],
    ['an empty list', { when: { channels: [] } }, 'input.when.channels'],
    ['a negative cost', { when: { creditsAtLeast: -1 } }, 'input.when.creditsAtLeast'],
    ['no reason', { when: {}, reason: ' ' }, 'input.reason'],
    ['nobody to approve', { when: {}, approvers: [] }, 'input.approvers'],
    ['a place before the first', { when: {}, position: -1 }, 'input.position'],
  ])('%s, naming the field', async (_what, input, field) => {
    const refused = await shop.writesNothing(() =>
      admin.refused(creating, { input: { reason: 'So.', requirement: 'ONE', ...input } }),
    );
    expect(refused.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field });
  });

  it('a key or an agent of another workspace as one that is not there', async () => {
    const { id } = await shop.createKey({ kind: 'ACCOUNT', workspaceId: shop.elsewhere.workspaceId });
    for (const when of [{ apiKeyIds: [id] }, { agentIds: [shop.elsewhere.ids.agentId] }]) {
      const { extensions } = await admin.refused(creating, { input: { reason: 'So.', requirement: 'ONE', when } });
      expect(extensions.code).toBe('BAD_USER_INPUT');
    }
  });
});

describe('isolates', () => {
  it('a rule of another workspace holds nothing here, and is unknown', async () => {
    const foreign = await shop.signIn(shop.elsewhere);
    const made = await foreign.data<{ createApprovalRule: { approvalRule: Rule } }>(creating, {
      input: { when: {}, requirement: 'TWO', reason: 'Elsewhere.' },
    });
    expect((await ask()).rule.id).toBe('default.key');
    await shop.looksUnknown(made.createApprovalRule.approvalRule.id, (id) => admin.ask(deleting, { id }));
  });
});

describe('records', () => {
  it('each change with its version and the names of its conditions', async () => {
    const rule = await create({ when: { kinds: ['message.send'], creditsAtLeast: 3 } });
    expect(await shop.lastEntry('approvalRule.create')).toMatchObject({
      subjectId: rule.id,
      allowedBy: 'role:ADMIN',
      details: { version: 1, requirement: 'TWO', conditions: expect.arrayContaining(['kinds', 'creditsAtLeast']) },
    });
    await admin.data(updating, { input: { id: rule.id, requirement: 'ONE' } });
    expect(await shop.lastEntry('approvalRule.update')).toMatchObject({ details: { version: 2, requirement: 'ONE' } });
    await remove(rule);
    expect(await shop.lastEntry('approvalRule.delete')).toMatchObject({ subjectId: rule.id, details: { version: 2 } });
    const versions = await shop.database.owner.approvalRuleVersion.findMany({ where: { ruleId: rule.id } });
    expect(versions).toHaveLength(2);
  });
});
