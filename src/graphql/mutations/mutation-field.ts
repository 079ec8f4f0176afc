// What every mutation has in common, whether it stays or leaves: an input type and a payload type named after it, one
// required `input` argument, and one transaction around what it does.
import type { FieldRef, InputFieldMap, InputShapeFromFields, SchemaTypes } from '@pothos/core';
import type { GraphQLResolveInfo } from 'graphql';
import type { Principal } from '../../auth/principal.js';
import { freshAuthRequired, workspaceSuspended } from '../../auth/refusals.js';
import type { Context, Inside } from '../../context.js';
import type { Builder, Types } from '../builder-types.js';
import { allowedBy } from '../guard-plugin/access.js';
import { declarationOf, type FieldAccessDeclaration } from '../guard-plugin/declaration.js';
import { accessesFor, type MutationFacts, ruleOf } from '../guard-plugin/field-rule.js';

export type InputBuilder<T extends SchemaTypes> = PothosSchemaTypes.InputFieldBuilder<T, 'InputObject'>;
export type InputShape<Input extends InputFieldMap> = InputShapeFromFields<Input>;
export type MaybePromise<T> = T | Promise<T>;

export const IDEMPOTENCY_KEY_MAX = 255;

/** The builder as the implementation sees it; the typed face of `t.action` and `t.effect` is in guard-plugin/global-types.ts. */
export type MutationBuilder = PothosSchemaTypes.MutationFieldBuilder<Types, unknown>;
export type AnyInput = Readonly<Record<string, unknown>>;

export interface MutationFieldRequest {
  readonly description: string;
  readonly declared: FieldAccessDeclaration;
  readonly facts: MutationFacts;
  readonly input: InputFieldMap;
  readonly offersIdempotencyKey: boolean;
  /** Adds the payload's fields; called once the mutation has its name. */
  readonly definePayload: (ref: PayloadRef, mutation: string) => void;
  readonly run: (input: AnyInput, context: Context, info: GraphQLResolveInfo) => Promise<unknown>;
}

export type PayloadRef = ReturnType<Builder['objectRef']>;

export const mutationField = (
  t: MutationBuilder,
  request: MutationFieldRequest,
): FieldRef<Types, unknown, 'Mutation'> => {
  const payload = t.builder.objectRef('MutationPayload');
  const fields = request.offersIdempotencyKey ? { ...request.input, idempotencyKey: idempotencyKey(t) } : request.input;
  const options = {
    ...declarationOf(request.declared),
    description: request.description,
    mutationFacts: request.facts,
    type: payload,
    nullable: true,
    resolve: (_root: unknown, args: { input?: AnyInput }, context: Context, info: GraphQLResolveInfo) => {
      requireMayChange(request.facts, context.principal);
      return request.run(args.input ?? {}, context, info);
    },
  };
  // An input type without fields is not GraphQL: such a mutation takes no argument.
  const field =
    Object.keys(fields).length === 0
      ? t.field(options as never)
      : t.fieldWithInput({ ...options, input: fields, typeOptions: { description: inputSentence } } as never);
  field.onFirstUse((config) => {
    payload.name = `${pascal(config.name)}Payload`;
    request.definePayload(payload, config.name);
  });
  return field as FieldRef<Types, unknown, 'Mutation'>;
};

const idempotencyKey = (t: MutationBuilder) =>
  t.input.string({
    required: false,
    description: `Made up by the caller, at most ${IDEMPOTENCY_KEY_MAX} characters, kept for 7 days: a repeat gets what the first call made.`,
  });

export const pascal = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);

const inputSentence = 'What the mutation of the same name is asked with.';
export const payloadSentence = (mutation: string): string => `What \`${mutation}\` answers.`;

/**
 * What no scope or role says: the workspace is served, and where it asks for that, the person has just proved who it is.
 * @throws UNAUTHENTICATED with SUSPENDED; FORBIDDEN with `reason: FRESH_AUTH_REQUIRED`
 */
const requireMayChange = (facts: MutationFacts, principal: Principal | null): void => {
  if (principal === null) return;
  const { workspaceStatus } = principal;
  if (workspaceStatus !== 'ACTIVE' && facts.whileSuspended !== true) throw workspaceSuspended(workspaceStatus);
  if (facts.fresh === true && principal.needsFreshAuth) throw freshAuthRequired();
};

/** Runs inside the mutation's transaction, under the scope that let the root field pass. */
export const transactFor = <T>(
  context: Context,
  info: GraphQLResolveInfo,
  input: AnyInput,
  run: (inside: Inside) => Promise<T>,
  options: { readonly asSystem?: string | undefined } = {},
): Promise<T> => {
  const field = info.parentType.getFields()[info.fieldName];
  const rule = field === undefined ? null : ruleOf(field);
  const [access] = rule === null ? [] : accessesFor(rule, { input });
  return context.transact(access === undefined ? null : allowedBy(access, context.principal), run, options);
};

/** The input as rules, seals and comparisons see it, and the key that is no part of it. */
export const splitKey = (input: AnyInput): { readonly asked: AnyInput; readonly idempotencyKey: string | null } => {
  const { idempotencyKey: key, ...asked } = input;
  return { asked, idempotencyKey: typeof key === 'string' ? key : null };
};

/** A payload's fields take what the mutation takes, whatever an argument narrowed. */
export const typeDeclaration = (options: FieldAccessDeclaration) => {
  const { scope, role, authenticated } = declarationOf(options);
  return { scope, role, authenticated, public: options.public };
};
