import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Principal } from '../../src/auth/principal.js';
import { defaultRules } from '../../src/effects/approval-policy.js';
import { sealOf } from '../../src/effects/seal.js';
import { ruleOf } from '../../src/effects/stored-effect.js';
import { conflict } from '../../src/platform/errors.js';
import { aParcel, type Engine, openEngine, refusedWith, withRule } from './fixture.js';

let engine: Engine;
let owner: Principal;
let admin: Principal;
let member: Principal;
let key: Principal;
beforeAll(async () => {
  engine = await openEngine();
  await engine.addCredits(1_000);
  owner = await engine.person('OWNER');
  admin = await engine.person('ADMIN');
  member = await engine.person('MEMBER');
  key = await engine.key();
});
afterAll(() => engine.database.close());
beforeEach(() => {
  Object.assign(engine.state, { rules: defaultRules, refusal: null, now: new Date() });
  engine.calls.length = 0;
  engine.outcomes.length = 0;
});

const unchanged = async (effect: { id: string; status: string }) => {
  const stored = await engine.database.owner.effect.findFirstOrThrow({ where: { id: effect.id } });
  expect(stored.status).toBe(effect.status);
};

describe('approving', () => {
  it('queues the effect, with the decision, the event, the job and the audit entry', async () => {
    const effect = await engine.propose(key);
    const approved = await engine.as(
      admin,
      (world) => world.effects.approve({ effectId: effect.id, seal: effect.seal, comment: 'Looks fine' }),
      'role:ADMIN',
    );
    expect(approved.status).toBe('QUEUED');
    expect(await engine.jobsOf(effect)).toBe(1);
    expect(await engine.eventsOf(effect)).toEqual(['effect.awaiting_approval', 'effect.queued']);
    const decisions = await engine.database.owner.effectDecision.findMany({ where: { effectId: effect.id } });
    expect(decisions).toMatchObject([
      { verdict: 'APPROVED', userId: admin.id, seal: effect.seal, comment: 'Looks fine' },
    ]);
    const entry = (await engine.audited(effect)).at(-1);
    expect(entry).toMatchObject({ action: 'effect.approve', actorId: admin.id, allowedBy: 'role:ADMIN' });
    expect(JSON.stringify(entry?.details)).not.toContain('Looks fine');
  });

  it('is not for keys, nor for members, whatever they hold', async () => {
    const effect = await engine.propose(key);
    const strong = await engine.key({ scopes: ['*:read', 'messages:*'] });
    for (const who of [strong, member]) {
      expect(await refusedWith(engine.approve(who, effect))).toMatchObject({
        code: 'FORBIDDEN',
        data: { requiredRole: 'ADMIN' },
      });
    }
    await unchanged(effect);
  });

  it('is not for whoever asked, be it the owner', async () => {
    engine.state.rules = withRule({});
    const effect = await engine.propose(owner);
    expect(effect.status).toBe('AWAITING_APPROVAL');
    expect((await refusedWith(engine.approve(owner, effect))).code).toBe('FORBIDDEN');
    await unchanged(effect);
    expect((await engine.approve(admin, effect)).status).toBe('QUEUED');
  });

  it('refuses another seal than the one of the request, and changes nothing', async () => {
    const effect = await engine.propose(key);
    const other = await engine.propose(key, { ...aParcel, body: 'Something else' });
    expect((await refusedWith(engine.approve(admin, effect, other.seal))).code).toBe('APPROVAL_MISMATCH');
    await unchanged(effect);
  });

  it('refuses a request whose row was altered, although its stored seal is named', async () => {
    const effect = await engine.propose(key);
    const payload = { ...aParcel, to: 'eve@example.com' };
    await engine.database.owner.effect.updateMany({ where: { id: effect.id }, data: { payload } });
    expect((await refusedWith(engine.approve(admin, effect))).code).toBe('APPROVAL_MISMATCH');
    await unchanged(effect);
  });

  it('answers what is no longer true, and the request goes on waiting', async () => {
    const effect = await engine.propose(key);
    engine.state.refusal = conflict('The contact opted out.');
    expect(await refusedWith(engine.approve(admin, effect))).toMatchObject({
      code: 'CONFLICT',
      message: 'The contact opted out.',
    });
    await unchanged(effect);
    engine.state.refusal = null;
    expect((await engine.approve(admin, effect)).status).toBe('QUEUED');
  });

  it('answers a revoked key, one that lost the scope, and a person who left', async () => {
    const doomed = await engine.key();
    const [first, second] = [await engine.propose(doomed), await engine.propose(doomed)];
    await engine.database.owner.apiKey.updateMany({ where: { id: doomed.id }, data: { scopes: ['contacts:read'] } });
    expect(await refusedWith(engine.approve(admin, first))).toMatchObject({
      code: 'FORBIDDEN',
      data: { missingScopes: ['messages:send'] },
    });
    await engine.database.owner.apiKey.updateMany({
      where: { id: doomed.id },
      data: { status: 'REVOKED', revokedAt: new Date() },
    });
    expect(await refusedWith(engine.approve(admin, second))).toMatchObject({
      code: 'UNAUTHENTICATED',
      data: { reason: 'REVOKED' },
    });
    await unchanged(first);
    await unchanged(second);

    engine.state.rules = withRule({});
    const leaver = await engine.person('MEMBER');
    const asked = await engine.propose(leaver);
    await engine.database.owner.member.deleteMany({ where: { userId: leaver.id } });
    expect((await refusedWith(engine.approve(admin, asked))).code).toBe('UNAUTHENTICATED');
    await unchanged(asked);
  });

  it('needs two different people where the rule says TWO', async () => {
    engine.state.rules = withRule({ requirement: 'TWO' });
    const effect = await engine.propose(key);
    expect((await engine.approve(admin, effect)).status).toBe('AWAITING_APPROVAL');
    expect(await engine.jobsOf(effect)).toBe(0);
    expect((await refusedWith(engine.approve(admin, effect))).code).toBe('CONFLICT');
    expect((await engine.approve(owner, effect)).status).toBe('QUEUED');
  });

  it('is for the roles that the rule names', async () => {
    engine.state.rules = withRule({ approvers: ['OWNER'] });
    const effect = await engine.propose(key);
    expect(await refusedWith(engine.approve(admin, effect))).toMatchObject({
      code: 'FORBIDDEN',
      data: { requiredRole: 'OWNER' },
    });
    expect((await engine.approve(owner, effect)).status).toBe('QUEUED');
  });

  it('tells the second of two who was first', async () => {
    const effect = await engine.propose(key);
    const results = await Promise.allSettled([engine.approve(admin, effect), engine.approve(owner, effect)]);
    const lost = results.find((result) => result.status === 'rejected');
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(lost?.reason).toMatchObject({ code: 'CONFLICT', data: { status: 'QUEUED' } });
    expect(lost?.reason.message).toMatch(/usr_\w+ approved it/);
    expect(await engine.jobsOf(effect)).toBe(1);
  });

  it('comes too late for a request that expired', async () => {
    const effect = await engine.propose(key);
    engine.state.now = new Date(Date.now() + 73 * 3_600_000);
    expect((await refusedWith(engine.approve(admin, effect))).code).toBe('CONFLICT');
    await unchanged(effect);
  });

  it('answers an unknown id as if it did not exist', async () => {
    const effect = await engine.propose(key);
    expect((await refusedWith(engine.approve(admin, { ...effect, id: 'eff_00000000000000000000000000' }))).code).toBe(
      'NOT_FOUND',
    );
  });
});

