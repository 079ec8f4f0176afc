import { builder } from '../../graphql/builder.js';
import type { Spent, SpentBy } from './billing.queries.js';
import type { Balance, BillingService } from './billing.service.js';

declare module '../../context.js' {
  interface Services {
    readonly billing: BillingService;
  }
}

const SpentByType = builder.enumType('SpentBy', {
  description: 'By what spending is summed up.',
  values: {
    KEY: { value: 'KEY', description: 'By the key that asked.' },
    AGENT: { value: 'AGENT', description: 'By the agent it went through.' },
    KIND: { value: 'KIND', description: 'By the kind of effect.' },
    DAY: { value: 'DAY', description: 'By the day it was charged, in UTC.' },
  } as const satisfies Record<SpentBy, object>,
});

const SpentType = builder.objectRef<Spent>('Spent').implement({
  description: 'One sum of charges.',
  scope: 'billing:read',
  fields: (t) => ({
    of: t.exposeString('of', {
      nullable: true,
      description: 'A key or agent by its id, a kind, or a day such as 2026-11-26; null where there was none.',
    }),
    credits: t.exposeInt('credits', { nullable: false, description: 'What was charged, in whole credits.' }),
    effects: t.exposeInt('effects', { nullable: false, description: 'For how many effects.' }),
  }),
});

export const Billing = builder.objectRef<Balance>('Billing').implement({
  description: 'The credits of this workspace.',
  scope: 'billing:read',
  fields: (t) => ({
    balanceCredits: t.exposeInt('balanceCredits', { nullable: false, description: 'What it has, in whole credits.' }),
    reservedCredits: t.exposeInt('reservedCredits', {
      nullable: false,
      description: 'What of it is promised to requests that have not ended.',
    }),
    availableCredits: t.int({
      nullable: false,
      description: 'What may still be asked for.',
      resolve: ({ balanceCredits, reservedCredits }) => balanceCredits - reservedCredits,
    }),
    spentCredits: t.exposeInt('spentCredits', { nullable: false, description: 'All that was ever charged.' }),
    spent: t.field({
      type: [SpentType],
      nullable: false,
      description: 'Charges of a time, summed up; at most 400 sums.',
      args: {
        by: t.arg({ type: SpentByType, required: true, description: 'By what.' }),
        from: t.arg({ type: 'DateTime', required: false, description: 'From then on; left out: 30 days before `to`.' }),
        to: t.arg({ type: 'DateTime', required: false, description: 'Before then; left out: now.' }),
      },
      resolve: (_balance, { by, from, to }, { services }) => services.billing.spent(by, from ?? null, to ?? null),
    }),
  }),
});

builder.queryFields((t) => ({
  billing: t.field({
    type: Billing,
    nullable: false,
    scope: 'billing:read',
    description: 'What this workspace has, what is reserved, what was spent and on what.',
    resolve: (_root, _args, { services }) => services.billing.balance(),
  }),
}));
