import type { Invitation as InvitationRow } from '../../generated/prisma/client.js';
import { personFrom } from '../../graphql/actor.js';
import { builder } from '../../graphql/builder.js';
import { computedFrom } from '../../graphql/computed.js';
import { defineList } from '../../graphql/list.js';
import { byIdField } from '../../graphql/node-fields.js';
import type { Asker } from '../../graphql/source.js';
import { sql } from '../../guard/sql.js';
import type { InvitationsService } from './invitations.service.js';
import type { MembersService } from './members.service.js';

declare module '../../context.js' {
  interface Services {
    readonly members: MembersService;
    readonly invitations: InvitationsService;
  }
}

export const Member = builder.nodeType('Member', {
  prefix: 'mbr',
  role: 'MEMBER',
  description: 'A person’s place in the organization; the role counts in all its workspaces.',
  fields: (t) => ({
    user: t.field({ ...personFrom('userId'), description: 'The person.' }),
    name: t.exposeString('name', { nullable: false, description: 'What the person is called.' }),
    email: t.exposeString('email', { nullable: false, description: 'The address the person signs in with.' }),
    role: t.expose('role', { type: builder.roleType, nullable: false, description: 'What the person may do.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false }),
  }),
});

const members = defineList(builder, Member, {
  model: 'Member',
  filters: {
    role: { op: 'in', field: 'role', type: [builder.roleType], description: 'Only people of these roles.' },
  },
  orders: {
    CREATED_AT: { field: 'createdAt', cast: 'timestamptz', description: 'When the person joined.' },
    NAME: { field: 'name', cast: 'text', description: 'The name.' },
  },
  defaultOrder: { field: 'CREATED_AT', direction: 'ASC' },
});

const InvitationStatus = builder.enumType('InvitationStatus', {
  description: 'What became of an invitation.',
  values: {
    PENDING: { value: 'PENDING', description: 'It can still be accepted.' },
    ACCEPTED: { value: 'ACCEPTED', description: 'The person joined.' },
    REVOKED: { value: 'REVOKED', description: 'It was taken back.' },
    EXPIRED: { value: 'EXPIRED', description: 'Nobody accepted it in time.' },
  } as const,
});

type Ends = 'acceptedAt' | 'revokedAt' | 'expiresAt';

const statusOf = ({ acceptedAt, revokedAt, expiresAt }: Pick<InvitationRow, Ends>, { clock }: Asker) => {
  if (acceptedAt !== null) return 'ACCEPTED';
  if (revokedAt !== null) return 'REVOKED';
  return expiresAt <= clock.now() ? 'EXPIRED' : 'PENDING';
};

/** The same in SQL, so that lists filter by what is shown. */
const statusInSql = () => sql`CASE WHEN t.accepted_at IS NOT NULL THEN 'ACCEPTED'
  WHEN t.revoked_at IS NOT NULL THEN 'REVOKED' WHEN t.expires_at <= now() THEN 'EXPIRED' ELSE 'PENDING' END`;

export const Invitation = builder.nodeType('Invitation', {
  prefix: 'inv',
  role: 'ADMIN',
  description: 'An address that was asked into the organization. Its token is in the mail and nowhere else.',
  fields: (t) => ({
    email: t.exposeString('email', { nullable: false, description: 'The address; only its owner can accept.' }),
    role: t.expose('role', { type: builder.roleType, nullable: false, description: 'What the person will be.' }),
    status: t.field({
      type: InvitationStatus,
      nullable: false,
      description: 'What became of it.',
      ...computedFrom<InvitationRow>()(['acceptedAt', 'revokedAt', 'expiresAt'], statusOf),
    }),
    invitedBy: t.field({ ...personFrom('invitedById'), description: 'Who asked.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: false,
      description: 'Until when it can be accepted.',
    }),
  }),
});

const invitations = defineList(builder, Invitation, {
  model: 'Invitation',
  filters: {
    status: {
      op: 'in',
      field: 'status',
      expression: statusInSql,
      type: [InvitationStatus],
      description: 'Only invitations of which this became.',
    },
  },
  orders: { CREATED_AT: { field: 'createdAt', cast: 'timestamptz', description: 'When the person was invited.' } },
  defaultOrder: { field: 'CREATED_AT', direction: 'DESC' },
});

builder.queryFields((t) => ({
  member: byIdField(t, Member, { role: 'MEMBER', description: 'A member of the organization by its id.' }),
  members: members.field(t, { role: 'MEMBER', description: 'The people of the organization.' }),
  invitation: byIdField(t, Invitation, { role: 'ADMIN', description: 'An invitation by its id.' }),
  invitations: invitations.field(t, { role: 'ADMIN', description: 'Who was asked into the organization.' }),
}));
