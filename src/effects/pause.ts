// Stop: an ADMIN holds what is queued, all of a workspace or what one key, agent or kind has there. A worker looks for
// pauses behind the lock of each effect, so from the moment a pause is committed nothing it speaks of begins any more;
// what is being performed already ends by itself. Held effects stay QUEUED and go on when the last pause is gone.
import type { Effect, EffectPause, Prisma } from '../generated/prisma/client.js';
import { type GuardedDb, rowKey } from '../guard/guarded-db.js';
import { badInput, conflict, notFound } from '../platform/errors.js';
import { newId } from '../platform/ids.js';
import { isDecider, requireComment, roleRequired } from './decide.js';
import type { PauseRequest } from './effect-port.js';
import { enqueuePerforming } from './propose.js';
import type { World } from './world.js';

const pausesMax = 100;

export async function pause(world: World, request: PauseRequest): Promise<EffectPause> {
  const { db, principal, audit } = world;
  if (!isDecider(principal)) throw roleRequired('ADMIN');
  requireComment(request.reason, 'input.reason');
  const { apiKeyId = null, agentId = null, kind = null, reason = null } = request;
  if (apiKeyId !== null && (await db.apiKey.count({ where: { id: apiKeyId } })) === 0) throw notFound('API key');
  if (agentId !== null && (await db.agent.count({ where: { id: agentId } })) === 0) throw notFound('agent');
  if (kind !== null && !/^[a-z][A-Za-z]*\.[a-z][A-Za-z]*$/.test(kind)) {
    throw badInput('input.kind: write noun.verb, as in message.send', 'input.kind');
  }
  if ((await db.effectPause.count()) >= pausesMax) {
    throw conflict(`A workspace has at most ${pausesMax} pauses; pause all of it, or resume some.`);
  }
  const made = await db.effectPause.create({
    data: { id: newId('pau'), apiKeyId, agentId, kind, reason, createdById: principal.id },
  });
  await audit.record({
    action: 'effects.pause',
    subjectId: made.id,
    details: { kind, apiKeyId, agentId, ...(reason ? { reason } : {}) },
  });
  return made;
}

export async function resume(world: World, pauseId: string): Promise<EffectPause> {
  const { db, principal, audit } = world;
  if (!isDecider(principal)) throw roleRequired('ADMIN');
  const pause = await db.effectPause.findFirst({ where: { id: pauseId } });
  if (pause === null) throw notFound('pause');
  await db.effectPause.delete({ where: rowKey(db, pauseId) });
  const rest = await db.effectPause.findMany();
  // Those beyond one statement's worth are found by recovery, as effects without a job.
  const held = await db.effect.findMany({ where: heldBy(pause), orderBy: { createdAt: 'asc' }, take: 1_000 });
  for (const effect of held) if (!isHeldBy(rest, effect)) await enqueuePerforming(world, effect);
  const { kind, apiKeyId, agentId } = pause;
  await audit.record({ action: 'effects.resume', subjectId: pauseId, details: { kind, apiKeyId, agentId } });
  return pause;
}

/** Whether a pause of the workspace speaks of it now. */
export const isPaused = async (db: GuardedDb, effect: Effect): Promise<boolean> =>
  isHeldBy(await db.effectPause.findMany(), effect);

const isHeldBy = (pauses: readonly EffectPause[], effect: Effect): boolean =>
  pauses.some(
    ({ apiKeyId, agentId, kind }) =>
      (apiKeyId === null || apiKeyId === effect.apiKeyId) &&
      (agentId === null || agentId === effect.agentId) &&
      (kind === null || kind === effect.kind),
  );

const heldBy = ({ apiKeyId, agentId, kind }: EffectPause): Prisma.EffectWhereInput => ({
  status: 'QUEUED',
  ...(apiKeyId === null ? {} : { apiKeyId }),
  ...(agentId === null ? {} : { agentId }),
  ...(kind === null ? {} : { kind }),
});
