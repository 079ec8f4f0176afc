// The steps that the model and the real services take side by side. After each, the whole of both is compared, and what
// the contract promises of any state is asked of the database alone.
import fc from 'fast-check';
import { expect } from 'vitest';
import type { Principal } from '../../src/auth/principal.js';
import { ConnectorError } from '../../src/connectors/connector.js';
import type { Effect } from '../../src/effects/effect-port.js';
import { topUp } from '../../src/effects/ledger.js';
import { asSystem } from '../../src/guard/as-system.js';
import { confineTransaction } from '../../src/guard/guarded-db.js';
import { isCoded } from '../../src/platform/errors.js';
import { newId } from '../../src/platform/ids.js';
import type { Asker, Cap, Capped, Decider, Model, ModelEffect, Outcome, Pausing, Refusal } from './effect-model.js';
import { ruleFor } from './effect-model.js';
import { aParcel, type Engine, withRule } from './fixture.js';

export interface Real {
  readonly engine: Engine;
  readonly askers: Readonly<Record<Asker, Principal>>;
  readonly deciders: Readonly<Record<Decider, Principal>>;
  readonly agentId: string;
  /** By the index that the model knows them by. */
  readonly effectIds: string[];
  readonly pauseIds: string[];
}

type Step = fc.AsyncCommand<Model, Real>;

/** The rules of `ruleFor`, as the engine takes them. */
export const rulesOf = (askers: Real['askers']) => {
  const rule = (id: string, asker: Asker, price: number, when: object) => {
    const { need, parks } = ruleFor(asker, price);
    const [own] = withRule({ id, requirement: need, atCap: parks ? 'PARK' : 'REFUSE', when });
    return own === undefined ? [] : [own];
  };
  return [
    ...rule('one', 'keyOne', 1, { apiKeyIds: [askers.keyOne.id] }),
    ...rule('two', 'keyTwo', 1, { apiKeyIds: [askers.keyTwo.id] }),
    ...rule('agent', 'agentKey', 1, { principalKinds: ['AGENT_KEY'] }),
    ...rule('much', 'owner', 3, { principalKinds: ['SESSION'], creditsAtLeast: 3 }),
    ...rule('little', 'owner', 1, { principalKinds: ['SESSION'] }),
  ];
};

const idOf = (real: Real, at: number): string => real.effectIds[at] ?? '';
const asEffect = (real: Real, at: number): Effect => ({ id: idOf(real, at) }) as Effect;
const sealAt = async (real: Real, at: number): Promise<string> =>
  (await real.engine.database.owner.effect.findFirstOrThrow({ where: { id: idOf(real, at) } })).seal;

const refusalOf = async (run: Promise<unknown>): Promise<Refusal> => {
  try {
    await run;
    return null;
  } catch (error) {
    if (isCoded(error)) return error.code;
    throw error;
  }
};

const step = (
  name: string,
  run: (model: Model, real: Real) => Promise<void>,
  check: (model: Readonly<Model>) => boolean = () => true,
): Step => ({
  toString: () => name,
  check,
  async run(model, real) {
    await run(model, real);
    await requireAlike(model, real);
  },
});

/** A step with one of the effects there are; a negative `pick` counts from the last, and either wraps around. */
const onEffect = (name: string, pick: number, run: (model: Model, real: Real, at: number) => Promise<void>): Step =>
  step(
    `${name}(#${pick})`,
    (model, real) => {
      const { length } = model.effects;
      return run(model, real, ((pick % length) + length) % length);
    },
    (model) => model.effects.length > 0,
  );

export const propose = (asker: Asker, credits: number): Step =>
  step(
    `propose(${asker}, ${credits})`,
    async (model, real) => {
      const { engine, askers } = real;
      const allowedBy = asker === 'agentKey' ? 'agent:trigger' : 'messages:send';
      const effectId = newId('eff');
      const asking = engine.as(
        askers[asker],
        (world) => world.effects.propose(engine.sendParcel, { ...aParcel, credits }, { effectId }),
        allowedBy,
      );
      const refusal = await refusalOf(asking);
      expect(refusal).toBe(model.propose(asker, credits));
      if (refusal !== null) return;
      real.effectIds.push(effectId);
      // Whatever was reserved now fits every cap.
      const { reserved } = model.at(model.effects.length - 1);
      if (reserved > 0) expect(model.isOverCap(asker)).toBe(false);
    },
    (model) => !model.revoked.has(asker),
  );

