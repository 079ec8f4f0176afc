import { actorFrom } from '../../graphql/actor.js';
import { builder } from '../../graphql/builder.js';
import { PrincipalKindType } from '../../graphql/enums.js';
import { defineList } from '../../graphql/list.js';
import { byIdField } from '../../graphql/node-fields.js';

export const AuditOutcome = builder.enumType('AuditOutcome', {
  description: 'How an audited request ended.',
  values: {
    DONE: { value: 'DONE', description: 'It was done.' },
    REFUSED: { value: 'REFUSED', description: 'It was refused.' },
    HELD: { value: 'HELD', description: 'It waits for a decision.' },
  } as const,
});

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
    action: {
      op: 'named',
      field: 'action',
      type: 'String',
      description: 'Only this action, for example `contact.create`, or every one of a noun: `contact.*`.',
    },
    outcome: { op: 'in', field: 'outcome', type: [AuditOutcome], description: 'Only what ended so.' },
    actorId: { op: 'equals', field: 'actorId', type: 'ID', description: 'Only what this person or key did.' },
    actorKind: {
      op: 'in',
      field: 'actorKind',
      type: [PrincipalKindType],
      description: 'Only what these kinds of credentials did.',
    },
    apiKeyId: { op: 'equals', field: 'apiKeyId', type: 'ID', description: 'Only what was done by means of this key.' },
    agentId: { op: 'equals', field: 'agentId', type: 'ID', description: 'Only what was done for this agent.' },
    subjectId: { op: 'equals', field: 'subjectId', type: 'ID', description: 'Only what was done to this object.' },
    effectId: { op: 'equals', field: 'effectId', type: 'ID', description: 'Only what belongs to this effect.' },
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
  auditEntry: byIdField(t, AuditEntry, { scope: 'audit:read', description: 'An audit entry by its id.' }),
  auditEntries: auditEntries.field(t, { scope: 'audit:read', description: 'The audit trail, the newest first.' }),
}));