describe('rejecting', () => {
  it('ends the effect, gives the money back, and tells the domain', async () => {
    const before = await engine.account();
    const effect = await engine.propose(key, { ...aParcel, credits: 7 });
    const reject = (who: Principal) =>
      engine.as(who, (world) => world.effects.reject({ effectId: effect.id, reason: 'Too early' }), 'role:ADMIN');
    expect((await refusedWith(reject(key))).code).toBe('FORBIDDEN');
    expect(await reject(admin)).toMatchObject({
      status: 'REJECTED',
      failure: { code: 'REJECTED', message: 'Too early' },
    });
    expect(await engine.account()).toEqual(before);
    expect(engine.outcomes).toMatchObject([{ effectId: effect.id, status: 'REJECTED' }]);
    expect(await refusedWith(reject(owner))).toMatchObject({ code: 'CONFLICT', data: { status: 'REJECTED' } });
    await engine.perform(effect);
    expect(engine.calls).toEqual([]);
  });
});

describe('confirming', () => {
  const confirm = (who: Principal, effect: { id: string; seal: string }) =>
    engine.as(who, (world) => world.effects.confirm({ effectId: effect.id, seal: effect.seal }), 'authenticated');

  it('is the own yes of the person who asked, and of nobody else', async () => {
    engine.state.rules = withRule({ requirement: 'CONFIRM' });
    const effect = await engine.propose(member);
    expect(effect.status).toBe('AWAITING_APPROVAL');
    expect((await refusedWith(confirm(owner, effect))).code).toBe('FORBIDDEN');
    expect((await refusedWith(engine.approve(owner, effect))).code).toBe('FORBIDDEN');
    expect((await refusedWith(confirm(member, { ...effect, seal: 'f'.repeat(64) }))).code).toBe('APPROVAL_MISMATCH');
    expect((await confirm(member, effect)).status).toBe('QUEUED');
    await engine.perform(effect);
    expect((await engine.read(effect)).status).toBe('SUCCEEDED');
  });

  it('means the approval of another person when a key asks', async () => {
    engine.state.rules = withRule({ requirement: 'CONFIRM' });
    const effect = await engine.propose(key);
    expect(ruleOf(effect).requirement).toBe('ONE');
    expect((await refusedWith(confirm(key, effect))).code).toBe('FORBIDDEN');
    expect((await engine.approve(admin, effect)).status).toBe('QUEUED');
    await engine.perform(effect);
    expect((await engine.read(effect)).status).toBe('SUCCEEDED');
  });
});

