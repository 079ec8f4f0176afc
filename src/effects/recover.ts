// No effect is lost. At start and every quarter of a minute one pass looks at every workspace for what a dead process left behind:
// attempts whose lease ended, effects whose job is gone, requests nobody decided on in time. It only finds; each is then
// locked, judged again and moved in its own workspace's transaction, so two servers that recover at once do no harm.
import { Prisma } from '../generated/prisma/client.js';
import { asSystem } from '../guard/as-system.js';
import type { GuardedDb } from '../guard/guarded-db.js';
import { endEffect } from './end-effect.js';
import { effectLimits } from './limits.js';
import { type EffectPlace, performEffectJob } from './perform-job.js';
import { enqueuePerforming } from './propose.js';
import { refuseLate } from './refuse-queued.js';
import { closeExecution, nextOf, requeue } from './settle-attempt.js';
import { lockEffect } from './stored-effect.js';
import { inWorkspaceOf, systemWorld, type WorkerDeps } from './worker-world.js';

export interface Recovered {
  readonly lost: number;
  readonly requeued: number;
  readonly expired: number;
}

/** May run at any time, any number of times, in any number of processes. */
export async function recoverEffects(deps: WorkerDeps): Promise<Recovered> {
  return {
    lost: await each(deps, await findLost(deps), settleLost),
    requeued: await each(deps, await findWithoutJob(deps), enqueueAgain),
    expired: await each(deps, await findExpired(deps), expire),
  };
}

type Found = EffectPlace & { readonly executionId: string | null; readonly connector: string | null };
/** @param withoutDomain leaves the rows of the domain alone: an effect ends also when it is they that cannot be written */
type Recover = (deps: WorkerDeps, db: GuardedDb, found: Found, withoutDomain: boolean) => Promise<boolean>;

async function each(deps: WorkerDeps, found: readonly Found[], recover: Recover): Promise<number> {
  let count = 0;
  for (const one of found) {
    const attempt = (withoutDomain: boolean) => inWorkspaceOf(deps, one, (db) => recover(deps, db, one, withoutDomain));
    try {
      if (await attempt(false).catch(() => attempt(true))) count++;
    } catch (error) {
      deps.log.error(
        { err: error, effectId: one.effectId },
        'an effect could not be recovered; the next pass tries again',
      );
    }
  }
  return count;
}

const place = Prisma.sql`w.organization_id AS "organizationId", e.workspace_id AS "workspaceId", e.id AS "effectId"`;
const atOnce = Prisma.sql`LIMIT ${effectLimits.recoverAtOnce}::int`;

/** PERFORMING, but the attempt's lease has ended, or there is no open attempt at all. */
const findLost = (deps: WorkerDeps): Promise<Found[]> =>
  asSystem(
    deps.database,
    'find attempts whose worker is gone',
    (db) =>
      db.$queryRaw<Found[]>`SELECT ${place}, x.id AS "executionId", x.connector FROM effect e
      JOIN workspace w ON w.id = e.workspace_id
      LEFT JOIN effect_execution x ON x.workspace_id = e.workspace_id AND x.effect_id = e.id AND x.finished_at IS NULL
      WHERE e.status = 'PERFORMING' AND (x.id IS NULL OR x.lease_until < now()) ${atOnce}`,
  );

/**
 * QUEUED and not paused, but no job waits for it, and none that was taken up lately may still come to it. Of what its
 * requester performs, only what was not fetched in time.
 */
