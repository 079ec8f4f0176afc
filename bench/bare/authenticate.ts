// Takes the place of src/auth/authenticate.ts in the bare server: no key is looked up, counted or judged. The text of the
// header picks one of a few principals that were made when the process began.
import type { Authenticate, Doors } from '../../src/auth/authenticate.js';
import { type KeyFacts, type Principal, principalOfKey } from '../../src/auth/principal.js';

const facts = JSON.parse(process.env.BENCH_PRINCIPALS ?? '{}') as Record<string, KeyFacts>;
const principals = new Map<string, Principal>(
  Object.entries(facts).map(([key, known]) => [`Bearer ${key}`, principalOfKey(known)]),
);

export const openDoors =
  (_doors: Doors): Authenticate =>
  async ({ authorization }) =>
    principals.get(authorization ?? '') ?? null;
