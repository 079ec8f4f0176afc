// The first owner of an organization, its first workspace and the credits to begin with, in one transaction as the owner
// of the tables. Run twice it changes nothing and answers the same: a person is known by e-mail, an organization by its
// name among those the person owns, a workspace by its name in it.
import type { Database } from '../db/database.js';
import { asSystem, type SystemDb } from '../guard/as-system.js';
import { badInput } from '../platform/errors.js';
import { newId } from '../platform/ids.js';
import {
  type AuthActor,
  type AuthAuditAction,
  type AuthTrail,
  type RecordAuthAudit,
  SYSTEM_ACTOR,
} from './audit-port.js';
import { requireName } from './key-request.js';
import { createPerson, hashPassword, requireEmail, requirePassword } from './password.js';

export interface BootstrapRequest {
  readonly org: string;
  readonly workspace: string;
  readonly email: string;
  readonly password: string;
  /** How the owner is shown; the part of the address before the @ when left out. */
  readonly name?: string;
  readonly credits?: number;
}

export interface Bootstrapped {
  readonly organizationId: string;
  readonly workspaceId: string;
  readonly userId: string;
}

const CREDITS_DEFAULT = 1_000;
const CREDITS_MAX = 1_000_000_000;

export type Judged = Required<BootstrapRequest>;

/** Two at once would each find nothing and make everything twice. */
export async function lockBootstrap(db: SystemDb): Promise<void> {
  await db.$queryRaw`SELECT pg_advisory_xact_lock(hashtext('sallyport.bootstrap'))::text`;
}

/** @throws BAD_USER_INPUT naming the flag, with nothing written */
export async function bootstrap(
  desk: { readonly database: Pick<Database, 'owner'>; readonly audit: RecordAuthAudit },
  request: BootstrapRequest,
): Promise<Bootstrapped> {
  const judged = judgeFirst(request, (name) => `--${name}`);
  const passwordHash = await hashPassword(judged.password);
  return asSystem(desk.database, 'make the first owner', async (db) => {
    await lockBootstrap(db);
    const { email, name } = judged;
    const known = await db.user.findUnique({ where: { email }, select: { id: true } });
    const userId = known?.id ?? (await createPerson(db, { email, name, passwordHash, emailVerified: true }));
    const organizationId = (await findOrganization(db, userId, judged.org)) ?? newId('org');
    const workspace = await db.workspace.findFirst({
      where: { organizationId, name: judged.workspace },
      orderBy: { id: 'asc' },
      select: { id: true },
    });
    if (workspace !== null) return { organizationId, workspaceId: workspace.id, userId };
    const ids = { organizationId, workspaceId: newId('wsp'), userId };
    await createPlaces(db, ids, judged, { audit: desk.audit, actor: SYSTEM_ACTOR, requestId: newId('req'), ip: null });
    return ids;
  });
}

/** @param at how the caller knows the field of this name */
export function judgeFirst(request: BootstrapRequest, at: (name: keyof BootstrapRequest) => string): Judged {
  const email = requireEmail(request.email, at('email'));
  const password = requirePassword(request.password, at('password'));
  const credits = request.credits ?? CREDITS_DEFAULT;
  if (!Number.isInteger(credits) || credits < 0 || credits > CREDITS_MAX) {
    throw badInput(`${at('credits')} must be a whole number from 0 to ${CREDITS_MAX}.`, at('credits'));
  }
  return {
    org: requireName(request.org, at('org')),
    workspace: requireName(request.workspace, at('workspace')),
    name: requireName(request.name ?? email.slice(0, email.indexOf('@')), at('name')),
    email,
    password,
    credits,
  };
}

const findOrganization = async (db: SystemDb, userId: string, name: string): Promise<string | null> => {
  const found = await db.organization.findFirst({
    where: { name, members: { some: { userId, role: 'OWNER' } } },
    orderBy: { id: 'asc' },
    select: { id: true },
  });
  return found?.id ?? null;
};

interface Origin {
  readonly audit: RecordAuthAudit;
  readonly actor: AuthActor;
  readonly requestId: string;
  readonly ip: string | null;
}

/** Organization, owner, workspace and credits, as far as they are missing, each with its entry in the trail. */
export async function createPlaces(
  db: SystemDb,
  { organizationId, workspaceId, userId }: Bootstrapped,
  { org, workspace, name, email, credits }: Judged,
  { audit, actor, requestId, ip }: Origin,
): Promise<void> {
  const isNew = (await db.organization.findUnique({ where: { id: organizationId } })) === null;
  if (isNew) {
    await db.organization.create({ data: { id: organizationId, name: org } });
    await db.member.create({ data: { organizationId, id: newId('mbr'), userId, role: 'OWNER', name, email } });
  }
  await db.workspace.create({ data: { id: workspaceId, organizationId, name: workspace } });
  await db.creditAccount.create({ data: { workspaceId, balanceCredits: credits } });
  const recordIn = (
    trail: AuthTrail,
    action: AuthAuditAction,
    subjectId: string,
    details: Record<string, string | number>,
  ) =>
    audit(db, {
      ...trail,
      action,
      outcome: 'DONE',
      actor,
      allowedBy: null,
      subjectId,
      requestId,
      ip,
      details,
    });
  const record = async (...said: [AuthAuditAction, string, Record<string, string | number>]) => {
    await recordIn({ organizationId }, ...said);
    await recordIn({ workspaceId }, ...said);
  };
  if (isNew) {
    await record('organization.create', organizationId, {});
    await record('member.create', userId, { role: 'OWNER', email });
  }
  await record('workspace.create', workspaceId, {});
  if (credits === 0) return;
  const entry = newId('lge');
  await db.ledgerEntry.create({
    data: { workspaceId, id: entry, kind: 'TOP_UP', balanceDelta: credits, reservedDelta: 0 },
  });
  await recordIn({ workspaceId }, 'creditAccount.topUp', entry, { credits });
}
