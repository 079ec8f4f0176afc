// From requirements, a principal and the values of the conditions to a verdict on the whole operation. Pure. Allowed, or
// refused with one error per place: a field inside a refused one is told only when it takes something else, and the first
// error's data speaks of all.
import { GraphQLError } from 'graphql';
import type { Principal } from '../../auth/principal.js';
import type { Scope } from '../../guard/scopes.js';
import { CodedError as Coded, type CodedError } from '../../platform/errors.js';
import { type Access, accessText, heldScopes, isAllowed } from '../guard-plugin/access.js';
import { missingCredential, refusal, refusalData } from '../guard-plugin/refusals.js';
import { holds } from './conditions.js';
import type { Need, Requirements } from './requirements.js';

export const ERRORS_MAX = 10;

export interface RefusedField {
  readonly need: Need;
  readonly access: Access;
}

/** Null: allowed. Else every refused field, in the order of the document. */
export type Verdict = readonly RefusedField[] | null;

export const judge = (requirements: Requirements, principal: Principal | null, values: readonly string[]): Verdict => {
  const refused: RefusedField[] = [];
  for (const need of requirements.needs) {
    if (!need.guards.every((guard) => holds(guard, values))) continue;
    for (const access of accessesOf(need, values)) {
      if (!isAllowed(access, principal)) refused.push({ need, access });
    }
  }
  return refused.length === 0 ? null : refused;
};

/** What an allowed operation uses of the principal's scopes: of each field's alternatives the first that is held. */
export const scopesUsed = (
  requirements: Requirements,
  principal: Principal | null,
  values: readonly string[],
): readonly Scope[] => {
  const used = new Set<Scope>();
  for (const need of requirements.needs) {
    if (!need.guards.every((guard) => holds(guard, values))) continue;
    for (const access of accessesOf(need, values)) {
      for (const scope of heldScopes(access, principal)) used.add(scope);
    }
  }
  return [...used];
};

const accessesOf = ({ rule, argument, prefixes }: Need, values: readonly string[]): readonly Access[] => {
  const selected = argument === null ? undefined : rule.byArgument?.cases.get(values[argument] ?? '');
  const own = selected ?? rule.access;
  if (prefixes === null) return [own];
  const named = (values[prefixes] ?? '')
    .split(',')
    .flatMap((prefix) => rule.byIdPrefix?.nodeTypes.get(prefix)?.access ?? []);
  return [own, ...named];
};

/** At most ten errors; the first tells the requirements of all. */
export const errorsOf = (refused: readonly RefusedField[], principal: Principal | null): readonly GraphQLError[] =>
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
const toldApart = (refused: readonly RefusedField[]): readonly RefusedField[] => {
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

const ofAll = (own: CodedError, refused: readonly RefusedField[], principal: Principal): CodedError => {
  const data = refused.map(({ access }) => refusalData(access, principal));
  const requiredScopes = distinct(data.flatMap((one) => one.requiredScopes ?? []));
  const missingScopes = distinct(data.flatMap((one) => one.missingScopes ?? []));
  const [requiredRole] = data.flatMap((one) => one.requiredRole ?? []);
  return new Coded(own.code, own.message, {
    ...(requiredScopes.length === 0 ? {} : { requiredScopes, missingScopes }),
    ...(requiredRole === undefined ? {} : { requiredRole }),
    refusedFields: distinct(refused.map(({ need }) => need.rule.coordinate)),
  });
};

const distinct = (texts: readonly string[]): readonly string[] => [...new Set(texts)].sort();