describe('cancelling', () => {
  const cancel = (who: Principal, effect: { id: string }) =>
    engine.as(who, (world) => world.effects.cancel({ effectId: effect.id }), 'authenticated');

  it('is for the requester and for admins, until it is being performed', async () => {
    const before = await engine.account();
    const [first, second, third] = [await engine.propose(key), await engine.propose(key), await engine.propose(owner)];
    const other = await engine.key();
    expect((await refusedWith(cancel(other, first))).code).toBe('NOT_FOUND');
    expect((await refusedWith(cancel(member, first))).code).toBe('FORBIDDEN');
    expect((await cancel(key, first)).status).toBe('CANCELLED');
    expect((await cancel(admin, second)).status).toBe('CANCELLED');
    expect((await cancel(owner, third)).status).toBe('CANCELLED');
    expect(await engine.account()).toEqual(before);
    await engine.perform(third);
    expect(engine.calls).toEqual([]);
    expect(await refusedWith(cancel(key, first))).toMatchObject({ code: 'CONFLICT', data: { status: 'CANCELLED' } });
  });
});

it('asks the caps once more: one that was lowered meanwhile is answered, and the request goes on waiting', async () => {
  const capped = await engine.key({ spendCapCredits: 10 });
  const effect = await engine.propose(capped, { ...aParcel, credits: 4 });
  const lower = (spendCapCredits: number) =>
    engine.database.owner.apiKey.updateMany({ where: { id: capped.id }, data: { spendCapCredits } });
  await lower(3);
  expect(await refusedWith(engine.approve(admin, effect))).toMatchObject({ code: 'SPEND_CAP_EXCEEDED' });
  await unchanged(effect);
  await lower(4);
  expect((await engine.approve(admin, effect)).status).toBe('QUEUED');
});

it('seals over everything that is decided on', async () => {
  const effect = await engine.propose(key);
  const sealed = {
    kind: effect.kind,
    payload: effect.payload,
    workspaceId: effect.workspaceId,
    principal: { kind: effect.actorKind, id: effect.actorId },
    price: effect.priceCredits,
    priceBook: effect.priceBook,
    rule: ruleOf(effect),
    isSandbox: false,
  };
  expect(sealOf(sealed)).toBe(effect.seal);
});
