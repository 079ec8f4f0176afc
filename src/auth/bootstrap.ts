// The first owner of an organization, its first workspace and the credits to begin with, in one transaction as the owner
// of the tables. Run twice it changes nothing and answers the same: a person is known by e-mail, an organization by its
// name among those the person owns, a workspace by its name in it.
import { hashPassword } from 'better-auth/crypto';
import { z } from 'zod';
import type { Database } from '../db/database.js';
import { asSystem, type SystemDb } from '../guard/as-system.js';
import { badInput } from '../platform/errors.js';
import { newId } from '../platform/ids.js';
import { type AuthAuditAction, type RecordAuthAudit, SYSTEM_ACTOR } from './audit-port.js';
import { requireName } from './key-request.js';

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

export const PASSWORD_MIN = 8;
export const PASSWORD_MAX = 128;
const CREDITS_DEFAULT = 1_000;
const CREDITS_MAX = 1_000_000_000;

type Judged = Required<BootstrapRequest>;

/** @throws BAD_USER_INPUT naming the flag, with nothing written */
export async function bootstrap(
  desk: { readonly database: Pick<Database, 'owner'>; readonly audit: RecordAuthAudit },
  request: BootstrapRequest,
): Promise<Bootstrapped> {
  const judged = judge(request);
  return asSystem(desk.database, 'make the first owner', async (db) => {
    // Two at once would each find nothing and make everything twice.
    await db.$queryRaw`SELECT pg_advisory_xact_lock(hashtext('sallyport.bootstrap'))::text`;
    const userId = (await findUser(db, judged.email)) ?? (await createUser(db, judged));
    const organizationId = (await findOrganization(db, userId, judged.org)) ?? newId('org');
    const known = await db.workspace.findFirst({
      where: { organizationId, name: judged.workspace },
      orderBy: { id: 'asc' },
      select: { id: true },
    });
    if (known !== null) return { organizationId, workspaceId: known.id, userId };
    const ids = { organizationId, workspaceId: newId('wsp'), userId };
    await createPlaces(db, ids, judged, desk.audit);
    return ids;
  });
}

const judge = (request: BootstrapRequest): Judged => {
  const email = request.email.trim().toLowerCase();
  if (!z.email().max(254).safeParse(email).success) {
    throw badInput('--email must be an e-mail address, such as owner@example.com.', '--email');
  }
  const { length } = request.password;
  if (length < PASSWORD_MIN || length > PASSWORD_MAX) {
    throw badInput(`--password must have ${PASSWORD_MIN} to ${PASSWORD_MAX} characters.`, '--password');
  }
  const credits = request.credits ?? CREDITS_DEFAULT;
  if (!Number.isInteger(credits) || credits < 0 || credits > CREDITS_MAX) {
    throw badInput(`--credits must be a whole number from 0 to ${CREDITS_MAX}.`, '--credits');
  }
  return {
    org: requireName(request.org, '--org'),
    workspace: requireName(request.workspace, '--workspace'),
    name: requireName(request.name ?? email.slice(0, email.indexOf('@')), '--name'),
    email,
    password: request.password,
    credits,
  };
};

const findUser = async (db: SystemDb, email: string): Promise<string | null> =>
  (await db.user.findUnique({ where: { email }, select: { id: true } }))?.id ?? null;

const findOrganization = async (db: SystemDb, userId: string, name: string): Promise<string | null> => {
  const found = await db.organization.findFirst({
    where: { name, members: { some: { userId, role: 'OWNER' } } },
    orderBy: { id: 'asc' },
    select: { id: true },
  });
  return found?.id ?? null;
};

/** The person and the password account that better-auth will look for: provider `credential`, account id the user's. */
async function createUser(db: SystemDb, { email, name, password }: Judged): Promise<string> {
  const userId = newId('usr');
  await db.user.create({ data: { id: userId, email, name, emailVerified: true } });
  await db.account.create({
    data: {
      id: newId('acc'),
      accountId: userId,
      providerId: 'credential',
      userId,
      password: await hashPassword(password),
    },
  });
  return userId;
}

async function createPlaces(
  db: SystemDb,
  { organizationId, workspaceId, userId }: Bootstrapped,
  { org, workspace, name, email, credits }: Judged,
  audit: RecordAuthAudit,
): Promise<void> {
  const isNew = (await db.organization.findUnique({ where: { id: organizationId } })) === null;
  if (isNew) {
    await db.organization.create({ data: { id: organizationId, name: org } });
    await db.member.create({ data: { organizationId, id: newId('mbr'), userId, role: 'OWNER', name, email } });
  }
  await db.workspace.create({ data: { id: workspaceId, organizationId, name: workspace } });
  await db.creditAccount.create({ data: { workspaceId, balanceCredits: credits } });
  const requestId = newId('req');
  const record = (action: AuthAuditAction, subjectId: string, details: Record<string, string | number>) =>
    audit(db, {
      workspaceId,
      action,
      outcome: 'DONE',
      actor: SYSTEM_ACTOR,
      allowedBy: null,
      subjectId,
      requestId,
      ip: null,
      details,
    });
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
  await record('creditAccount.topUp', entry, { credits });
}
