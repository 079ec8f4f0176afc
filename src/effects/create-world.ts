// Puts a world together: one handle, and everything that writes through it. A request makes one for its mutation, a worker
// one for its job; both are the same to a service.
import { auditIn } from '../audit/record.js';
import type { KeyForms } from '../auth/imported-formats.js';
import type { Plans } from '../auth/plans.js';
import type { Principal } from '../auth/principal.js';
import { eventsIn } from '../events/emit.js';
import type { SystemDb } from '../guard/as-system.js';
import type { GuardedDb } from '../guard/guarded-db.js';
import { enqueueIn } from '../jobs/queue.js';
import type { Clock } from '../platform/clock.js';
import { amend } from './amend.js';
import { cancelOfKey } from './cancel-of-key.js';
import { claim } from './claim.js';
import { approve, cancel, confirm, reject } from './decide.js';
import { decideEach } from './decide-each.js';
import type { EffectDeps } from './deps.js';
import type { EffectPort } from './effect-port.js';
import { pause, resume } from './pause.js';
import type { PriceBook } from './prices.js';
import { holdAction, propose } from './propose.js';
import { redeem, settleRedeemed } from './redeem.js';
import { settle } from './settle.js';
import { foresee, replay, simulate } from './simulate.js';
import { mayRead } from './stored-effect.js';
import type { RequestFacts, World } from './world.js';

export interface WorldDeps extends EffectDeps {
  readonly keyForms: KeyForms;
  readonly prices: PriceBook;
  readonly plans: Plans;
  readonly clock: Clock;
}

/**
 * @param db inside a mutation or a job, its transaction; for reads alone, any handle
 * @param system the same transaction as the owner of the tables, where an action runs as the system
 */
export type CreateWorld = (
  db: GuardedDb,
  principal: Principal,
  request: RequestFacts,
  system?: SystemDb | null,
) => World;

export const worldFactory =
  (deps: WorldDeps): CreateWorld =>
  (db, principal, request, system = null) => {
    const world: World = {
      db,
      principal,
      system,
      audit: auditIn(db, { principal, request }),
      events: eventsIn(db),
      enqueue: enqueueIn(db),
      effects: effectPort(() => world, deps),
      prices: deps.prices,
      plans: deps.plans,
      keyForms: deps.keyForms,
      clock: deps.clock,
      request,
    };
    return world;
  };

const effectPort = (world: () => World, deps: EffectDeps): EffectPort => ({
  claim: (request) => claim(world(), request),
  propose: (kind, payload, options) => propose(world(), deps, kind, payload, options),
  holdAction: (action, input) => holdAction(world(), deps, action, input),
  redeem: (redemption) => redeem(world(), deps, redemption),
  settleRedeemed: (effect, result) => settleRedeemed(world(), deps, effect, result),
  cancelOfKey: (keyId, end) => cancelOfKey(world(), deps, keyId, end),
  approve: (decision) => approve(world(), deps, decision),
  reject: (decision) => reject(world(), deps, decision),
  confirm: (decision) => confirm(world(), deps, decision),
  amend: (amendment) => amend(world(), deps, amendment),
  settle: (settlement) => settle(world(), deps, settlement),
  decideEach: (decisions, decide) => decideEach(world(), decisions, decide),
  pause: (request) => pause(world(), request),
  resume: (pauseId) => resume(world(), pauseId),
  simulate: (facts) => simulate(world(), deps, facts),
  foresee: (facts) => foresee(world(), deps, facts),
  replay: (last) => replay(world(), deps, last),
  cancel: ({ effectId }) => cancel(world(), deps, effectId),
  find: async (effectId) => {
    const { db, principal } = world();
    const effect = await db.effect.findFirst({ where: { id: effectId } });
    return effect !== null && mayRead(principal, effect) ? effect : null;
  },
});
