import type { Context } from '../../context.js';
import type { Effect as EffectRow } from '../../generated/prisma/client.js';
import { actorFrom, personFrom } from '../../graphql/actor.js';
import { builder } from '../../graphql/builder.js';
import { computedFrom, partOf } from '../../graphql/computed.js';
import { EffectStatusType, PrincipalKindType } from '../../graphql/enums.js';
import { defineList } from '../../graphql/list.js';
import { batch } from '../../graphql/list-rows.js';
import { byIdField } from '../../graphql/node-fields.js';
import { scopesShowing } from '../../graphql/own-rows.js';
import { notFound } from '../../platform/errors.js';

interface RuleVerdict {
  readonly id: string;
  readonly version: number;
  readonly requirement: string;
  readonly approvers: readonly string[];
  readonly atCap?: string;
  readonly reason: string;
}

interface Failure {
  readonly code: string;
  readonly message: string;
}

export const EffectRule = builder.objectRef<RuleVerdict>('EffectRule').implement({
  description: 'The rule that decided who must agree, as it was when the effect was asked for.',
  authenticated: true,
  fields: (t) => ({
    id: t.exposeString('id', { nullable: false, description: 'Names the rule within its workspace.' }),
    version: t.exposeInt('version', { nullable: false, description: 'Grows with each change of the rule.' }),
    requirement: t.exposeString('requirement', {
      nullable: false,
      description: 'NONE, CONFIRM (by the requester itself), ONE or TWO people.',
    }),
    approvers: t.exposeStringList('approvers', { nullable: false, description: 'The roles that may decide.' }),
    atCap: t.string({
      nullable: false,
      description: 'REFUSE or PARK: what happens where a spend cap leaves no room.',
      ...partOf(({ atCap }: RuleVerdict) => atCap ?? 'REFUSE'),
    }),
    reason: t.exposeString('reason', { nullable: false, description: 'Why the rule asks for it.' }),
  }),
});

const EffectFailure = builder.objectRef<Failure>('EffectFailure').implement({
  description: 'Why an effect did not leave.',
  authenticated: true,
  fields: (t) => ({
    code: t.exposeString('code', { nullable: false, description: 'The code of the refusal or failure.' }),
    message: t.exposeString('message', { nullable: false, description: 'Its cause in one sentence.' }),
  }),
});

const DecisionVerdict = builder.enumType('DecisionVerdict', {
  description: 'What a person said to an effect.',
  values: {
    APPROVED: { value: 'APPROVED', description: 'Yes, to exactly what was sealed.' },
    REJECTED: { value: 'REJECTED', description: 'No.' },
  } as const,
});

