import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/platform/ids.js';
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

async function ask(client: Client = sender, more: object = {}): Promise<Asked & { payload: { body: string } }> {
  const input = { conversationId: shop.ids.conversationId, body: 'It arrives tomorrow.', ...more };
  return (await client.data<Sent>(sending, { input })).sendMessage.effect as never;
}
const read = async (id: string) =>
  (
    await shop.owner.data<{ effect: Record<string, unknown> & { status: string; seal: string } }>(
      `query E($id: ID!) { effect(id: $id) {
        status seal price charged payload failure { code } amends { id } requestedBy { id } rule { atCap } } }`,
      { id },
    )
  ).effect;
const account = () =>
  shop.database.owner.creditAccount.findUniqueOrThrow({ where: { workspaceId: shop.place.workspaceId } });
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const amending = `mutation A($effectId: ID!, $changes: JSON!) {
  amendEffect(input: { effectId: $effectId, changes: $changes }) { effect { id status seal payload amends { id } } } }`;
const pausing = 'mutation P($input: PauseEffectsInput!) { pauseEffects(input: $input) { pause { id } } }';
const resuming = 'mutation R($id: ID!) { resumeEffects(input: { pauseId: $id }) { resumedId } }';
const settling = `mutation S($effectId: ID!, $status: SettledStatus!) {
  settleEffect(input: { effectId: $effectId, status: $status, comment: "Looked it up." }) { effect { id status charged } } }`;

describe('amending', () => {
  const amend = async (effectId: string, changes: object) =>
    (
      await admin.data<{ amendEffect: { effect: Asked & { payload: { body: string }; amends: { id: string } } } }>(
        amending,
        { effectId, changes },
      )
    ).amendEffect.effect;

  it('asks anew for the same requester, and whoever amended does not decide', async () => {
    const effect = await ask();
    const before = await account();
    const amended = await amend(effect.id, { body: 'It arrives on Friday.' });
    expect(amended).toMatchObject({
      status: 'AWAITING_APPROVAL',
      payload: { body: 'It arrives on Friday.' },
      amends: { id: effect.id },
    });
    expect(amended.seal).not.toBe(effect.seal);
    expect(await read(effect.id)).toMatchObject({ status: 'CANCELLED', failure: { code: 'AMENDED' } });
    expect(await read(amended.id)).toMatchObject({ requestedBy: { id: sender.keyId } });
    expect((await account()).reservedCredits).toBe(before.reservedCredits);
    const refused = await shop.writesNothing(() =>
      admin.refused(approval, { effectId: amended.id, seal: amended.seal }),
    );
    expect(refused.extensions.code).toBe('FORBIDDEN');
    expect(await shop.approve(amended)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await shop.lastEntry('effect.amend')).toMatchObject({ subjectId: effect.id, effectId: amended.id });
  });

  it('refuses a change it does not know, and a request that waits no more', async () => {
    const effect = await ask();
    for (const changes of [{ to: 'eve@example.com' }, { body: '' }, 'text']) {
      const { extensions } = await shop.writesNothing(() => admin.refused(amending, { effectId: effect.id, changes }));
      expect(extensions.code).toBe('BAD_USER_INPUT');
    }
    await shop.approve(effect);
    const late = await admin.refused(amending, { effectId: effect.id, changes: { body: 'Late.' } });
    expect(late.extensions.code).toBe('CONFLICT');
  });
});

describe('separate duties', () => {
  it('keep whoever made the key from deciding what it asks for', async () => {
    const { workspaceId, userId } = shop.place;
    const policy = (separateDuties: boolean) =>
      shop.owner.data(
        'mutation P($on: Boolean!) { updateWorkspace(input: { separateDuties: $on }) { workspace { separateDuties } } }',
        { on: separateDuties },
      );
    await shop.database.owner.apiKey.update({
      where: { workspaceId_id: { workspaceId, id: sender.keyId } },
      data: { createdById: userId },
    });
    const effect = await ask();
    await policy(true);
    const { extensions } = await shop.owner.refused(approval, { effectId: effect.id, seal: effect.seal });
    expect(extensions.code).toBe('FORBIDDEN');
    await policy(false);
    expect(await shop.approve(effect)).toMatchObject({ status: 'SUCCEEDED' });
  });
});

