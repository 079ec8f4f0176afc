// Servers that start at the same moment on a new database all make the same queues, and each queue is a table.
import { expect, it } from 'vitest';
import { z } from 'zod';
import { openServer } from '../../src/db/server.js';
import { openQueue } from '../../src/jobs/boss.js';
import { defineJob, implementJob } from '../../src/jobs/define-job.js';
import { createTestDatabase } from '../support/database.js';

const jobs = Array.from({ length: 6 }, (_, number) =>
  implementJob(defineJob(`made.together.${number}`, z.object({})), async () => undefined),
);
const onError = (error: Error): void => {
  throw error;
};

it('come into being for all of them', async () => {
  for (let round = 0; round < 2; round++) {
    const { url, drop } = await createTestDatabase();
    const servers = await Promise.all(
      Array.from({ length: 6 }, () => openServer({ databaseUrl: url, warn: () => undefined })),
    );
    const queues = servers.map((database) => openQueue(database, jobs, onError));
    const prepared = await Promise.allSettled(queues.map((queue) => queue.prepare()));
    await Promise.all(queues.map((queue) => queue.close()));
    await Promise.all(servers.map((database) => database.close()));
    await drop();
    expect(prepared.flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []))).toEqual([]);
  }
});