const EffectDecision = builder.prismaObject('EffectDecision', {
  description: "One person's yes or no.",
  authenticated: true,
  fields: (t) => ({
    id: t.exposeID('id', { nullable: false, description: 'Names the decision; starts with `apr_`.' }),
    verdict: t.expose('verdict', { type: DecisionVerdict, nullable: false, description: 'Yes or no.' }),
    seal: t.exposeString('seal', { nullable: false, description: 'The seal of what the person saw.' }),
    comment: t.exposeString('comment', { nullable: true, description: 'What the person said about it.' }),
    decidedBy: t.field({ ...personFrom('userId'), description: 'Who decided.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false }),
  }),
});

const decisions = defineList(builder, EffectDecision, {
  model: 'EffectDecision',
  filters: {},
  orders: { CREATED_AT: { field: 'createdAt', cast: 'timestamptz', description: 'When it was decided.' } },
  defaultOrder: { field: 'CREATED_AT', direction: 'ASC' },
});

const fromEffect = computedFrom<EffectRow>();

export const Effect = builder.nodeType('Effect', {
  prefix: 'eff',
  own: true,
  description: 'Something that wants to leave, spend or cannot be taken back: frozen, sealed, decided, performed once.',
  fields: (t) => ({
    kind: t.exposeString('kind', { nullable: false, description: 'What is to be done, for example `message.send`.' }),
    status: t.expose('status', { type: EffectStatusType, nullable: false, description: 'Where it stands.' }),
    requestedBy: t.field({ ...actorFrom(), description: 'Who asked.' }),
    price: t.exposeInt('priceCredits', {
      nullable: false,
      description: 'What it costs, in whole credits; reserved until it ends.',
    }),
    isSandbox: t.exposeBoolean('isSandbox', {
      nullable: false,
      description: 'Whether it only rehearses: it is captured, and nothing is charged.',
    }),
    charged: t.exposeInt('chargedCredits', { nullable: false, description: 'What was charged, in whole credits.' }),
    seal: t.exposeString('seal', {
      nullable: false,
      description: 'SHA-256 over kind, payload, workspace, requester, price and rule; whoever decides names it.',
    }),
    payload: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'All that the recipient or provider will see; this and nothing else is performed. Null once the person it concerns was erased; null with an error where what is stored cannot be read.',
      resolve: (effect, _args, context) => payloadsOf(context).load(effect),
    }),
    rule: t.field({
      type: EffectRule,
      nullable: false,
      description: 'The rule that decided who must agree.',
      ...fromEffect(['rule'], ({ rule }) => rule as unknown as RuleVerdict),
    }),
    approvalsNeeded: t.exposeInt('approvalsNeeded', { nullable: false, description: 'How many people must agree.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', nullable: true, description: 'Until when it may wait.' }),
    result: t.expose('result', {
      type: 'JSON',
      nullable: true,
      description:
        'What came of it; `captured: true` where no provider is connected and nothing left. Null once the person it concerns was erased.',
    }),
    failure: t.field({
      type: EffectFailure,
      nullable: true,
      description: 'Why it did not leave; null unless it was refused or failed.',
      ...fromEffect(['failure'], ({ failure }) => failure as unknown as Failure | null),
    }),
    amends: t.relation('amends', {
      scope: 'approvals:read',
      nullable: true,
      description: 'The effect that this one replaces.',
    }),
    decisions: decisions.field(t, {
      authenticated: true,
      description: 'What people said to it, the first first.',
      parentField: 'effectId',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', nullable: false }),
  }),
});

const payloadsOf = (context: Context) =>
  batch<EffectRow, unknown>(context, 'effect payloads', (effects) => context.world.effects.payloadsOf(effects));

const effects = defineList(builder, Effect, {
  model: 'Effect',
  filters: {
    status: {
      op: 'in',
      field: 'status',
      type: [EffectStatusType],
      description: 'Only effects in one of these states.',
    },
    kind: { op: 'equals', field: 'kind', type: 'String', description: 'Only effects of this kind.' },
    requesterKind: {
      op: 'in',
      field: 'actorKind',
      type: [PrincipalKindType],
      description: 'Only what these kinds of credentials asked for.',
    },
    agentId: { op: 'equals', field: 'agentId', type: 'ID', description: 'Only effects of this agent.' },
  },
  orders: { CREATED_AT: { field: 'createdAt', cast: 'timestamptz', description: 'When it was asked for.' } },
  defaultOrder: { field: 'CREATED_AT', direction: 'DESC' },
});

builder.queryFields((t) => ({
  effect: byIdField(t, Effect, {
    authenticated: true,
    own: true,
    description: 'An effect by its id: an own request, or with `approvals:read` any.',
  }),
  effects: effects.field(t, {
    scope: 'approvals:read',
    description: 'What was asked for in this workspace; what waits for a decision is `status: [AWAITING_APPROVAL]`.',
  }),
  myEffects: effects.field(t, {
    authenticated: true,
    own: true,
    description: 'What this credential asked for.',
    onlyOwn: { field: 'actorId' },
    without: ['requesterKind'],
  }),
}));

const statuses = [
  'awaiting_approval',
  'queued',
  'performing',
  'succeeded',
  'failed',
  'uncertain',
  'rejected',
  'expired',
  'cancelled',
] as const;
const effectEvents = statuses.map((status) => `effect.${status}` as const);

builder.subscriptionField('effectUpdated', (t) =>
  t.field({
    type: Effect,
    nullable: true,
    authenticated: true,
    own: true,
    description:
      'An effect each time its status changes: of own requests, or with `approvals:read` of any. With an id its present state comes first.',
    args: { id: t.arg.id({ required: false, description: 'Only this effect; left out: all that may be read.' }) },
    subscribe: (_root, { id }, context) => effectChanges(context, id ?? null),
    resolve: (effect, _args, { world, useScopes }) => {
      useScopes(scopesShowing('Effect', world.principal, [effect]));
      return effect;
    },
  }),
);

/** By hand, not a generator: that could not be closed while it waits for the next change, which may never come. */
function effectChanges({ world, listen }: Context, id: string | null): AsyncIterableIterator<EffectRow> {
  const { effects } = world;
  const changes = listen(effectEvents, id ?? undefined)[Symbol.asyncIterator]();
  let isFirst = true;
  const end = async () => {
    await changes.return?.();
    return { done: true, value: undefined } as const;
  };
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      if (isFirst && id !== null) {
        isFirst = false;
        // Read after listening has begun, so that no change falls between the two.
        const now = await effects.find(id);
        if (now !== null) return { done: false, value: now };
        await end();
        throw notFound('effect');
      }
      for (let change = await changes.next(); change.done !== true; change = await changes.next()) {
        const effect = await effects.find(change.value);
        if (effect !== null) return { done: false, value: effect };
      }
      return end();
    },
    return: end,
  };
}
