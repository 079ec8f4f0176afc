// The payload of an action: its fields declare what `resolve` must give, so that the two cannot drift apart. All are
// nullable beside `effect`, since an action that a rule holds answers with its effect alone.
import type { SchemaTypes, ShapeFromTypeParam, TypeParam } from '@pothos/core';
import { getRefFromModel } from '@pothos/plugin-prisma';
import type { Effect } from '../../effects/effect-port.js';
import type { Builder, Types } from '../builder-types.js';
import type { FieldAccessDeclaration } from '../guard-plugin/declaration.js';
import { type MaybePromise, type PayloadRef, payloadSentence, typeDeclaration } from './mutation-field.js';

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

/** What an action's `resolve` returns: one value per field of its payload, or the promise of a late one. */
export type PayloadResult<Payload> = {
  readonly [Name in keyof Payload]: Payload[Name] extends PayloadField<infer Shape> ? MaybePromise<Shape> : never;
};

/** Every field of a payload is nullable: a held action answers with its effect alone. */
export interface PayloadBuilder<T extends SchemaTypes> {
  field<const Type extends TypeParam<T>>(
    options: FieldAccessDeclaration & { readonly type: Type; readonly description: string },
  ): PayloadField<ShapeFromTypeParam<T, Type, true>>;
  string(options: FieldAccessDeclaration & { readonly description: string }): PayloadField<string | null | undefined>;
  id(options: FieldAccessDeclaration & { readonly description: string }): PayloadField<string | null | undefined>;
  int(options: FieldAccessDeclaration & { readonly description: string }): PayloadField<number | null | undefined>;
  boolean(options: FieldAccessDeclaration & { readonly description: string }): PayloadField<boolean | null | undefined>;
  stringList(
    options: FieldAccessDeclaration & { readonly description: string },
  ): PayloadField<readonly string[] | null | undefined>;
}

export interface ActionAnswer {
  readonly effect: Effect | null;
  readonly result: Readonly<Record<string, unknown>> | null;
}

const payloadField = (options: PayloadFieldOptions): PayloadField<never> => ({ options });
export const payloadBuilder = {
  field: payloadField,
  string: (options: object) => payloadField({ ...options, type: 'String' } as PayloadFieldOptions),
  id: (options: object) => payloadField({ ...options, type: 'ID' } as PayloadFieldOptions),
  int: (options: object) => payloadField({ ...options, type: 'Int' } as PayloadFieldOptions),
  boolean: (options: object) => payloadField({ ...options, type: 'Boolean' } as PayloadFieldOptions),
  stringList: (options: object) => payloadField({ ...options, type: ['String'] } as PayloadFieldOptions),
} as unknown as PayloadBuilder<SchemaTypes>;

export const defineActionPayload = (
  builder: Builder,
  ref: PayloadRef,
  mutation: string,
  declared: FieldAccessDeclaration,
  payload: PayloadFields,
): void => {
  builder.objectType(ref, {
    description: payloadSentence(mutation),
    ...typeDeclaration(declared),
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
            resolve: (answer: ActionAnswer) => answer.result?.[name] ?? (name === 'effect' ? answer.effect : null),
          } as never),
        ]),
      ),
    }),
  } as never);
};
