import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Principal } from '../../src/auth/principal.js';
import { ConnectorError } from '../../src/connectors/connector.js';
import { defaultRules } from '../../src/effects/approval-policy.js';
import type { Effect } from '../../src/effects/effect-port.js';
import { performEffect } from '../../src/effects/perform.js';
import type { Prisma } from '../../src/generated/prisma/client.js';
import { conflict } from '../../src/platform/errors.js';
import { aParcel, type Engine, openEngine, withRule } from './fixture.js';

let engine: Engine;
let owner: Principal;
let admin: Principal;
let key: Principal;
beforeAll(async () => {
  engine = await openEngine();
  await engine.addCredits(1_000);
  owner = await engine.person('OWNER');
  admin = await engine.person('ADMIN');
  key = await engine.key();
});
afterAll(() => engine.database.close());
beforeEach(() => {
  const perform = async () => ({ delivered: true });
  Object.assign(engine.state, {
    rules: defaultRules,
    refusal: null,
    settleError: null,
    takesKey: false,
    now: new Date(),
    perform,
  });
  engine.calls.length = 0;
  engine.outcomes.length = 0;
});

const alter = (effect: Effect, data: Prisma.EffectUncheckedUpdateManyInput) =>
  engine.database.owner.effect.updateMany({ where: { id: effect.id }, data });
const approved = async (): Promise<Effect> => engine.approve(admin, await engine.propose(key));
const throwing = (outcome: 'not-sent' | 'refused' | 'unknown', retryAfterMs?: number) => async () => {
  throw new ConnectorError(outcome, 'The provider says no.', retryAfterMs === undefined ? {} : { retryAfterMs });
};

describe('performing', () => {
  it('hands the frozen payload over once, under the effect as key, and charges', async () => {
    const before = await engine.account();
    const effect = await engine.approve(admin, await engine.propose(key, { ...aParcel, credits: 3 }));
    await engine.perform(effect);
    await engine.perform(effect);
    expect(engine.calls).toEqual([{ payload: { ...aParcel, credits: 3 }, key: effect.id }]);
    expect(await engine.read(effect)).toMatchObject({
      status: 'SUCCEEDED',
      result: { delivered: true },
      failure: null,
      chargedCredits: 3,
    });
    const { balanceCredits, reservedCredits } = await engine.account();
    expect({ balanceCredits, reservedCredits }).toEqual({
      balanceCredits: before.balanceCredits - 3,
      reservedCredits: before.reservedCredits,
    });
    expect(engine.outcomes).toMatchObject([{ effectId: effect.id, status: 'SUCCEEDED', result: { delivered: true } }]);
    expect(await engine.eventsOf(effect)).toEqual([
      'effect.awaiting_approval',
      'effect.queued',
      'effect.performing',
      'effect.succeeded',
    ]);
    expect((await engine.audited(effect)).at(-1)).toMatchObject({
      ...{ action: 'effect.perform', outcome: 'DONE', actorKind: 'SYSTEM', apiKeyId: key.id, costCredits: 3 },
      ...{ requestId: effect.requestId, details: { status: 'SUCCEEDED', attempt: 1, connector: 'fake', code: null } },
    });
  });

  it('does nothing twice when two workers take the same effect', async () => {
    const effect = await engine.propose(owner);
    await Promise.all([engine.perform(effect), engine.perform(effect), engine.perform(effect)]);
    expect(engine.calls).toHaveLength(1);
    expect((await engine.read(effect)).status).toBe('SUCCEEDED');
  });

  it('fails an effect of a kind that nobody knows, and never loses it', async () => {
    const effect = await engine.propose(owner);
    const definitions = new Map();
    const { performEffect } = await import('../../src/effects/perform.js');
    const place = { organizationId: engine.organizationId, workspaceId: engine.workspaceId, effectId: effect.id };
    await performEffect({ ...engine.worker, engine: { ...engine.worker.engine, definitions } }, place);
    expect(await engine.read(effect)).toMatchObject({ status: 'FAILED', failure: { code: 'UNKNOWN_KIND' } });
  });
});

