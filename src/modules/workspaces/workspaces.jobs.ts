// What the clock does to deleted workspaces: cancels what was left open, and erases everything once the time of grace is
// over. Each step is one bounded transaction that takes the workspace first and judges it by the database's clock, so it may
// be cut off, run twice, or run in two processes, and nobody can restore what has begun to go.
import { auditAsOwner, auditOfOrganization, systemActor } from '../../audit/record.js';
import { endEffect } from '../../effects/end-effect.js';
import { lockEffect } from '../../effects/stored-effect.js';
import { inWorkspaceOf, systemWorld, type WorkerDeps } from '../../effects/worker-world.js';
import { asSystem, type SystemDb } from '../../guard/as-system.js';
import { eraseSome, type OwnedTable, ownedTables } from '../../guard/erase.js';
import { eraseJobs } from '../../jobs/drop-jobs.js';
import type { Chore } from '../../jobs/worker.js';
import { newId } from '../../platform/ids.js';
import { erasedAtOnce, eraseEveryMs, openEffectsAtOnce } from './workspaces.policy.js';

export interface ErasureDeps extends Omit<WorkerDeps, 'log'> {
  readonly log: WorkerDeps['log'] & { info(facts: object, message: string): void };
  /** Removes the files that were captured for these effects on this machine; those that are gone do not matter. */
  forgetCaptured(effectIds: readonly string[]): Promise<void>;
}

interface DeletedPlace {
  readonly organizationId: string;
  readonly workspaceId: string;
}

export const workspaceChores = (deps: ErasureDeps): readonly Chore[] => [
  { name: 'workspaces.erase', everyMs: eraseEveryMs, run: () => endDeletedWorkspaces(deps) },
];

/** May run at any time, any number of times, in any number of processes. @returns the workspaces that are gone now */
export async function endDeletedWorkspaces(deps: ErasureDeps): Promise<readonly string[]> {
  await cancelLeftovers(deps);
  const due = await asSystem(
    deps.database,
    'find deleted workspaces whose time is over',
    (db) => db.$queryRaw<DeletedPlace[]>`SELECT w.id AS "workspaceId", w.organization_id AS "organizationId"
      FROM workspace w WHERE w.status = 'DELETED' AND w.erase_at <= now() ORDER BY w.erase_at`,
  );
  const erased: string[] = [];
  for (const place of due) {
    try {
      if (await eraseWorkspace(deps, place)) erased.push(place.workspaceId);
    } catch (error) {
      deps.log.error({ err: error, ...place }, 'a deleted workspace could not be erased; the next turn goes on');
    }
  }
  return erased;
}

async function cancelLeftovers(deps: ErasureDeps): Promise<void> {
  const open = await asSystem(
    deps.database,
    'find what waits in deleted workspaces',
    (db) => db.$queryRaw<(DeletedPlace & { effectId: string })[]>`SELECT w.organization_id AS "organizationId",
      e.workspace_id AS "workspaceId", e.id AS "effectId" FROM effect e JOIN workspace w ON w.id = e.workspace_id
      WHERE w.status = 'DELETED' AND e.status IN ('AWAITING_APPROVAL', 'QUEUED') LIMIT ${openEffectsAtOnce}::int`,
  );
  for (const one of open) {
    await cancelLeftover(deps, one).catch((error: unknown) =>
      deps.log.error({ err: error, ...one }, 'an effect of a deleted workspace could not be cancelled'),
    );
  }
}

const cancelLeftover = (deps: ErasureDeps, place: DeletedPlace & { effectId: string }): Promise<void> =>
  inWorkspaceOf(deps, place, async (db) => {
    const effect = await lockEffect(db, place.effectId);
    const isOpen = effect?.status === 'AWAITING_APPROVAL' || effect?.status === 'QUEUED';
    const workspace = await db.workspace.findFirst({ where: { id: place.workspaceId } });
    if (!isOpen || workspace?.status !== 'DELETED') return;
    const world = systemWorld(deps, db, effect);
    const failure = { code: 'CANCELLED', message: 'Its workspace was deleted.' };
    const { kind, status, seal } = await endEffect(world, deps.engine, effect, { status: 'CANCELLED', failure });
    await world.audit.record({ action: 'effect.cancel', effectId: effect.id, details: { kind, status, seal } });
  });

/** @returns false when another process is at it, or it is not to be erased any more */
async function eraseWorkspace(deps: ErasureDeps, place: DeletedPlace): Promise<boolean> {
  // Before the rows that name them are gone.
  await forgetFiles(deps, place);
  const tables = await asSystem(deps.database, 'find what a workspace owns', ownedTables);
  for (;;) {
    const step = await asSystem(deps.database, 'erase a deleted workspace', (db) => eraseStep(db, place, tables));
    if (step === 'more') continue;
    if (step === 'erased') deps.log.info(place, 'a deleted workspace was erased');
    return step === 'erased';
  }
}

async function eraseStep(
  db: SystemDb,
  { workspaceId, organizationId }: DeletedPlace,
  tables: readonly OwnedTable[],
): Promise<'more' | 'erased' | 'not ours'> {
  const taken = await db.$queryRaw<unknown[]>`SELECT w.id FROM workspace w
    WHERE w.id = ${workspaceId} AND w.status = 'DELETED' AND w.erase_at <= now() FOR NO KEY UPDATE SKIP LOCKED`;
  if (taken.length === 0) return 'not ours';
  if ((await eraseSome(db, workspaceId, tables, erasedAtOnce)) > 0) return 'more';
  await eraseJobs(db, workspaceId);
  await db.workspace.delete({ where: { id: workspaceId } });
  await recordErasure(db, workspaceId, organizationId);
  return 'erased';
}

/** In the trail of the organization, and of a workspace that stays where there is one. */
async function recordErasure(db: SystemDb, workspaceId: string, organizationId: string): Promise<void> {
  const origin = { principal: systemActor, request: { id: newId('req'), ip: null, allowedBy: null } };
  const entry = { action: 'workspace.erase', subjectId: workspaceId } as const;
  await auditOfOrganization(db, organizationId, origin).record(entry);
  const neighbour = await db.workspace.findFirst({
    where: { organizationId, status: 'ACTIVE' },
    orderBy: { id: 'asc' },
  });
  if (neighbour !== null) await auditAsOwner(db, neighbour.id, origin).record(entry);
}

async function forgetFiles(deps: ErasureDeps, { workspaceId }: DeletedPlace): Promise<void> {
  for (let after = ''; ; ) {
    const effects = await asSystem(deps.database, 'find the files of a deleted workspace', (db) =>
      db.effect.findMany({
        where: { workspaceId, id: { gt: after } },
        orderBy: { id: 'asc' },
        take: erasedAtOnce,
        select: { id: true },
      }),
    );
    const last = effects.at(-1);
    if (last === undefined) return;
    await deps.forgetCaptured(effects.map(({ id }) => id));
    after = last.id;
  }
}
