// `t.action`: a mutation that stays in our database. One transaction holds its rows, audit entries and events; a rule may
// hold it instead, and then nothing has changed but an effect that waits. What a held action will do is kept in the
// registry under the action's name, so that a job performs it by the same code once it is approved.
import type { InputFieldMap, SchemaTypes, ShapeFromTypeParam, TypeParam } from '@pothos/core';
import { getRefFromModel } from '@pothos/plugin-prisma';
import { coerceInputValue, type GraphQLInputType } from 'graphql';
import type { Inside, Services } from '../../context.js';
import type { Effect } from '../../effects/effect-port.js';
import type { World } from '../../effects/world.js';
import { badInput, conflict } from '../../platform/errors.js';
import { type IdPrefix, newId, type TypeId } from '../../platform/ids.js';
import type { Builder, Types } from '../builder-types.js';
import { declarationOf, type FieldAccessDeclaration } from '../guard-plugin/declaration.js';
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
} from './mutation-field.js';

/** One field of an action's payload: its type, and what `resolve` must give it. */
export interface PayloadField<Shape> {
  readonly options: PayloadFieldOptions;
  /** Never set: carries the type of the value. */
  readonly shape?: Shape;
}
interface PayloadFieldOptions {
  readonly type: unknown;
  readonly description: string;
}
export type PayloadFields = Readonly<Record<string, PayloadField<unknown>>>;

/** What an action's `resolve` returns: one value per field of its payload. */
export type PayloadResult<Payload> = {
  readonly [Name in keyof Payload]: Payload[Name] extends PayloadField<infer Shape> ? Shape : never;
};

/** Every field of a payload is nullable: a held action answers with its effect alone. */
export interface PayloadBuilder<Types extends SchemaTypes> {
  field<const Type extends TypeParam<Types>>(
    options: FieldAccessDeclaration & { readonly type: Type; readonly description: string },
  ): PayloadField<ShapeFromTypeParam<Types, Type, true>>;
  string(options: FieldAccessDeclaration & { readonly description: string }): PayloadField<string | null | undefined>;
  id(options: FieldAccessDeclaration & { readonly description: string }): PayloadField<string | null | undefined>;
  int(options: FieldAccessDeclaration & { readonly description: string }): PayloadField<number | null | undefined>;
  boolean(options: FieldAccessDeclaration & { readonly description: string }): PayloadField<boolean | null | undefined>;
  stringList(
    options: FieldAccessDeclaration & { readonly description: string },
  ): PayloadField<readonly string[] | null | undefined>;
}

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
  /** With `creates`: offers `idempotencyKey`. Finds what the first call made; null when it is not there. */
  repeat?: (subjectId: string, services: Services) => MaybePromise<PayloadResult<Payload> | null>;
  /** The payload shows a secret once: no idempotency key, and nobody but its requester performs it. */
  showsSecret?: boolean;
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

/** What performs an action that a rule held, once it is approved. */
export interface HeldAction {
  readonly mutation: string;
  readonly showsSecret: boolean;
  /**
   * In the transaction of `inside`, whose principal is the requester's.
   * @throws BAD_USER_INPUT when the stored input no longer fits the schema, or what the action itself refuses.
   */
  run(input: unknown, inside: Inside): Promise<unknown>;
}
export type ActionRegistry = ReadonlyMap<string, HeldAction>;

interface RegisteredAction extends HeldAction {
  inputType: GraphQLInputType | null;
}
const registries = new WeakMap<object, Map<string, RegisteredAction>>();

export const actionsOf = (builder: object): Map<string, RegisteredAction> => {
  const registry = registries.get(builder) ?? new Map<string, RegisteredAction>();
  registries.set(builder, registry);
  return registry;
};

type AnyOptions = ActionOptions<SchemaTypes, InputFieldMap, PayloadFields, IdPrefix>;

interface ActionAnswer {
  readonly effect: Effect | null;
  readonly result: Readonly<Record<string, unknown>> | null;
}

export const defineAction = (t: MutationBuilder, options: AnyOptions) => {
  const { action, judgeInput, repeat, showsSecret = false } = options;
  const payload = options.payload?.(payloadBuilder) ?? {};
  return mutationField(t, {
    description: options.description,
    declared: options,
    facts: {
      action,
      ...('effect' in options ? { effect: { kind: String(options.effect), spends: false } } : {}),
      ...(judgeInput === undefined ? {} : { judgeInput: (input) => judgeInput(input as never) }),
    },
    input: options.input?.(t.input as never) ?? {},
    offersIdempotencyKey: repeat !== undefined && !showsSecret,
    definePayload: (ref, mutation) => {
      defineActionPayload(t.builder, ref, mutation, options, payload);
      registerAction(t.builder, mutation, options);
    },
    run: (input, context, info) =>
      transactFor(context, info, input, (inside) => runAction(options, info.fieldName, input, inside)),
  });
};

