// A row of an effect that somebody edited behind the server's back: nothing leaves by it, nobody decides by it who may not,
// and no credit goes astray.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Principal } from '../../src/auth/principal.js';
import type { Effect } from '../../src/effects/effect-port.js';
import type { Prisma } from '../../src/generated/prisma/client.js';
import { aParcel, type Engine, openEngine, refusedWith, withRule } from './fixture.js';

let engine: Engine;
let owner: Principal;
let admin: Principal;
let key: Principal;
beforeAll(async () => {
  engine = await openEngine();
  await engine.addCredits(1_000);
  owner = await engine.person('OWNER');
  admin = await engine.person('ADMIN');
});
afterAll(() => engine.database.close());
beforeEach(async () => {
  engine.state.rules = withRule({ when: { principalKinds: ['ACCOUNT_KEY'] } });
  engine.calls.length = 0;
  key = await engine.key();
});

const alter = (effect: Effect, data: Prisma.EffectUncheckedUpdateManyInput) =>
  engine.database.owner.effect.updateMany({ where: { id: effect.id }, data });
const reservedOn = async ({ id }: Principal) =>
  (await engine.database.owner.apiKey.findFirstOrThrow({ where: { id } })).reservedCredits;

describe('money', () => {
  it.each<[string, () => Promise<Prisma.EffectUncheckedUpdateManyInput>]>([
    ['another key', async () => ({ apiKeyId: (await engine.key()).id })],
    ['no key', async () => ({ apiKeyId: null })],
    ['an agent', async () => ({ agentId: 'agt_somebody' })],
    ['a reservation of nothing, at no price', async () => ({ priceCredits: 0, reservedCredits: 0 })],
  ])('goes back to whom it was reserved on, and nothing leaves, when the row names %s', async (_, altered) => {
    const before = await engine.account();
    const effect = await engine.approve(admin, await engine.propose(key, { ...aParcel, credits: 3 }));
    const data = await altered();
    await alter(effect, data);
    await engine.perform(effect);
    expect(engine.calls).toEqual([]);
    expect(await engine.read(effect)).toMatchObject({ status: 'FAILED', failure: { code: 'APPROVAL_MISMATCH' } });
    expect(await engine.account()).toEqual(before);
    expect(await reservedOn(key)).toBe(0);
    if (typeof data.apiKeyId === 'string') expect(await reservedOn({ ...key, id: data.apiKeyId })).toBe(0);
  });

  it('is not saved by calling a rehearsal real', async () => {
    await engine.database.owner.workspace.updateMany({ data: { mode: 'SANDBOX' } });
    const effect = await engine.approve(admin, await engine.propose(key, { ...aParcel, credits: 3 }));
    await engine.database.owner.workspace.updateMany({ data: { mode: 'LIVE' } });
    expect(effect).toMatchObject({ isSandbox: true, priceCredits: 0 });
    await alter(effect, { isSandbox: false });
    await engine.perform(effect);
    expect(engine.calls).toEqual([]);
    expect(await engine.read(effect)).toMatchObject({ status: 'FAILED', failure: { code: 'APPROVAL_MISMATCH' } });
  });
});

describe('who decides', () => {
  it('is nobody once the row says other approvers than the rule that was sealed', async () => {
    engine.state.rules = withRule({ approvers: ['OWNER'] });
    const effect = await engine.propose(key);
    expect((await refusedWith(engine.approve(admin, effect))).code).toBe('FORBIDDEN');
    await alter(effect, { rule: { ...(effect.rule as object), approvers: ['ADMIN', 'OWNER'] } });
    for (const who of [admin, owner]) {
      expect((await refusedWith(engine.approve(who, effect))).code).toBe('APPROVAL_MISMATCH');
    }
    expect((await engine.read(effect)).status).toBe('AWAITING_APPROVAL');
  });

  it('is nobody once the version of the rule says less than when it was sealed, and nothing leaves by it', async () => {
    engine.state.rules = withRule({ requirement: 'TWO' });
    const [effect, decided] = [await engine.propose(key), await engine.propose(key)];
    await engine.approve(admin, decided);
    await engine.approve(owner, decided);
    engine.state.rules = withRule({ requirement: 'ONE' });
    expect((await refusedWith(engine.approve(admin, effect))).code).toBe('APPROVAL_MISMATCH');
    await engine.perform(decided);
    expect(engine.calls).toEqual([]);
    expect(await engine.read(decided)).toMatchObject({ status: 'FAILED', failure: { code: 'APPROVAL_MISMATCH' } });
  });

  it('is not the requester, because the row says that a confirmation is enough', async () => {
    engine.state.rules = withRule({});
    const effect = await engine.propose(owner);
    await alter(effect, { rule: { ...(effect.rule as object), requirement: 'CONFIRM' } });
    const confirming = engine.as(owner, (world) => world.effects.confirm({ effectId: effect.id, seal: effect.seal }));
    expect((await refusedWith(confirming)).code).toBe('APPROVAL_MISMATCH');
  });

  it('is nobody for a rule that never was', async () => {
    const effect = await engine.propose(key);
    await alter(effect, { rule: { ...(effect.rule as object), version: 9 } });
    expect((await refusedWith(engine.approve(admin, effect))).code).toBe('APPROVAL_MISMATCH');
    expect((await engine.read(effect)).status).toBe('AWAITING_APPROVAL');
  });
});
