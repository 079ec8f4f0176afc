// The law of explainAccess: what it says of an operation is what a request for it meets, for every credential; each set it
// calls sufficient is, and with any scope of it left out is not. Operations are made up from the product's own schema.
import fc from 'fast-check';
import { parse, validate } from 'graphql';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { explainAccess } from '../../src/graphql/explain/explain.js';
import { hypotheticalKey, readScopes } from '../../src/graphql/explain/whom.js';
import { refusalsOf } from '../../src/graphql/preflight/preflight.js';
import { expandScopes } from '../../src/guard/scope-grants.js';
import { AGENT_SCOPES, type KeyKind, WORKSPACE_SCOPES } from '../../src/guard/scopes.js';
import { newId } from '../../src/platform/ids.js';
import { schema } from '../../src/schema.js';
import type { Client } from '../support/client.js';
import { dice, madeUp } from '../support/generate/made-up.js';
import { type Harness, startHarness } from '../support/harness.js';

// Seconds on a machine of one's own, more on a busy one.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

interface Key {
  readonly kind: KeyKind;
  readonly scopes: readonly string[];
  readonly client: Client;
}

let harness: Harness;
const keys: Key[] = [];
const grants: readonly (readonly [KeyKind, readonly string[]])[] = (() => {
  const wildcards = ['*:read', 'agents:*', 'contacts:*', 'messages:*', 'read:inboxes'];
  const some = <T>(list: readonly T[], seed: number, percent: number): T[] => {
    const [, chance] = dice(seed);
    return list.filter(() => chance(percent));
  };
  const ACCOUNT = [...WORKSPACE_SCOPES, ...wildcards];
  return [
    ...Array.from({ length: 24 }, (_, seed) => ['ACCOUNT', some(ACCOUNT, seed, 5 + seed * 3.5)] as const),
    ...Array.from({ length: 12 }, (_, seed) => ['AGENT', some(AGENT_SCOPES, seed + 100, 20 + seed * 6)] as const),
    ['ACCOUNT', WORKSPACE_SCOPES] as const,
    ['ACCOUNT', ['*:read']] as const,
    ['AGENT', AGENT_SCOPES] as const,
  ].filter(([, scopes]) => scopes.length > 0);
})();

beforeAll(async () => {
  harness = await startHarness({ works: false });
  const { workspaceId } = harness.place;
  const agentId = newId('agt');
  await harness.database.owner.agent.create({ data: { workspaceId, id: agentId, name: 'Robin', instructions: 'Hi.' } });
  for (const [kind, scopes] of grants) {
    const { key } = await harness.createKey({ kind, scopes, ...(kind === 'AGENT' ? { agentId } : {}) });
    keys.push({ kind, scopes, client: harness.as({ key }) });
  }
});
afterAll(() => harness?.stop());

const EXPLAIN = `query ($document: String!, $variables: JSON, $scopes: [Scope!]) {
  mine: explainAccess(document: $document, variables: $variables) { ...Told }
  typed: explainAccess(document: $document, variables: $variables, scopes: $scopes) { ...Told }
}
fragment Told on AccessExplanation { allowed missingScopes requiredScopes smallestSufficientSets isComplete }`;

/** What is asked for with it is the last that a key asks. */
const ENDS_THE_KEY = ['revokeSelf'];

const thrown = (seed: number) => {
  const [pick, chance] = dice(seed);
  return { pick, chance };
};

interface Told {
  readonly allowed: boolean | null;
  readonly missingScopes: string[];
  readonly requiredScopes: string[];
  readonly smallestSufficientSets: string[][];
  readonly isComplete: boolean;
}

describe('explainAccess', () => {
  it('says of generated operations exactly what the server does with them, for keys of many scope sets', async () => {
    const seen = { allowed: 0, refused: 0, mutations: 0, conditional: 0 };
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat({ max: grants.length - 1 }), async (seed, place) => {
        const { text, variables } = madeUp(schema, { ...thrown(seed), without: ENDS_THE_KEY });
        const key = keys[place];
        if (key === undefined) throw new Error('No such key.');
        const answer = await key.client.ask(EXPLAIN, { document: text, variables, scopes: key.scopes });
        const { mine, typed } = answer.data as unknown as { mine: Told; typed: Told };
        expect(answer.errors, text).toEqual([]);
        // The hypothetical key is the real one.
        expect(typed, text).toEqual(mine);

        const real = await key.client.ask(text, variables);
        const forbidden = real.errors.filter(({ extensions }) => extensions.code === 'FORBIDDEN');
        const told = `${text} ${JSON.stringify(variables)} ${key.scopes} ${JSON.stringify(real)}`;
        expect(mine.allowed, told).toBe(real.status !== 403);
        expect(forbidden.length > 0, told).toBe(real.status === 403);
        expect(mine.missingScopes, told).toEqual(forbidden[0]?.extensions.missingScopes ?? []);
        seen[mine.allowed === true ? 'allowed' : 'refused'] += 1;
        if (text.startsWith('mutation')) seen.mutations += 1;
        if (Object.keys(variables).length > 0) seen.conditional += 1;
      }),
      { numRuns: 320, interruptAfterTimeLimit: 100_000 },
    );
    const runs = seen.allowed + seen.refused;
    expect(runs).toBeGreaterThanOrEqual(300);
    expect(
      Math.min(seen.allowed, seen.refused, seen.mutations, seen.conditional),
      JSON.stringify(seen),
    ).toBeGreaterThan(30);
  });

  it('calls sufficient only what suffices, and nothing that could be smaller', () => {
    let tried = 0;
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const { text, variables } = madeUp(schema, thrown(seed));
        const document = parse(text);
        expect(validate(schema, document)).toEqual([]);
        const refused = (kind: KeyKind, scopes: readonly string[]): boolean => {
          const principal = hypotheticalKey({ kind, scopes });
          return refusalsOf({ schema, document, variables, principal, introspection: 'open' }).length > 0;
        };
        const asked = {
          schema,
          document,
          operationName: null,
          variables,
          principal: null,
          introspection: 'open',
        } as const;
        const { smallestSufficientSets: sets, isComplete } = explainAccess(asked);
        for (const set of sets ?? []) {
          const kind = set.some((scope) => scope.startsWith('agent:')) ? 'AGENT' : 'ACCOUNT';
          expect(refused(kind, set), `${text} by ${set}`).toBe(false);
          for (const scope of set) {
            tried += 1;
            expect(
              refused(
                kind,
                set.filter((one) => one !== scope),
              ),
              `${text} by ${set} less ${scope}`,
            ).toBe(true);
          }
        }
        // None is left out: a key that is let through holds one of them.
        const [pick, chance] = dice(seed + 1);
        const kind = pick<KeyKind>(['ACCOUNT', 'ACCOUNT', 'AGENT']);
        const names = (kind === 'AGENT' ? AGENT_SCOPES : WORKSPACE_SCOPES).filter(() => chance(85));
        if (names.length === 0 || !isComplete) return;
        const held = expandScopes(readScopes(names).scopes);
        const holdsOne = (sets ?? []).some((set) => set.every((scope) => held.has(scope as never)));
        expect(holdsOne, `${text} by ${names}`).toBe(!refused(kind, names));
      }),
      { numRuns: 600, interruptAfterTimeLimit: 60_000 },
    );
    expect(tried).toBeGreaterThan(300);
  });
});