const runAction = async (
  options: AnyOptions,
  mutation: string,
  input: AnyInput,
  { world, services }: Inside,
): Promise<ActionAnswer> => {
  const { asked, idempotencyKey } = splitKey(input);
  const wire = onTheWire(asked);
  const subjectId = options.creates === undefined ? null : newId(options.creates, world.clock);
  if (idempotencyKey !== null && subjectId !== null) {
    const claim = await world.effects.claim({ mutation, input: wire, idempotencyKey, subjectId });
    if (!claim.first) return repeatAction(options, claim.subjectId, { world, services });
  }
  const held = await world.effects.holdAction(options.action, subjectId === null ? wire : { ...wire, subjectId });
  if (held !== null) return { effect: held, result: null };
  return { effect: null, result: await options.resolve(asked as never, services, world, subjectId as never) };
};

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

/** As JSON: what is hashed, sealed and stored of an input. Times become text. */
const onTheWire = (input: AnyInput): AnyInput => JSON.parse(JSON.stringify(input));

const registerAction = (builder: Builder, mutation: string, options: AnyOptions): void => {
  const registry = actionsOf(builder);
  const known = registry.get(options.action);
  if (known !== undefined && known.mutation !== mutation) {
    throw new Error(`The action ${options.action} is both ${known.mutation} and ${mutation}.`);
  }
  const entry: RegisteredAction = {
    mutation,
    showsSecret: options.showsSecret === true,
    inputType: null,
    run: async (stored, { world, services }) => {
      const { subjectId, ...wire } = stored as AnyInput;
      const input = options.creates === undefined ? (stored as AnyInput) : wire;
      return options.resolve(readStored(input, entry) as never, services, world, subjectId as never);
    },
  };
  registry.set(options.action, entry);
};

const readStored = (input: AnyInput, { inputType, mutation }: RegisteredAction): unknown =>
  inputType === null
    ? input
    : coerceInputValue(input, inputType, (path, _value, error) => {
        throw badInput(`What was held no longer fits ${mutation}: ${error.message}`, ['input', ...path].join('.'));
      });

/** Called when the schema is built: a stored input is read back by the mutation's own input type. */
export const bindActions = (builder: object, inputTypeOf: (mutation: string) => GraphQLInputType | null): void => {
  for (const entry of actionsOf(builder).values()) entry.inputType = inputTypeOf(entry.mutation);
};

const payloadField = (options: PayloadFieldOptions): PayloadField<never> => ({ options });
const payloadBuilder = {
  field: payloadField,
  string: (options: object) => payloadField({ ...options, type: 'String' } as PayloadFieldOptions),
  id: (options: object) => payloadField({ ...options, type: 'ID' } as PayloadFieldOptions),
  int: (options: object) => payloadField({ ...options, type: 'Int' } as PayloadFieldOptions),
  boolean: (options: object) => payloadField({ ...options, type: 'Boolean' } as PayloadFieldOptions),
  stringList: (options: object) => payloadField({ ...options, type: ['String'] } as PayloadFieldOptions),
} as unknown as PayloadBuilder<SchemaTypes>;

const defineActionPayload = (
  builder: Builder,
  ref: PayloadRef,
  mutation: string,
  options: AnyOptions,
  payload: PayloadFields,
): void => {
  builder.objectType(ref, {
    description: payloadSentence(mutation),
    ...typeDeclaration(options),
    fields: (t: PothosSchemaTypes.ObjectFieldBuilder<Types, ActionAnswer>) => ({
      effect: t.field({
        type: getRefFromModel('Effect', builder),
        nullable: true,
        authenticated: true,
        own: true,
        description: 'What waits for a decision, where a rule holds the action; then nothing else has changed.',
        resolve: ({ effect }) => effect,
      }),
      ...Object.fromEntries(
        Object.entries(payload).map(([name, { options: of }]) => [
          name,
          t.field({
            ...of,
            nullable: true,
            resolve: (answer: unknown) => (answer as ActionAnswer).result?.[name] ?? null,
          } as never),
        ]),
      ),
    }),
  } as never);
};

/** A payload's fields take what the mutation takes, whatever an argument narrowed. */
export const typeDeclaration = (options: FieldAccessDeclaration) => {
  const { scope, role, authenticated } = declarationOf(options);
  return { scope, role, authenticated, public: options.public };
};
