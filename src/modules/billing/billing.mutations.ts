import { builder } from '../../graphql/builder.js';
import { SpendCapPeriodType } from '../../graphql/enums.js';
import { Billing } from './billing.schema.js';
import type { SpendCap } from './billing.service.js';

const SpendCapType = builder.objectRef<SpendCap>('SpendCap').implement({
  description: 'How much may be spent.',
  role: 'ADMIN',
  fields: (t) => ({
    agentId: t.exposeID('agentId', { nullable: true, description: 'By this agent; null: by the whole workspace.' }),
    credits: t.exposeInt('credits', { nullable: true, description: 'Whole credits per period; null: no cap.' }),
    period: t.expose('period', { type: SpendCapPeriodType, nullable: true, description: 'When it begins anew.' }),
  }),
});

builder.mutationFields((t) => ({
  topUpCredits: t.action({
    description: 'Add credits to this workspace.',
    role: 'OWNER',
    action: 'creditAccount.topUp',
    asSystem: 'add credits to a workspace',
    fresh: true,
    input: (i) => ({ credits: i.int({ required: true, description: 'How many, in whole credits.' }) }),
    payload: (p) => ({ billing: p.field({ type: Billing, description: 'The credits as they are now.' }) }),
    resolve: async ({ credits }, { billing }) => ({ billing: await billing.topUp(credits) }),
  }),

  setSpendCap: t.action({
    description: 'Bound what the workspace, or one of its agents, may spend; what is reserved already counts.',
    role: 'ADMIN',
    action: 'spendCap.set',
    asSystem: 'set the spend cap of a workspace',
    fresh: true,
    input: (i) => ({
      agentId: i.id({ required: false, description: 'Of this agent; left out: of the workspace.' }),
      credits: i.int({ required: false, description: 'Whole credits per period; null takes the cap away.' }),
      period: i.field({ type: SpendCapPeriodType, required: false, description: 'Left out: LIFETIME.' }),
    }),
    payload: (p) => ({ spendCap: p.field({ type: SpendCapType, description: 'The cap as it is now.' }) }),
    resolve: async (input, { billing }) => ({ spendCap: await billing.setCap(input) }),
  }),
}));
