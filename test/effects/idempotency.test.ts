import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Principal } from '../../src/auth/principal.js';
import { sweepIdempotency } from '../../src/effects/sweep.js';
import { newId } from '../../src/platform/ids.js';
import { aParcel, type Engine, openEngine, type Parcel, refusedWith } from './fixture.js';

let engine: Engine;
let owner: Principal;
let key: Principal;
beforeAll(async () => {
  engine = await openEngine();
  await engine.addCredits(10_000);
  owner = await engine.person('OWNER');
  key = await engine.key();
});
afterAll(() => engine.database.close());

/** What the mutation does: claim, then propose. */
const send = (
  who: Principal,
  idempotencyKey: string,
  payload: Parcel = aParcel,
  mutation = 'sendMessage',
): Promise<string> =>
  engine.as(who, async (world) => {
    const effectId = newId('eff');
    const claim = await world.effects.claim({ mutation, input: payload, idempotencyKey, subjectId: effectId });
    if (!claim.first) return claim.subjectId;
    return (await world.effects.propose(engine.sendParcel, payload, { effectId })).id;
  });
const effectsOf = (who: Principal): Promise<number> =>
  engine.database.owner.effect.count({ where: { actorId: who.id } });

describe('an idempotency key', () => {
  it('gives 50 concurrent repeats the one effect of the first', async () => {
    const sender = await engine.key();
    const ids = await Promise.all(Array.from({ length: 50 }, () => send(sender, 'order-1')));
    expect(new Set(ids).size).toBe(1);
    expect(await effectsOf(sender)).toBe(1);
  });

  it('refuses another request under a used key, also under another mutation', async () => {
    await send(key, 'order-2');
    expect((await refusedWith(send(key, 'order-2', { ...aParcel, body: 'Other' }))).code).toBe('IDEMPOTENCY_CONFLICT');
    expect((await refusedWith(send(key, 'order-2', aParcel, 'triggerAgent'))).code).toBe('IDEMPOTENCY_CONFLICT');
  });

  it('belongs to its principal', async () => {
    const [mine, theirs] = [await send(key, 'order-3'), await send(owner, 'order-3')];
    expect(mine).not.toBe(theirs);
  });

  it('does not care how the members of the input are ordered', async () => {
    const first = await send(key, 'order-4', { to: 'a', body: 'b', credits: 1 });
    expect(await send(key, 'order-4', { credits: 1, body: 'b', to: 'a' })).toBe(first);
  });

  it('is free again when the first request left nothing', async () => {
    const sender = await engine.key();
    const broken = engine.as(sender, async (world) => {
      await world.effects.claim({
        mutation: 'sendMessage',
        input: aParcel,
        idempotencyKey: 'order-5',
        subjectId: 'eff_x',
      });
      throw new Error('a defect');
    });
    await expect(broken).rejects.toThrow('a defect');
    expect(await send(sender, 'order-5', { ...aParcel, body: 'Other' })).toMatch(/^eff_/);
  });

  it('is forgotten after seven days', async () => {
    const first = await send(key, 'order-6');
    const expired = { expiresAt: new Date(Date.now() - 1000) };
    await engine.database.owner.idempotencyRecord.updateMany({ where: { subjectId: first }, data: expired });
    expect(await send(key, 'order-6', { ...aParcel, body: 'Other' })).not.toBe(first);
  });

  it('has 1 to 255 characters', async () => {
    for (const wrong of ['', 'x'.repeat(256)]) {
      expect(await refusedWith(send(key, wrong))).toMatchObject({
        code: 'BAD_USER_INPUT',
        data: { field: 'input.idempotencyKey' },
      });
    }
    expect(await send(key, 'x'.repeat(255))).toMatch(/^eff_/);
  });
});

describe('the sweep', () => {
  const endOf = (id: string, expiresAt: Date) =>
    engine.database.owner.idempotencyRecord.updateMany({ where: { subjectId: id }, data: { expiresAt } });
  const kept = (ids: string[]) =>
    engine.database.owner.idempotencyRecord.findMany({
      where: { subjectId: { in: ids } },
      select: { subjectId: true },
    });
  const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000);

  it('forgets keys an hour past their time, the oldest first and so many at once, and no other', async () => {
    const ids = await Promise.all(['sweep-1', 'sweep-2', 'sweep-3', 'sweep-4'].map((name) => send(key, name)));
    const [oldest = '', old = '', justOver = '', live = ''] = ids;
    await endOf(oldest, ago(30));
    await endOf(old, ago(2));
    await endOf(justOver, ago(0.5));
    expect(await sweepIdempotency(engine.database, 1)).toBe(1);
    expect((await kept(ids)).map(({ subjectId }) => subjectId).sort()).toEqual([old, justOver, live].sort());
    expect(await sweepIdempotency(engine.database)).toBe(1);
    expect(await sweepIdempotency(engine.database)).toBe(0);
    expect(await send(key, 'sweep-4')).toBe(live);
    expect(await send(key, 'sweep-1')).not.toBe(oldest);
  });
});