export const approve = (pick: number, who: Decider): Step =>
  onEffect(`approve by ${who}`, pick, async (model, real, at) => {
    const seal = await sealAt(real, at);
    const approving = real.engine.approve(real.deciders[who], asEffect(real, at), seal);
    expect(await refusalOf(approving)).toBe(model.approve(at, who));
  });

export const confirm = (pick: number): Step =>
  onEffect('confirm', pick, async (model, real, at) => {
    const seal = await sealAt(real, at);
    const who = real.askers[model.at(at).asker];
    const confirming = real.engine.as(who, (world) => world.effects.confirm({ effectId: idOf(real, at), seal }));
    expect(await refusalOf(confirming)).toBe(model.confirm(at));
  });

export const reject = (pick: number, who: Decider): Step =>
  onEffect(`reject by ${who}`, pick, async (model, real, at) => {
    const rejecting = real.engine.as(real.deciders[who], (world) => world.effects.reject({ effectId: idOf(real, at) }));
    expect(await refusalOf(rejecting)).toBe(model.reject(at, who));
  });

export const cancel = (pick: number, byAdmin: boolean): Step =>
  onEffect(`cancel by ${byAdmin ? 'admin' : 'asker'}`, pick, async (model, real, at) => {
    const who = byAdmin ? real.deciders.admin : real.askers[model.at(at).asker];
    const cancelling = real.engine.as(who, (world) => world.effects.cancel({ effectId: idOf(real, at) }));
    expect(await refusalOf(cancelling)).toBe(model.cancel(at));
  });

export const amend = (pick: number, who: Decider, credits: number): Step =>
  onEffect(`amend by ${who} to ${credits}`, pick, async (model, real, at) => {
    let amendedId = '';
    const amending = real.engine.as(real.deciders[who], async (world) => {
      amendedId = (await world.effects.amend({ effectId: idOf(real, at), changes: { credits } })).id;
    });
    const refusal = await refusalOf(amending);
    expect(refusal).toBe(model.amend(at, who, credits));
    if (refusal === null) real.effectIds.push(amendedId);
  });

const acts: Readonly<Record<Outcome, () => Promise<unknown>>> = {
  ok: async () => ({ delivered: true }),
  'not-sent': async () => {
    throw new ConnectorError('not-sent', 'Later.');
  },
  unknown: async () => {
    throw new ConnectorError('unknown', 'Who knows.');
  },
  refused: async () => {
    throw new ConnectorError('refused', 'No.');
  },
  defect: async () => {
    throw new TypeError('undefined is not a function');
  },
};

export const perform = (pick: number, outcome: Outcome, takesKey: boolean): Step =>
  onEffect(`perform: ${outcome}${takesKey ? ', takes our key' : ''}`, pick, async (model, real, at) => {
    const { engine } = real;
    Object.assign(engine.state, { takesKey, perform: acts[outcome] });
    const before = engine.calls.length;
    await engine.perform(asEffect(real, at));
    const isCalled = model.begins(at);
    if (isCalled) model.attempted(at, outcome, takesKey);
    expect(engine.calls.slice(before).map(({ key }) => key)).toEqual(isCalled ? [idOf(real, at)] : []);
  });

/** The worker dies behind the call, is found out, and comes back late with an answer nobody believes. */
export const crash = (pick: number, takesKey: boolean): Step =>
  onEffect(`crash${takesKey ? ', takes our key' : ''}`, pick, async (model, real, at) => {
    const { engine } = real;
    const effectId = idOf(real, at);
    let answer: (result: unknown) => void = () => {};
    const reached = new Promise<void>((resolve) => {
      Object.assign(engine.state, {
        takesKey,
        perform: () => {
          resolve();
          return new Promise((late) => {
            answer = late;
          });
        },
      });
    });
    const working = engine.perform(asEffect(real, at));
    await Promise.race([reached, working]);
    const isCalled = model.begins(at);
    if (isCalled) {
      const stopping = engine.as(real.deciders.admin, (world) => world.effects.cancel({ effectId }));
      expect(await refusalOf(stopping)).toBe('CONFLICT');
    }
    const lease = { effectId, finishedAt: null };
    await engine.database.owner.effectExecution.updateMany({ where: lease, data: { leaseUntil: new Date(0) } });
    expect((await engine.recover()).lost).toBe(isCalled ? 1 : 0);
    answer({ delivered: 'late' });
    await working;
    if (isCalled) model.attempted(at, 'unknown', takesKey);
    model.expire();
  });

export const settle = (pick: number, status: 'SUCCEEDED' | 'FAILED'): Step =>
  onEffect(`settle as ${status}`, pick, async (model, real, at) => {
    const settling = real.engine.as(real.deciders.admin, (world) =>
      world.effects.settle({ effectId: idOf(real, at), status }),
    );
    expect(await refusalOf(settling)).toBe(model.settle(at, status));
  });

