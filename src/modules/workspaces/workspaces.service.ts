import { z } from 'zod';
import { auditAsOwner } from '../../audit/record.js';
import { tellCredentialChanged } from '../../auth/credential-notice.js';
import { requireSystem, type World } from '../../effects/world.js';
import type { Workspace } from '../../generated/prisma/client.js';
import { dropWaitingJobs } from '../../jobs/drop-jobs.js';
import { badInput, conflict } from '../../platform/errors.js';
import { newId } from '../../platform/ids.js';
import { given, requireValid } from '../../platform/validation.js';
import { graceDays, openEffectsAtOnce, policyDaysMax, workspacesMax } from './workspaces.policy.js';

const name = z
  .string()
  .trim()
  .min(1, 'give a name')
  .max(100, 'at most 100 characters')
  .regex(/^[^\r\n]*$/, 'a name is one line');
const days = z
  .int('a whole number of days')
  .min(1, 'at least 1 day; null takes the rule away')
  .max(policyDaysMax, `at most ${policyDaysMax} days`)
  .nullish();
const choice = z.boolean('true or false; it cannot be cleared').optional();
const newWorkspace = z.object({ name });
const workspacePatch = z.object({
  name: name.optional(),
  plan: z.enum(['free', 'pro', 'scale'], 'free, pro or scale; it cannot be cleared').optional(),
  explicitSpendScopes: choice,
  keysReadOnly: choice,
  keyLifeDaysMax: days,
  keyRotationDaysMax: days,
  requireFreshAuth: choice,
  separateDuties: choice,
  mode: z.enum(['LIVE', 'SANDBOX'], 'LIVE or SANDBOX; it cannot be cleared').optional(),
});

export type WorkspacesService = ReturnType<typeof workspacesService>;

/** The workspaces of an organization: how one begins, by which policies it lives, how it ends. Changes run as the system. */
export const workspacesService = (world: World) => ({
  /** Anywhere in the person's organization. */
  async find(id: string): Promise<Workspace | null> {
    const { organizationId } = world.principal;
    return requireSystem(world).workspace.findFirst({ where: { id, organizationId } });
  },

  /** @throws CONFLICT when the organization has as many as it may */
  async create(input: unknown, id = newId('wsp')): Promise<Workspace> {
    const system = requireSystem(world);
    const { organizationId } = world.principal;
    const data = requireValid(newWorkspace, input);
    await system.$queryRaw`SELECT id FROM organization WHERE id = ${organizationId} FOR NO KEY UPDATE`;
    const served = { organizationId, status: { not: 'DELETED' } } as const;
    if ((await system.workspace.count({ where: served })) >= workspacesMax) {
      throw conflict(`An organization has at most ${workspacesMax} workspaces. Delete one that is not needed.`);
    }
    const workspace = await system.workspace.create({ data: { id, organizationId, ...data } });
    await system.creditAccount.create({ data: { workspaceId: id } });
    const entry = { action: 'workspace.create', subjectId: id, details: { fields: Object.keys(data) } } as const;
    await world.audit.record(entry);
    await auditAsOwner(system, id, world).record(entry);
    return workspace;
  },

  async update(input: unknown): Promise<Workspace> {
    const patch = given(requireValid(workspacePatch, input));
    await lockOwn(world);
    if (patch.requireFreshAuth === true) await requireSecondFactor(world);
    const { name: _, ...values } = patch;
    return change(world, patch, { action: 'workspace.update', details: { fields: Object.keys(patch), ...values } });
  },

  /** Doing it twice is harmless. @throws CONFLICT for a deleted one */
  async suspend(): Promise<Workspace> {
    const { status } = await lockOwn(world);
    if (status === 'DELETED') throw isDeleted();
    return change(world, { status: 'SUSPENDED' }, { action: 'workspace.suspend' });
  },

  /** Doing it twice is harmless. @throws CONFLICT for a deleted one */
  async resume(): Promise<Workspace> {
    const { status } = await lockOwn(world);
    if (status === 'DELETED') throw isDeleted();
    return change(world, { status: 'ACTIVE' }, { action: 'workspace.resume' });
  },

  /**
   * Everything in it stops now: keys and streams are refused, what waits or is queued is cancelled. Its rows stay until
   * the time of grace is over.
   * @throws BAD_USER_INPUT when `typed` is not its name; CONFLICT when it is deleted already
   */
  async delete(typed: string): Promise<Workspace> {
    const { status, name: own } = await lockOwn(world);
    if (status === 'DELETED') throw isDeleted();
    if (typed !== own)
      throw badInput('input.name: type the name of this workspace exactly, to delete it', 'input.name');
    await cancelOpenEffects(world);
    const system = requireSystem(world);
    const { workspaceId } = world.principal;
    await dropWaitingJobs(system, workspaceId);
    // By the database's clock, which also judges when the time is over.
    const [grace] = await system.$queryRaw<{ from: Date; until: Date }[]>`SELECT now()::timestamptz(3) AS "from",
      (now() + make_interval(days => ${graceDays}::int))::timestamptz(3) AS "until"`;
    if (grace === undefined) throw new Error('The database does not tell the time.');
    const data = { status: 'DELETED', deletedAt: grace.from, eraseAt: grace.until } as const;
    const entry = { action: 'workspace.delete', details: { eraseAt: grace.until.toISOString() } } as const;
    await tellNeighbour(world, entry);
    return change(world, data, entry);
  },

  /** Doing it twice is harmless. @throws CONFLICT for one that is suspended, and when the time of grace is over */
  async restore(): Promise<Workspace> {
    const { status, isDue } = await lockOwn(world);
    if (status === 'SUSPENDED')
      throw conflict('This workspace is suspended, not deleted. Resume it with resumeWorkspace.');
    if (isDue) throw conflict('The time of grace is over; the data of this workspace is being erased.');
    const entry = { action: 'workspace.restore' } as const;
    if (status === 'DELETED') await tellNeighbour(world, entry);
    return change(world, { status: 'ACTIVE', deletedAt: null, eraseAt: null }, entry);
  },
});

