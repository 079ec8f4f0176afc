import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Principal } from '../../src/auth/principal.js';
import type { Effect } from '../../src/effects/effect-port.js';
import { effectLimits } from '../../src/effects/limits.js';
import { newId } from '../../src/platform/ids.js';
import { type Engine, openEngine } from './fixture.js';

let engine: Engine;
let owner: Principal;
let key: Principal;
beforeAll(async () => {
  engine = await openEngine();
  await engine.addCredits(1_000);
  owner = await engine.person('OWNER');
  key = await engine.key();
});
afterAll(() => engine.database.close());
beforeEach(() => {
  Object.assign(engine.state, { takesKey: false, now: new Date(), perform: async () => ({ delivered: true }) });
  engine.calls.length = 0;
  engine.logged.length = 0;
});

/** As if the worker had frozen: the attempt stays open and its lease is over. */
const endLease = (effect: Effect) =>
  engine.database.owner.effectExecution.updateMany({
    where: { effectId: effect.id },
    data: { leaseUntil: new Date(0) },
  });

/** Performs until the provider is reached, and leaves the worker hanging there. */
async function hang(effect: Effect) {
  let answer: (result: unknown) => void = () => {};
  const reached = new Promise<void>((resolve) => {
    engine.state.perform = () => {
      resolve();
      return new Promise((settle) => {
        answer = settle;
      });
    };
  });
  const working = engine.perform(effect);
  await reached;
  return { working, answer: (result: unknown) => answer(result) };
}

describe('recovery', () => {
  it('calls UNCERTAIN what a dead worker left, and does not believe it when it comes back', async () => {
    const before = await engine.account();
    const effect = await engine.propose(owner);
    const { working, answer } = await hang(effect);
    expect((await engine.recover()).lost).toBe(0);
    await endLease(effect);
    expect((await engine.recover()).lost).toBe(1);
    expect((await engine.read(effect)).status).toBe('UNCERTAIN');
    answer({ delivered: true });
    await working;
    expect(await engine.read(effect)).toMatchObject({ status: 'UNCERTAIN', result: null, chargedCredits: 0 });
    expect(engine.logged).toContain('a late result was not believed');
    expect((await engine.account()).reservedCredits).toBe(before.reservedCredits + 1);
    expect((await engine.audited(effect)).at(-1)).toMatchObject({
      action: 'effect.recover',
      details: { reason: 'lease ended' },
    });
  });

  it('repeats what a dead worker left where the provider takes our key, and the late one changes nothing', async () => {
    engine.state.takesKey = true;
    const effect = await engine.propose(owner);
    const { working, answer } = await hang(effect);
    await endLease(effect);
    await engine.recover();
    expect((await engine.read(effect)).status).toBe('QUEUED');
    engine.state.perform = async () => ({ delivered: 'by the second' });
    await engine.perform(effect);
    answer({ delivered: 'by the first' });
    await working;
    expect(await engine.read(effect)).toMatchObject({
      status: 'SUCCEEDED',
      result: { delivered: 'by the second' },
      chargedCredits: 1,
    });
  });

  it('does not let a worker that came back late settle the attempt of another', async () => {
    engine.state.takesKey = true;
    const effect = await engine.propose(owner);
    const first = await hang(effect);
    await endLease(effect);
    await engine.recover();
    const second = await hang(effect);
    first.answer({ delivered: 'by the first' });
    await first.working;
    expect((await engine.read(effect)).status).toBe('PERFORMING');
    second.answer({ delivered: 'by the second' });
    await second.working;
    expect(await engine.read(effect)).toMatchObject({ status: 'SUCCEEDED', result: { delivered: 'by the second' } });
  });

  it('ends what a dead worker left, what expired and what is refused, although the rows of the domain cannot be written', async () => {
    const { effect, lost, expired } = {
      effect: await engine.propose(owner),
      lost: await engine.propose(owner),
      expired: await engine.propose(key),
    };
    const hung = await hang(lost);
    await endLease(lost);
    engine.state.settleError = new Error('a defect of the domain');
    engine.state.now = new Date(Date.now() + 73 * 3_600_000);
    expect(await engine.recover()).toMatchObject({ lost: 1, expired: 1 });
    await engine.perform(effect);
    engine.state.settleError = null;
    hung.answer(null);
    await hung.working;
    const [one, two, three] = [await engine.read(lost), await engine.read(expired), await engine.read(effect)];
    expect([one.status, two.status, three.status]).toEqual(['UNCERTAIN', 'EXPIRED', 'FAILED']);
  });

  it('enqueues again what is queued without a job, once', async () => {
    const effect = await engine.propose(owner);
    expect((await engine.recover()).requeued).toBe(0);
    await engine.database.executeAsOwner('DELETE FROM pgboss.job WHERE singleton_key = $1', [effect.id]);
    expect((await engine.recover()).requeued).toBe(1);
    expect(await engine.jobsOf(effect)).toBe(1);
    expect((await engine.recover()).requeued).toBe(0);
    await engine.perform(effect);
    expect((await engine.read(effect)).status).toBe('SUCCEEDED');
  });

  it('leaves to its requester what shows a secret, however much of that waits, until it is too late', async () => {
    engine.actions.set('apiKey.rotate', { asSystem: null, showsSecret: true, run: async () => null });
    const asked = await engine.propose(owner);
    await engine.database.executeAsOwner('DELETE FROM pgboss.job WHERE singleton_key = $1', [asked.id]);
    // Alone in the table before the one that lost its job.
    await engine.database.owner.effect.updateMany({ where: { id: asked.id }, data: { status: 'FAILED' } });
    const { amendsId: _, ...like } = asked;
    const shown = Array.from({ length: effectLimits.recoverAtOnce }, () => ({
      ...like,
      ...{ id: newId('eff'), kind: 'apiKey.rotate', priceCredits: 0, reservedCredits: 0, payload: {}, rule: {} },
      ...{ result: {}, failure: {} },
    }));
    await engine.database.owner.effect.createMany({ data: shown });
    const lost = await engine.propose(owner);
    await engine.database.executeAsOwner('DELETE FROM pgboss.job WHERE singleton_key = $1', [lost.id]);
    expect((await engine.recover()).requeued).toBe(1);
    expect(await engine.jobsOf(lost)).toBe(1);
    const late = { id: shown[0]?.id ?? '' };
    await engine.database.owner.effect.updateMany({ where: late, data: { expiresAt: new Date(0) } });
    expect((await engine.recover()).requeued).toBe(1);
    const refused = await engine.database.owner.effect.findFirstOrThrow({ where: late });
    expect(refused).toMatchObject({ status: 'FAILED', failure: { code: 'CONFLICT' } });
    await engine.database.owner.effect.deleteMany({ where: { kind: 'apiKey.rotate' } });
  });

  it('expires what nobody decided on in time, and gives the money back', async () => {
    const before = await engine.account();
    const effect = await engine.propose(key);
    expect((await engine.recover()).expired).toBe(0);
    engine.state.now = new Date(Date.now() + 73 * 3_600_000);
    expect((await engine.recover()).expired).toBe(1);
    expect(await engine.read(effect)).toMatchObject({ status: 'EXPIRED', failure: { code: 'EXPIRED' } });
    expect(await engine.account()).toEqual(before);
    expect((await engine.audited(effect)).at(-1)?.action).toBe('effect.expire');
    expect((await engine.recover()).expired).toBe(0);
  });
});
