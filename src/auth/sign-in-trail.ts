// What the audit trails keep of sign-ins: an entry in each organization that the person belongs to, and in each workspace that
// they can act in, good or refused. An address that nobody has leaves nothing, since there is no trail to leave it in.
import type { Database } from '../db/database.js';
import { asSystem, type SystemDb } from '../guard/as-system.js';
import {
  type AuthAuditEntry,
  type AuthAuditFacts,
  type AuthTrail,
  type RecordAuthAudit,
  SYSTEM_ACTOR,
} from './audit-port.js';
import { tellCredentialChanged } from './credential-notice.js';

/** What http/ knows of a request to /api/auth. */
export interface AuthRequestFacts {
  readonly ip: string | null;
  readonly requestId: string;
  readonly userAgent: string | null;
}

interface Recorder {
  readonly database: Pick<Database, 'owner'>;
  readonly audit: RecordAuthAudit;
}

/** A sign-in without its entry is taken back: the session is removed and the caller sees the error. */
export async function recordSignIn(
  options: Recorder,
  { token, method }: { readonly token: string; readonly method: string },
  facts: AuthRequestFacts,
): Promise<void> {
  try {
    await asSystem(options.database, 'record a sign-in', async (db) => {
      const session = await db.session.findUniqueOrThrow({ where: { token }, select: { id: true, userId: true } });
      await recordOfPerson(options.audit, db, session.userId, {
        ...entryOf('session.create', session.userId, session.id, facts),
        details: { method },
      });
    });
  } catch (error) {
    await options.database.owner.session.deleteMany({ where: { token } });
    throw error;
  }
}

interface OfSession {
  readonly sessionId: string;
  readonly userId: string;
}

/** Streams of the session close at once; its next request is refused anyway. */
export async function recordSignOut(options: Recorder, session: OfSession, facts: AuthRequestFacts): Promise<void> {
  await asSystem(options.database, 'record a sign-out', async (db) => {
    await tellCredentialChanged(db, session.sessionId);
    await recordOfPerson(options.audit, db, session.userId, {
      ...entryOf('session.end', session.userId, session.sessionId, facts),
      details: { reason: 'signed out' },
    });
  });
}

/** What became of a second factor. A change of it put another session in the place of the one that asked. */
export async function recordSecondFactor(
  options: Recorder,
  action: Extract<AuthAuditEntry['action'], `secondFactor.${string}`>,
  session: OfSession,
  details: AuthAuditEntry['details'],
  facts: AuthRequestFacts,
): Promise<void> {
  await asSystem(options.database, 'record a second factor', async (db) => {
    await tellCredentialChanged(db, session.sessionId);
    await recordOfPerson(options.audit, db, session.userId, {
      ...entryOf(action, session.userId, session.userId, facts),
      outcome: action === 'secondFactor.refused' ? 'REFUSED' : 'DONE',
      details,
    });
  });
}

const entryOf = (
  action: AuthAuditEntry['action'],
  userId: string,
  subjectId: string,
  { requestId, ip }: AuthRequestFacts,
): AuthAuditFacts => ({
  action,
  outcome: 'DONE',
  actor: { kind: 'SESSION', id: userId },
  allowedBy: null,
  subjectId,
  details: {},
  requestId,
  ip,
});

export async function recordRefusal(
  options: Recorder,
  email: string,
  facts: AuthRequestFacts,
  reason = 'password',
): Promise<void> {
  await asSystem(options.database, 'record a refused sign-in', async (db) => {
    const user = await db.user.findUnique({ where: { email: email.toLowerCase() }, select: { id: true } });
    if (user === null) return;
    await recordOfPerson(options.audit, db, user.id, {
      action: 'session.refused',
      outcome: 'REFUSED',
      actor: SYSTEM_ACTOR,
      allowedBy: null,
      subjectId: user.id,
      details: { reason },
      requestId: facts.requestId,
      ip: facts.ip,
    });
  });
}

/** One entry in each trail of the person. */
export async function recordOfPerson(
  audit: RecordAuthAudit,
  db: SystemDb,
  userId: string,
  entry: AuthAuditFacts,
): Promise<void> {
  for (const trail of await trailsOf(db, userId)) await audit(db, { ...entry, ...trail });
}

/** Those of the organizations that the person belongs to, and of the workspaces in them. */
export async function trailsOf(db: SystemDb, userId: string): Promise<readonly AuthTrail[]> {
  const memberships = await db.member.findMany({
    where: { userId },
    orderBy: { organizationId: 'asc' },
    select: { organizationId: true },
  });
  const trails = await Promise.all(memberships.map(({ organizationId }) => trailsOfOrganization(db, organizationId)));
  return trails.flat();
}

/** Its own, and those of its workspaces. */
export async function trailsOfOrganization(db: SystemDb, organizationId: string): Promise<readonly AuthTrail[]> {
  const workspaces = await db.workspace.findMany({
    where: { organizationId },
    orderBy: { id: 'asc' },
    select: { id: true },
  });
  return [{ organizationId }, ...workspaces.map(({ id }) => ({ workspaceId: id }))];
}
