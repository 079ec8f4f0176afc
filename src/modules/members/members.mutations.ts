import { builder } from '../../graphql/builder.js';
import { Invitation, Member } from './members.schema.js';

const belongsToNone = 'members belong to an organization, not to a workspace';

builder.mutationFields((t) => ({
  inviteMember: t.action({
    description: 'Ask a person into the organization by e-mail. Only an owner invites an owner.',
    role: 'ADMIN',
    action: 'member.invite',
    asSystem: belongsToNone,
    fresh: true,
    creates: 'inv',
    input: (i) => ({
      email: i.string({ required: true, description: 'Where the invitation goes; only its owner can accept.' }),
      role: i.field({ type: builder.roleType, required: true, description: 'What the person will be.' }),
    }),
    payload: (p) => ({ invitation: p.field({ type: Invitation, description: 'The invitation, good for 7 days.' }) }),
    resolve: async (input, { invitations }, _world, id) => ({ invitation: await invitations.invite(input, id) }),
    repeat: async (id, { invitations }) => {
      const invitation = await invitations.find(id);
      return invitation && { invitation };
    },
  }),

  revokeInvitation: t.action({
    description: 'Take an invitation back before it is accepted.',
    role: 'ADMIN',
    action: 'invitation.revoke',
    asSystem: belongsToNone,
    input: (i) => ({ id: i.id({ required: true, description: 'The invitation.' }) }),
    payload: (p) => ({ invitation: p.field({ type: Invitation, description: 'The invitation as it is now.' }) }),
    resolve: async ({ id }, { invitations }) => ({ invitation: await invitations.revoke(id) }),
  }),

  updateMember: t.action({
    description:
      'Give a member another role; it holds from the person’s next request on. Only an owner gives or takes OWNER, and the last owner stays.',
    role: 'ADMIN',
    action: 'member.update',
    asSystem: belongsToNone,
    fresh: true,
    input: (i) => ({
      id: i.id({ required: true, description: 'The member.' }),
      role: i.field({ type: builder.roleType, required: true, description: 'What the person shall be.' }),
    }),
    payload: (p) => ({ member: p.field({ type: Member, description: 'The member as it is now.' }) }),
    resolve: async ({ id, role }, { members }) => ({ member: await members.update(id, role) }),
  }),

  removeMember: t.action({
    description:
      'Take a person out of the organization; from the next request on none of its workspaces opens. Keys the person made live on.',
    role: 'ADMIN',
    action: 'member.remove',
    asSystem: belongsToNone,
    fresh: true,
    input: (i) => ({ id: i.id({ required: true, description: 'The member.' }) }),
    payload: (p) => ({ removedId: p.id({ description: 'The id of the member who is gone.' }) }),
    resolve: async ({ id }, { members }) => ({ removedId: await members.remove(id) }),
  }),

  transferOwnership: t.action({
    description: 'Make another member an owner in your place; you stay as an administrator.',
    role: 'OWNER',
    action: 'ownership.transfer',
    asSystem: belongsToNone,
    fresh: true,
    input: (i) => ({ memberId: i.id({ required: true, description: 'Who shall be the owner.' }) }),
    payload: (p) => ({
      member: p.field({ type: Member, description: 'The new owner.' }),
      previousOwner: p.field({ type: Member, description: 'You, as you are now.' }),
    }),
    resolve: async ({ memberId }, { members }) => members.transferOwnership(memberId),
  }),
}));
