// What the audit trail keeps of sign-ins: an entry in each workspace that the person can act in, good or refused. An
// address that nobody has leaves nothing, since there is no workspace to leave it in.
import type { Database } from '../db/database.js';
import { asSystem, type SystemDb } from '../guard/as-system.js';
import { type AuthAuditEntry, type RecordAuthAudit, SYSTEM_ACTOR } from './audit-port.js';

/** What http/ knows of a request to /api/auth. */
export interface AuthRequestFacts {
  readonly ip: string | null;
  readonly requestId: string;
}

interface Recorder {
  readonly database: Pick<Database, 'owner'>;
  readonly audit: RecordAuthAudit;
}

/** A sign-in without its entry is taken back: the session is removed and the caller sees the error. */
export async function recordSignIn(options: Recorder, response: Response, facts: AuthRequestFacts): Promise<void> {
  const { token } = (await response.clone().json()) as { token: string };
  try {
    await asSystem(options.database, 'record a sign-in', async (db) => {
      const session = await db.session.findUniqueOrThrow({ where: { token }, select: { id: true, userId: true } });
      await recordInEachWorkspace(options.audit, db, session.userId, {
        action: 'session.create',
        outcome: 'DONE',
        actor: { kind: 'SESSION', id: session.userId },
        allowedBy: null,
        subjectId: session.id,
        details: { method: 'password' },
        ...facts,
      });
    });
  } catch (error) {
    await options.database.owner.session.deleteMany({ where: { token } });
    throw error;
  }
}

export async function recordRefusal(options: Recorder, email: string, facts: AuthRequestFacts): Promise<void> {
  await asSystem(options.database, 'record a refused sign-in', async (db) => {
    const user = await db.user.findUnique({ where: { email: email.toLowerCase() }, select: { id: true } });
    if (user === null) return;
    await recordInEachWorkspace(options.audit, db, user.id, {
      action: 'session.refused',
      outcome: 'REFUSED',
      actor: SYSTEM_ACTOR,
      allowedBy: null,
      subjectId: user.id,
      details: { reason: 'password' },
      ...facts,
    });
  });
}

async function recordInEachWorkspace(
  audit: RecordAuthAudit,
  db: SystemDb,
  userId: string,
  entry: Omit<AuthAuditEntry, 'workspaceId'>,
): Promise<void> {
  const memberships = await db.member.findMany({ where: { userId }, select: { organizationId: true } });
  const workspaces = await db.workspace.findMany({
    where: { organizationId: { in: memberships.map((membership) => membership.organizationId) } },
    orderBy: { id: 'asc' },
    select: { id: true },
  });
  for (const { id } of workspaces) await audit(db, { ...entry, workspaceId: id });
}
