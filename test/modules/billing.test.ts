import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../support/client.js';
import { type Asked, approval, type Sent, type Shop, sending, startShop } from './shop.js';

let shop: Shop;
let sender: Client & { readonly keyId: string };
beforeAll(async () => {
  shop = await startShop();
  sender = await shop.key('messages:send');
});
afterAll(() => shop?.stop());

const ask = async (client: Client = sender): Promise<Asked> =>
  (
    await client.data<Sent>(sending, {
      input: { conversationId: shop.ids.conversationId, body: 'It arrives tomorrow.' },
    })
  ).sendMessage.effect;
const refusedAsk = (client: Client = sender) =>
  client.refused(sending, { input: { conversationId: shop.ids.conversationId, body: 'It arrives tomorrow.' } });
const cancel = ({ id }: Asked) =>
  shop.owner.data('mutation C($id: ID!) { cancelEffect(input: { effectId: $id }) { effect { id } } }', { id });

interface Billing {
  readonly balanceCredits: number;
  readonly reservedCredits: number;
  readonly availableCredits: number;
  readonly spentCredits: number;
  readonly spent: readonly { of: string | null; credits: number; effects: number }[];
}
const billing = async (by = 'KIND', client: Client = shop.owner): Promise<Billing> =>
  (
    await client.data<{ billing: Billing }>(
      `query B($by: SpentBy!) { billing { balanceCredits reservedCredits availableCredits spentCredits
        spent(by: $by) { of credits effects } } }`,
      { by },
    )
  ).billing;
const capping = `mutation C($input: SetSpendCapInput!) {
  setSpendCap(input: $input) { spendCap { agentId credits period } } }`;
const setCap = (input: object) => shop.owner.data(capping, { input });

