// What a field takes, as one value: the four answers a declaration may give, and the one function that judges them.
// Both walls (preflight over the whole operation, scope-auth at each field) ask `isAllowed` and nothing else, so they
// cannot disagree.
import type { Principal } from '../../auth/principal.js';
import { type AccessRequirement, requirementText, satisfies } from '../../guard/access-requirement.js';
import { type Role, roleAtLeast } from '../../guard/roles.js';
import type { Scope } from '../../guard/scopes.js';

export type Access =
  | { readonly kind: 'scopes'; readonly anyOf: AccessRequirement }
  | { readonly kind: 'role'; readonly role: Role }
  | { readonly kind: 'authenticated' }
  | { readonly kind: 'public'; readonly reason: string };

/** One scope, or any list of which all are held. */
export type ScopeDeclaration = Scope | AccessRequirement;

export const AUTHENTICATED: Access = { kind: 'authenticated' };

export const scopesAccess = (declared: ScopeDeclaration): Access => ({
  kind: 'scopes',
  anyOf: typeof declared === 'string' ? [[declared]] : declared,
});

/** Either of the two suffices; what is public or open to every credential stays so. */
export const eitherAccess = (one: Access, other: Access): Access => {
  if (one.kind !== 'scopes' || other.kind !== 'scopes') return one;
  return { kind: 'scopes', anyOf: [...one.anyOf, ...other.anyOf] };
};

/** Null stands for a request without a credential. */
export const isAllowed = (access: Access, principal: Principal | null): boolean => {
  if (access.kind === 'public') return true;
  if (principal === null) return false;
  switch (access.kind) {
    case 'authenticated':
      return true;
    case 'scopes':
      return satisfies(principal.effectiveScopes, access.anyOf);
    case 'role':
      return roleAtLeast(principal.role, access.role);
  }
};

/** The access as one word or list, for the access map: `contacts:read`, `role ADMIN`, `authenticated`, `public`. */
export const accessText = (access: Access): string => {
  switch (access.kind) {
    case 'scopes':
      return requirementText(access.anyOf);
    case 'role':
      return `role ${access.role}`;
    default:
      return access.kind;
  }
};

/** The first list of scopes that a principal holds whole: what it passes by. Empty where the access takes none. */
export const heldScopes = (access: Access, principal: Principal | null): readonly Scope[] => {
  if (access.kind !== 'scopes' || principal === null) return [];
  return access.anyOf.find((all) => satisfies(principal.effectiveScopes, [all])) ?? [];
};

/** What let a principal pass, for the audit trail: the first list of scopes it holds, or the role asked for. */
export const allowedBy = (access: Access, principal: Principal | null): string | null => {
  switch (access.kind) {
    case 'scopes':
      return heldScopes(access, principal).join('+') || null;
    case 'role':
      return `role:${access.role}`;
    case 'authenticated':
      return 'authenticated';
    case 'public':
      return null;
  }
};

const code = (name: string): string => `\`${name}\``;

/** `` `a` and `b`, or `c` ``, for descriptions. */
export const quotedRequirement = (requirement: AccessRequirement): string =>
  requirement.map((all) => all.map(code).join(' and ')).join(', or ');

/** The line that introspection shows, since it shows no directives. */
export const requiresLine = (access: Access): string => {
  switch (access.kind) {
    case 'scopes':
      return `Requires ${quotedRequirement(access.anyOf)}.`;
    case 'role':
      return `Requires the role ${access.role}.`;
    case 'authenticated':
      return 'Requires a credential.';
    case 'public':
      return `Public: ${access.reason}`;
  }
};
