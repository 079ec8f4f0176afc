// Our own way of sending a prepared statement answers what the driver's does, the first time and every time after it.
import type { Socket } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, askPool } from '../../src/db/prepared-statement.js';
import { createTestDatabase } from '../support/database.js';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let client: pg.Client;
beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.url, pipeline: true });
  await client.connect();
  await client.query('CREATE TEMPORARY TABLE kept (id int, said text)');
});
afterAll(async () => {
  await client.end();
  await database.drop();
});

const now = new Date('2026-11-27T10:00:00.123Z');
const statements: readonly (readonly [text: string, values: readonly unknown[]])[] = [
  [
    'SELECT 1 AS one, 2::bigint AS two, 3.5::float8 AS float, 4.25::numeric AS exact, true AS yes, NULL::text AS none',
    [],
  ],
  [
    'SELECT $1::text AS text, $2::timestamptz AS at, $3::json AS json, $4::jsonb AS jsonb',
    ['ü\n"', now, { a: [1] }, '[]'],
  ],
  [
    "SELECT $1::text[] AS list, $2::bytea AS bytes, '{}'::int[] AS empty",
    [['a', 'b,"c"', null], Buffer.from([0, 255])],
  ],
  ['SELECT n, n * 2 AS twice FROM generate_series(1, $1::int) n', [3]],
  ['SELECT n FROM generate_series(1, 0) n', []],
  ['SELECT 1 AS same, 2 AS same', []],
  ['SELECT', []],
  ['SELECT 1', []],
  ["SELECT 'x' AS \"__proto__\", 'y' AS constructor", []],
  ['INSERT INTO kept VALUES ($1, $2)', [1, null]],
  ['INSERT INTO kept VALUES ($1, $2) RETURNING said, id', [2, 'two']],
  ['UPDATE kept SET said = $1 WHERE id = 2', ['2']],
  ['', []],
];

describe.each(['p', ''])('under a name that begins with "%s"', (prefix) => {
  it.each(statements)('%s', async (text, values) => {
    const driven = await client.query<object>({ text, values: [...values] });
    const statement = { name: prefix && `${prefix}${statements.findIndex(([one]) => one === text)}`, text, values };
    const answers = await Promise.all([ask(client, statement), ask(client, statement)]);
    answers.push(await ask(client, statement));
    for (const { rows, tag } of answers) {
      expect(rows).toEqual(driven.rows);
      expect(rows.map((row) => Object.keys(row))).toEqual(driven.rows.map((row) => Object.keys(row)));
      expect(tag.split(' ')[0]).toBe(driven.command ?? '');
    }
  });
});

it('also through a pool', async () => {
  const pool = new pg.Pool({ connectionString: database.url, max: 2, pipeline: true });
  const statement = { name: 'said', text: 'SELECT $1::int AS said', values: [7] };
  const answers = await Promise.all([1, 2, 3, 4, 5].map(() => askPool(pool, statement)));
  expect(answers.map(({ rows }) => rows)).toEqual(answers.map(() => [{ said: 7 }]));
  await expect(askPool(pool, { name: 'nothing', text: 'SELECT * FROM nowhere', values: [] })).rejects.toThrow(
    /nowhere/,
  );
  expect((await askPool(pool, statement)).rows).toEqual([{ said: 7 }]);
  await pool.end();
});

describe('what fails', () => {
  it('fails alone, and its name can be used again', async () => {
    const divide = { name: 'divide', text: 'SELECT 6 / $1::int AS said' };
    const settled = await Promise.allSettled([
      ask(client, { ...divide, values: [0] }),
      ask(client, { ...divide, values: [2] }),
      ask(client, { name: 'nowhere', text: 'SELECT * FROM nowhere', values: [] }),
      ask(client, { ...divide, values: ['x'] }),
      ask(client, { ...divide, values: [3] }),
    ]);
    const said = settled.map((one) => (one.status === 'fulfilled' ? one.value.rows : one.reason.code));
    expect(said).toEqual(['22012', [{ said: 3 }], '42P01', '22P02', [{ said: 2 }]]);
  });

  it('is told before anything is sent where a value cannot be written', async () => {
    const circle: { toPostgres?: () => unknown } = {};
    circle.toPostgres = () => circle;
    const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
    const before = stream.bytesWritten;
    await expect(ask(client, { name: 'circle', text: 'SELECT $1::text AS said', values: [circle] })).rejects.toThrow(
      /circular/,
    );
    expect(stream.bytesWritten).toBe(before);
    expect((await ask(client, { name: 'circle', text: 'SELECT $1::text AS said', values: ['x'] })).rows).toEqual([
      { said: 'x' },
    ]);
  });

  it('is told of a row that cannot be read, once the statement has ended', async () => {
    const kept = pg.types.getTypeParser(pg.types.builtins.MACADDR, 'text');
    pg.types.setTypeParser(pg.types.builtins.MACADDR, () => {
      throw new Error('unreadable');
    });
    const statement = {
      name: 'mac',
      text: "SELECT '08:00:2b:01:02:03'::macaddr FROM generate_series(1, 2)",
      values: [],
    };
    await expect(ask(client, statement)).rejects.toThrow('unreadable');
    await expect(ask(client, statement)).rejects.toThrow('unreadable');
    pg.types.setTypeParser(pg.types.builtins.MACADDR, kept);
    expect((await ask(client, { name: 'after', text: 'SELECT 1 AS said', values: [] })).rows).toEqual([{ said: 1 }]);
  });

  it('is told where a name stands for another text already', async () => {
    await ask(client, { name: 'taken', text: 'SELECT 1 AS said', values: [] });
    await expect(ask(client, { name: 'taken', text: 'SELECT 2 AS said', values: [] })).rejects.toThrow(
      /another statement/,
    );
  });
});