interface Locked {
  readonly name: string;
  readonly status: Workspace['status'];
  /** Deleted, and its time of grace is over. */
  readonly isDue: boolean;
}

/** The workspace of the request, changed by nobody else until the transaction ends. */
async function lockOwn(world: World): Promise<Locked> {
  const [locked] = await requireSystem(world).$queryRaw<Locked[]>`SELECT w.name, w.status::text AS status,
    COALESCE(w.erase_at <= now(), false) AS "isDue" FROM workspace w WHERE w.id = ${world.principal.workspaceId}
    FOR NO KEY UPDATE`;
  if (locked === undefined) throw conflict('This workspace was erased just now.');
  return locked;
}

/** Whoever has none could not change this back. @throws BAD_USER_INPUT */
async function requireSecondFactor(world: World): Promise<void> {
  const { kind, id } = world.principal;
  const person = kind === 'SESSION' ? await requireSystem(world).user.findFirst({ where: { id } }) : null;
  if (person?.twoFactorEnabled === true) return;
  throw badInput(
    'input.requireFreshAuth: set up a second factor for yourself first, in your account; without one you could not change this back',
    'input.requireFreshAuth',
  );
}

type Patch = Partial<Omit<Workspace, 'id' | 'organizationId' | 'createdAt' | 'updatedAt'>>;
type Entry = Parameters<World['audit']['record']>[0];

/** Changes the row, leaves the entry, and has every open stream of the workspace judged anew. */
async function change(world: World, data: Patch, entry: Entry): Promise<Workspace> {
  const system = requireSystem(world);
  const { workspaceId: id } = world.principal;
  const workspace = await system.workspace.update({ where: { id }, data });
  await world.audit.record({ ...entry, subjectId: id });
  await tellCredentialChanged(system, id);
  return workspace;
}

/** The trail of a deleted workspace is erased with it; beside the organization's, one that stays remembers who ended it. */
async function tellNeighbour(world: World, entry: Entry): Promise<void> {
  const system = requireSystem(world);
  const { organizationId, workspaceId } = world.principal;
  const neighbour = await system.workspace.findFirst({
    where: { organizationId, id: { not: workspaceId }, status: 'ACTIVE' },
    orderBy: { id: 'asc' },
  });
  if (neighbour === null) return;
  await auditAsOwner(system, neighbour.id, world).record({ ...entry, subjectId: workspaceId });
}

/**
 * Cancels what waits for a decision or for a worker. What somebody decides on or performs at this moment is left alone: it is
 * refused at its turn, since its workspace is not served, and what is left then is cancelled by the chore.
 */
async function cancelOpenEffects(world: World): Promise<void> {
  const open = await requireSystem(world).$queryRaw<{ id: string }[]>`SELECT e.id FROM effect e
    WHERE e.workspace_id = ${world.principal.workspaceId} AND e.status IN ('AWAITING_APPROVAL', 'QUEUED')
    ORDER BY e.id LIMIT ${openEffectsAtOnce}::int FOR UPDATE SKIP LOCKED`;
  for (const { id } of open) await world.effects.cancel({ effectId: id });
}

const isDeleted = () =>
  conflict('This workspace was deleted. Its owner can take that back with restoreWorkspace until its data is erased.');
