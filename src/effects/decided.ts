// Whether what was asked for has the decisions that its rule asks for, under its seal, and is still wanted: judged when a
// worker takes an effect up, and when a requester takes up an action that shows a secret.
import type { Effect } from '../generated/prisma/client.js';
import type { Clock } from '../platform/clock.js';
import { CodedError } from '../platform/errors.js';
import { approvalsNeeded, type RuleVerdict, verdictOf } from './approval-policy.js';
import type { EffectDeps } from './deps.js';
import { isOwn, ruleOf } from './stored-effect.js';
import type { World } from './world.js';

/** @throws APPROVAL_MISMATCH when the decisions that its rule asks for are not there, under this seal */
export async function requireDecided(deps: EffectDeps, db: World['db'], effect: Effect): Promise<void> {
  const { requirement } = await sealedRule(deps, db, effect);
  if (requirement === 'NONE') return;
  const decisions = await db.effectDecision.findMany({ where: { effectId: effect.id, verdict: 'APPROVED' } });
  const sealed = decisions.filter(({ seal }) => seal === effect.seal);
  const own = sealed.filter(({ userId }) => isOwn({ id: userId }, effect)).length;
  // One that a cap parked was approved by somebody else, who may do what a confirmation does.
  const isDecided = requirement === 'CONFIRM' ? sealed.length > 0 : sealed.length - own >= approvalsNeeded(requirement);
  if (!isDecided) {
    throw new CodedError(
      'APPROVAL_MISMATCH',
      'The approvals that its rule asks for are not recorded. Ask for it again.',
    );
  }
}

/**
 * The seal names the rule, not what it says; that lies in the effect's row and with the versions of the rule, and they must
 * say the same.
 * @throws APPROVAL_MISMATCH when one of the two was altered, or there never was such a rule
 */
export async function sealedRule(deps: EffectDeps, db: World['db'], effect: Effect): Promise<RuleVerdict> {
  const stored = ruleOf(effect);
  const known = await deps.ruleAt(db, stored.id, stored.version);
  if (known === null) {
    throw new CodedError('APPROVAL_MISMATCH', 'The rule that decided on this request is not known. Ask for it again.');
  }
  const said = verdictOf(known, { principalKind: effect.actorKind });
  if (demandOf(said) !== demandOf(stored)) {
    throw new CodedError('APPROVAL_MISMATCH', 'The rule that decided on this request was altered. Ask for it again.');
  }
  return said;
}

/** Who must agree, as one text; whom it names does not matter where nobody else is asked. */
const demandOf = ({ requirement, approvers }: RuleVerdict): string =>
  [requirement, ...(approvalsNeeded(requirement) === 0 ? [] : [...approvers].sort())].join(' ');

/** @throws CONFLICT once it was approved too long ago */
export function requireInTime(clock: Clock, effect: Effect): void {
  if (effect.expiresAt !== null && effect.expiresAt <= clock.now()) {
    throw new CodedError('CONFLICT', `It was not performed before it expired at ${effect.expiresAt.toISOString()}.`);
  }
}
