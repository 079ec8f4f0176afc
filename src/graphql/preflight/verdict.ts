// From requirements, a principal and the values of the conditions to a verdict on the whole operation. Pure. Allowed, or
// refused with one error per place: a field inside a refused one is told only when it takes something else, and the first
// error's data speaks of all.
import { GraphQLError } from 'graphql';
import type { Principal } from '../../auth/principal.js';
import type { Scope } from '../../guard/scopes.js';
import { CodedError as Coded, type CodedError } from '../../platform/errors.js';
import { type Access, accessText, heldScopes, isAllowed } from '../guard-plugin/access.js';
import { type Held, missingCredential, refusal, refusalData } from '../guard-plugin/refusals.js';
import { holds, type Values } from './conditions.js';
import type { Need, Requirements } from './requirements.js';

export const ERRORS_MAX = 10;

/** Something that a field of the operation takes. */
export interface Demand {
  readonly need: Need;
  readonly access: Access;
}

/** Null: allowed. Else every refused demand, in the order of the document. */
export type Verdict = readonly Demand[] | null;

export const judge = (requirements: Requirements, principal: Principal | null, values: Values): Verdict => {
  const refused = requirements.needs
    .flatMap((need) => demandsOf(need, values))
    .filter(({ access }) => !isAllowed(access, principal));
  return refused.length === 0 ? null : refused;
};

/** What an allowed operation uses of the principal's scopes: of each field's alternatives the first that is held. */
export const scopesUsed = (
  requirements: Requirements,
  principal: Principal | null,
  values: Values,
): readonly Scope[] => {
  const used = new Set<Scope>();
  for (const need of requirements.needs) {
    for (const { access } of demandsOf(need, values)) {
      for (const scope of heldScopes(access, principal)) used.add(scope);
    }
  }
  return [...used];
};

/**
 * What one field takes; nothing when it is not executed. Where a value is not known, `least` is what is taken whatever
 * it turns out to be, and `most` is all that it may bring.
 */
export const demandsOf = (need: Need, values: Values, reading: 'least' | 'most' = 'least'): readonly Demand[] =>
  need.guards.every((guard) => holds(guard, values, reading === 'most'))
    ? accessesOf(need, values, reading).map((access) => ({ need, access }))
    : [];

const accessesOf = (need: Need, values: Values, reading: 'least' | 'most'): readonly Access[] => [
  ...ownAccesses(need, values, reading),
  ...namedAccesses(need, values, reading),
];

/** A case only narrows the field's own access, which is therefore the least it takes. */
const ownAccesses = ({ rule, argument }: Need, values: Values, reading: 'least' | 'most'): readonly Access[] => {
  if (argument === null || rule.byArgument === null) return [rule.access];
  const value = values[argument];
  if (value === null) return reading === 'least' ? [rule.access] : [rule.access, ...rule.byArgument.cases.values()];
  return [rule.byArgument.cases.get(value ?? '') ?? rule.access];
};

const namedAccesses = ({ rule, prefixes }: Need, values: Values, reading: 'least' | 'most'): readonly Access[] => {
  if (prefixes === null || rule.byIdPrefix === null) return [];
  const { nodeTypes } = rule.byIdPrefix;
  const value = values[prefixes];
  if (value === null) return reading === 'least' ? [] : [...nodeTypes.values()].map(({ access }) => access);
  return (value ?? '').split(',').flatMap((prefix) => nodeTypes.get(prefix)?.access ?? []);
};

/** `keys`: a request without a credential may not ask for `__schema` or `__type`. */
export type Introspection = 'open' | 'keys';

export const isIntrospectionClosed = (
  requirements: Requirements,
  principal: Principal | null,
  introspection: Introspection,
): boolean => introspection === 'keys' && principal === null && requirements.introspection.length > 0;

/** At most ten errors; the first tells the requirements of all. */
export const errorsOf = (refused: readonly Demand[], principal: Principal | null): readonly GraphQLError[] =>
  toldApart(refused)
    .slice(0, ERRORS_MAX)
    .map(({ need, access }, place) => {
      const own = refusal(access, principal);
      return atPlace(need, place === 0 && principal !== null ? ofAll(own, refused, principal) : own);
    });

/** A coded error at its place in the document; it stays findable as the original. */
export const atPlace = ({ node, path }: Pick<Need, 'node' | 'path'>, coded: CodedError): GraphQLError =>
  new GraphQLError(coded.message, {
    nodes: node,
    path,
    originalError: coded,
    extensions: { code: coded.code, ...coded.data },
  });

/** What a request without a credential hears of introspection that takes one. */
export const closedIntrospection = (fields: Requirements['introspection']): readonly GraphQLError[] =>
  fields.slice(0, ERRORS_MAX).map((field) => atPlace(field, missingCredential()));

/** Leaves out a field whose parent is refused for the same: granting what the parent takes answers both. */
const toldApart = (refused: readonly Demand[]): readonly Demand[] => {
  const textsOf = new Map<Need, Set<string>>();
  for (const { need, access } of refused) textsOf.set(need, (textsOf.get(need) ?? new Set()).add(accessText(access)));
  const told = new Set<string>();
  return refused.filter(({ need, access }) => {
    const text = accessText(access);
    for (let around = need.parent; around !== null; around = around.parent) {
      if (textsOf.get(around)?.has(text)) return false;
    }
    const key = `${need.path.join('.')} ${text}`;
    return !told.has(key) && told.add(key);
  });
};

export interface ScopesInAll {
  readonly requiredScopes: readonly string[];
  readonly missingScopes: readonly string[];
}

/** Every scope that the demands name, and of those the fewest whose grant would satisfy each of them. */
export const scopesInAll = (demands: readonly Demand[], held: Held): ScopesInAll => {
  const data = demands.map(({ access }) => refusalData(access, held));
  return {
    requiredScopes: distinct(data.flatMap((one) => one.requiredScopes ?? [])),
    missingScopes: distinct(data.flatMap((one) => one.missingScopes ?? [])),
  };
};

const ofAll = (own: CodedError, refused: readonly Demand[], principal: Principal): CodedError => {
  const { requiredScopes, missingScopes } = scopesInAll(refused, principal);
  const [requiredRole] = refused.flatMap(({ access }) => (access.kind === 'role' ? [access.role] : []));
  return new Coded(own.code, own.message, {
    ...(requiredScopes.length === 0 ? {} : { requiredScopes, missingScopes }),
    ...(requiredRole === undefined ? {} : { requiredRole }),
    refusedFields: distinct(refused.map(({ need }) => need.rule.coordinate)),
  });
};

const distinct = (texts: readonly string[]): readonly string[] => [...new Set(texts)].sort();
