// Takes the place of src/auth/authenticate.ts in the bare server: no key is looked up, counted or judged. The text of the
// header picks one of a few principals that were made when the process began.

import type { Judge } from '../../src/auth/admission.js';
import type { Authenticate, Doors, Expectations } from '../../src/auth/authenticate.js';
import { type KeyFacts, type Principal, principalOfKey } from '../../src/auth/principal.js';

const facts = JSON.parse(process.env.BENCH_PRINCIPALS ?? '{}') as Record<string, KeyFacts>;
const principals = new Map<string, Principal>(
  Object.entries(facts).map(([key, known]) => [`Bearer ${key}`, principalOfKey(known)]),
);

const knownOf = (authorization: string | null): Principal | null => principals.get(authorization ?? '') ?? null;

export const openDoors =
  (_doors: Doors): Authenticate =>
  async ({ authorization }) =>
    knownOf(authorization);

export const openJudge =
  (_doors: Omit<Doors, 'countUse'>): Judge =>
  async ({ authorization }) => {
    const principal = knownOf(authorization);
    return principal === null ? null : { principal, secretId: null, endsInMs: null };
  };

/** The bare server compiles no read. */
export const openExpectations = (_doors: Pick<Doors, 'apiKeys' | 'countUse'>): Expectations => ({
  expect: () => null,
  met: () => undefined,
  forget: () => undefined,
});
