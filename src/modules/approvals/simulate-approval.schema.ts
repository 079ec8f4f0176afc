import type { ApprovalFacts, RuleTried } from '../../effects/approval-policy.js';
import type { Replayed } from '../../effects/effect-port.js';
import { builder } from '../../graphql/builder.js';
import { PrincipalKindType } from '../../graphql/enums.js';
import { badInput, notFound } from '../../platform/errors.js';
import { ApprovalActType, ApprovalChannelType } from './approval-rules.schema.js';
import { Effect, EffectRule } from './approvals.schema.js';

const replayedMax = 100;

const SimulateApprovalInput = builder.inputType('SimulateApprovalInput', {
  description: 'A request that is not made: what rules may look at.',
  fields: (t) => ({
    act: t.field({ type: ApprovalActType, required: false, description: 'Left out: EFFECT.' }),
    kind: t.string({ required: true, description: 'The effect or action: `message.send`.' }),
    principalKind: t.field({ type: PrincipalKindType, required: true, description: 'Who would ask.' }),
    apiKeyId: t.id({ required: false, description: 'Which key would ask.' }),
    agentId: t.id({ required: false, description: 'Through which agent.' }),
    credits: t.int({ required: false, description: 'What it would cost; left out: 0.' }),
    recipients: t.int({ required: false, description: 'How many people it would reach; left out: 1.' }),
    isFirstContact: t.boolean({ required: false, description: 'Whether one of them was never written to.' }),
    channel: t.field({ type: ApprovalChannelType, required: false, description: 'By which way.' }),
  }),
});

const TriedRule = builder.objectRef<RuleTried>('TriedRule').implement({
  description: 'One rule that was asked.',
  scope: 'approvals:read',
  fields: (t) => ({
    ruleId: t.string({ nullable: false, description: 'Names the rule.', resolve: ({ rule }) => rule.id }),
    version: t.int({ nullable: false, description: 'Which version of it.', resolve: ({ rule }) => rule.version }),
    matched: t.boolean({
      nullable: false,
      description: 'Whether all its conditions hold; then it decides.',
      resolve: ({ unmet }) => unmet.length === 0,
    }),
    unmet: t.stringList({
      nullable: false,
      description: 'The conditions that do not hold, by their names in `when`.',
      resolve: ({ unmet }) => [...unmet],
    }),
    reason: t.string({
      nullable: false,
      description: 'The sentence of the rule.',
      resolve: ({ rule }) => rule.reason,
    }),
  }),
});

const ReplayedEffect = builder.objectRef<Replayed>('ReplayedEffect').implement({
  description: 'An effect of late, and the rule that would decide on it today.',
  scope: 'approvals:read',
  fields: (t) => ({
    effect: t.field({ type: Effect, nullable: false, description: 'The effect.', resolve: ({ effect }) => effect }),
    rule: t.field({
      type: EffectRule,
      nullable: false,
      description: 'The rule of today.',
      resolve: ({ rule }) => rule,
    }),
    differs: t.boolean({
      nullable: false,
      description: 'Whether other people would have to agree than had to then.',
      resolve: ({ effect, rule }) => (effect.rule as { requirement?: unknown }).requirement !== rule.requirement,
    }),
  }),
});

const ApprovalSimulation = builder.objectRef<ApprovalFacts>('ApprovalSimulation').implement({
  description: 'What the rules of today say to a request that is not made.',
  scope: 'approvals:read',
  fields: (t) => ({
    rule: t.field({
      type: EffectRule,
      nullable: false,
      description: 'The rule that would decide.',
      resolve: async (facts, _args, { world }) => (await world.effects.simulate(facts)).rule,
    }),
    tried: t.field({
      type: [TriedRule],
      nullable: false,
      description: 'The rules in the order in which they were asked; the last one decides, if it matched.',
      resolve: async (facts, _args, { world }) => (await world.effects.simulate(facts)).tried,
    }),
    recent: t.field({
      type: [ReplayedEffect],
      nullable: false,
      description: 'The same rules over the effects of late, the newest first.',
      args: {
        last: t.arg.int({ required: false, defaultValue: replayedMax, description: `At most ${replayedMax}.` }),
      },
      resolve: async (_facts, { last }, { world }) => {
        const count = last ?? replayedMax;
        if (count < 1 || count > replayedMax) throw badInput(`last: 1 to ${replayedMax}, not ${count}.`, 'last');
        return world.effects.replay(count);
      },
    }),
  }),
});

builder.queryField('simulateApproval', (t) =>
  t.field({
    type: ApprovalSimulation,
    nullable: false,
    scope: 'approvals:read',
    description: 'Which rule would decide on a request, and why; nothing is asked for.',
    args: { input: t.arg({ type: SimulateApprovalInput, required: true, description: 'The request.' }) },
    resolve: async (_root, { input }, { world: { db } }): Promise<ApprovalFacts> => {
      const { apiKeyId: id, agentId } = input;
      // What is misspelt would look like a request that no rule speaks of.
      if (id && (await db.apiKey.count({ where: { id } })) === 0) throw notFound('API key');
      if (agentId && (await db.agent.count({ where: { id: agentId } })) === 0) throw notFound('agent');
      return factsOf(input);
    },
  }),
);

interface Simulated {
  readonly act?: ApprovalFacts['act'] | null | undefined;
  readonly kind: string;
  readonly principalKind: ApprovalFacts['principalKind'];
  readonly apiKeyId?: string | null | undefined;
  readonly agentId?: string | null | undefined;
  readonly credits?: number | null | undefined;
  readonly recipients?: number | null | undefined;
  readonly isFirstContact?: boolean | null | undefined;
  readonly channel?: string | null | undefined;
}

const factsOf = (input: Simulated): ApprovalFacts => ({
  act: input.act ?? 'EFFECT',
  kind: input.kind,
  principalKind: input.principalKind,
  apiKeyId: input.apiKeyId ?? null,
  agentId: input.agentId ?? null,
  credits: input.credits ?? 0,
  recipients: input.recipients ?? 1,
  isFirstContact: input.isFirstContact ?? false,
  channel: input.channel ?? null,
});
