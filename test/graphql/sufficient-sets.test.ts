import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SETS_MAX, smallestSufficientSets } from '../../src/graphql/explain/sufficient-sets.js';
import { type AccessRequirement, satisfies } from '../../src/guard/access-requirement.js';
import { type Scope, WORKSPACE_SCOPES } from '../../src/guard/scopes.js';

const SOME = WORKSPACE_SCOPES.slice(0, 7);
const requirements = fc.array(
  fc.array(fc.subarray(SOME, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
  { maxLength: 5 },
);

/** By trying every subset. */
const allSmallest = (asked: readonly AccessRequirement[]): string[] => {
  const subsets = Array.from({ length: 2 ** SOME.length }, (_, mask) =>
    SOME.filter((_scope, i) => (mask >> i) % 2 === 1),
  );
  const enough = subsets.filter((set) => asked.every((anyOf) => satisfies(new Set(set), anyOf)));
  return enough
    .filter((set) => !enough.some((other) => other.length < set.length && other.every((scope) => set.includes(scope))))
    .map((set) => [...set].sort().join(' '))
    .sort();
};
const texts = (sets: readonly (readonly string[])[]) => sets.map((set) => [...set].sort().join(' ')).sort();

describe('the smallest sufficient sets', () => {
  it('are those that trying every subset finds', () => {
    fc.assert(
      fc.property(requirements, (asked) => {
        const { sets, isComplete } = smallestSufficientSets(asked);
        if (!isComplete) return;
        expect(texts(sets)).toEqual(allSmallest(asked));
      }),
      { numRuns: 500 },
    );
  });

  it('never mix the namespaces', () => {
    expect(
      smallestSufficientSets([
        [['agents:read'], ['agent:config:read']],
        [['contacts:read'], ['agent:trigger']],
      ]).sets,
    ).toEqual([
      ['agents:read', 'contacts:read'],
      ['agent:config:read', 'agent:trigger'],
    ]);
    expect(smallestSufficientSets([[['contacts:read']], [['agent:trigger']]]).sets).toEqual([]);
    expect(smallestSufficientSets([]).sets).toEqual([[]]);
  });

  it('are told in part where there are too many, each of them smallest all the same', () => {
    const pairs = Array.from(
      { length: 12 },
      (_, i) => [WORKSPACE_SCOPES[2 * i], WORKSPACE_SCOPES[2 * i + 1]] as [Scope, Scope],
    );
    const asked: AccessRequirement[] = pairs.map(([one, other]) => [[one], [other]]);
    // Those that were kept all chose the one of the first pair; this makes it needless beside the other.
    const [others] = pairs;
    asked.push([[others?.[1] as Scope], [WORKSPACE_SCOPES[24] as Scope], [WORKSPACE_SCOPES[25] as Scope]]);
    const started = performance.now();
    const { sets, isComplete } = smallestSufficientSets(asked);
    expect(performance.now() - started).toBeLessThan(1_000);
    expect([sets.length, isComplete]).toEqual([SETS_MAX, false]);
    for (const set of sets) {
      expect(asked.every((anyOf) => satisfies(new Set(set), anyOf))).toBe(true);
      for (const scope of set) {
        const less = new Set(set.filter((one) => one !== scope));
        expect(asked.every((anyOf) => satisfies(less, anyOf))).toBe(false);
      }
    }
  });
});