describe('batches', () => {
  it('decide each by itself: one that is refused holds up no other', async () => {
    const [good, bad, third] = [await ask(), await ask(), await ask()];
    const decisions = [
      { effectId: good.id, seal: good.seal },
      { effectId: bad.id, seal: third.seal },
      { effectId: newId('eff'), seal: good.seal },
      { effectId: third.id, seal: third.seal },
    ];
    const { approveEffects } = await shop.owner.data<{
      approveEffects: { results: { effectId: string; effect: Asked | null; error: { code: string } | null }[] };
    }>(
      `mutation B($decisions: [EffectDecisionInput!]!) { approveEffects(input: { decisions: $decisions }) {
        results { effectId effect { status } error { code } } } }`,
      { decisions },
    );
    expect(approveEffects.results.map(({ effect, error }) => effect?.status ?? error?.code)).toEqual([
      'QUEUED',
      'APPROVAL_MISMATCH',
      'NOT_FOUND',
      'QUEUED',
    ]);
    for (const { id } of [good, third]) expect(await shop.ends(id)).toMatchObject({ status: 'SUCCEEDED' });
    const { rejectEffects } = await shop.owner.data<{ rejectEffects: { results: { effect: Asked | null }[] } }>(
      `mutation B($rejections: [EffectRejectionInput!]!) { rejectEffects(input: { rejections: $rejections }) {
        results { effect { status } error { code } } } }`,
      { rejections: [{ effectId: bad.id, reason: 'No.' }, { effectId: good.id }] },
    );
    expect(rejectEffects.results.map(({ effect }) => effect?.status ?? null)).toEqual(['REJECTED', null]);
  });

  it('take neither none nor more than a hundred', async () => {
    const many = Array.from({ length: 101 }, () => ({ effectId: newId('eff') }));
    for (const rejections of [[], many]) {
      const { extensions } = await shop.owner.refused(
        'mutation B($rejections: [EffectRejectionInput!]!) { rejectEffects(input: { rejections: $rejections }) { results { effectId } } }',
        { rejections },
      );
      expect(extensions.code).toBe('BAD_USER_INPUT');
    }
  });
});

describe('a pause', () => {
  const pause = async (input: object): Promise<string> =>
    (await admin.data<{ pauseEffects: { pause: { id: string } } }>(pausing, { input })).pauseEffects.pause.id;
  const approved = async (effect: Asked) => {
    await shop.owner.data(approval, { effectId: effect.id, seal: effect.seal });
    await wait(600);
    return (await read(effect.id)).status;
  };

  it('holds what is queued until it is resumed, by key, agent, kind or all', async () => {
    for (const input of [
      {},
      { apiKeyId: sender.keyId },
      { agentId: shop.ids.agentId },
      { kind: 'message.send', reason: 'Too many.' },
    ]) {
      const id = await pause(input);
      const effect = await ask();
      const held = await approved(effect);
      expect(held).toBe('QUEUED');
      await admin.data(resuming, { id });
      expect(await shop.ends(effect.id)).toMatchObject({ status: 'SUCCEEDED' });
    }
  });

  it('holds as long as one of several speaks of it, and leaves everything else alone', async () => {
    const [all, other] = [await pause({ kind: 'message.send' }), await pause({ kind: 'agent.trigger' })];
    const second = await pause({ apiKeyId: sender.keyId });
    const effect = await ask();
    expect(await approved(effect)).toBe('QUEUED');
    await admin.data(resuming, { id: all });
    await wait(300);
    expect((await read(effect.id)).status).toBe('QUEUED');
    await admin.data(resuming, { id: second });
    expect(await shop.ends(effect.id)).toMatchObject({ status: 'SUCCEEDED' });
    await admin.data(resuming, { id: other });
    expect(await shop.lastEntry('effects.resume')).toMatchObject({ subjectId: other });
  });

  it('refuses what is not of this workspace', async () => {
    await shop.looksUnknown(shop.elsewhere.ids.agentId, (agentId) => admin.ask(pausing, { input: { agentId } }));
    const { extensions } = await admin.refused(pausing, { input: { kind: 'messages' } });
    expect(extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.kind' });
  });
});

describe('settling', () => {
  const uncertain = async (): Promise<string> => {
    const effect = await ask();
    await shop.database.owner.effect.update({
      where: { workspaceId_id: { workspaceId: shop.place.workspaceId, id: effect.id } },
      data: { status: 'UNCERTAIN' },
    });
    return effect.id;
  };

  it.each([
    ['SUCCEEDED', 1],
    ['FAILED', 0],
  ] as const)('an uncertain effect as %s charges %i', async (status, charged) => {
    const before = await account();
    const effectId = await uncertain();
    expect((await account()).reservedCredits).toBe(before.reservedCredits + 1);
    const { settleEffect } = await admin.data<{ settleEffect: { effect: object } }>(settling, { effectId, status });
    expect(settleEffect.effect).toMatchObject({ status, charged });
    const after = await account();
    expect([after.reservedCredits, after.balanceCredits]).toEqual([
      before.reservedCredits,
      before.balanceCredits - charged,
    ]);
    expect(await shop.lastEntry('effect.settle')).toMatchObject({ effectId, costCredits: charged });
    const again = await admin.refused(settling, { effectId, status });
    expect(again.extensions.code).toBe('CONFLICT');
  });

  it('is for people who decide', async () => {
    const effectId = await uncertain();
    const member = await shop.signIn(await shop.addPerson('MEMBER'));
    for (const client of [sender, member]) {
      expect((await client.refused(settling, { effectId, status: 'FAILED' })).extensions.code).toBe('FORBIDDEN');
    }
  });
});
