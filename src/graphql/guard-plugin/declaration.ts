// Reads what a field or type declares. A declaration is data: one of four answers, and perhaps how an argument narrows
// it. What contradicts itself is said as a sentence, and toSchema() collects the sentences.
import { type Role, roleAtLeast } from '../../guard/roles.js';
import { type Access, AUTHENTICATED, type ScopeDeclaration, scopesAccess } from './access.js';

/** Exactly one of these on every field, its own or handed down by its type. */
export interface AccessDeclaration {
  /** One scope, or any list of which all are held: `'a:read'` or `[['a:read', 'b:read'], ['c:read']]`. */
  scope?: ScopeDeclaration | undefined;
  /** People with this role or a higher one; no key has a role. */
  role?: Role | undefined;
  /** Any credential. */
  authenticated?: true | undefined;
  /** Everybody; the text says why. */
  public?: string | undefined;
}

export interface FieldAccessDeclaration extends AccessDeclaration {
  /** Narrows the field's scope by the value of an argument; each case must imply the field's own scope. */
  scopeByArgument?: ScopeByArgument | undefined;
  /** The same where the field takes a role: each case names the field's own role or a higher one. */
  roleByArgument?: RoleByArgument | undefined;
  /** The argument holding an id or ids: what the types of those ids take is required too. */
  scopeByIdPrefix?: string | undefined;
  /** With `authenticated`: a principal gets its own rows; those of others need `approvals:read`. */
  own?: true | undefined;
}

/** A type hands its declaration down to fields that have none, or that of another type (connections: their node type's). */
export interface TypeAccessDeclaration extends AccessDeclaration {
  own?: true | undefined;
  accessOfType?: string | undefined;
}

export interface ScopeByArgument {
  /** Dotted, from the arguments inward: `input.mode`. */
  path: string;
  /** By the value as the caller writes it. */
  values: Readonly<Record<string, ScopeDeclaration>>;
}

export interface RoleByArgument {
  /** Dotted, from the arguments inward: `input.plan`. */
  path: string;
  /** By the value as the caller writes it. */
  values: Readonly<Record<string, Role>>;
}

/** The declared access; null when there is none; a sentence when there are several. */
export const readAccess = (declared: AccessDeclaration): Access | null | string => {
  const answers: Access[] = [];
  if (declared.scope !== undefined) answers.push(scopesAccess(declared.scope));
  if (declared.role !== undefined) answers.push({ kind: 'role', role: declared.role });
  if (declared.authenticated !== undefined) answers.push(AUTHENTICATED);
  if (declared.public !== undefined) answers.push({ kind: 'public', reason: declared.public });
  const [answer, ...others] = answers;
  if (answer === undefined) return null;
  if (others.length > 0) return `declares ${answers.map(({ kind }) => kind).join(' and ')}; declare one`;
  if (answer.kind === 'scopes' && !isUsable(answer.anyOf)) return 'declares an empty scope';
  if (answer.kind === 'public' && answer.reason.trim() === '') return 'is public without a reason';
  return answer;
};

const isUsable = (anyOf: readonly (readonly string[])[]): boolean =>
  anyOf.length > 0 && anyOf.every((all) => all.length > 0 && all.every((scope) => scope !== ''));

/** Whether all who satisfy the one satisfy the other. */
export const implies = (narrow: Access, wide: Access): boolean => {
  if (wide.kind === 'authenticated') return narrow.kind !== 'public';
  if (narrow.kind === 'role' && wide.kind === 'role') return roleAtLeast(narrow.role, wide.role);
  if (narrow.kind !== 'scopes' || wide.kind !== 'scopes') return false;
  return narrow.anyOf.every((held) => wide.anyOf.some((all) => all.every((scope) => held.includes(scope))));
};

/** The declaration's own keys of a larger options object, so that they can be handed on. */
export const declarationOf = (options: FieldAccessDeclaration): FieldAccessDeclaration => {
  const { scope, role, authenticated, scopeByArgument, roleByArgument, scopeByIdPrefix, own } = options;
  return { scope, role, authenticated, public: options.public, scopeByArgument, roleByArgument, scopeByIdPrefix, own };
};
