import { builder } from '../../graphql/builder.js';
import { Effect } from './approvals.schema.js';
import { EffectPause } from './effects.schema.js';

const SettledStatus = builder.enumType('SettledStatus', {
  description: 'What became of something uncertain.',
  values: {
    SUCCEEDED: { value: 'SUCCEEDED', description: 'It happened; its credits are charged.' },
    FAILED: { value: 'FAILED', description: 'It did not happen; its credits are released.' },
  } as const,
});

const DecisionInput = builder.inputType('EffectDecisionInput', {
  description: 'One effect to agree to.',
  fields: (t) => ({
    effectId: t.id({ required: true, description: 'The effect.' }),
    seal: t.string({ required: true, description: 'The seal that was read with it.' }),
    comment: t.string({ required: false, description: 'At most 2,000 characters.' }),
  }),
});

const RejectionInput = builder.inputType('EffectRejectionInput', {
  description: 'One effect to refuse.',
  fields: (t) => ({
    effectId: t.id({ required: true, description: 'The effect.' }),
    reason: t.string({ required: false, description: 'What the requester is told.' }),
  }),
});

builder.mutationFields((t) => ({
  approveEffects: t.action({
    description:
      'Agree to several effects at once; each is judged by itself, and one that is refused holds up no other.',
    role: 'ADMIN',
    action: 'effects.approve',
    fresh: true,
    input: (i) => ({
      decisions: i.field({ type: [DecisionInput], required: true, description: 'At most 100, each with its seal.' }),
    }),
    payload: (p) => ({
      results: p.field({ type: [DecisionResult], role: 'ADMIN', description: 'What came of each, in their order.' }),
    }),
    resolve: async ({ decisions }, _services, { effects }) => ({
      results: await effects.decideEach(decisions, (decision) => effects.approve(decision)),
    }),
  }),

  rejectEffects: t.action({
    description: 'Refuse several effects at once; each is judged by itself.',
    role: 'ADMIN',
    action: 'effects.reject',
    input: (i) => ({
      rejections: i.field({ type: [RejectionInput], required: true, description: 'At most 100.' }),
    }),
    payload: (p) => ({
      results: p.field({ type: [DecisionResult], role: 'ADMIN', description: 'What came of each, in their order.' }),
    }),
    resolve: async ({ rejections }, _services, { effects }) => ({
      results: await effects.decideEach(rejections, (rejection) => effects.reject(rejection)),
    }),
  }),

  amendEffect: t.action({
    description:
      'Change what a waiting request would do: it is cancelled, and a new one asks in the name of the same requester. Whoever amends does not decide on it.',
    role: 'ADMIN',
    action: 'effect.amend',
    input: (i) => ({
      effectId: i.id({ required: true, description: 'The effect that waits.' }),
      changes: i.field({
        type: 'JSON',
        required: true,
        description: 'The fields to change; of a `message.send`: `subject` and `body`.',
      }),
      comment: i.string({ required: false, description: 'At most 2,000 characters, kept in the audit trail.' }),
    }),
    payload: (p) => ({
      effect: p.field({ type: Effect, authenticated: true, description: 'The new effect; `amends` names the old.' }),
    }),
    resolve: async ({ changes, ...input }, _services, world) => ({
      effect: await world.effects.amend({ ...input, changes }),
    }),
  }),

  settleEffect: t.action({
    description: 'Say what became of an UNCERTAIN effect, after a look at the provider. Nothing is sent again.',
    role: 'ADMIN',
    action: 'effect.settle',
    input: (i) => ({
      effectId: i.id({ required: true, description: 'The effect that is UNCERTAIN.' }),
      status: i.field({ type: SettledStatus, required: true, description: 'What became of it.' }),
      comment: i.string({ required: false, description: 'How it was found out; at most 2,000 characters.' }),
    }),
    payload: (p) => ({
      effect: p.field({ type: Effect, authenticated: true, description: 'The effect as it is now.' }),
    }),
    resolve: async (input, _services, world) => ({ effect: await world.effects.settle(input) }),
  }),

  pauseEffects: t.action({
    description: 'Hold what is queued and what will be: all of the workspace, or of one key, agent or kind.',
    role: 'ADMIN',
    action: 'effects.pause',
    input: (i) => ({
      apiKeyId: i.id({ required: false, description: 'Only what this key asked for.' }),
      agentId: i.id({ required: false, description: 'Only what goes through this agent.' }),
      kind: i.string({ required: false, description: 'Only effects of this kind.' }),
      reason: i.string({ required: false, description: 'For colleagues; at most 2,000 characters.' }),
    }),
    payload: (p) => ({ pause: p.field({ type: EffectPause, role: 'ADMIN', description: 'The pause.' }) }),
    resolve: async (input, _services, world) => ({ pause: await world.effects.pause(input) }),
  }),

  resumeEffects: t.action({
    description: 'Take a pause away; what it held goes on, unless another pause holds it.',
    role: 'ADMIN',
    action: 'effects.resume',
    input: (i) => ({ pauseId: i.id({ required: true, description: 'The pause.' }) }),
    payload: (p) => ({ resumedId: p.id({ description: 'The pause that is gone.' }) }),
    resolve: async ({ pauseId }, _services, world) => ({ resumedId: (await world.effects.resume(pauseId)).id }),
  }),
}));

interface Decided {
  readonly effectId: string;
  readonly effect: { readonly id: string } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

const DecisionError = builder.objectRef<NonNullable<Decided['error']>>('EffectDecisionError').implement({
  description: 'Why a decision was refused; the effect is as it was.',
  role: 'ADMIN',
  fields: (t) => ({
    code: t.exposeString('code', { nullable: false, description: 'The code of the refusal.' }),
    message: t.exposeString('message', { nullable: false, description: 'Its cause and remedy.' }),
  }),
});

const DecisionResult = builder.objectRef<Decided>('EffectDecisionResult').implement({
  description: 'What came of one of several decisions.',
  role: 'ADMIN',
  fields: (t) => ({
    effectId: t.exposeID('effectId', { nullable: false, description: 'The effect that was named.' }),
    effect: t.field({
      type: Effect,
      nullable: true,
      description: 'The effect as it is now; null when the decision was refused.',
      resolve: ({ effect }) => effect as never,
    }),
    error: t.field({
      type: DecisionError,
      nullable: true,
      description: 'Why it was refused; null when it was not.',
      resolve: ({ error }) => error,
    }),
  }),
});
