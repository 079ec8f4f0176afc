// A held action, once somebody agreed, and an effect that stays inside: they change our own rows only, so they are taken,
// judged, carried out as their requester and closed in one transaction. What refuses leaves nothing and fails with that
// code; what another write came in the way of, or what says that it is not time yet, is left to the queue to repeat.
import type { Effect } from '../generated/prisma/client.js';
import { asSystem, type SystemDb } from '../guard/as-system.js';
import { confineTransaction, type GuardedDb, inTenant } from '../guard/guarded-db.js';
import { sql } from '../guard/sql.js';
import { isCoded } from '../platform/errors.js';
import { isLostRace, isRepeatable } from '../platform/lost-race.js';
import { type EffectFailure, NotYet } from './define-effect.js';
import type { ActionPerformer } from './deps.js';
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
    const reason = performerOf(deps, kind)?.asSystem ?? null;
    const isInside = deps.engine.definitions.get(kind)?.carryOut !== undefined;
    const inTurn = async (db: GuardedDb, tx: SystemDb | null) => {
      if (isInside) await waitForTurn(db);
      await carryOut(deps, db, tx, place);
    };
    if (reason === null) await inTenant(deps.database, tenant, (db) => inTurn(db, null));
    else await asSystem(deps.database, reason, async (tx) => inTurn(await confineTransaction(tx, tenant), tx));
  } catch (error) {
    if (error instanceof NotYet || isRepeatable(error) || isCoded(error, 'SERVICE_UNAVAILABLE')) throw error;
    const failure = failureOf(error);
    deps.log.error({ err: error, effectId: place.effectId }, 'a held action could not be carried out');
    await inWorkspaceOf(deps, place, async (db) => {
      const effect = await lockEffect(db, place.effectId);
      if (effect?.status === 'QUEUED') await refuseQueued(deps, db, effect, failure);
    });
  }
}

function performerOf({ engine }: WorkerDeps, kind: string): Pick<ActionPerformer, 'asSystem' | 'run'> | null {
  const definition = engine.definitions.get(kind);
  if (definition?.carryOut === undefined) return engine.actionPerformer(kind);
  return { asSystem: definition.asSystem, run: (payload, world) => definition.carryOut(payload, world) };
}

/** An agent key's action sees what the key saw: its agent. */
async function viewOf(db: GuardedDb, { effectId }: EffectPlace): Promise<{ kind: string; agentId: string | null }> {
  const effect = await db.effect.findFirst({ where: { id: effectId } });
  return { kind: effect?.kind ?? '', agentId: effect?.actorKind === 'AGENT_KEY' ? effect.agentId : null };
}

/**
 * What cannot be taken back is done one after the other in a workspace: two about one person would each hold their own
 * effect and wait for that of the other.
 */
const waitForTurn = (db: GuardedDb): Promise<unknown> =>
  db.$sql(sql`SELECT pg_advisory_xact_lock(hashtextextended(${`turn inside ${db.$tenant.workspaceId}`}, 0))::text`);

async function carryOut(deps: WorkerDeps, db: GuardedDb, system: SystemDb | null, place: EffectPlace): Promise<void> {
  const effect = await lockEffect(db, place.effectId);
  if (effect === null || effect.status !== 'QUEUED') return;
  const judged = await judgeQueued(deps, db, effect, deps.engine.definitions.get(effect.kind) ?? null, system);
  if ('failure' in judged) {
    await refuseQueued(deps, db, effect, judged.failure);
    return;
  }
  const performer = performerOf(deps, effect.kind);
  if (performer === null) throw new Error(`No performer for the action ${effect.kind}.`);
  const performing = await moveEffect(db, effect, 'PERFORMING');
  await emitEffect(judged.world, performing);
  const result = asJson(await performer.run(judged.payload, judged.world));
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

const failureOf = (error: unknown): EffectFailure => {
  if (isCoded(error)) return { code: error.code, message: error.message };
  return isLostRace(error)
    ? { code: 'CONFLICT', message: 'Something it names was changed at the same moment; nothing was changed by it.' }
    : { code: 'INTERNAL_SERVER_ERROR', message: 'Something unexpected happened; nothing was changed.' };
};
