import { actorFrom } from '../../graphql/actor.js';
import { builder } from '../../graphql/builder.js';
import { defineList } from '../../graphql/list.js';
import { byIdField } from '../../graphql/node-fields.js';
import { AuditOutcome, auditFilters } from './audit-filters.schema.js';

const AuditEntry = builder.nodeType('AuditEntry', {
  prefix: 'aud',
  read: 'audit:read',
  description:
    'Who did what, by which right, to what. Written with the change itself, linked into a chain, never changed.',
  fields: (t) => ({
    action: t.exposeString('action', { nullable: false, description: 'What was done, for example `contact.create`.' }),
    outcome: t.expose('outcome', { type: AuditOutcome, nullable: false, description: 'How it ended.' }),
    actor: t.field({ ...actorFrom(), description: 'Who did it.' }),
    apiKeyId: t.exposeID('apiKeyId', {
      nullable: true,
      description: 'The key behind it; null for people and the server.',
    }),
    agentId: t.exposeID('agentId', { nullable: true, description: 'The agent it was done for.' }),
    allowedBy: t.exposeString('allowedBy', { nullable: true, description: 'The scope or role that allowed it.' }),
    subjectId: t.exposeID('subjectId', { nullable: true, description: 'What it was done to.' }),
    effectId: t.exposeID('effectId', { nullable: true, description: 'The effect it belongs to.' }),
    costCredits: t.exposeInt('costCredits', { nullable: true, description: 'What it cost, in whole credits.' }),
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

const auditEntries = defineList(builder, AuditEntry, {
  model: 'AuditEntry',
  filters: {
    ...auditFilters({ example: 'contact.create', noun: 'contact', actor: 'person or key' }),
    apiKeyId: { op: 'equals', field: 'apiKeyId', type: 'ID', description: 'Only what was done by means of this key.' },
    agentId: { op: 'equals', field: 'agentId', type: 'ID', description: 'Only what was done for this agent.' },
    effectId: { op: 'equals', field: 'effectId', type: 'ID', description: 'Only what belongs to this effect.' },
  },
  orders: { CREATED_AT: { field: 'createdAt', cast: 'timestamptz', description: 'When it was done.' } },
  defaultOrder: { field: 'CREATED_AT', direction: 'DESC' },
});

builder.queryFields((t) => ({
  auditEntry: byIdField(t, AuditEntry, { scope: 'audit:read', description: 'An audit entry by its id.' }),
  auditEntries: auditEntries.field(t, { scope: 'audit:read', description: 'The audit trail, the newest first.' }),
}));
