// A held action, once somebody agreed: it changes our own rows only, so it is taken, judged, carried out as its requester
// and closed in one transaction. If it refuses, nothing of it is kept and the effect fails with that code.
import type { Effect } from '../generated/prisma/client.js';
import { asSystem, type SystemDb } from '../guard/as-system.js';
import { confineTransaction, type GuardedDb, inTenant } from '../guard/guarded-db.js';
import { isCoded } from '../platform/errors.js';
import type { EffectFailure } from './define-effect.js';
import { endEffect } from './end-effect.js';
import { judgeQueued } from './judge-queued.js';
import type { EffectPlace } from './perform-job.js';
import { emitEffect } from './propose.js';
import { refuseQueued } from './refuse-queued.js';
import { asJson, lockEffect, moveEffect } from './stored-effect.js';
import { inWorkspaceOf, systemWorld, type WorkerDeps } from './worker-world.js';

export async function performAction(deps: WorkerDeps, place: EffectPlace): Promise<void> {
  try {
    const { kind, agentId } = await inWorkspaceOf(deps, place, (db) => viewOf(db, place));
    const tenant = { organizationId: place.organizationId, workspaceId: place.workspaceId, agentId };
    const reason = deps.engine.actionPerformer(kind)?.asSystem ?? null;
    if (reason === null) await inTenant(deps.database.bound, tenant, (db) => carryOut(deps, db, null, place));
    else {
      await asSystem(deps.database, reason, async (tx) =>
        carryOut(deps, await confineTransaction(tx, tenant), tx, place),
      );
    }
  } catch (error) {
    const failure = failureOf(error);
    deps.log.error({ err: error, effectId: place.effectId }, 'a held action could not be carried out');
    await inWorkspaceOf(deps, place, async (db) => {
      const effect = await lockEffect(db, place.effectId);
      if (effect?.status === 'QUEUED') await refuseQueued(deps, db, effect, failure);
    });
  }
}

/** An agent key's action sees what the key saw: its agent. */
async function viewOf(db: GuardedDb, { effectId }: EffectPlace): Promise<{ kind: string; agentId: string | null }> {
  const effect = await db.effect.findFirst({ where: { id: effectId } });
  return { kind: effect?.kind ?? '', agentId: effect?.actorKind === 'AGENT_KEY' ? effect.agentId : null };
}

async function carryOut(deps: WorkerDeps, db: GuardedDb, system: SystemDb | null, place: EffectPlace): Promise<void> {
  const effect = await lockEffect(db, place.effectId);
  if (effect === null || effect.status !== 'QUEUED') return;
  const judged = await judgeQueued(deps, db, effect, null);
  if ('failure' in judged) {
    await refuseQueued(deps, db, effect, judged.failure);
    return;
  }
  const performer = deps.engine.actionPerformer(effect.kind);
  if (performer === null) throw new Error(`No performer for the action ${effect.kind}.`);
  const performing = await moveEffect(db, effect, 'PERFORMING');
  await emitEffect(judged.world, performing);
  const result = asJson(await performer.run(judged.payload, { ...judged.world, system }));
  await close(deps, db, performing, result);
}

async function close(deps: WorkerDeps, db: GuardedDb, effect: Effect, result: unknown): Promise<void> {
  const world = systemWorld(deps, db, effect);
  await endEffect(world, deps.engine, effect, { status: 'SUCCEEDED', result });
  await world.audit.record({
    action: 'effect.perform',
    effectId: effect.id,
    details: { kind: effect.kind, status: 'SUCCEEDED', attempt: 1 },
  });
}

const failureOf = (error: unknown): EffectFailure =>
  isCoded(error)
    ? { code: error.code, message: error.message }
    : { code: 'INTERNAL_SERVER_ERROR', message: 'Something unexpected happened; nothing was changed.' };
