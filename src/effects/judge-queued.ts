// The last look before the world is touched. Everything that let the effect in is judged again from what is stored now: a
// row that was edited, an approval that was not given, a key that was revoked, a contact that opted out. What does not
// pass leaves nothing behind but a failed effect that says why.
import type { Principal } from '../auth/principal.js';
import type { Effect } from '../generated/prisma/client.js';
import { CodedError, isCoded } from '../platform/errors.js';
import { approvalsNeeded, type Requirement } from './approval-policy.js';
import type { EffectDefinition, EffectFailure } from './define-effect.js';
import { requireRequester, requireStillTrue, requireUnaltered } from './requester.js';
import { isOwn, ruleOf } from './stored-effect.js';
import { requesterWorld, systemWorld, type WorkerDeps } from './worker-world.js';
import type { World } from './world.js';

export type Judgement =
  | { readonly requester: Principal; readonly world: World; readonly payload: unknown }
  | { readonly failure: EffectFailure };

/**
 * @param definition null for a held action, whose input its own performer judges
 * @throws what is no refusal: a defect, or a database that does not answer
 */
export async function judgeQueued(
  deps: WorkerDeps,
  db: World['db'],
  effect: Effect,
  definition: EffectDefinition | null,
): Promise<Judgement> {
  try {
    requireUnaltered(effect);
    await requireDecided(deps, db, effect);
    requireInTime(deps, effect);
    const requester = await requireRequester(systemWorld(deps, db, effect), deps.engine, effect);
    const world = requesterWorld(deps, db, effect, requester);
    const payload = definition === null ? effect.payload : await requireStillTrue(world, definition, effect);
    return { requester, world, payload };
  } catch (error) {
    if (!isCoded(error)) throw error;
    return { failure: { code: error.code, message: error.message } };
  }
}

/** @throws APPROVAL_MISMATCH when the decisions that its rule asks for are not there, under this seal */
async function requireDecided(deps: WorkerDeps, db: World['db'], effect: Effect): Promise<void> {
  const requirement = await requirementOf(deps, db, effect);
  if (requirement === 'NONE') return;
  const decisions = await db.effectDecision.findMany({ where: { effectId: effect.id, verdict: 'APPROVED' } });
  const sealed = decisions.filter(({ seal }) => seal === effect.seal);
  const own = sealed.filter(({ userId }) => isOwn({ id: userId }, effect)).length;
  const isDecided = requirement === 'CONFIRM' ? own > 0 : sealed.length - own >= approvalsNeeded(requirement);
  if (!isDecided) {
    throw new CodedError(
      'APPROVAL_MISMATCH',
      'The approvals that its rule asks for are not recorded. Ask for it again.',
    );
  }
}

/** The seal names the rule, not what it says: a known rule speaks for itself, whatever the row claims it said. */
async function requirementOf(deps: WorkerDeps, db: World['db'], effect: Effect): Promise<Requirement> {
  const stored = ruleOf(effect);
  const rules = await deps.engine.rulesOf(db);
  const known = rules.find(({ id, version }) => id === stored.id && version === stored.version);
  if (known === undefined) return stored.requirement;
  return known.requirement === 'CONFIRM' && effect.actorKind !== 'SESSION' ? 'ONE' : known.requirement;
}

function requireInTime({ clock }: WorkerDeps, effect: Effect): void {
  if (effect.expiresAt !== null && effect.expiresAt <= clock.now()) {
    throw new CodedError('CONFLICT', `It was not performed before it expired at ${effect.expiresAt.toISOString()}.`);
  }
}
