// Who belongs to an organization, changed under one lock per organization, so that of two changes at once the second sees
// what the first did: an organization never loses its last owner, and nobody acts by a role that was just taken away.
import type { Member } from '../generated/prisma/client.js';
import type { SystemDb } from '../guard/as-system.js';
import { type Role, roleAtLeast } from '../guard/roles.js';
import { CodedError, conflict } from '../platform/errors.js';

/** Held until the transaction ends. */
export async function lockOrganization(db: SystemDb, organizationId: string): Promise<void> {
  await db.$queryRaw`SELECT id FROM organization WHERE id = ${organizationId} FOR UPDATE`;
}

/**
 * The acting person's place as it is under the lock: the door judged the role before.
 * @throws FORBIDDEN when the role is not enough any more
 */
export async function requireActing(
  db: SystemDb,
  place: { readonly organizationId: string; readonly userId: string },
  role: Role,
): Promise<Member> {
  const member = await db.member.findFirst({ where: place });
  if (member === null || !roleAtLeast(member.role, role)) {
    throw new CodedError('FORBIDDEN', `This takes the role ${role}, which you do not hold. Ask an owner for it.`, {
      requiredRole: role,
    });
  }
  return member;
}

/** @throws CONFLICT when the organization has no owner but this one */
export async function requireAnotherOwner(db: SystemDb, { organizationId, id }: Member): Promise<void> {
  if ((await db.member.count({ where: { organizationId, role: 'OWNER', id: { not: id } } })) > 0) return;
  throw conflict('An organization keeps at least one owner. Make somebody else an owner first.');
}
