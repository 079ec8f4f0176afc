// From what an operation's fields declare to the keys it takes: the least that suffices, and the most that does not.
import { ROLES, type Role } from '../../../src/guard/roles.js';
import { SCOPES, type Scope } from '../../../src/guard/scopes.js';
import type { Declared, DeclaredField } from './access.js';
import type { Operation } from './operations.js';

export type KeyKind = 'ACCOUNT' | 'AGENT';

/** Any of these lists, all of the list. */
export type AnyOf = readonly (readonly string[])[];

export interface Demands {
  /** What its fields take, each once. */
  readonly scopes: readonly AnyOf[];
  /** The highest of the roles it takes. */
  readonly role: Role | null;
  /** Nobody needs a credential. */
  readonly isPublic: boolean;
}

export function demandsOf({ executes }: Operation, declared: ReadonlyMap<string, DeclaredField>): Demands {
  const accesses = executes.map((coordinate): Declared => {
    const [access] = declared.get(coordinate)?.access ?? [];
    if (access === undefined) throw new Error(`${coordinate} does not say what it takes.`);
    return access;
  });
  const scopes = new Map<string, AnyOf>();
  for (const access of accesses) if (access.kind === 'scopes') scopes.set(JSON.stringify(access.anyOf), access.anyOf);
  const roles = accesses.flatMap((access) => (access.kind === 'role' ? [access.role] : []));
  return {
    scopes: [...scopes.values()],
    role: ROLES.findLast((role) => roles.includes(role)) ?? null,
    isPublic: accesses.every(({ kind }) => kind === 'public'),
  };
}

const kindOf = (scope: string): KeyKind => (scope.startsWith('agent:') ? 'AGENT' : 'ACCOUNT');

/** Everything that a key of this kind can hold. */
export const everythingFor = (kind: KeyKind): readonly Scope[] => SCOPES.filter((scope) => kindOf(scope) === kind);

const within = (anyOf: AnyOf, kind: KeyKind): AnyOf =>
  anyOf.filter((all) => all.every((scope) => kindOf(scope) === kind));

/** The smallest sets of scopes of this kind that suffice; none when no such key can ask for it. */
export function leastFor({ scopes, role }: Demands, kind: KeyKind): readonly (readonly string[])[] {
  if (role !== null) return [];
  let sets: readonly (readonly string[])[] = [[]];
  for (const anyOf of scopes) {
    sets = sets.flatMap((held) => within(anyOf, kind).map((all) => [...new Set([...held, ...all])].sort()));
  }
  const distinct = [...new Map(sets.map((set) => [set.join(' '), set])).values()];
  return distinct.filter(
    (set) => !distinct.some((other) => other !== set && other.every((scope) => set.includes(scope))),
  );
}

export interface Lack {
  /** What is not satisfied. */
  readonly anyOf: AnyOf;
  readonly held: readonly string[];
}

/** Everything but what one field takes: one scope taken from each of its alternatives, in every way. */
export function mostWithout({ scopes }: Demands, kind: KeyKind): readonly Lack[] {
  return scopes.flatMap((anyOf) => {
    let removals: readonly (readonly string[])[] = [[]];
    for (const all of within(anyOf, kind)) removals = removals.flatMap((gone) => all.map((scope) => [...gone, scope]));
    return removals.map((gone) => ({
      anyOf,
      held: everythingFor(kind).filter((scope) => !gone.includes(scope)),
    }));
  });
}
