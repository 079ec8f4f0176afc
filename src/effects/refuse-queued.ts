// A refusal at the last look: nothing leaves, the effect fails with the code of the refusal, and its money goes back.
import type { Effect } from '../generated/prisma/client.js';
import type { GuardedDb } from '../guard/guarded-db.js';
import type { EffectFailure } from './define-effect.js';
import { endEffect } from './end-effect.js';
import { systemWorld, type WorkerDeps } from './worker-world.js';

export async function refuseQueued(
  deps: WorkerDeps,
  db: GuardedDb,
  effect: Effect,
  failure: EffectFailure,
  withoutDomain = false,
): Promise<null> {
  const world = systemWorld(deps, db, effect);
  const failed = await endEffect(world, deps.engine, effect, { status: 'FAILED', failure, withoutDomain });
  await world.audit.record({
    action: 'effect.perform',
    effectId: effect.id,
    outcome: 'REFUSED',
    details: { kind: effect.kind, status: failed.status, code: failure.code },
  });
  return null;
}

/** For what its requester performs: true when that was not done in time. */
export async function refuseLate(deps: WorkerDeps, db: GuardedDb, effect: Effect): Promise<boolean> {
  if (effect.expiresAt === null || effect.expiresAt > deps.clock.now()) return false;
  const message = `Its requester did not repeat the call before ${effect.expiresAt.toISOString()}.`;
  await refuseQueued(deps, db, effect, { code: 'CONFLICT', message });
  return true;
}