export const pass = (hours: number): Step =>
  step(`${hours} hours pass`, async (model, { engine }) => {
    model.now += hours * 3_600_000;
    engine.state.now = new Date(model.now);
    await engine.recover();
    model.expire();
  });

/** Caps of a day go by the database's clock: there, what was asked for becomes a day older. */
export const dayTurns = (): Step =>
  step('a day turns', async (model, { engine }) => {
    model.day++;
    await engine.database.executeAsOwner("UPDATE ledger_entry SET created_at = created_at - interval '1 day'");
  });

export const pause = (what: Pausing): Step =>
  step(`pause ${what.asker ?? 'everybody'} ${what.kind ?? 'everything'}`, async (model, real) => {
    const { engine, askers, deciders, agentId } = real;
    const request = {
      apiKeyId: what.asker === 'keyOne' ? askers.keyOne.id : null,
      agentId: what.asker === 'agentKey' ? agentId : null,
      kind: what.kind,
    };
    real.pauseIds.push((await engine.as(deciders.admin, (world) => world.effects.pause(request))).id);
    model.pauses.push(what);
  });

export const resume = (): Step =>
  step(
    'resume',
    async (model, { engine, deciders, pauseIds }) => {
      const id = pauseIds.shift() ?? '';
      await engine.as(deciders.admin, (world) => world.effects.resume(id));
      model.pauses.shift();
    },
    (model) => model.pauses.length > 0,
  );

export const addCredits = (credits: number): Step =>
  step(`top up ${credits}`, async (model, { engine }) => {
    await asSystem(engine.database, 'top up for a test', async (tx) =>
      topUp(await confineTransaction(tx, engine.tenant), credits),
    );
    model.toppedUp += credits;
  });

export const cap = (of: Capped, { credits, period }: Cap): Step =>
  step(`cap of ${of}: ${credits} ${period}`, async (model, { engine, askers, agentId }) => {
    const { owner: db } = engine.database;
    const data = { spendCapCredits: credits, spendCapPeriod: period };
    if (of === 'workspace') await db.workspace.updateMany({ data });
    else if (of === 'agent') await db.agent.updateMany({ where: { id: agentId }, data });
    else await db.apiKey.updateMany({ where: { id: askers[of].id }, data });
    model.caps[of] = { credits, period };
  });

export const rehearse = (isSandbox: boolean): Step =>
  step(isSandbox ? 'rehearse from now on' : 'in earnest from now on', async (model, { engine }) => {
    await engine.database.owner.workspace.updateMany({ data: { mode: isSandbox ? 'SANDBOX' : 'LIVE' } });
    model.isSandbox = isSandbox;
  });

export const revoke = (asker: 'keyOne' | 'keyTwo' | 'agentKey'): Step =>
  step(
    `revoke ${asker}`,
    async (model, { engine, askers, deciders }) => {
      const { id } = askers[asker];
      const end = async () => {
        const data = { status: 'REVOKED', revokedAt: new Date() } as const;
        await engine.database.owner.apiKey.updateMany({ where: { id }, data });
      };
      await engine.as(deciders.admin, (world) => world.effects.cancelOfKey(id, async () => {}));
      await end();
      model.revoke(asker);
    },
    (model) => !model.revoked.has(asker),
  );

/** Everything the two know, and what must hold whatever happened. */
async function requireAlike(model: Model, real: Real): Promise<void> {
  const { engine, askers, agentId, effectIds } = real;
  const { owner: db } = engine.database;
  const stored = new Map((await db.effect.findMany()).map((effect) => [effect.id, effect]));
  expect(stored.size).toBe(effectIds.length);
  const shown = effectIds.map((id) => {
    const { status, priceCredits, reservedCredits, chargedCredits } = stored.get(id) as Effect;
    return { status, price: priceCredits, reserved: reservedCredits, charged: chargedCredits };
  });
  expect(shown).toEqual(
    model.effects.map(({ status, price, reserved, charged }) => ({ status, price, reserved, charged })),
  );
  const account = await engine.account();
  const { toppedUp, charged, reserved } = model;
  expect(account).toMatchObject({
    balanceCredits: toppedUp - charged,
    reservedCredits: reserved,
    spentCredits: charged,
  });
  const available = account.balanceCredits - account.reservedCredits;
  expect(available).toBeGreaterThanOrEqual(0);
  expect(available + account.reservedCredits + account.spentCredits).toBe(toppedUp);
  expect(await engine.ledgerSum()).toEqual({
    balanceCredits: account.balanceCredits,
    reservedCredits: account.reservedCredits,
  });
  for (const asker of ['keyOne', 'keyTwo', 'agentKey'] as const) {
    const key = await db.apiKey.findFirstOrThrow({ where: { id: askers[asker].id } });
    expect([key.reservedCredits, key.spentCredits]).toEqual(sumOf(model, asker));
  }
  const agent = await db.agent.findFirstOrThrow({ where: { id: agentId } });
  expect([agent.reservedCredits, agent.spentCredits]).toEqual(sumOf(model, 'agentKey'));
  await requireLinesInOrder(real, stored);
}

