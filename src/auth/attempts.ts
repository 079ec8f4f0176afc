// How often somebody may try. Counted per address, per account, and per account from one address; the answer and the work are
// the same for an account that exists and one that does not.
import { createHash } from 'node:crypto';
import { tooMany } from './auth-request.js';
import type { Throttle } from './throttle.js';

/** Failed attempts at one account from one address, within the window. */
const FROM_ONE_ADDRESS = 10;
/** Past so many at one account from everywhere, each address has only these left. */
const FROM_EVERYWHERE = 50;
const WHILE_UNDER_ATTACK = 3;

export interface Attempt {
  /** It was no guess. */
  succeeded(): void;
}

/**
 * @param account what is tried at: an e-mail address, a person; not whether it exists
 * @throws RATE_LIMITED
 */
export function attempt(throttle: Throttle, what: string, account: string, ip: string | null): Attempt {
  const name = `${what} ${createHash('sha256').update(account.toLowerCase()).digest('base64')}`;
  const here = `${name} ${ip ?? ''}`;
  const most = throttle.count(name) > FROM_EVERYWHERE ? WHILE_UNDER_ATTACK : FROM_ONE_ADDRESS;
  if (throttle.count(here) > most) {
    // What is refused here was not tried, and counts for nobody else.
    throttle.forgive(name);
    throw tooMany(throttle.secondsLeft(here));
  }
  return {
    succeeded() {
      throttle.forgive(name);
      throttle.forgive(here);
    },
  };
}

/** Requests of one kind from one address, good or bad. @throws RATE_LIMITED */
export function countFrom(throttle: Throttle, what: string, ip: string | null, most: number): void {
  const key = `${what} from ${ip ?? ''}`;
  if (throttle.count(key) > most) throw tooMany(throttle.secondsLeft(key));
}
