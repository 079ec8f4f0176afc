// The fields through which operations are planned and performed, and the types they answer with.
import type { RuleVerdict } from '../../effects/approval-policy.js';
import type { Effect } from '../../effects/effect-port.js';
import type { Change, Happening } from '../../effects/outcome.js';
import { ruleOf } from '../../effects/stored-effect.js';
import type { Builder } from '../builder-types.js';
import { requireObject } from '../explain/read-document.js';
import {
  type MutationBuilder,
  mutationField,
  type PayloadRef,
  payloadSentence,
  transactFor,
} from '../mutations/mutation-field.js';
import { type Performed, performPlan } from './perform-plan.js';
import { type OperationPlan, PERFORMING, PLAN_MINUTES, PLANS_MAX, planOperation } from './plan-operation.js';

// Named, since they belong to what stands above: a type of another module, by its name.
const EFFECT_STATUS = 'EffectStatus' as never;
const EFFECT_RULE = 'EffectRule' as never;

export const definePlans = (builder: Builder): void => {
  const ChangeType = defineChangeType(builder);
  const Plan = definePlanType(builder, ChangeType);
  builder.queryField('planOperation', (t) =>
    t.field({
      type: Plan,
      nullable: true,
      authenticated: true,
      description:
        'What a mutation would come to: it is run in a transaction that is taken back, and is judged as itself. ' +
        `Nothing is kept; \`performPlan\` does exactly that. At most ${PLANS_MAX} in one request.`,
      args: {
        document: t.arg.string({ required: true, description: 'The mutation in GraphQL, with its fragments.' }),
        variables: t.arg({ type: 'JSON', description: 'Its variables, an object.' }),
        operationName: t.arg.string({ description: 'Which operation, where the document has several.' }),
      },
      resolve: (_root, { document, variables, operationName = null }, context) =>
        planOperation({ document, operationName, variables: requireObject(variables) }, context),
    }),
  );
  builder.mutationField('performPlan', (t) => definePerforming(t as never, builder, ChangeType));
};

const definePerforming = (t: MutationBuilder, builder: Builder, ChangeType: ReturnType<typeof defineChangeType>) =>
  mutationField(t, {
    description:
      'Do exactly what was planned, in one transaction, or nothing: PLAN_DRIFTED where it would come to something else by now, or the plan is too old. What it holds is judged, held and audited as itself; a plan is performed once, and a repeat gets its effects.',
    declared: { authenticated: true },
    facts: { action: PERFORMING, whileSuspended: true },
    input: { planId: t.input.string({ required: true, description: 'As `planOperation` gave it.' }) },
    offersIdempotencyKey: true,
    definePayload: (ref, mutation) => definePerformed(builder, ref, mutation, ChangeType),
    run: ({ planId, idempotencyKey }, context, info) =>
      performPlan(
        { planId: String(planId), idempotencyKey: typeof idempotencyKey === 'string' ? idempotencyKey : null },
        context,
        (run) => transactFor(context, info, {}, run, { asSystem: 'perform what was planned' }),
      ),
  });

const definePerformed = (
  builder: Builder,
  ref: PayloadRef,
  mutation: string,
  ChangeType: ReturnType<typeof defineChangeType>,
): void => {
  const EffectType = builder.modelRef('Effect');
  builder.objectType(ref, {
    description: payloadSentence(mutation),
    authenticated: true,
    fields: (t: PothosSchemaTypes.ObjectFieldBuilder<never, Performed>) => ({
      data: t.field({
        type: 'JSON' as never,
        nullable: true,
        description: 'What the operation answered, a secret that it shows included; null on a repeat.',
        resolve: ({ data }: Performed) => data,
      } as never),
      changes: t.field({
        type: [ChangeType],
        nullable: true,
        description: 'What was changed, as it was planned; null on a repeat.',
        resolve: ({ changes }: Performed) => changes,
      } as never),
      effects: t.field({
        type: [EffectType],
        nullable: false,
        own: true,
        authenticated: true,
        description: 'What was asked for, in order.',
        resolve: ({ effects }: Performed) => effects,
      } as never),
      effect: t.field({
        type: EffectType,
        nullable: true,
        own: true,
        authenticated: true,
        description: 'The first of them.',
        resolve: ({ effects }: Performed) => effects[0] ?? null,
      } as never),
    }),
  } as never);
};

