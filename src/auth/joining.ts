// What joining an organization amounts to, however a person came: a member, an invitation that is used up, an entry in the
// trail of each of its workspaces.
import type { Invitation } from '../generated/prisma/client.js';
import type { SystemDb } from '../guard/as-system.js';
import { newId } from '../platform/ids.js';
import type { AuthParts } from './auth-parts.js';
import { tellCredentialChanged } from './credential-notice.js';
import { lockOrganization } from './membership.js';
import { type AuthRequestFacts, recordOfPerson, trailsOfOrganization } from './sign-in-trail.js';

interface Person {
  readonly userId: string;
  readonly name: string;
}

/** The organization is locked, the invitation open, the person no member yet. @returns the id of the member */
export async function join(
  parts: Pick<AuthParts, 'audit'>,
  db: SystemDb,
  { organizationId, id: invitationId, role, email }: Invitation,
  { userId, name }: Person,
  facts: AuthRequestFacts,
): Promise<string> {
  const id = newId('mbr');
  await db.member.create({ data: { organizationId, id, userId, role, name, email } });
  await db.invitation.update({
    where: { organizationId_id: { organizationId, id: invitationId } },
    data: { acceptedAt: new Date() },
  });
  await recordJoining(parts, db, facts, { organizationId, userId, invitationId, role, email });
  await tellCredentialChanged(db, userId);
  return id;
}

/** A person who belongs nowhere, and whose address an identity provider has verified, accepts what waits for it. */
export async function joinByInvitation(
  parts: Pick<AuthParts, 'audit'>,
  db: SystemDb,
  userId: string,
  facts: AuthRequestFacts,
): Promise<boolean> {
  const { email, name } = await db.user.findUniqueOrThrow({ where: { id: userId } });
  const open = { email, acceptedAt: null, revokedAt: null, expiresAt: { gt: new Date() } };
  let hasJoined = false;
  for (const { organizationId, id } of await db.invitation.findMany({ where: open, orderBy: { id: 'asc' } })) {
    await lockOrganization(db, organizationId);
    const invitation = await db.invitation.findFirst({ where: { ...open, organizationId, id } });
    if (invitation === null || (await db.member.count({ where: { organizationId, userId } })) > 0) continue;
    await join(parts, db, invitation, { userId, name }, facts);
    hasJoined = true;
  }
  return hasJoined;
}

/** A session that began otherwise than by a password. */
export const recordStart = (
  { audit }: Pick<AuthParts, 'audit'>,
  db: SystemDb,
  { requestId, ip }: AuthRequestFacts,
  userId: string,
  sessionId: string,
  method: string,
): Promise<void> =>
  recordOfPerson(audit, db, userId, {
    action: 'session.create',
    outcome: 'DONE',
    actor: { kind: 'SESSION', id: userId },
    allowedBy: null,
    subjectId: sessionId,
    details: { method },
    requestId,
    ip,
  });

/** In the trails of the organization that was joined, and no other of the person's. */
async function recordJoining(
  { audit }: Pick<AuthParts, 'audit'>,
  db: SystemDb,
  { requestId, ip }: AuthRequestFacts,
  joined: { organizationId: string; userId: string; invitationId: string; role: string; email: string },
): Promise<void> {
  const { organizationId, userId, invitationId, role, email } = joined;
  for (const trail of await trailsOfOrganization(db, organizationId)) {
    await audit(db, {
      ...trail,
      action: 'invitation.accept',
      outcome: 'DONE',
      actor: { kind: 'SESSION', id: userId },
      allowedBy: null,
      subjectId: invitationId,
      details: { role, email },
      requestId,
      ip,
    });
  }
}
