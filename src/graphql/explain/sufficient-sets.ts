// The smallest sets of scopes that satisfy every requirement of an operation. Pure. A set never mixes the two namespaces,
// since no key does. Bounded: an operation may be satisfied in more ways than anybody can read; then some are told, each of
// them smallest all the same.
import { type AccessRequirement, satisfies } from '../../guard/access-requirement.js';
import { AGENT_SCOPES, type KeyKind, type Scope, WORKSPACE_SCOPES } from '../../guard/scopes.js';

/** So many are told. */
export const SETS_MAX = 32;
/** So many are kept while looking. */
const CANDIDATES_MAX = 64;

export interface SufficientSets {
  /** The fewest scopes first; none when no key suffices, and an empty one when any credential does. */
  readonly sets: readonly (readonly Scope[])[];
  /** False: there are more. */
  readonly isComplete: boolean;
}

export const KEY_KINDS = ['ACCOUNT', 'AGENT'] as const satisfies readonly KeyKind[];

const REGISTERED: Readonly<Record<KeyKind, readonly Scope[]>> = { ACCOUNT: WORKSPACE_SCOPES, AGENT: AGENT_SCOPES };

/** Sets for keys of these kinds; what takes no scope at all is told once. */
export const smallestSufficientSets = (
  requirements: readonly AccessRequirement[],
  kinds: readonly KeyKind[] = KEY_KINDS,
): SufficientSets => {
  if (requirements.length === 0) return { sets: [[]], isComplete: true };
  const found = kinds.map((kind) => setsOfKind(requirements, kind));
  const sets = found.flatMap((one) => one.sets).sort(fewestFirst);
  return {
    sets: sets.slice(0, SETS_MAX),
    isComplete: sets.length <= SETS_MAX && found.every((one) => one.isComplete),
  };
};

const fewestFirst = (one: readonly Scope[], other: readonly Scope[]): number => one.length - other.length;

const setsOfKind = (requirements: readonly AccessRequirement[], kind: KeyKind): SufficientSets => {
  const scopes = REGISTERED[kind];
  const bits = new Map(scopes.map((scope, place) => [scope, 1n << BigInt(place)] as const));
  const alternatives = distinct(requirements).map((anyOf) =>
    anyOf.filter((all) => all.every((scope) => bits.has(scope))).map((all) => bitsOf(all, bits)),
  );
  // What leaves no choice comes first, and most of the rest is then satisfied already.
  alternatives.sort((one, other) => one.length - other.length);
  let candidates: readonly bigint[] = [0n];
  let isComplete = true;
  for (const anyOf of alternatives) {
    const next = minimal(candidates.flatMap((held) => extended(held, anyOf)));
    isComplete &&= next.length <= CANDIDATES_MAX;
    candidates = next.slice(0, CANDIDATES_MAX);
  }
  const named = candidates.map((held) => scopes.filter((scope) => (held & (bits.get(scope) ?? 0n)) !== 0n));
  // A candidate that was left out may have been smaller than what grew from those that were kept.
  const sets = isComplete ? named : named.map((set) => withoutSpare(set, requirements));
  return { sets: [...new Map(sets.map((set) => [set.join(' '), set])).values()], isComplete };
};

const distinct = (requirements: readonly AccessRequirement[]): readonly AccessRequirement[] => [
  ...new Map(requirements.map((anyOf) => [JSON.stringify(anyOf), anyOf])).values(),
];

const bitsOf = (all: readonly Scope[], bits: ReadonlyMap<Scope, bigint>): bigint =>
  all.reduce((held, scope) => held | (bits.get(scope) ?? 0n), 0n);

const contains = (held: bigint, all: bigint): boolean => (held & all) === all;

const extended = (held: bigint, anyOf: readonly bigint[]): readonly bigint[] =>
  anyOf.some((all) => contains(held, all)) ? [held] : anyOf.map((all) => held | all);

/** Those that contain no other, the fewest scopes first. */
const minimal = (sets: readonly bigint[]): readonly bigint[] => {
  const kept: bigint[] = [];
  const bySize = [...new Set(sets)].map((set) => [sizeOf(set), set] as const).sort(([one], [other]) => one - other);
  for (const [, set] of bySize) {
    if (!kept.some((smaller) => contains(set, smaller))) kept.push(set);
  }
  return kept;
};

const sizeOf = (set: bigint): number => {
  let size = 0;
  for (let rest = set; rest !== 0n; rest &= rest - 1n) size += 1;
  return size;
};

const withoutSpare = (set: readonly Scope[], requirements: readonly AccessRequirement[]): readonly Scope[] => {
  const held = new Set(set);
  for (const scope of set) {
    held.delete(scope);
    if (!requirements.every((anyOf) => satisfies(held, anyOf))) held.add(scope);
  }
  return set.filter((scope) => held.has(scope));
};
