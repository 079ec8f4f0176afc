import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { inTenant } from '../../src/guard/guarded-db.js';
import { openQueue, type Queue } from '../../src/jobs/boss.js';
import { defineJob, implementJob, type Job } from '../../src/jobs/define-job.js';
import { type Enqueue, enqueueIn } from '../../src/jobs/queue.js';
import { startWorker, type Worker } from '../../src/jobs/worker.js';
import { openTestDatabase, type TestDatabase } from '../support/database.js';

const greet = defineJob('test.greet', z.object({ name: z.string() }), { atOnce: 2, retryLimit: 1 });
const tenant = { organizationId: 'org_1', workspaceId: 'wsp_1', agentId: null };
const log = { error: () => {} };

let database: TestDatabase;
let queue: Queue;
let worker: Worker | null = null;
let run: (name: string) => Promise<void> = async () => {};
const jobs: Job[] = [implementJob(greet, ({ name }) => run(name))];

beforeAll(async () => {
  database = await openTestDatabase();
  queue = openQueue(database, jobs, () => {});
  await queue.prepare();
});
afterEach(async () => {
  await worker?.stop(5_000);
  worker = null;
});
afterAll(async () => {
  await queue.close();
  await database.close();
});

const enqueue = (use: (enqueue: Enqueue) => Promise<void>) => inTenant(database, tenant, (db) => use(enqueueIn(db)));
const start = async (pollMs = 60_000, chores: Parameters<typeof startWorker>[0]['chores'] = []) => {
  worker = await startWorker({ database, queue, jobs, chores, log, pollMs });
  return worker;
};
const until = async (isTrue: () => boolean) => {
  const end = Date.now() + 5_000;
  while (!isTrue()) {
    if (Date.now() > end) throw new Error('It did not happen within 5 s.');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
};
const states = async (): Promise<string[]> => {
  const { rows } = await database.executeAsOwner(
    "SELECT state::text AS state FROM pgboss.job WHERE name = 'test.greet' ORDER BY created_on",
  );
  return rows.map(({ state }) => String(state));
};

describe('the worker', () => {
  it('runs what was enqueued as soon as that is committed, without waiting for its poll', async () => {
    const greeted: string[] = [];
    run = async (name) => void greeted.push(name);
    await start();
    expect(worker?.isReady()).toBe(true);
    await enqueue((put) => put(greet, { name: 'Ann' }));
    // The poll is a minute away.
    await until(() => greeted.length === 1);
    await enqueue(async (put) => {
      for (const name of ['Bob', 'Cem', 'Dee', 'Eve', 'Fay']) await put(greet, { name });
    });
    await until(() => greeted.length === 6);
    expect(greeted).toContain('Fay');
  });

  it('never hears of a job whose transaction was rolled back', async () => {
    const greeted: string[] = [];
    run = async (name) => void greeted.push(name);
    await start();
    const broken = enqueue(async (put) => {
      await put(greet, { name: 'Nobody' });
      throw new Error('a defect');
    });
    await expect(broken).rejects.toThrow('a defect');
    await enqueue((put) => put(greet, { name: 'Ann' }));
    await until(() => greeted.length === 1);
    expect(greeted).toEqual(['Ann']);
  });

  it('finds by its poll what was put off, and not before its time', async () => {
    const greeted: number[] = [];
    run = async () => void greeted.push(Date.now());
    const startAfter = new Date(Date.now() + 400);
    await enqueue((put) => put(greet, { name: 'Later' }, { startAfter }));
    await start(100);
    await until(() => greeted.length === 1);
    expect(greeted[0]).toBeGreaterThanOrEqual(startAfter.getTime() - 50);
  });

  it('parses the data when it is enqueued and when it is run', async () => {
    const wrong = { name: 7 } as unknown as { name: string };
    await expect(enqueue((put) => put(greet, wrong))).rejects.toThrow();
    await expect(jobs[0]?.run(wrong, { jobId: '1', signal: new AbortController().signal })).rejects.toThrow();
  });

  it('gives back to the queue what threw', async () => {
    await database.executeAsOwner("DELETE FROM pgboss.job WHERE name = 'test.greet'");
    let runs = 0;
    run = async () => {
      runs++;
      throw new Error('not today');
    };
    await start();
    await enqueue((put) => put(greet, { name: 'Ann' }));
    await until(() => runs === 1);
    await worker?.stop(5_000);
    expect(await states()).toEqual(['retry']);
  });

  it('waits for what runs when it stops, but not for ever', async () => {
    let finish: () => void = () => {};
    let isRunning = false;
    run = () => {
      isRunning = true;
      return new Promise((resolve) => {
        finish = resolve;
      });
    };
    const slow = await start();
    await enqueue((put) => put(greet, { name: 'Slow' }));
    await until(() => isRunning);
    expect(await slow.stop(100)).toBe(false);
    expect(slow.isReady()).toBe(false);
    const stopping = slow.stop(5_000);
    finish();
    expect(await stopping).toBe(true);
  });

  it('does its chores at start and by the clock, and goes on after one that threw', async () => {
    let runs = 0;
    const chore = {
      name: 'test.chore',
      everyMs: 20,
      run: async () => {
        runs++;
        if (runs === 1) throw new Error('not today');
      },
    };
    await start(60_000, [chore]);
    await until(() => runs >= 3);
  });

  it('prepares the queues a second time without complaint', async () => {
    const second = openQueue(database, jobs, () => {});
    await second.prepare();
    await second.close();
  });
});
