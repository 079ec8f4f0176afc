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
): Promise<null> {
  const world = systemWorld(deps, db, effect);
  const failed = await endEffect(world, deps.engine, effect, { status: 'FAILED', failure });
  await world.audit.record({
    action: 'effect.perform',
    effectId: effect.id,
    outcome: 'REFUSED',
    details: { kind: effect.kind, status: failed.status, code: failure.code },
  });
  return null;
}
