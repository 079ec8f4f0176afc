// What a repeat can no longer ask for is forgotten. Bounded, so that a pass never holds many rows; the next takes the rest.
import type { Database } from '../db/database.js';
import { asSystem } from '../guard/as-system.js';
import { effectLimits } from './limits.js';

/**
 * Not at once: a repeat that was judged by a record a moment before its end must still find it.
 * May run at any time, in any number of processes. @returns how many went
 */
export const sweepIdempotency = (
  database: Pick<Database, 'owner'>,
  atOnce: number = effectLimits.sweepAtOnce,
): Promise<number> =>
  asSystem(
    database,
    'forget idempotency keys that are past their time',
    (db) =>
      db.$executeRaw`DELETE FROM idempotency_record WHERE ctid = ANY (ARRAY(SELECT r.ctid FROM idempotency_record r
      WHERE r.expires_at <= now() - interval '1 hour' ORDER BY r.expires_at LIMIT ${atOnce}::int FOR UPDATE SKIP LOCKED))`,
  );
