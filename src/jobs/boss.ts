// pg-boss keeps the queue: its tables, its fetch and its bookkeeping, run as the owner. Its own polling workers are not
// used (they wait between jobs and lose errors of completion); worker.ts loops over `take` and `finish` instead.
import { setTimeout as delay } from 'node:timers/promises';
import PgBoss from 'pg-boss';
import type { Database } from '../db/database.js';
import { sqlStateOf } from '../db/migrate.js';
import type { Job } from './define-job.js';

export interface TakenJob {
  readonly id: string;
  readonly data: unknown;
}

export interface Queue {
  /** Makes the tables and the queues where they are missing. Jobs can be enqueued from here on. May run twice. */
  prepare(): Promise<void>;
  take(queue: string): Promise<TakenJob | null>;
  complete(queue: string, jobId: string): Promise<void>;
  /** The queue repeats it later, or gives up after its limit. */
  fail(queue: string, jobId: string, error: Error): Promise<void>;
  close(): Promise<void>;
}

/** @param onError hears what the queue's own upkeep cannot do */
export function openQueue(
  database: Pick<Database, 'executeAsOwner'>,
  jobs: readonly Job[],
  onError: (error: Error) => void,
): Queue {
  const boss = new PgBoss({
    db: { executeSql: (text, values) => database.executeAsOwner(text, values) },
    schema: 'pgboss',
    schedule: false,
    supervise: true,
    migrate: true,
  });
  boss.on('error', onError);
  return {
    async prepare() {
      await boss.start();
      const known = new Set((await boss.getQueues()).map(({ name }) => name));
      for (const job of jobs) {
        if (!known.has(job.name)) await unlessLocked(() => boss.createQueue(job.name, queueOptions(job)));
      }
    },
    async take(queue) {
      const [job] = await boss.fetch<unknown>(queue);
      return job === undefined ? null : { id: job.id, data: job.data };
    },
    complete: async (queue, jobId) => {
      await boss.complete(queue, jobId);
    },
    fail: async (queue, jobId, error) => {
      // The message alone: a stack or a cause may hold what a row of the queue should not.
      await boss.fail(queue, jobId, { message: error.message });
    },
    async close() {
      await boss.stop({ graceful: false, close: false });
    },
  };
}

const TRIES = 10;

/** Making a queue makes a table: of processes that start together and make the same ones, PostgreSQL ends one at a time. */
async function unlessLocked(make: () => Promise<void>): Promise<void> {
  for (let tried = 1; ; tried++) {
    try {
      return await make();
    } catch (error) {
      if (sqlStateOf(error) !== DEADLOCK || tried === TRIES) throw error;
      await delay(50 + Math.random() * 200);
    }
  }
}

const DEADLOCK = '40P01';

const queueOptions = (job: Job) => ({
  name: job.name,
  policy: 'standard' as const,
  retryLimit: job.retryLimit,
  retryDelay: 5,
  retryBackoff: true,
  expireInSeconds: job.expireInSeconds,
});
