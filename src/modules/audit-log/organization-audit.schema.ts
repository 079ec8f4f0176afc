// The organization's own trail, for its administrators: what no workspace outlives. Keys see none of it.
import { actorFrom } from '../../graphql/actor.js';
import { builder } from '../../graphql/builder.js';
import { PrincipalKindType } from '../../graphql/enums.js';
import { defineList } from '../../graphql/list.js';
import { byIdField } from '../../graphql/node-fields.js';
import { AuditOutcome } from './audit-log.schema.js';

const OrganizationAuditEntry = builder.nodeType('OrganizationAuditEntry', {
  prefix: 'oae',
  role: 'ADMIN',
  description:
    'Who came in, who may do what, which workspaces there are: an entry of the organization’s own trail, which outlives its workspaces. Written with the change itself, linked into a chain, never changed.',
  fields: (t) => ({
    action: t.exposeString('action', {
      nullable: false,
      description: 'What was done, for example `workspace.erase`.',
    }),
    outcome: t.expose('outcome', { type: AuditOutcome, nullable: false, description: 'How it ended.' }),
    actor: t.field({ ...actorFrom(), description: 'Who did it.' }),
    allowedBy: t.exposeString('allowedBy', { nullable: true, description: 'The role that allowed it.' }),
    subjectId: t.exposeID('subjectId', { nullable: true, description: 'What it was done to.' }),
    requestId: t.exposeString('requestId', { nullable: false, description: 'The request that caused it.' }),
    ip: t.exposeString('ip', { nullable: true, description: 'Where the request came from.' }),
    details: t.expose('details', {
      type: 'JSON',
      // Prisma's JSON includes null; this column does not.
      nullable: false as never,
      description: 'Listed facts; personal values only as salted commitments, secrets never.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false }),
  }),
});

const organizationAuditEntries = defineList(builder, OrganizationAuditEntry, {
  model: 'OrganizationAuditEntry',
  filters: {
    action: {
      op: 'named',
      field: 'action',
      type: 'String',
      description: 'Only this action, for example `member.update`, or every one of a noun: `session.*`.',
    },
    outcome: { op: 'in', field: 'outcome', type: [AuditOutcome], description: 'Only what ended so.' },
    actorId: { op: 'equals', field: 'actorId', type: 'ID', description: 'Only what this person did.' },
    actorKind: {
      op: 'in',
      field: 'actorKind',
      type: [PrincipalKindType],
      description: 'Only what these kinds of credentials did.',
    },
    subjectId: { op: 'equals', field: 'subjectId', type: 'ID', description: 'Only what was done to this object.' },
    requestId: {
      op: 'equals',
      field: 'requestId',
      type: 'String',
      description: 'Only what this request caused: the `X-Request-Id` of its answer.',
    },
    since: {
      op: 'atLeast',
      field: 'createdAt',
      cast: 'timestamptz',
      type: 'DateTime',
      description: 'Only from this moment on.',
    },
    until: {
      op: 'before',
      field: 'createdAt',
      cast: 'timestamptz',
      type: 'DateTime',
      description: 'Only before this moment.',
    },
  },
  orders: { CREATED_AT: { field: 'createdAt', cast: 'timestamptz', description: 'When it was done.' } },
  defaultOrder: { field: 'CREATED_AT', direction: 'DESC' },
});

builder.queryFields((t) => ({
  organizationAuditEntry: byIdField(t, OrganizationAuditEntry, {
    role: 'ADMIN',
    description: 'An entry of the organization’s trail by its id.',
  }),
  organizationAuditEntries: organizationAuditEntries.field(t, {
    role: 'ADMIN',
    description: 'The trail of the organization, the newest first.',
  }),
}));