describe('the last look before the world is touched', () => {
  const nothingLeft = async (effect: Effect, code: string) => {
    await engine.perform(effect);
    expect(engine.calls).toEqual([]);
    expect(await engine.read(effect)).toMatchObject({ status: 'FAILED', failure: { code }, chargedCredits: 0 });
    expect((await engine.audited(effect)).at(-1)).toMatchObject({
      action: 'effect.perform',
      outcome: 'REFUSED',
      details: { code },
    });
    expect(engine.outcomes.at(-1)).toMatchObject({ effectId: effect.id, status: 'FAILED' });
  };

  it('fails what is no longer true, with the code of the refusal, and gives the money back', async () => {
    const before = await engine.account();
    const effect = await approved();
    engine.state.refusal = conflict('The contact opted out.');
    await nothingLeft(effect, 'CONFLICT');
    expect(await engine.account()).toEqual(before);
  });

  it.each<[string, Prisma.EffectUncheckedUpdateManyInput]>([
    ['payload', { payload: { ...aParcel, to: 'eve@example.com' } }],
    ['kind', { kind: 'agent.trigger' }],
    ['price book', { priceBook: 'forged' }],
    ['requester', { actorId: 'usr_somebody' }],
    ['rule', { rule: { id: 'forged', version: 1, requirement: 'NONE', approvers: [], reason: '' } }],
    [
      'version of the rule',
      { rule: { id: 'default.key', version: 2, requirement: 'ONE', approvers: ['OWNER'], reason: '' } },
    ],
    ['seal', { seal: 'f'.repeat(64) }],
  ])('lets nothing leave whose %s was edited in the database', async (_, data) => {
    const effect = await approved();
    await alter(effect, data);
    await engine.perform(effect);
    expect(engine.calls).toEqual([]);
    expect((await engine.read(effect)).status).toBe('FAILED');
  });

  it('lets nothing leave whose price was edited in the database', async () => {
    const effect = await approved();
    await alter(effect, { priceCredits: 0 });
    await nothingLeft(effect, 'APPROVAL_MISMATCH');
  });

  it('lets nothing leave for which the ledger holds no money, whatever the row claims', async () => {
    const poor = await engine.key({ spendCapCredits: 0, spendCapPeriod: 'LIFETIME' });
    engine.state.rules = withRule({ when: { kinds: ['message.send'] }, requirement: 'NONE', atCap: 'PARK' });
    const parked = await engine.propose(poor);
    expect(parked).toMatchObject({ status: 'AWAITING_APPROVAL', reservedCredits: 0, approvalsNeeded: 1 });
    await alter(parked, { status: 'QUEUED', reservedCredits: 1 });
    await engine.perform(parked);
    expect(await engine.read(parked)).toMatchObject({ failure: { code: 'APPROVAL_MISMATCH' } });
    expect(engine.calls).toEqual([]);
  });

  it('lets leave what a cap parked and somebody approved, also where a confirmation would have been enough', async () => {
    engine.state.rules = withRule({ requirement: 'CONFIRM', atCap: 'PARK' });
    const cap = (spendCapCredits: number | null) =>
      engine.database.owner.workspace.updateMany({ data: { spendCapCredits } });
    await cap(0);
    const parked = await engine.propose(owner);
    expect(parked).toMatchObject({ status: 'AWAITING_APPROVAL', reservedCredits: 0 });
    await cap(null);
    await engine.perform(await engine.approve(admin, parked));
    expect(await engine.read(parked)).toMatchObject({ status: 'SUCCEEDED', chargedCredits: 1 });
  });

  it('does not believe a status that nobody decided', async () => {
    const waiting = await engine.propose(key);
    await alter(waiting, { status: 'QUEUED' });
    await nothingLeft(waiting, 'APPROVAL_MISMATCH');
    const loosened = await engine.propose(key);
    await alter(loosened, { status: 'QUEUED', rule: { ...(loosened.rule as object), requirement: 'NONE' } });
    await nothingLeft(loosened, 'APPROVAL_MISMATCH');
    engine.state.rules = withRule({ requirement: 'TWO' });
    const half = await engine.propose(key);
    await engine.approve(admin, half);
    await alter(half, { status: 'QUEUED' });
    await nothingLeft(half, 'APPROVAL_MISMATCH');
  });

  it('judges the key again: revoked, narrowed, expired', async () => {
    const changes = [
      [{ status: 'REVOKED', revokedAt: new Date() }, 'UNAUTHENTICATED'],
      [{ scopes: ['messages:read'] }, 'FORBIDDEN'],
      [{ expiresAt: new Date(Date.now() - 1000) }, 'UNAUTHENTICATED'],
    ] as const;
    for (const [data, code] of changes) {
      const doomed = await engine.key();
      const effect = await engine.approve(admin, await engine.propose(doomed));
      await engine.database.owner.apiKey.updateMany({
        where: { id: doomed.id },
        data: { ...data } as Prisma.ApiKeyUncheckedUpdateManyInput,
      });
      await nothingLeft(effect, code);
    }
  });

  it('judges the person again: gone, and the workspace suspended', async () => {
    const leaver = await engine.person('MEMBER');
    const effect = await engine.propose(leaver);
    await engine.database.owner.member.deleteMany({ where: { userId: leaver.id } });
    await nothingLeft(effect, 'UNAUTHENTICATED');
    const late = await engine.propose(owner);
    await engine.database.owner.workspace.updateMany({ data: { status: 'SUSPENDED' } });
    await nothingLeft(late, 'UNAUTHENTICATED');
    await engine.database.owner.workspace.updateMany({ data: { status: 'ACTIVE' } });
  });

  it('does not send days later what was wanted then', async () => {
    const effect = await engine.propose(owner);
    engine.state.now = new Date(Date.now() + 73 * 3_600_000);
    await nothingLeft(effect, 'CONFLICT');
  });
});

