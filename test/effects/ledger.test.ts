import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Principal } from '../../src/auth/principal.js';
import { sql } from '../../src/guard/sql.js';
import { aParcel, type Engine, openEngine, refusedWith } from './fixture.js';

let engine: Engine;
let owner: Principal;
let admin: Principal;
beforeAll(async () => {
  engine = await openEngine();
  owner = await engine.person('OWNER');
  admin = await engine.person('ADMIN');
  await engine.addCredits(1_000);
});
afterAll(() => engine.database.close());
beforeEach(() => {
  engine.state.perform = async () => null;
});

const keyRow = (key: Principal) => engine.database.owner.apiKey.findFirstOrThrow({ where: { id: key.id } });
const balanced = async () => {
  const { balanceCredits, reservedCredits } = await engine.account();
  expect({ balanceCredits, reservedCredits }).toEqual(await engine.ledgerSum());
};
const outcomesOf = async (runs: Promise<unknown>[]) => {
  const results = await Promise.allSettled(runs);
  const refusals = results.flatMap((result) =>
    result.status === 'rejected' ? [String(result.reason.code ?? result.reason)] : [],
  );
  return { done: results.length - refusals.length, refusals: [...new Set(refusals)] };
};

describe('the ledger', () => {
  it('spends exactly the cap of a key, however many ask at once', async () => {
    const key = await engine.key({ spendCapCredits: 10 });
    const asked = Array.from({ length: 100 }, () => engine.propose(key));
    expect(await outcomesOf(asked)).toEqual({ done: 10, refusals: ['SPEND_CAP_EXCEEDED'] });
    expect(await keyRow(key)).toMatchObject({ reservedCredits: 10, spentCredits: 0 });
    await balanced();
  });

  it('counts what was spent and gives back what was not', async () => {
    const key = await engine.key({ spendCapCredits: 10 });
    const spent = await engine.approve(admin, await engine.propose(key, { ...aParcel, credits: 6 }));
    await engine.perform(spent);
    const waiting = await engine.propose(key, { ...aParcel, credits: 4 });
    expect(await keyRow(key)).toMatchObject({ spentCredits: 6, reservedCredits: 4 });
    expect((await refusedWith(engine.propose(key))).code).toBe('SPEND_CAP_EXCEEDED');
    await engine.as(key, (world) => world.effects.cancel({ effectId: waiting.id }));
    expect(await keyRow(key)).toMatchObject({ spentCredits: 6, reservedCredits: 0 });
    expect((await engine.propose(key, { ...aParcel, credits: 4 })).status).toBe('AWAITING_APPROVAL');
    await balanced();
  });

  it('judges a daily cap by what was asked for today', async () => {
    const key = await engine.key({ spendCapCredits: 5, spendCapPeriod: 'DAY' });
    const yesterday = await engine.propose(key, { ...aParcel, credits: 5 });
    expect(await refusedWith(engine.propose(key))).toMatchObject({ code: 'SPEND_CAP_EXCEEDED' });
    const createdAt = new Date(Date.now() - 25 * 3_600_000);
    await engine.database.owner.ledgerEntry.updateMany({ where: { effectId: yesterday.id }, data: { createdAt } });
    expect((await engine.propose(key, { ...aParcel, credits: 5 })).status).toBe('AWAITING_APPROVAL');
    expect((await refusedWith(engine.propose(key))).code).toBe('SPEND_CAP_EXCEEDED');
  });

  it('never promises more than the workspace has, and leaves no trace of what it refused', async () => {
    const { balanceCredits, reservedCredits } = await engine.account();
    const available = balanceCredits - reservedCredits;
    const effects = await engine.database.owner.effect.count();
    const refused = await refusedWith(engine.propose(owner, { ...aParcel, credits: available + 1 }));
    expect(refused).toMatchObject({ code: 'INSUFFICIENT_CREDITS', data: { availableCredits: available } });
    expect(await engine.database.owner.effect.count()).toBe(effects);
    const part = Math.floor(available / 5) + 1;
    const asked = Array.from({ length: 20 }, () => engine.propose(owner, { ...aParcel, credits: part }));
    expect(await outcomesOf(asked)).toEqual({ done: Math.floor(available / part), refusals: ['INSUFFICIENT_CREDITS'] });
    await balanced();
  });

  it('cannot be altered by the role that the application has', async () => {
    for (const statement of [sql`UPDATE ledger_entry SET balance_delta = 0`, sql`DELETE FROM ledger_entry`]) {
      await expect(engine.inWorkspace((db) => db.$sql(statement))).rejects.toThrow('permission denied');
    }
    await balanced();
  });
});
