// `t.action`: a mutation that stays in our database. One transaction holds its rows, audit entries and events; a rule may
// hold it instead, and then nothing has changed but an effect that waits, and the registry knows how to perform it.
import type { InputFieldMap, SchemaTypes } from '@pothos/core';
import type { Inside, Services } from '../../context.js';
import type { RuleVerdict } from '../../effects/approval-policy.js';
import type { World } from '../../effects/world.js';
import { conflict } from '../../platform/errors.js';
import { type IdPrefix, newId, type TypeId } from '../../platform/ids.js';
import type { FieldAccessDeclaration } from '../guard-plugin/declaration.js';
import {
  type ActionAnswer,
  defineActionPayload,
  type PayloadBuilder,
  type PayloadFields,
  type PayloadResult,
  payloadBuilder,
} from './action-payload.js';
import { registerAction } from './action-registry.js';
import {
  type AnyInput,
  type InputBuilder,
  type InputShape,
  type MaybePromise,
  type MutationBuilder,
  mutationField,
  splitKey,
  transactFor,
} from './mutation-field.js';

export interface ActionOptions<
  Types extends SchemaTypes,
  Input extends InputFieldMap,
  Payload extends PayloadFields,
  Creates extends IdPrefix = never,
> extends FieldAccessDeclaration {
  description: string;
  /** `noun.verb`; the audit entry's name and, when held, the effect's kind. */
  action: string;
  input?: (t: InputBuilder<Types>) => Input;
  /** Nullable fields beside `effect`; they take what the mutation takes. */
  payload?: (p: PayloadBuilder<Types>) => Payload;
  /** The prefix of the object it makes: `resolve` is handed the id to make it under. */
  creates?: Creates;
  /** The one person whom the input tells of: where a rule holds the action, it is stored under that person's key. */
  contact?: (
    input: InputShape<Input>,
    world: World,
    subjectId: [Creates] extends [never] ? never : TypeId<Creates>,
  ) => MaybePromise<string | null>;
  /** With `creates`: offers `idempotencyKey`. Finds what the first call made; null when it is not there. */
  repeat?: (subjectId: string, services: Services) => MaybePromise<PayloadResult<Payload> | null>;
  /** The payload shows a secret once: no idempotency key, and nobody but its requester performs it. */
  showsSecret?: boolean;
  /**
   * Runs the whole transaction as the owner of the tables, for the reason given: what it changes belongs to no workspace.
   * `world.system` is there; `world.db` stays confined by the guard.
   */
  asSystem?: string;
  /** Takes a second factor of the last minutes where the workspace asks for one. */
  fresh?: true;
  /** Also in a workspace that is suspended or deleted. */
  whileSuspended?: true;
  /** Judges the input before anything runs: what it throws is answered with HTTP 400. */
  judgeInput?: (input: InputShape<Input>) => void;
  /** In the mutation's transaction. `subjectId` is there with `creates` only. */
  resolve: (
    input: InputShape<Input>,
    services: Services,
    world: World,
    subjectId: [Creates] extends [never] ? never : TypeId<Creates>,
  ) => MaybePromise<PayloadResult<Payload>>;
  effect?: never;
  prepare?: never;
}

type AnyOptions = ActionOptions<SchemaTypes, InputFieldMap, PayloadFields, IdPrefix>;

export const defineAction = (t: MutationBuilder, options: AnyOptions) => {
  const { action, judgeInput, repeat, showsSecret = false } = options;
  if (repeat !== undefined && options.creates === undefined) {
    throw new Error(`The action ${action} can be repeated but does not say what it creates.`);
  }
  const payload = options.payload?.(payloadBuilder) ?? {};
  return mutationField(t, {
    description: options.description,
    declared: options,
    facts: {
      action,
      ...('effect' in options ? { effect: { kind: String(options.effect), spends: false } } : {}),
      ...(options.asSystem === undefined ? { isBound: true } : {}),
      ...(options.fresh === undefined ? {} : { fresh: options.fresh }),
      ...(options.whileSuspended === undefined ? {} : { whileSuspended: options.whileSuspended }),
      ...(judgeInput === undefined ? {} : { judgeInput: (input) => judgeInput(input as never) }),
    },
    input: { ...options.input?.(t.input as never), ...(showsSecret ? { effectId: effectIdField(t) } : {}) },
    offersIdempotencyKey: repeat !== undefined && !showsSecret,
    definePayload: (ref, mutation) => {
      defineActionPayload(t.builder, ref, mutation, options, payload);
      registerAction(t.builder, {
        action,
        mutation,
        showsSecret,
        creates: options.creates !== undefined,
        asSystem: options.asSystem ?? null,
        perform: async (input, { world, services }, subjectId) => {
          if (showsSecret) throw new Error(`${action} shows a secret: nobody but its requester performs it.`);
          judgeInput?.(input as never);
          return inTime(await options.resolve(input as never, services, world, subjectId as never));
        },
      });
    },
    run: (input, context, info) =>
      transactFor(context, info, input, (inside) => runAction(options, info.fieldName, input, inside), {
        asSystem: options.asSystem,
      }),
  });
};

