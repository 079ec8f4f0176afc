// The second wall: scope-auth judges each field as it is resolved, by the same rule that preflight judged the whole
// operation by, and refuses on its own when preflight is off or wrong. Everything is decided when the schema is built;
// at run time a field costs one look-up in the request's memo, and nothing is awaited.
import type { Principal } from '../../auth/principal.js';
import { type Access, isAllowed } from './access.js';
import { type BuilderState, type ScopeMap, scopeMapOf } from './builder-state.js';
import { accessesFor, type FieldRule } from './field-rule.js';
import { refusal } from './refusals.js';

interface Asking {
  readonly principal: Principal | null;
}

/** scope-auth's initializer: its only scope is `access`. */
export const authScopes = (context: Asking) => ({
  access: (accesses: readonly Access[]): boolean => accesses.every((access) => isAllowed(access, context.principal)),
});

type FieldScopes = ScopeMap | ((parent: unknown, args: unknown) => ScopeMap);

/** Null for a public field, which then runs unwrapped. */
export const fieldScopes = (rule: FieldRule, state: BuilderState): FieldScopes | null => {
  if (rule.byArgument === null && rule.byIdPrefix === null) {
    return rule.access.kind === 'public' ? null : scopeMapOf(state, [rule.access]);
  }
  return (_parent, args) => scopeMapOf(state, accessesFor(rule, args));
};

/** scope-auth tells which scope map failed; what it held says what was required. */
export const unauthorizedError = (context: Asking, failure: unknown): Error => {
  const refused = requiredIn(failure).find((access) => !isAllowed(access, context.principal));
  return refused === undefined
    ? new Error('A field was refused without a reason.')
    : refusal(refused, context.principal);
};

const requiredIn = (failure: unknown): readonly Access[] => {
  if (typeof failure !== 'object' || failure === null) return [];
  if ('parameter' in failure && Array.isArray(failure.parameter)) return failure.parameter;
  return 'failures' in failure && Array.isArray(failure.failures) ? failure.failures.flatMap(requiredIn) : [];
};