describe('billing', () => {
  it('shows what is there, promised and spent, by key, agent, kind and day', async () => {
    const before = await billing();
    const waits = await ask();
    expect(await billing()).toMatchObject({
      balanceCredits: before.balanceCredits,
      reservedCredits: before.reservedCredits + 1,
      availableCredits: before.availableCredits - 1,
    });
    await shop.approve(waits);
    const reader = await shop.key('billing:read');
    const after = await billing('KEY', reader);
    expect(after).toMatchObject({
      balanceCredits: before.balanceCredits - 1,
      reservedCredits: before.reservedCredits,
      spentCredits: before.spentCredits + 1,
    });
    expect(after.spent).toContainEqual({ of: sender.keyId, credits: 1, effects: 1 });
    expect((await billing('KIND')).spent).toEqual([{ of: 'message.send', credits: 1, effects: 1 }]);
    expect((await billing('DAY')).spent).toEqual([
      { of: new Date().toISOString().slice(0, 10), credits: 1, effects: 1 },
    ]);
    expect((await billing('AGENT')).spent).toEqual([{ of: shop.ids.agentId, credits: 1, effects: 1 }]);
  });

  it('grows by a top-up, which takes an owner', async () => {
    const topUp =
      'mutation T($credits: Int!) { topUpCredits(input: { credits: $credits }) { billing { balanceCredits } } }';
    const before = await billing();
    const admin = await shop.signIn(await shop.addPerson('ADMIN'));
    expect((await admin.refused(topUp, { credits: 5 })).extensions).toMatchObject({ requiredRole: 'OWNER' });
    for (const credits of [0, -1, 1_000_000_001]) {
      const { extensions } = await shop.writesNothing(() => shop.owner.refused(topUp, { credits }));
      expect(extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.credits' });
    }
    await shop.owner.data(topUp, { credits: 5 });
    expect((await billing()).balanceCredits).toBe(before.balanceCredits + 5);
    expect(await shop.lastEntry('creditAccount.topUp')).toMatchObject({ details: { credits: 5 } });
    const lines = await shop.database.owner.ledgerEntry.findMany({ where: { workspaceId: shop.place.workspaceId } });
    expect(lines.reduce((sum, { balanceDelta }) => sum + balanceDelta, 0)).toBe(before.balanceCredits + 5);
  });
});

describe('a spend cap', () => {
  it.each(['LIFETIME', 'DAY', 'MONTH'])(
    'of the workspace per %s refuses what it leaves no room for',
    async (period) => {
      const { spentCredits, reservedCredits } = await billing();
      await setCap({ credits: spentCredits + reservedCredits + 1, period });
      const effect = await ask();
      const refused = await shop.writesNothing(() => refusedAsk());
      expect(refused.extensions).toMatchObject({ code: 'SPEND_CAP_EXCEEDED', capOf: 'workspace', capPeriod: period });
      await cancel(effect);
      await cancel(await ask());
      await setCap({ credits: null });
    },
  );

  it('of an agent bounds what goes through it', async () => {
    const { agentId } = shop.ids;
    const spent = (await billing('AGENT')).spent.find(({ of }) => of === agentId)?.credits ?? 0;
    await setCap({ agentId, credits: spent + 1, period: 'DAY' });
    const chat = await shop.agentKey(['agent:trigger']);
    const trigger = `mutation T($input: TriggerAgentInput!) { triggerAgent(input: $input) { effect { id status seal } } }`;
    const input = { agentId, mode: 'CHAT', message: 'Hello?' };
    await chat.data(trigger, { input });
    expect((await chat.refused(trigger, { input })).extensions).toMatchObject({
      code: 'SPEND_CAP_EXCEEDED',
      capOf: 'agent',
    });
    // A message in the agent's conversation is the agent's, whoever asks for it.
    expect((await refusedAsk()).extensions).toMatchObject({ code: 'SPEND_CAP_EXCEEDED', capOf: 'agent' });
    await setCap({ agentId, credits: null });
    expect(await shop.lastEntry('spendCap.set')).toMatchObject({ subjectId: agentId, details: { credits: null } });
  });

  it('that was lowered since is answered at approval, and lets nothing leave that was approved before', async () => {
    const effect = await ask();
    const { spentCredits } = await billing();
    await setCap({ credits: spentCredits });
    const approving = { effectId: effect.id, seal: effect.seal };
    const { extensions } = await shop.writesNothing(() => shop.owner.refused(approval, approving));
    expect(extensions).toMatchObject({ code: 'SPEND_CAP_EXCEEDED', capOf: 'workspace' });
    await setCap({ credits: null });
    const { pauseEffects } = await shop.owner.data<{ pauseEffects: { pause: { id: string } } }>(
      'mutation { pauseEffects(input: {}) { pause { id } } }',
    );
    await shop.owner.data(approval, approving);
    await setCap({ credits: spentCredits });
    await shop.owner.data('mutation R($id: ID!) { resumeEffects(input: { pauseId: $id }) { resumedId } }', {
      id: pauseEffects.pause.id,
    });
    expect(await shop.ends(effect.id)).toMatchObject({ status: 'FAILED', failure: { code: 'SPEND_CAP_EXCEEDED' } });
    await setCap({ credits: null });
  });

  it('parks by a rule, and is reserved when somebody approves', async () => {
    const rule = await shop.owner.data<{ createApprovalRule: { approvalRule: { id: string } } }>(
      `mutation C { createApprovalRule(input: { requirement: NONE, atCap: PARK, reason: "Ask at the cap.",
        when: { kinds: ["message.send"] } }) { approvalRule { id } } }`,
    );
    const { spentCredits, reservedCredits } = await billing();
    await setCap({ credits: spentCredits + reservedCredits });
    const parked = await ask();
    expect(parked.status).toBe('AWAITING_APPROVAL');
    expect((await billing()).reservedCredits).toBe(reservedCredits);
    const decision = { effectId: parked.id, seal: parked.seal };
    const still = await shop.writesNothing(() => shop.owner.refused(approval, decision));
    expect(still.extensions.code).toBe('SPEND_CAP_EXCEEDED');
    await setCap({ credits: spentCredits + reservedCredits + 1 });
    expect(await shop.approve(parked)).toMatchObject({ status: 'SUCCEEDED', charged: 1 });
    await setCap({ credits: null });
    await shop.owner.data('mutation D($id: ID!) { deleteApprovalRule(input: { id: $id }) { deletedId } }', {
      id: rule.createApprovalRule.approvalRule.id,
    });
  });

  it.each([
    [{ credits: -1 }, 'input.credits'],
    [{ period: 'DAY' }, 'input.period'],
  ])('that makes no sense is refused: %j', async (input, field) => {
    const { extensions } = await shop.writesNothing(() => shop.owner.refused(capping, { input }));
    expect(extensions).toMatchObject({ code: 'BAD_USER_INPUT', field });
  });

  it('of an agent of another workspace is unknown', async () => {
    await shop.looksUnknown(shop.elsewhere.ids.agentId, (agentId) => shop.owner.ask(capping, { input: { agentId } }));
  });
});

describe('a sandbox', () => {
  const mode = (to: 'LIVE' | 'SANDBOX') =>
    shop.owner.data(
      'mutation M($to: WorkspaceMode!) { updateWorkspace(input: { mode: $to }) { workspace { mode } } }',
      { to },
    );

  it('captures what is approved and charges nothing', async () => {
    await mode('SANDBOX');
    const before = await billing();
    const effect = await ask();
    expect(await shop.approve(effect)).toMatchObject({ status: 'SUCCEEDED', charged: 0, result: { captured: true } });
    expect(await billing()).toEqual(before);
    await mode('LIVE');
  });
});
