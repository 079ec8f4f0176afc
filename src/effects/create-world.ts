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
import type { ContactVault } from './contact-vault.js';
import { approve, cancel, confirm, reject } from './decide.js';
import { decideEach } from './decide-each.js';
import type { EffectDeps } from './deps.js';
import type { EffectPort } from './effect-port.js';
import { forgetContact } from './forget-contact.js';
import { mergeContact, requireNothingPerformed } from './merge-contact.js';
import type { OperationPort } from './operation-port.js';
import type { Witness } from './operations.js';
import { pause, resume } from './pause.js';
import type { PriceBook } from './prices.js';
import { holdAction, propose, ruleHolding } from './propose.js';
import { redeem, settleRedeemed } from './redeem.js';
import { settle } from './settle.js';
import { foresee, replay, simulate } from './simulate.js';
import { mayRead, payloadOf } from './stored-effect.js';
import type { RequestFacts, World } from './world.js';

export interface WorldDeps extends EffectDeps {
  readonly vault: ContactVault;
  readonly keyForms: KeyForms;
  readonly prices: PriceBook;
  readonly plans: Plans;
  readonly clock: Clock;
  /** Left out: nothing is executed from inside. */
  readonly operations?: OperationPort;
}

/**
 * @param db inside a mutation or a job, its transaction; for reads alone, any handle
 * @param system the same transaction as the owner of the tables, where an action runs as the system
 * @param witness hears what is written
 */
export type CreateWorld = (
  db: GuardedDb,
  principal: Principal,
  request: RequestFacts,
  system?: SystemDb | null,
  witness?: Witness | null,
) => World;

export const worldFactory =
  (deps: WorldDeps): CreateWorld =>
  (db, principal, request, system = null, witness = null) => {
    const world: World = {
      db,
      principal,
      system,
      audit: auditIn(db, { principal, request }, witness?.audited),
      events: eventsIn(db, witness?.emitted),
      enqueue: enqueueIn(db, witness?.enqueued),
      effects: effectPort(() => world, witness === null ? deps : { ...deps, judged: witness.judged }),
      vault: deps.vault,
      prices: deps.prices,
      plans: deps.plans,
      keyForms: witness === null ? deps.keyForms : formsAtCommit(deps.keyForms, witness),
      clock: deps.clock,
      request,
      judge: async (asked, by = principal) => requireOperations(deps).judge(asked, by, world),
      execute: async (asked, by) =>
        requireOperations(deps).run('kind' in asked ? asked : await world.judge(asked, by), world),
    };
    return world;
  };

const requireOperations = ({ operations }: WorldDeps): OperationPort => {
  if (operations !== undefined) return operations;
  throw new Error('Nothing is executed from inside here.');
};

/** What a process knows of keys lies beside the database. */
const formsAtCommit = ({ brand, imported }: KeyForms, { later }: Witness): KeyForms => ({
  brand,
  imported: { matches: (text) => imported.matches(text), add: (format) => later(() => imported.add(format)) },
});

const effectPort = (world: () => World, deps: EffectDeps): EffectPort => ({
  claim: (request) => claim(world(), request),
  propose: (kind, payload, options) => propose(world(), deps, kind, payload, options),
  ruleHolding: (action) => ruleHolding(world(), deps, action),
  holdAction: (action, rule, input, contactId) => holdAction(world(), action, rule, input, contactId),
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
  payloadsOf: (effects) => world().vault.open(world().db, effects),
  payloadOf: (effect) => payloadOf(world(), effect),
  mergeContact: (wish) => mergeContact(world(), deps, wish),
  requireNothingPerformed: (contactIds) => requireNothingPerformed(world(), contactIds),
  forgetContact: (wish, end) => forgetContact(world(), deps, wish, end),
  find: async (effectId) => {
    const { db, principal } = world();
    const effect = await db.effect.findFirst({ where: { id: effectId } });
    return effect !== null && mayRead(principal, effect) ? effect : null;
  },
});
