import { z } from 'zod';
import { lockOrganization, requireActing } from '../../auth/membership.js';
import { endTokens } from '../../auth/person-token.js';
import { peopleMailJob } from '../../effects/people-mail.js';
import { requireSystem, type World } from '../../effects/world.js';
import type { Invitation } from '../../generated/prisma/client.js';
import type { SystemDb } from '../../guard/as-system.js';
import type { Role } from '../../guard/roles.js';
import { conflict, notFound } from '../../platform/errors.js';
import { newId } from '../../platform/ids.js';
import { requireValid } from '../../platform/validation.js';
import { requireMayGive } from './members.service.js';

const DAYS = 7;
/** Mail leaves without approval, so there is an end to it. */
const OPEN_MAX = 100;

const newInvitation = z.object({
  email: z
    .string()
    .trim()
    .toLowerCase()
    .pipe(z.email('must be an e-mail address, such as sam@example.com').max(254, 'at most 254 characters')),
});

export type InvitationsService = ReturnType<typeof invitationsService>;

/** Asking people into the organization. Everything here runs as the system: invitations belong to no workspace. */
export const invitationsService = (world: World) => {
  const { organizationId, workspaceId, id: actorId } = world.principal;

  const lock = async (): Promise<{ db: SystemDb; acting: { role: Role } }> => {
    const db = requireSystem(world);
    await lockOrganization(db, organizationId);
    return { db, acting: await requireActing(db, { organizationId, userId: actorId }, 'ADMIN') };
  };

  return {
    async invite(input: { readonly email: string; readonly role: Role }, id = newId('inv')): Promise<Invitation> {
      const { email } = requireValid(newInvitation, input);
      const { db, acting } = await lock();
      requireMayGive(acting, [input.role]);
      if ((await db.member.count({ where: { organizationId, email } })) > 0) {
        throw conflict('Somebody with this address is a member already.');
      }
      const now = new Date();
      const open = { organizationId, acceptedAt: null, revokedAt: null, expiresAt: { gt: now } };
      if ((await db.invitation.count({ where: { ...open, email } })) > 0) {
        throw conflict('This address has an open invitation. Revoke it first to invite anew.');
      }
      if ((await db.invitation.count({ where: open })) >= OPEN_MAX) {
        throw conflict(`At most ${OPEN_MAX} invitations may be open. Revoke some, or wait for answers.`);
      }
      const expiresAt = new Date(now.getTime() + DAYS * 86_400_000);
      const invitation = await db.invitation.create({
        data: { organizationId, id, email, role: input.role, invitedById: actorId, expiresAt },
      });
      const requestId = world.request.id;
      await world.enqueue(peopleMailJob, {
        kind: 'invitation',
        organizationId,
        workspaceId,
        invitationId: invitation.id,
        requestId,
      });
      await world.audit.record({ action: 'member.invite', subjectId: id, details: { role: input.role, email } });
      return invitation;
    },

    async find(id: string): Promise<Invitation | null> {
      return world.db.invitation.findFirst({ where: { id } });
    },

    /** May run twice: the second changes nothing but leaves its own audit entry. One that was accepted is no more to take back. */
    async revoke(id: string): Promise<Invitation> {
      const { db, acting } = await lock();
      const invitation = await db.invitation.findFirst({ where: { organizationId, id } });
      if (invitation === null) throw notFound('invitation');
      requireMayGive(acting, [invitation.role]);
      if (invitation.acceptedAt !== null) throw conflict('This invitation was accepted. Remove the member instead.');
      await world.audit.record({ action: 'invitation.revoke', subjectId: id });
      if (invitation.revokedAt !== null) return invitation;
      await endTokens(db, 'invitation', `${organizationId} ${id}`);
      return db.invitation.update({
        where: { organizationId_id: { organizationId, id } },
        data: { revokedAt: new Date() },
      });
    },
  };
};