const sumOf = (model: Model, asker: Asker): number[] => {
  const own = model.effects.filter((effect) => effect.asker === asker);
  const sum = (of: (effect: ModelEffect) => number) => own.reduce((total, effect) => total + of(effect), 0);
  return [sum(({ reserved }) => reserved), sum(({ charged }) => charged)];
};

/** Of one effect: reserved at most once, then charged or released at most once, and never more than was reserved. */
async function requireLinesInOrder({ engine }: Real, stored: ReadonlyMap<string, Effect>): Promise<void> {
  const lines = await engine.database.owner.ledgerEntry.findMany({ where: { effectId: { not: null } } });
  const kindsOf = new Map<string, string[]>();
  for (const { effectId, kind } of lines)
    kindsOf.set(effectId ?? '', [...(kindsOf.get(effectId ?? '') ?? []), kind].sort());
  for (const [id, kinds] of kindsOf) {
    const { status, chargedCredits } = stored.get(id) as Effect;
    const isOpen = status === 'AWAITING_APPROVAL' || status === 'QUEUED' || status === 'UNCERTAIN';
    expect(kinds).toEqual(isOpen ? ['RESERVE'] : chargedCredits > 0 ? ['CHARGE', 'RESERVE'] : ['RELEASE', 'RESERVE']);
  }
}

const asker = fc.constantFrom<Asker>('keyOne', 'keyTwo', 'agentKey', 'owner', 'member');
const decider = fc.constantFrom<Decider>('owner', 'admin', 'second');
// What was asked for lately is where most happens.
const pick = fc.integer({ min: -6, max: -1 });
const credits = fc.integer({ min: 0, max: 6 });
const outcome = fc.constantFrom<Outcome>('ok', 'ok', 'not-sent', 'unknown', 'refused', 'defect');
const capped = fc.constantFrom<Capped>('keyOne', 'keyTwo', 'agent', 'workspace');
const limit = fc.record({
  credits: fc.option(fc.integer({ min: 0, max: 25 }), { freq: 2 }),
  period: fc.constantFrom('LIFETIME' as const, 'DAY' as const),
});
const pausing = fc.record<Pausing>({
  asker: fc.constantFrom('keyOne', 'agentKey', null),
  kind: fc.constantFrom('message.send', 'agent.trigger', null),
});

const often = (times: number, step: fc.Arbitrary<Step>): fc.Arbitrary<Step>[] =>
  Array.from({ length: times }, () => step);

export const anySteps: fc.Arbitrary<Step>[] = [
  ...often(
    14,
    fc.tuple(asker, credits).map((args) => propose(...args)),
  ),
  ...often(
    8,
    fc.tuple(pick, decider).map((args) => approve(...args)),
  ),
  ...often(
    12,
    fc.tuple(pick, outcome, fc.boolean()).map((args) => perform(...args)),
  ),
  ...often(
    4,
    fc.tuple(pick, fc.boolean()).map((args) => crash(...args)),
  ),
  ...often(3, pick.map(confirm)),
  fc.tuple(pick, decider).map((args) => reject(...args)),
  fc.tuple(pick, fc.boolean()).map((args) => cancel(...args)),
  fc.tuple(pick, decider, credits).map((args) => amend(...args)),
  ...often(
    3,
    fc.tuple(pick, fc.constantFrom('SUCCEEDED' as const, 'FAILED' as const)).map((args) => settle(...args)),
  ),
  fc.constantFrom(1, 40, 80).map(pass),
  fc.constant(null).map(dayTurns),
  pausing.map(pause),
  ...often(4, fc.constant(null).map(resume)),
  ...often(3, fc.integer({ min: 1, max: 30 }).map(addCredits)),
  ...often(
    3,
    fc.tuple(capped, limit).map((args) => cap(...args)),
  ),
  fc.boolean().map(rehearse),
  fc.constantFrom('keyOne' as const, 'keyTwo' as const, 'agentKey' as const).map(revoke),
];