const findWithoutJob = (deps: WorkerDeps): Promise<Found[]> =>
  asSystem(deps.database, 'find queued effects whose job is gone', async (db) => {
    const kinds = await db.$queryRaw<
      { kind: string }[]
    >`SELECT DISTINCT e.kind FROM effect e WHERE e.status = 'QUEUED'`;
    const shown = kinds.filter(({ kind }) => deps.engine.actionPerformer(kind)?.showsSecret === true);
    return db.$queryRaw<Found[]>`SELECT ${place}, NULL AS "executionId", NULL AS connector FROM effect e
      JOIN workspace w ON w.id = e.workspace_id
      WHERE e.status = 'QUEUED' AND NOT EXISTS (SELECT FROM pgboss.job j WHERE j.name = ${performEffectJob.name}
        AND j.singleton_key = e.id AND (j.state < 'active' OR (j.state = 'active' AND j.started_on > now() - interval '10 seconds')))
      AND NOT EXISTS (SELECT FROM effect_pause p WHERE p.workspace_id = e.workspace_id
        AND (p.api_key_id IS NULL OR p.api_key_id = e.api_key_id) AND (p.agent_id IS NULL OR p.agent_id = e.agent_id)
        AND (p.kind IS NULL OR p.kind = e.kind))
      AND (e.kind <> ALL (${shown.map(({ kind }) => kind)}::text[]) OR e.expires_at <= ${deps.clock.now()}::timestamptz)
      ${atOnce}`;
  });

const findExpired = (deps: WorkerDeps): Promise<Found[]> =>
  asSystem(
    deps.database,
    'find requests that nobody decided on in time',
    (db) =>
      db.$queryRaw<Found[]>`SELECT ${place}, NULL AS "executionId", NULL AS connector FROM effect e
      JOIN workspace w ON w.id = e.workspace_id
      WHERE e.status = 'AWAITING_APPROVAL' AND e.expires_at <= ${deps.clock.now()}::timestamptz ${atOnce}`,
  );

async function settleLost(deps: WorkerDeps, db: GuardedDb, found: Found, withoutDomain: boolean): Promise<boolean> {
  if (found.executionId !== null && !(await closeExecution(deps, db, found.executionId, 'lost'))) return false;
  const effect = await lockEffect(db, found.effectId);
  if (effect?.status !== 'PERFORMING') return false;
  const number = await db.effectExecution.count({ where: { effectId: effect.id } });
  const lost = {
    outcome: 'unknown',
    message: 'The worker that performed it did not come back.',
    retryAfterMs: null,
  } as const;
  const next = nextOf(deps, number, found.connector ?? '', lost);
  const world = systemWorld(deps, db, effect);
  if (next.status === 'QUEUED') await requeue(deps, db, effect, 0);
  else await endEffect(world, deps.engine, effect, { ...next, withoutDomain });
  const details = { kind: effect.kind, status: next.status, attempt: number, reason: 'lease ended' };
  await world.audit.record({ action: 'effect.recover', effectId: effect.id, details });
  return true;
}

async function enqueueAgain(deps: WorkerDeps, db: GuardedDb, found: Found): Promise<boolean> {
  const effect = await lockEffect(db, found.effectId);
  if (effect?.status !== 'QUEUED') return false;
  // No job has to come to it: its requester does.
  if (deps.engine.actionPerformer(effect.kind)?.showsSecret === true) return refuseLate(deps, db, effect);
  const world = systemWorld(deps, db, effect);
  await enqueuePerforming(world, effect);
  const details = { kind: effect.kind, status: effect.status, reason: 'job was gone' };
  await world.audit.record({ action: 'effect.recover', effectId: effect.id, details });
  return true;
}

async function expire(deps: WorkerDeps, db: GuardedDb, found: Found, withoutDomain: boolean): Promise<boolean> {
  const effect = await lockEffect(db, found.effectId);
  if (effect?.status !== 'AWAITING_APPROVAL') return false;
  const world = systemWorld(deps, db, effect);
  const failure = { code: 'EXPIRED', message: 'Nobody decided on it in time. Ask for it again.' };
  await endEffect(world, deps.engine, effect, { status: 'EXPIRED', failure, withoutDomain });
  await world.audit.record({ action: 'effect.expire', effectId: effect.id, details: { kind: effect.kind } });
  return true;
}
