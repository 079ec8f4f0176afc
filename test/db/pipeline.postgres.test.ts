// Statements that share a connection: each has its own answer, its own transaction and its own failure.
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { openPipeline, type Pipeline } from '../../src/db/pipeline.js';
import { createTestDatabase, onServer } from '../support/database.js';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
const opened: Pipeline[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
});
afterEach(async () => {
  for (const pipeline of opened.splice(0)) await pipeline.close();
});
afterAll(() => database.drop());

function open(connections: number, warn: (error: Error) => void = () => undefined): Pipeline {
  const newClient = () => new pg.Client({ connectionString: database.url, pipeline: true });
  const pipeline = openPipeline({ newClient, connections, warn });
  opened.push(pipeline);
  return pipeline;
}

const hundred = Array.from({ length: 100 }, (_, index) => index);
const echo = { name: 'echo', text: 'SELECT $1::int AS said, pg_backend_pid() AS pid' };
interface Said {
  readonly said: number;
  readonly pid: number;
}

it('gives each its own answer, over no more connections than it may have', async () => {
  const pipeline = open(3);
  const answers = await Promise.all(hundred.map((said) => pipeline.query<Said>({ ...echo, values: [said] })));
  expect(answers.map(([row]) => row?.said)).toEqual(hundred);
  expect(new Set(answers.map(([row]) => row?.pid)).size).toBe(3);
});

it('leaves no setting of one for the next', async () => {
  const pipeline = open(1);
  const set = { name: 'set', text: "SELECT set_config('app.workspace_id', $1, true) AS workspace", values: ['wsp_1'] };
  const get = { name: 'get', text: "SELECT current_setting('app.workspace_id', true) AS workspace", values: [] };
  const [[first], [second]] = await Promise.all([pipeline.query(set), pipeline.query(get)]);
  expect(first).toEqual({ workspace: 'wsp_1' });
  expect(second).toEqual({ workspace: '' });
});

describe('what fails', () => {
  it('fails alone, before it is prepared or after', async () => {
    const pipeline = open(1);
    const divide = { name: 'divide', text: 'SELECT 1 / $1::int AS said' };
    const settled = await Promise.allSettled([
      pipeline.query({ ...divide, values: [0] }),
      pipeline.query({ ...divide, values: [1] }),
      pipeline.query({ name: 'nothing', text: 'SELECT * FROM nowhere', values: [] }),
      pipeline.query({ ...echo, values: [4] }),
      pipeline.query({ ...divide, values: [1] }),
    ]);
    const said = settled.map((one) => (one.status === 'fulfilled' ? (one.value as Said[])[0]?.said : one.reason.code));
    expect(said).toEqual(['22012', 1, '42P01', 4, 1]);
  });

  it('holds up only what shares its connection', async () => {
    const pipeline = open(2);
    let isSlowDone = false;
    const slow = pipeline.query({ name: '', text: 'SELECT pg_sleep(1.5)', values: [] }).then(() => {
      isSlowDone = true;
    });
    for (const said of hundred) await pipeline.query({ ...echo, values: [said] });
    expect(isSlowDone).toBe(false);
    await slow;
  });
});

it('tells those on their way that their connection broke, once, and makes another', async () => {
  const warn = vi.fn();
  const pipeline = open(1, warn);
  const [before] = await pipeline.query<Said>({ ...echo, values: [1] });
  const waiting = [1, 2, 3].map(() => pipeline.query({ name: '', text: 'SELECT pg_sleep(20)', values: [] }));
  const told = Promise.allSettled(waiting);
  await onServer(database.url, `SELECT pg_terminate_backend(${before?.pid})`);
  expect((await told).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  const [after] = await pipeline.query<Said>({ ...echo, values: [2] });
  expect(after?.said).toBe(2);
  expect(after?.pid).not.toBe(before?.pid);
  expect(warn).toHaveBeenCalledTimes(1);
});

it('says so when there is nothing to connect to, each time', async () => {
  const newClient = () => new pg.Client({ connectionString: 'postgresql://nobody@127.0.0.1:1/none', pipeline: true });
  const pipeline = openPipeline({ newClient, connections: 1, warn: () => undefined });
  for (let n = 0; n < 2; n++) await expect(pipeline.query({ ...echo, values: [n] })).rejects.toThrow('ECONNREFUSED');
  await pipeline.close();
});

it('closes when what is on its way has arrived', async () => {
  const pipeline = open(1);
  const answer = pipeline.query<Said>({ name: '', text: 'SELECT 1 AS said FROM pg_sleep(0.3)', values: [] });
  await pipeline.query({ ...echo, values: [1] }).then(() => undefined);
  const late = pipeline.query<Said>({ name: '', text: 'SELECT 2 AS said FROM pg_sleep(0.3)', values: [] });
  await pipeline.close();
  expect((await answer)[0]?.said).toBe(1);
  expect((await late)[0]?.said).toBe(2);
});
