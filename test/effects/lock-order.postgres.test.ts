// Locks are taken in one order everywhere, so that whoever waits is waited for by nobody: PostgreSQL would end one of the
// two after a second, and its caller would be answered with a defect.
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Principal } from '../../src/auth/principal.js';
import type { Effect } from '../../src/effects/effect-port.js';
import { type Engine, openEngine, withRule } from './fixture.js';

vi.setConfig({ testTimeout: 180_000 });

let engine: Engine;
let people: Principal[];
let keys: Principal[];
beforeAll(async () => {
  engine = await openEngine();
  await engine.addCredits(10_000);
  engine.state.rules = withRule({});
  people = [await engine.person('OWNER'), await engine.person('ADMIN')];
  keys = [await engine.key(), await engine.key(), await engine.key()];
});
afterAll(() => engine.database.close());

const person = (n: number) => people[n] as Principal;
const decided = (who: Principal, effects: readonly Effect[]) =>
  engine.as(
    who,
    (world) =>
      world.effects.decideEach(
        effects.map(({ id }) => ({ effectId: id })),
        ({ effectId }) => world.effects.reject({ effectId }),
      ),
    'role:ADMIN',
  );

it('two batches over the same requests in opposite orders, while their keys ask for more: nobody is turned away', async () => {
  for (let run = 0; run < 10; run++) {
    const waiting: Effect[] = [];
    for (const key of [...keys, ...keys]) waiting.push(await engine.propose(key));
    const asked = Array.from({ length: 12 }, (_, n) => engine.propose(keys[n % 3] as Principal));
    const batches = await Promise.all([decided(person(0), waiting), decided(person(1), [...waiting].reverse())]);
    await Promise.all(asked);
    // One of the two rejected each; the other learnt that.
    const won = batches.flat().filter(({ effect }) => effect !== null);
    expect(won.map(({ effectId }) => effectId).sort()).toEqual(waiting.map(({ id }) => id).sort());
    const { balanceCredits, reservedCredits } = await engine.account();
    expect({ balanceCredits, reservedCredits }).toEqual(await engine.ledgerSum());
  }
});