const runAction = async (
  options: AnyOptions,
  mutation: string,
  input: AnyInput,
  { world, services }: Inside,
): Promise<ActionAnswer> => {
  const { asked, idempotencyKey } = splitKey(input);
  const { effectId, ...again } = asked;
  if (options.showsSecret === true && typeof effectId === 'string') {
    return redeemAction(options, again, effectId, { world, services });
  }
  const wire = onTheWire(options.showsSecret === true ? again : asked);
  const subjectId = options.creates === undefined ? null : newId(options.creates, world.clock);
  if (idempotencyKey !== null && subjectId !== null) {
    const claim = await world.effects.claim({ mutation, input: wire, idempotencyKey, subjectId });
    if (!claim.first) return repeatAction(options, claim.subjectId, { world, services });
  }
  const done = await unlessHeld(world, options.action, () =>
    options.resolve(asked as never, services, world, subjectId as never),
  );
  if (!('rule' in done)) return { effect: null, result: done.result };
  const contactId = (await options.contact?.(asked as never, world, subjectId as never)) ?? null;
  const stored = subjectId === null ? wire : { ...wire, subjectId };
  return { effect: await world.effects.holdAction(options.action, done.rule, stored, contactId), result: null };
};

/**
 * What an action reads first travels with the question for the rules. It writes nothing before they have answered, and
 * nothing at all where one of them holds it. The owner's transaction has ways past `db`: there the rules answer first.
 */
const unlessHeld = async <T>(
  { db, effects, system }: World,
  action: string,
  run: () => MaybePromise<T>,
): Promise<{ readonly result: T } | { readonly rule: RuleVerdict }> => {
  const asking = effects.ruleHolding(action);
  if (system !== null) {
    const rule = await asking;
    return rule === null ? { result: await run() } : { rule };
  }
  db.$onlyReadsUntil(asking.then((rule) => rule === null || Promise.reject(new Error('A rule holds it.'))));
  const [asked, done] = await Promise.allSettled([asking, (async () => run())()]);
  db.$onlyReadsUntil(null);
  if (asked.status === 'rejected') throw asked.reason;
  if (asked.value !== null) return { rule: asked.value };
  if (done.status === 'rejected') throw done.reason;
  return { result: done.value };
};

/** The call as it was approved, made by its requester. */
const redeemAction = async (
  options: AnyOptions,
  asked: AnyInput,
  effectId: string,
  { world, services }: Inside,
): Promise<ActionAnswer> => {
  const { action } = options;
  const { effect, subjectId } = await world.effects.redeem({ action, input: onTheWire(asked), effectId });
  const result = await inTime(await options.resolve(asked as never, services, world, subjectId as never));
  return { effect: await world.effects.settleRedeemed(effect, result), result };
};

const effectIdField = (t: MutationBuilder) =>
  t.input.id({
    required: false,
    description:
      'The effect of this very call, where a rule held it and it has been approved since: makes it, and shows the secret.',
  });

const repeatAction = async (
  options: AnyOptions,
  subjectId: string,
  { world, services }: Inside,
): Promise<ActionAnswer> => {
  const result = (await options.repeat?.(subjectId, services)) ?? null;
  if (result !== null) return { effect: null, result };
  const held = await world.db.effect.findFirst({
    where: { kind: options.action, payload: { path: ['subjectId'], equals: subjectId } },
  });
  if (held !== null) return { effect: held, result: null };
  throw conflict('What the first call with this idempotencyKey made is gone. Repeat the call with another key.');
};

/** With everything there that `$late` would leave to come. */
const inTime = async <T extends Readonly<Record<string, unknown>>>(result: T): Promise<Record<string, unknown>> =>
  Object.fromEntries(await Promise.all(Object.entries(result).map(async ([name, value]) => [name, await value])));

/** As JSON: what is hashed, sealed and stored of an input. Times become text. */
const onTheWire = (input: AnyInput): AnyInput => JSON.parse(JSON.stringify(input));
