import { setTimeout as sleep } from 'node:timers/promises';
import PgBoss from 'pg-boss';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { pendingMigrations } from '../../src/db/migrate.js';
import { openTestDatabase, type TestDatabase } from '../support/database.js';
import { fillWorkspace } from './two-workspaces.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await openTestDatabase();
  await fillWorkspace(database, 'a');
});
afterAll(() => database.close());

const owner = (text: string, values?: unknown[]) => database.executeAsOwner(text, values);

describe('a database', () => {
  it('answers, and lacks no migration', async () => {
    await database.ping();
    expect(await pendingMigrations(database)).toEqual([]);
  });

  it('gives the same types on both engines', async () => {
    const text = `SELECT 1::int AS int, true AS bool, 'x' AS text, '{"a":[1]}'::jsonb AS json, '{a,b}'::text[] AS list,
      '2026-01-02T03:04:05.678Z'::timestamptz AS time, NULL AS nothing, $1::timestamptz AS given, $2::text[] AS names`;
    const time = new Date('2026-01-02T03:04:05.678Z');
    expect(await database.query('types', text, [time, ['a', 'b']])).toEqual([
      {
        int: 1,
        bool: true,
        text: 'x',
        json: { a: [1] },
        list: ['a', 'b'],
        time,
        nothing: null,
        given: time,
        names: ['a', 'b'],
      },
    ]);
  });

  it('runs several statements at once as the owner, transactions included', async () => {
    await owner('BEGIN; CREATE TABLE several (n int); INSERT INTO several VALUES (1), (2); COMMIT;');
    expect((await owner('INSERT INTO several VALUES ($1) RETURNING n', [3])).rows).toEqual([{ n: 3 }]);
    expect((await owner('SELECT n FROM several ORDER BY n; DROP TABLE several')).rows).toEqual([
      { n: 1 },
      { n: 2 },
      { n: 3 },
    ]);
  });

  it('is bound again after the owner’s work, also when that failed', async () => {
    const who = () => database.query('who', 'SELECT current_user::text AS name', []);
    await expect(owner('BEGIN; SELECT 1/0; COMMIT;')).rejects.toThrow(/division by zero/);
    expect(await who()).toEqual([{ name: 'sallyport_app' }]);
    await expect(owner('SELECT 1 / $1::int', [0])).rejects.toThrow(/division by zero/);
    expect(await who()).toEqual([{ name: 'sallyport_app' }]);
    await expect(
      database.owner.$transaction(async (tx) => {
        await tx.agent.findMany();
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    expect(await who()).toEqual([{ name: 'sallyport_app' }]);
  });

  it('keeps nothing of an interactive transaction that throws', async () => {
    await expect(
      database.owner.$transaction(async (tx) => {
        await tx.organization.create({ data: { id: 'org_lost', name: 'Lost' } });
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    expect(await database.owner.organization.findUnique({ where: { id: 'org_lost' } })).toBeNull();
  });

  it('does not call a refused COMMIT a success', async () => {
    await owner('CREATE TABLE late (id int PRIMARY KEY, other int REFERENCES late DEFERRABLE INITIALLY DEFERRED)');
    await expect(
      database.owner.$transaction(async (tx) => {
        await tx.$executeRaw`INSERT INTO late VALUES (1, 2)`;
      }),
    ).rejects.toThrow(/foreign ?key/i);
    expect((await owner('SELECT FROM late')).rows).toEqual([]);
    await owner('DROP TABLE late');
  });

  it('rolls back a transaction that takes too long, and goes on', async () => {
    const slow = database.owner.$transaction(
      async (tx) => {
        await tx.organization.create({ data: { id: 'org_slow', name: 'Slow' } });
        await sleep(400);
        await tx.organization.count();
      },
      { timeout: 100 },
    );
    await expect(slow).rejects.toThrow(/expired|closed/i);
    expect(await database.owner.organization.findUnique({ where: { id: 'org_slow' } })).toBeNull();
  });

  it('forgets a transaction that could not begin in time', async () => {
    const holders = Array.from({ length: 5 }, () => database.owner.$transaction(() => sleep(500)));
    await sleep(50);
    const late = database.owner.$transaction((tx) => tx.organization.count(), { maxWait: 100 });
    await expect(late).rejects.toThrow(/start a transaction/i);
    await Promise.all(holders);
    for (let turn = 0; turn < 6; turn++) await database.owner.$transaction((tx) => tx.organization.count());
  });

  it('serves transactions that come at once', async () => {
    const rename = (name: string) =>
      database.owner.$transaction(async (tx) => {
        await tx.$queryRaw`SELECT FROM contact WHERE id = 'x_a' FOR UPDATE`;
        const contact = await tx.contact.findFirstOrThrow({ where: { id: 'x_a' } });
        const where = { workspaceId_id: { workspaceId: 'wsp_a', id: 'x_a' } };
        await tx.contact.update({ where, data: { name: `${contact.name}${name}` } });
      });
    await Promise.all(Array.from({ length: 10 }, () => rename('!')));
    expect((await database.owner.contact.findFirstOrThrow({ where: { id: 'x_a' } })).name).toBe(`a${'!'.repeat(10)}`);
  });
});

describe('listening', () => {
  it('hears each NOTIFY on its channel once it is committed, until it stops', async () => {
    const heard: string[] = [];
    const stop = await database.listen('effects', (payload) => heard.push(payload));
    await owner(`SELECT pg_notify('other', 'not for us')`);
    await database.query('notify', `SELECT pg_notify('effects', $1)`, ['one']);
    await database.owner
      .$transaction(async (tx) => {
        await tx.$queryRaw`SELECT pg_notify('effects', 'rolled back')::text`;
        throw new Error('no');
      })
      .catch(() => undefined);
    await database.owner.$transaction(async (tx) => {
      await tx.$queryRaw`SELECT pg_notify('effects', 'two')::text`;
    });
    await vi.waitFor(() => expect(heard).toEqual(['one', 'two']));
    await stop();
    await owner(`SELECT pg_notify('effects', 'late')`);
    await owner('SELECT 1');
    expect(heard).toEqual(['one', 'two']);
  });
});

describe('sallyport_enqueue', () => {
  let boss: PgBoss;

  beforeAll(async () => {
    boss = new PgBoss({
      db: { executeSql: async (text, values) => ({ rows: (await owner(text, values)).rows, rowCount: 0 }) },
      supervise: false,
      schedule: false,
    });
    await boss.start();
    await boss.createQueue('dead');
    await boss.createQueue('effects', {
      name: 'effects',
      policy: 'short',
      retryLimit: 7,
      retryDelay: 3,
      retryBackoff: true,
      expireInSeconds: 90,
      retentionMinutes: 5,
      deadLetter: 'dead',
    });
    await boss.createQueue('plain');
  });
  afterAll(() => boss.stop({ graceful: false, close: false }));

  const enqueue = async (
    queue: string,
    data: object,
    singletonKey: string | null = null,
    startAfter: Date | null = null,
  ) => {
    const text = 'SELECT sallyport_enqueue($1, $2::jsonb, $3, $4)::text AS id';
    const [row] = await database.query<{ id: string | null }>('enqueue', text, [
      queue,
      JSON.stringify(data),
      singletonKey,
      startAfter,
    ]);
    return row?.id ?? null;
  };
  const jobs = async (queue: string) =>
    (
      await owner(
        `SELECT name, priority, data, state::text, retry_limit, retry_delay, retry_backoff, singleton_key, singleton_on,
          expire_in::text, (keep_until - start_after)::text AS kept, dead_letter, policy
        FROM pgboss.job WHERE name = $1 ORDER BY created_on, id`,
        [queue],
      )
    ).rows;

  it.each(['effects', 'plain'])('leaves on the queue %s what send leaves', async (queue) => {
    const id = await boss.send(queue, { effectId: 'eff_1' }, { singletonKey: 'by send' });
    expect(id).not.toBeNull();
    const [sent] = await jobs(queue);
    await owner('DELETE FROM pgboss.job');
    expect(await enqueue(queue, { effectId: 'eff_1' }, 'by send')).not.toBeNull();
    expect(await jobs(queue)).toEqual([sent]);
    expect((await boss.fetch(queue))?.[0]?.data).toEqual({ effectId: 'eff_1' });
    await owner('DELETE FROM pgboss.job');
  });

  it('answers null when the singleton key holds a job already', async () => {
    expect(await enqueue('effects', {}, 'once')).not.toBeNull();
    expect(await enqueue('effects', {}, 'once')).toBeNull();
    expect(await jobs('effects')).toHaveLength(1);
  });

  it('starts no job before its time', async () => {
    await enqueue('plain', {}, null, new Date(Date.now() + 60_000));
    expect(await boss.fetch('plain')).toEqual([]);
  });

  it('tells whoever listens, and refuses a queue that does not exist', async () => {
    const heard: string[] = [];
    const stop = await database.listen('sallyport_jobs', (payload) => heard.push(payload));
    await enqueue('plain', {});
    await vi.waitFor(() => expect(heard).toEqual(['plain']));
    await stop();
    await expect(enqueue('no-such-queue', {})).rejects.toThrow('There is no queue named no-such-queue');
  });

  it('is the bound role’s only way to jobs', async () => {
    await expect(database.query('jobs', 'SELECT FROM pgboss.job', [])).rejects.toThrow(/permission denied/);
  });
});
