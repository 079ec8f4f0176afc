// Later, but surely: a job is enqueued in the transaction of the caller's own rows, so it exists exactly when they do.
// The bound role may not see the queue; a function of the database puts the job in and wakes the workers at commit.
import type { GuardedDb } from '../guard/guarded-db.js';
import { sql } from '../guard/sql.js';
import type { JobKind } from './define-job.js';

export interface EnqueueOptions {
  /** Names what the job is about, for finding jobs that were lost. */
  readonly singletonKey?: string;
  /** Not before this moment; left out: at once. */
  readonly startAfter?: Date;
  /** Not before so much time has passed by the database's clock, which all processes share. */
  readonly waitMs?: number;
}

export type Enqueue = <Data>(kind: JobKind<Data>, data: Data, options?: EnqueueOptions) => Promise<void>;

/** @param told of each job @returns an `Enqueue` that writes in the transaction of `db`. It throws when the data is not of the kind's shape. */
export const enqueueIn =
  (db: GuardedDb, told?: (name: string, data: unknown) => void): Enqueue =>
  async (kind, data, options = {}) => {
    const body = JSON.stringify(kind.data.parse(data));
    const { singletonKey = null, startAfter = null, waitMs = null } = options;
    const seconds = waitMs === null ? null : waitMs / 1000;
    await db.$send(sql`SELECT sallyport_enqueue(
      ${kind.name}::text, ${body}::jsonb, ${singletonKey}::text,
      COALESCE(${startAfter}::timestamptz, now() + make_interval(secs => ${seconds}::float8))
    )::text AS enqueued`);
    told?.(kind.name, JSON.parse(body));
  };
