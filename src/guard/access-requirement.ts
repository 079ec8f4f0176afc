// What a field takes, as scopes: any list of which all are held, the shape of Apollo Federation's @requiresScopes. An
// empty requirement is held by nobody, so that a mistake closes a field instead of opening it.
import type { Scope } from './scopes.js';

export type AccessRequirement = readonly (readonly Scope[])[];

export const satisfies = (effective: ReadonlySet<Scope>, requirement: AccessRequirement): boolean =>
  requirement.some((all) => all.every((scope) => effective.has(scope)));

/** What is missing to the list that lacks least, the first of them when several do; empty when the requirement is held. */
export const missingScopes = (effective: ReadonlySet<Scope>, requirement: AccessRequirement): readonly Scope[] => {
  const gaps = requirement.map((all) => all.filter((scope) => !effective.has(scope)));
  return (
    gaps.reduce<readonly Scope[] | null>(
      (best, gap) => (best === null || gap.length < best.length ? gap : best),
      null,
    ) ?? []
  );
};

/** `campaigns:write`; `a and b, or c`. */
export const requirementText = (requirement: AccessRequirement): string =>
  requirement.map((all) => all.join(' and ')).join(', or ');

/** The sentence of a refusal: `Insufficient permissions. Required scope: campaigns:write`. */
export const insufficientPermissions = (requirement: AccessRequirement): string => {
  const isSingle = requirement.length === 1 && requirement[0]?.length === 1;
  return `Insufficient permissions. Required ${isSingle ? 'scope' : 'scopes'}: ${requirementText(requirement)}`;
};
