// Brute force of keys from one address. What is counted is a guess: a key that is malformed or unknown (one that was
// revoked or has expired is nobody's guess). Past a number of guesses in a minute each further one is answered 429, and
// - a malformed one costs nothing, as ever;
// - a key that was good here before is looked up at once, as ever: its neighbour's guesses do not reach it;
// - any other well-formed key waits in the line of its address for its look-up, twenty milliseconds apart and a second at
//   most, so that a good one still gets in while a flood of guesses costs the database fifty look-ups a second.
// Being good before only spares the line: the verdict is always the database's. Other addresses notice nothing.
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../platform/clock.js';
import { CodedError } from '../../platform/errors.js';
import { type AddressCount, addressCounts } from './address-counts.js';
import { rateLimited } from './rate-limiter.js';

export interface GuessGate {
  /** Before a well-formed key is looked up. @throws RATE_LIMITED when the line of its address is full */
  admit(hash: Buffer, ip: string | null): Promise<void> | null;
  /** The key opened the door. */
  passed(hash: Buffer): void;
  /** What to answer instead of this refusal; counts it if it was a guess. */
  refusal(error: unknown, ip: string | null): unknown;
}

export const GUESSES_PER_MINUTE = 100;
const LOOK_UP_EVERY_MS = 20;
const LINE_MS_MAX = 1_000;
const REMEMBERED_MAX = 10_000;

const GUESSES: ReadonlySet<unknown> = new Set(['MALFORMED', 'UNKNOWN']);

export function openGuessGate(clock: Clock, guessesPerMinute = GUESSES_PER_MINUTE): GuessGate {
  const counts = addressCounts(clock);
  const good = new Set<string>();
  const tooMany = (retryAfterSeconds: number): CodedError =>
    rateLimited('Too many keys that do not exist were tried from your address.', {
      limit: 'address',
      quota: guessesPerMinute,
      windowSeconds: 60,
      remaining: 0,
      retryAfterSeconds,
    });
  const inLine = async (at: AddressCount): Promise<void> => {
    const now = performance.now();
    const wait = at.nextAt - now;
    if (wait > LINE_MS_MAX) throw tooMany(Math.ceil(LINE_MS_MAX / 1_000));
    at.nextAt = Math.max(now, at.nextAt) + LOOK_UP_EVERY_MS;
    if (wait > 0) await delay(wait);
  };
  return {
    admit(hash, ip) {
      const at = ip === null ? null : counts.find(ip);
      if (at === null || at.count < guessesPerMinute || good.has(textOf(hash))) return null;
      return inLine(at);
    },
    passed(hash) {
      const text = textOf(hash);
      if (good.has(text)) return;
      good.add(text);
      const [oldest] = good;
      if (good.size > REMEMBERED_MAX && oldest !== undefined) good.delete(oldest);
    },
    refusal(error, ip) {
      if (ip === null || !(error instanceof CodedError) || !GUESSES.has(error.data.reason)) return error;
      return counts.add(ip).count > guessesPerMinute ? tooMany(counts.secondsLeft()) : error;
    },
  };
}

const textOf = (hash: Buffer): string => hash.toString('latin1');
