import { personFrom } from '../../graphql/actor.js';
import { builder } from '../../graphql/builder.js';
import { defineList } from '../../graphql/list.js';

export const EffectPause = builder.nodeType('EffectPause', {
  prefix: 'pau',
  read: 'approvals:read',
  description:
    'Holds what is queued: all of the workspace, or of one key, agent or kind; all that are given must match.',
  fields: (t) => ({
    apiKeyId: t.exposeID('apiKeyId', { nullable: true, description: 'Of this key; null: of any.' }),
    agentId: t.exposeID('agentId', { nullable: true, description: 'Through this agent; null: through any.' }),
    kind: t.exposeString('kind', { nullable: true, description: 'Of this kind; null: of any.' }),
    reason: t.exposeString('reason', { nullable: true, description: 'Why, for colleagues.' }),
    createdBy: t.field({ ...personFrom('createdById'), description: 'Who paused.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false }),
  }),
});

const pauses = defineList(builder, EffectPause, {
  model: 'EffectPause',
  filters: {},
  orders: { CREATED_AT: { field: 'createdAt', cast: 'timestamptz', description: 'When it was paused.' } },
  defaultOrder: { field: 'CREATED_AT', direction: 'DESC' },
});

builder.queryFields((t) => ({
  effectPauses: pauses.field(t, { scope: 'approvals:read', description: 'What is held in this workspace.' }),
}));
