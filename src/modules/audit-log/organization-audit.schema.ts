// The organization's own trail, for its administrators: what no workspace outlives. Keys see none of it.
import { actorFrom } from '../../graphql/actor.js';
import { builder } from '../../graphql/builder.js';
import { defineList } from '../../graphql/list.js';
import { byIdField } from '../../graphql/node-fields.js';
import { AuditOutcome, auditFilters } from './audit-filters.schema.js';

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
  filters: auditFilters({ example: 'member.update', noun: 'session', actor: 'person' }),
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