describe('when the provider does not do it', () => {
  it('tries again later what was provably not sent, and gives up after its tries', async () => {
    const effect = await engine.propose(owner);
    engine.state.perform = throwing('not-sent');
    const jobs: number[] = [];
    for (let attempt = 1; attempt <= 3; attempt++) {
      await engine.perform(effect);
      jobs.push(await engine.jobsOf(effect));
      expect((await engine.read(effect)).status).toBe(attempt < 3 ? 'QUEUED' : 'FAILED');
    }
    expect(engine.calls).toHaveLength(3);
    expect(await engine.read(effect)).toMatchObject({ failure: { code: 'PROVIDER_UNREACHABLE' }, chargedCredits: 0 });
    expect(jobs).toEqual([2, 3, 3]);
    const executions = await engine.database.owner.effectExecution.findMany({
      where: { effectId: effect.id },
      orderBy: { attempt: 'asc' },
    });
    expect(executions.map(({ attempt, outcome }) => [attempt, outcome])).toEqual([
      [1, 'not-sent'],
      [2, 'not-sent'],
      [3, 'not-sent'],
    ]);
  });

  it('waits as long as the provider asks', async () => {
    const effect = await engine.propose(owner);
    engine.state.perform = throwing('not-sent', 60_000);
    await engine.perform(effect);
    const { rows } = await engine.database.executeAsOwner(
      'SELECT extract(epoch FROM max(start_after) - now())::int AS wait FROM pgboss.job WHERE singleton_key = $1',
      [effect.id],
    );
    expect(Number(rows[0]?.wait)).toBeGreaterThan(50);
  });

  it('renews its lease as long as the provider takes, and a worker that is gone does not', async () => {
    const effect = await approved();
    const leaseOf = async () =>
      (await engine.database.owner.effectExecution.findFirstOrThrow({ where: { effectId: effect.id } })).leaseUntil;
    const leases: number[] = [];
    const worker = { ...engine.worker, leaseMs: 300 };
    engine.state.perform = async () => {
      for (let look = 0; look < 6; look++) {
        await new Promise((resolve) => setTimeout(resolve, 120));
        leases.push((await leaseOf()).getTime());
      }
      return { delivered: true };
    };
    await performEffect(worker, { ...engine.tenant, effectId: effect.id });
    expect(await engine.read(effect)).toMatchObject({ status: 'SUCCEEDED' });
    expect(new Set(leases).size).toBeGreaterThan(2);
    const last = (await leaseOf()).getTime();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect((await leaseOf()).getTime()).toBe(last);
  });

  it('waits by the clock that all processes share, however wrong its own is', async () => {
    for (const wrongMs of [-3_600_000, 3_600_000]) {
      engine.state.now = new Date(Date.now() + wrongMs);
      const effect = await engine.propose(owner);
      engine.state.perform = throwing('not-sent');
      await engine.perform(effect);
      const { rows } = await engine.database.executeAsOwner(
        'SELECT extract(epoch FROM max(start_after) - now())::float8 AS wait FROM pgboss.job WHERE singleton_key = $1',
        [effect.id],
      );
      expect(Number(rows[0]?.wait)).toBeGreaterThan(0);
      expect(Number(rows[0]?.wait)).toBeLessThanOrEqual(1);
    }
  });

  it('begins nothing when it was held up for longer than its lease', async () => {
    const effect = await engine.propose(owner);
    await performEffect({ ...engine.worker, leaseMs: 1 }, { ...engine.tenant, effectId: effect.id });
    expect(engine.calls).toEqual([]);
    expect(await engine.read(effect)).toMatchObject({ status: 'QUEUED' });
    await engine.perform(effect);
    expect(await engine.read(effect)).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('charges nothing for what a workspace captured because it rehearses by now', async () => {
    const before = await engine.account();
    const effect = await engine.propose(owner, { ...aParcel, credits: 4 });
    await engine.database.owner.workspace.updateMany({ data: { mode: 'SANDBOX' } });
    await engine.perform(effect);
    await engine.database.owner.workspace.updateMany({ data: { mode: 'LIVE' } });
    expect(await engine.read(effect)).toMatchObject({ status: 'SUCCEEDED', chargedCredits: 0, reservedCredits: 0 });
    expect(await engine.account()).toEqual(before);
    expect((await engine.audited(effect)).at(-1)).toMatchObject({ action: 'effect.perform', costCredits: 0 });
  });

  it('fails what was refused', async () => {
    const effect = await engine.propose(owner);
    engine.state.perform = throwing('refused');
    await engine.perform(effect);
    expect(await engine.read(effect)).toMatchObject({
      status: 'FAILED',
      failure: { code: 'REFUSED_BY_PROVIDER', message: 'The provider says no.' },
    });
  });

  it('calls UNCERTAIN what nobody can tell, keeps the money reserved and never repeats it', async () => {
    const before = await engine.account();
    const effect = await engine.propose(owner, { ...aParcel, credits: 4 });
    engine.state.perform = throwing('unknown');
    await engine.perform(effect);
    await engine.perform(effect);
    await engine.recover();
    expect(engine.calls).toHaveLength(1);
    expect((await engine.read(effect)).status).toBe('UNCERTAIN');
    expect((await engine.account()).reservedCredits).toBe(before.reservedCredits + 4);
  });

  it('treats a defect like an answer that nobody can tell', async () => {
    const effect = await engine.propose(owner);
    engine.state.perform = async () => {
      throw new TypeError('undefined is not a function');
    };
    await engine.perform(effect);
    const stored = await engine.read(effect);
    expect(stored.status).toBe('UNCERTAIN');
    expect(JSON.stringify(stored.failure)).not.toContain('undefined');
  });

  it('repeats an unknown outcome where the provider takes our key', async () => {
    const effect = await engine.propose(owner);
    Object.assign(engine.state, { takesKey: true, perform: throwing('unknown') });
    await engine.perform(effect);
    expect((await engine.read(effect)).status).toBe('QUEUED');
    engine.state.perform = async () => ({ delivered: true });
    await engine.perform(effect);
    expect((await engine.read(effect)).status).toBe('SUCCEEDED');
    expect(engine.calls.map(({ key: used }) => used)).toEqual([effect.id, effect.id]);
  });

  it('does not wait for ever for a connector that does not heed its signal', async () => {
    const effect = await engine.propose(owner);
    engine.state.perform = () => new Promise(() => {});
    const { performEffect } = await import('../../src/effects/perform.js');
    const place = { organizationId: engine.organizationId, workspaceId: engine.workspaceId, effectId: effect.id };
    await performEffect({ ...engine.worker, performTimeoutMs: 50 }, place);
    expect((await engine.read(effect)).status).toBe('UNCERTAIN');
  });

  it('keeps the outcome although the rows of the domain cannot be written', async () => {
    const effect = await engine.propose(owner);
    engine.state.settleError = new Error('a defect of the domain');
    await engine.perform(effect);
    expect(await engine.read(effect)).toMatchObject({ status: 'SUCCEEDED', chargedCredits: 1 });
    expect(engine.calls).toHaveLength(1);
  });
});
