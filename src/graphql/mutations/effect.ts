// `t.effect`: a mutation that asks for something to leave. It prepares a payload and hands it to the sallyport, in one
// transaction with the idempotency key; whether and when it leaves is decided and done elsewhere. There is no `resolve`,
// so that no mutation can act on the world by itself.
import type { FieldMap, InputFieldMap, SchemaTypes } from '@pothos/core';
import { getRefFromModel } from '@pothos/plugin-prisma';
import type { Inside, Services } from '../../context.js';
import type { EffectKind, Foreseen } from '../../effects/effect-kind.js';
import type { Effect } from '../../effects/effect-port.js';
import type { World } from '../../effects/world.js';
import { conflict, notFound } from '../../platform/errors.js';
import { newId } from '../../platform/ids.js';
import type { Builder, Types } from '../builder-types.js';
import type { FieldAccessDeclaration } from '../guard-plugin/declaration.js';
import type { IsOpen } from '../guard-plugin/field-rule.js';
import {
  type AnyInput,
  type InputBuilder,
  type InputShape,
  type MaybePromise,
  type MutationBuilder,
  mutationField,
  type PayloadRef,
  payloadSentence,
  splitKey,
  transactFor,
  typeDeclaration,
} from './mutation-field.js';

/** What an effect mutation's payload fields are read from: the effect, and what was frozen for it. */
export interface Proposed<Sealed> {
  readonly effect: Effect;
  readonly payload: Sealed;
}

export interface EffectMutationOptions<
  Types extends SchemaTypes,
  Input extends InputFieldMap,
  Sealed,
  Extra extends FieldMap,
> extends FieldAccessDeclaration {
  description: string;
  effect: EffectKind<Sealed>;
  /** `idempotencyKey` is added by itself. */
  input?: (t: InputBuilder<Types>) => Input;
  /** Fields beside `effect` and `status`. */
  payload?: (p: PothosSchemaTypes.ObjectFieldBuilder<Types, Proposed<Sealed>>) => Extra;
  /** Judges the input before anything runs: what it throws is answered with HTTP 400. */
  judgeInput?: (input: InputShape<Input>) => void;
  /** All that the recipient will see, frozen. In the mutation's transaction; `effectId` names the effect that will carry it. */
  prepare: (input: InputShape<Input>, services: Services, world: World, effectId: string) => MaybePromise<Sealed>;
  /**
   * What rules and the price book would see, by reads alone; null where the ids name nothing here. Left out: nobody is told
   * beforehand. The input may lack what is required: `isOpen` says which values are not known yet.
   */
  foresee?: (
    input: Partial<InputShape<Input>>,
    isOpen: IsOpen,
    services: Services,
    world: World,
  ) => MaybePromise<Foreseen | null>;
  resolve?: never;
  action?: never;
}

type AnyOptions = EffectMutationOptions<SchemaTypes, InputFieldMap, unknown, FieldMap>;

export const defineEffectMutation = (t: MutationBuilder, options: AnyOptions) => {
  const { effect, judgeInput, foresee } = options;
  if ('resolve' in options) throw new Error(`The effect ${effect.kind} has a resolve: it may only prepare.`);
  return mutationField(t, {
    description: options.description,
    declared: options,
    facts: {
      effect: { kind: effect.kind, spends: effect.spends },
      isBound: true,
      ...('action' in options ? { action: String(options.action) } : {}),
      ...(judgeInput === undefined ? {} : { judgeInput: (input) => judgeInput(input as never) }),
      ...(foresee === undefined
        ? {}
        : { foresee: async (input, isOpen, { services, world }) => foresee(input as never, isOpen, services, world) }),
    },
    input: options.input?.(t.input as never) ?? {},
    offersIdempotencyKey: true,
    definePayload: (ref, mutation) => defineEffectPayload(t.builder, ref, mutation, options),
    run: (input, context, info) =>
      transactFor(context, info, input, (inside) => ask(options, info.fieldName, input, inside)),
  });
};

const ask = async (
  { effect: kind, prepare }: AnyOptions,
  mutation: string,
  input: AnyInput,
  { world, services }: Inside,
): Promise<Proposed<unknown>> => {
  const { asked, idempotencyKey } = splitKey(input);
  const effectId = newId('eff', world.clock);
  if (idempotencyKey !== null) {
    const wire: unknown = JSON.parse(JSON.stringify(asked));
    const claim = await world.effects.claim({ mutation, input: wire, idempotencyKey, subjectId: effectId });
    if (!claim.first) return first(kind, claim.subjectId, world);
  }
  const payload = await prepare(asked as never, services, world, effectId);
  return { effect: await world.effects.propose(kind, payload, { effectId }), payload };
};

const first = async (kind: EffectKind<unknown>, effectId: string, world: World): Promise<Proposed<unknown>> => {
  const effect = await world.effects.find(effectId);
  if (effect === null) throw notFound('effect');
  const payload = await world.effects.payloadOf(effect);
  if (payload === null) throw conflict('The person whom the first call concerned was erased since.');
  return { effect, payload: kind.payload.parse(payload) };
};

const defineEffectPayload = (builder: Builder, ref: PayloadRef, mutation: string, options: AnyOptions): void => {
  builder.objectType(ref, {
    description: payloadSentence(mutation),
    ...typeDeclaration(options),
    fields: (t: PothosSchemaTypes.ObjectFieldBuilder<Types, Proposed<unknown>>) => ({
      effect: t.field({
        type: getRefFromModel('Effect', builder),
        nullable: false,
        authenticated: true,
        own: true,
        description: 'What was asked for: where it stands, what it costs, who decides.',
        resolve: ({ effect }) => effect,
      }),
      status: t.field({
        type: 'EffectStatus' as never,
        nullable: false,
        description: 'Where the effect stands at the moment of this answer.',
        resolve: ({ effect }) => effect.status as never,
      }),
      ...options.payload?.(t as never),
    }),
  } as never);
};
