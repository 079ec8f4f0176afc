// The last look before the world is touched. Everything that let the effect in is judged again from what is stored now: a
// row that was edited, an approval that was not given, a key that was revoked, a contact that opted out. What does not
// pass leaves nothing behind but a failed effect that says why.
import type { Principal } from '../auth/principal.js';
import type { Effect } from '../generated/prisma/client.js';
import type { SystemDb } from '../guard/as-system.js';
import { CodedError, isCoded } from '../platform/errors.js';
import { requireDecided, requireInTime } from './decided.js';
import type { EffectDefinition, EffectFailure } from './define-effect.js';
import { requireStillWithinCaps, reservationOf } from './ledger.js';
import { requirePayload, requireRequester, requireStillTrue, requireUnaltered } from './requester.js';
import { requesterWorld, systemWorld, type WorkerDeps } from './worker-world.js';
import type { World } from './world.js';

export type Judgement =
  | { readonly requester: Principal; readonly world: World; readonly payload: unknown }
  | { readonly failure: EffectFailure };

/**
 * @param definition null for a held action, whose input its own performer judges
 * @param system the same transaction as the owner of the tables, where it is that
 * @throws what is no refusal: a defect, or a database that does not answer
 */
export async function judgeQueued(
  deps: WorkerDeps,
  db: World['db'],
  effect: Effect,
  definition: EffectDefinition | null,
  system: SystemDb | null = null,
): Promise<Judgement> {
  try {
    const judging = systemWorld(deps, db, effect);
    requireInTime(deps.clock, effect);
    await requireUnaltered(judging, effect);
    await requireDecided(deps.engine, db, effect);
    await requireReserved(db, effect);
    const requester = await requireRequester(judging, deps.engine, effect);
    const world = requesterWorld(deps, db, effect, requester, system);
    const payload =
      definition === null ? await requirePayload(world, effect) : await requireStillTrue(world, definition, effect);
    return { requester, world, payload };
  } catch (error) {
    // What this server cannot do for now refuses nothing: it is tried again.
    if (!isCoded(error) || error.code === 'SERVICE_UNAVAILABLE') throw error;
    if (error.cause !== undefined) deps.log.error({ err: error, effectId: effect.id }, 'an effect cannot be read');
    return { failure: { code: error.code, message: error.message } };
  }
}

/**
 * What it costs is promised by the ledger itself, whatever the row says, and fits the caps of today. One that a cap parked
 * has nothing in the ledger until somebody approved it.
 */
async function requireReserved(db: World['db'], effect: Effect): Promise<void> {
  if (effect.priceCredits === 0) return;
  const { credits, payer } = await reservationOf(db, effect.id);
  const isItsPayer = payer.apiKeyId === effect.apiKeyId && payer.agentId === effect.agentId;
  if (credits !== effect.priceCredits || credits !== effect.reservedCredits || !isItsPayer) {
    throw new CodedError('APPROVAL_MISMATCH', 'The ledger holds no such reservation for it. Ask for it again.');
  }
  await requireStillWithinCaps(db, payer);
}
