import { tellCredentialChanged } from '../../auth/credential-notice.js';
import { lockOrganization, requireActing, requireAnotherOwner } from '../../auth/membership.js';
import { requireSystem, type World } from '../../effects/world.js';
import type { Member } from '../../generated/prisma/client.js';
import type { SystemDb } from '../../guard/as-system.js';
import { ROLES, type Role, roleAtLeast } from '../../guard/roles.js';
import { badInput, CodedError, conflict, notFound } from '../../platform/errors.js';

export type MembersService = ReturnType<typeof membersService>;

/** Who belongs to the organization, and as what. Everything here runs as the system: members belong to no workspace. */
export const membersService = (world: World) => {
  const { organizationId, id: actorId } = world.principal;

  /** The acting person and the member in question, both as they are under the organization's lock. */
  const lock = async (memberId: string, role: Role) => {
    const db = requireSystem(world);
    await lockOrganization(db, organizationId);
    const acting = await requireActing(db, { organizationId, userId: actorId }, role);
    const member = await db.member.findFirst({ where: { organizationId, id: memberId } });
    if (member === null) throw notFound('member');
    return { db, acting, member };
  };

  return {
    async update(id: string, role: Role): Promise<Member> {
      const { db, acting, member } = await lock(id, 'ADMIN');
      requireMayGive(acting, [member.role, role]);
      const isChange = member.role !== role;
      if (isChange && member.role === 'OWNER') await requireAnotherOwner(db, member);
      const changed = isChange ? await give(db, member, role) : member;
      await world.audit.record({ action: 'member.update', subjectId: id, details: { role } });
      return changed;
    },

    async remove(id: string): Promise<string> {
      const { db, acting, member } = await lock(id, 'ADMIN');
      requireMayGive(acting, [member.role]);
      if (member.role === 'OWNER') await requireAnotherOwner(db, member);
      await endInvitations(db, member, null);
      await db.member.delete({ where: keyOf(member) });
      await world.audit.record({ action: 'member.remove', subjectId: id, details: { role: member.role } });
      await tellCredentialChanged(db, member.userId);
      return id;
    },

    /** The acting owner becomes an administrator in the same step. */
    async transferOwnership(id: string): Promise<{ member: Member; previousOwner: Member }> {
      const { db, acting, member } = await lock(id, 'OWNER');
      if (member.id === acting.id) throw badInput('input.memberId: this is you; name somebody else.', 'input.memberId');
      if (member.role === 'OWNER') throw conflict('This person is an owner already.');
      const owner = await give(db, member, 'OWNER');
      const previousOwner = await give(db, acting, 'ADMIN');
      await world.audit.record({ action: 'ownership.transfer', subjectId: id });
      return { member: owner, previousOwner };
    },
  };
};

const keyOf = ({ organizationId, id }: Member) => ({ organizationId_id: { organizationId, id } });

/** @throws FORBIDDEN: what concerns an owner is an owner's to do */
export function requireMayGive(acting: Pick<Member, 'role'>, roles: readonly Role[]): void {
  if (!roles.includes('OWNER') || acting.role === 'OWNER') return;
  throw new CodedError('FORBIDDEN', 'Only an owner gives or takes the role OWNER. Ask one.', { requiredRole: 'OWNER' });
}

/** Holds from the person's next request on, in every process; open streams are judged anew at once. */
async function give(db: SystemDb, member: Member, role: Role): Promise<Member> {
  await endInvitations(db, member, role);
  const changed = await db.member.update({ where: keyOf(member), data: { role } });
  await tellCredentialChanged(db, member.userId);
  return changed;
}

/** What a person may not give any more, that person's open invitations do not give either. */
async function endInvitations(db: SystemDb, { organizationId, userId }: Member, role: Role | null): Promise<void> {
  const lost = ROLES.filter((one) => !roleAtLeast(role, one === 'OWNER' ? 'OWNER' : 'ADMIN'));
  await db.invitation.updateMany({
    where: { organizationId, invitedById: userId, role: { in: [...lost] }, acceptedAt: null, revokedAt: null },
    data: { revokedAt: new Date() },
  });
}
