// What performs an action that a rule held, once somebody agreed: the same code that would have run at once, with the
// stored input read back by the mutation's own input type. Jobs reach it through app.ts, never through GraphQL.
import { coerceInputValue, type GraphQLInputType } from 'graphql';
import type { Inside } from '../../context.js';
import { badInput } from '../../platform/errors.js';
import type { AnyInput } from './mutation-field.js';

/** What performs an action that a rule held, once it is approved. */
export interface HeldAction {
  readonly mutation: string;
  readonly showsSecret: boolean;
  /** Why its transaction is the owner's; null: it is the workspace's. */
  readonly asSystem: string | null;
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

interface Registration {
  readonly action: string;
  readonly mutation: string;
  readonly showsSecret: boolean;
  readonly asSystem: string | null;
  /** Whether the stored input names the id to make the object under. */
  readonly creates: boolean;
  readonly perform: (input: unknown, inside: Inside, subjectId: unknown) => Promise<unknown>;
}

export const registerAction = (builder: object, registration: Registration): void => {
  const { action, mutation, showsSecret, asSystem, creates, perform } = registration;
  const registry = actionsOf(builder);
  const known = registry.get(action);
  if (known !== undefined && known.mutation !== mutation) {
    throw new Error(`The action ${action} is both ${known.mutation} and ${mutation}.`);
  }
  const entry: RegisteredAction = {
    mutation,
    showsSecret,
    asSystem,
    inputType: null,
    run: async (stored, inside) => {
      const { subjectId, ...rest } = stored as AnyInput;
      const input = creates ? rest : (stored as AnyInput);
      return perform(readStored(input, entry), inside, subjectId);
    },
  };
  registry.set(action, entry);
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