const defineChangeType = (builder: Builder) =>
  builder.objectRef<Change>('PlannedChange').implement({
    description: 'One entry that an operation leaves in the audit trail.',
    authenticated: true,
    fields: (t) => ({
      action: t.exposeString('action', { nullable: false, description: 'What is done: `noun.verb`.' }),
      outcome: t.exposeString('outcome', { nullable: false, description: 'DONE, or HELD where it waits.' }),
      subjectId: t.exposeID('subjectId', {
        nullable: true,
        description: 'What it is done to; null for what comes to be, and where it is about no one object.',
      }),
      isNew: t.exposeBoolean('isNew', { nullable: false, description: 'Whether the object comes to be by it.' }),
      fields: t.stringList({
        nullable: false,
        description: 'The fields that are given or changed, where the action names them.',
        resolve: ({ details: { fields } }) => (Array.isArray(fields) ? fields.map(String) : []),
      }),
      costCredits: t.exposeInt('costCredits', { nullable: true, description: 'What it costs, in whole credits.' }),
      details: t.field({
        type: 'JSON',
        nullable: false as never,
        description: 'What the trail says of it, without personal values, seals and times.',
        resolve: ({ details }) => details as never,
      }),
    }),
  });

const defineEventType = (builder: Builder) =>
  builder.objectRef<Happening>('PlannedEvent').implement({
    description: 'An event that an operation emits.',
    authenticated: true,
    fields: (t) => ({
      type: t.exposeString('type', { nullable: false, description: 'What happens, for example `contact.created`.' }),
      subjectId: t.exposeID('subjectId', {
        nullable: true,
        description: 'What it happens to; null for what comes to be.',
      }),
    }),
  });

const defineEffectType = (builder: Builder) =>
  builder.objectRef<Effect>('PlannedEffect').implement({
    description: 'Something that an operation asks for.',
    authenticated: true,
    fields: (t) => ({
      kind: t.exposeString('kind', { nullable: false, description: 'What is to be done, for example `message.send`.' }),
      status: t.field({
        type: EFFECT_STATUS,
        nullable: false,
        description: 'Where it would stand.',
        resolve: ({ status }) => status as never,
      }),
      price: t.exposeInt('priceCredits', { nullable: false, description: 'What it costs, in whole credits.' }),
      isSandbox: t.exposeBoolean('isSandbox', { nullable: false, description: 'Whether it would only rehearse.' }),
      approvalsNeeded: t.exposeInt('approvalsNeeded', {
        nullable: false,
        description: 'How many people would have to agree.',
      }),
      payload: t.field({
        type: 'JSON',
        nullable: false as never,
        description:
          'All that the recipient or provider would see; ids of what comes to be differ when it is performed.',
        resolve: ({ payload }) => payload as never,
      }),
      rule: t.field({
        type: EFFECT_RULE,
        nullable: false,
        description: 'The rule that would decide.',
        resolve: (effect) => ruleOf(effect) as never,
      }),
    }),
  });

const definePlanType = (builder: Builder, ChangeType: ReturnType<typeof defineChangeType>) => {
  const EffectType = defineEffectType(builder);
  const EventType = defineEventType(builder);
  return builder.objectRef<OperationPlan>('OperationPlan').implement({
    description: 'What a mutation would come to if it were performed now.',
    authenticated: true,
    fields: (t) => ({
      planId: t.exposeString('planId', {
        nullable: false,
        description: `Names the plan for \`performPlan\`, for ${PLAN_MINUTES} minutes and for whoever planned it. It holds the operation, signed; nothing is stored.`,
      }),
      expiresAt: t.expose('expiresAt', { type: 'DateTime', nullable: false, description: 'Until when it is good.' }),
      changes: t.field({
        type: [ChangeType],
        nullable: false,
        description: 'What it would change, in order.',
        resolve: ({ changes }) => [...changes],
      }),
      events: t.field({
        type: [EventType],
        nullable: false,
        description: 'What would be told of it, in order.',
        resolve: ({ events }) => [...events],
      }),
      effects: t.field({
        type: [EffectType],
        nullable: false,
        description: 'What it would ask for, in order.',
        resolve: ({ effects }) => [...effects],
      }),
      price: t.exposeInt('price', { nullable: false, description: 'What all of it costs, in whole credits.' }),
      rule: t.field({
        type: EFFECT_RULE,
        nullable: true,
        description: 'The strictest of the rules that would decide; null where none is asked.',
        resolve: ({ rule }) => rule as RuleVerdict as never,
      }),
    }),
  });
};
