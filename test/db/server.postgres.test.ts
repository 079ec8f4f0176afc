import { createHash, randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { enterAs } from '../../src/db/connection-url.js';
import type { Database } from '../../src/db/database.js';
import { readMigrations } from '../../src/db/migration-files.js';
import { openDatabase } from '../../src/db/open.js';
import { migrateServer, openServer } from '../../src/db/server.js';
import { ConfigurationError } from '../../src/platform/errors.js';
import { createTestDatabase, onServer } from '../support/database.js';
import { freePort } from '../support/postgres.js';

const opened: Database[] = [];
const dropped: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const database of opened.splice(0)) await database.close();
  for (const drop of dropped.splice(0)) await drop();
});

async function newDatabase(isEmpty = false): Promise<string> {
  const { url, drop } = await createTestDatabase({ isEmpty });
  dropped.push(drop);
  return url;
}

async function open(databaseUrl: string, warn: (line: string) => void = () => undefined): Promise<Database> {
  const database = await openServer({ databaseUrl, warn });
  opened.push(database);
  return database;
}

const changed = (url: string, change: (url: URL) => void): string => {
  const copy = new URL(url);
  change(copy);
  return copy.toString();
};

describe('a server that cannot be entered', () => {
  const openFailing = (databaseUrl: string, reachMs = 1_500, warn = vi.fn()) =>
    openDatabase({ databaseUrl, dataDir: '/nowhere', onFatal: warn, warn, reachMs }).catch((error: unknown) => error);

  it('is asked again for a bounded time, then named without its password', async () => {
    const warn = vi.fn();
    const began = Date.now();
    const port = await freePort();
    const failure = await openFailing(`postgresql://someone:hunter2@127.0.0.1:${port}/app`, 1_500, warn);
    expect(Date.now() - began).toBeLessThan(3_000);
    expect(failure).toBeInstanceOf(ConfigurationError);
    expect(String(failure)).toContain(`DATABASE_URL: no answer from 127.0.0.1:${port}/app within 1.5 s`);
    expect(`${failure}${JSON.stringify(warn.mock.calls)}`).not.toContain('hunter2');
    expect(warn).toHaveBeenCalledTimes(1);
  });

  it('is entered when it comes up in time', async () => {
    const url = await newDatabase();
    let isUp = false;
    const port = await freePort();
    const { createServer, connect } = await import('node:net');
    const proxy = createServer((socket) => {
      const upstream = connect(Number(new URL(url).port), new URL(url).hostname);
      socket.pipe(upstream).pipe(socket);
      for (const end of [socket, upstream]) end.on('error', () => undefined);
    });
    const later = setTimeout(() => proxy.listen(port, '127.0.0.1', () => (isUp = true)), 700);
    const database = await openServer({
      databaseUrl: changed(url, (proxied) => {
        proxied.port = String(port);
        proxied.hostname = '127.0.0.1';
      }),
      warn: () => undefined,
    });
    expect(isUp).toBe(true);
    clearTimeout(later);
    await database.close();
    await new Promise((resolve) => proxy.close(resolve));
  });

  it('for a reason that waiting cannot mend is not waited for', async () => {
    const began = Date.now();
    const failure = await openFailing(
      changed(inject('serverUrl'), (url) => (url.pathname = '/no_such_database')),
      20_000,
    );
    expect(Date.now() - began).toBeLessThan(5_000);
    expect(String(failure)).toMatch(/^ConfigurationError: DATABASE_URL: .*no_such_database refuses the connection/);
  });

  it.each(['', 'localhost', 'mysql://localhost/app'])(
    'is refused before any connection for the URL "%s"',
    async (url) => {
      const failure = await openFailing(url);
      expect(failure).toBeInstanceOf(ConfigurationError);
      expect(String(failure)).toContain('postgresql://user:password@host:5432/database');
    },
  );
});

describe('a user who may not make the role', () => {
  const role = `sallyport_app_${randomBytes(4).toString('hex')}`;
  const user = `plain_user_${randomBytes(4).toString('hex')}`;
  // The real role is on this server already: every database of the run has it.
  const migrations = readMigrations().map(({ name, sql }) => {
    const renamed = sql.replaceAll(/sallyport_app\b/g, role);
    return { name, sql: renamed, checksum: createHash('sha256').update(renamed).digest('hex') };
  });
  const administrator = (sql: string) => onServer(inject('adminUrl'), sql);
  let url: string;

  beforeAll(async () => {
    await administrator(`CREATE ROLE ${user} LOGIN PASSWORD 'p'`);
    await administrator(`CREATE DATABASE ${user} OWNER ${user}`);
    url = changed(inject('adminUrl'), (own) => {
      own.username = user;
      own.password = 'p';
      own.pathname = `/${user}`;
    });
  });
  afterAll(async () => {
    await administrator(`DROP DATABASE ${user} WITH (FORCE)`);
    await administrator(`DROP ROLE IF EXISTS ${role}`);
    await administrator(`DROP ROLE ${user}`);
  });

  it('is told the SQL, and migrates after an administrator ran it', async () => {
    const failure = await migrateServer(url, migrations).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigurationError);
    expect(String(failure)).toContain(`${user} may not create the role ${role}`);
    const sql = `CREATE ROLE ${role} NOLOGIN; GRANT ${role} TO ${user};`;
    expect(String(failure)).toContain(sql);

    const [create = '', grant = ''] = sql.split('; ');
    await administrator(create);
    await expect(migrateServer(url, migrations)).rejects.toThrow(`start again: GRANT ${role} TO ${user};`);
    await administrator(grant);
    expect(await migrateServer(url, migrations)).toEqual(migrations.map(({ name }) => name));
  });
});

describe('several processes on one server', () => {
  it('migrate one after the other', async () => {
    const url = await newDatabase(true);
    const applied = await Promise.all([migrateServer(url), migrateServer(url), migrateServer(url)]);
    expect(applied.flat().sort()).toEqual(readMigrations().map(({ name }) => name));
  });

  it('migrate two databases at once, and share the role', async () => {
    const urls = await Promise.all([newDatabase(true), newDatabase(true)]);
    for (const applied of await Promise.all(urls.map((url) => migrateServer(url)))) {
      expect(applied).toEqual(readMigrations().map(({ name }) => name));
    }
  });
});

describe('the bound pool', () => {
  it('stays bound when a statement resets the role', async () => {
    const database = await open(await newDatabase());
    await database.query('reset', 'RESET ROLE', []);
    expect(await database.query('who', 'SELECT current_user::text AS name', [])).toEqual([{ name: 'sallyport_app' }]);
  });

  it('keeps the options that DATABASE_URL brings', async () => {
    const url = changed(await newDatabase(), (own) => own.searchParams.set('options', '-c statement_timeout=4321'));
    const database = await open(url);
    const settings = `SELECT current_user::text AS name, current_setting('statement_timeout') AS timeout`;
    expect(await database.query('settings', settings, [])).toEqual([{ name: 'sallyport_app', timeout: '4321ms' }]);
    expect(enterAs(new URL('postgresql://h/d?options=-c%20a%3Db'), 'r')).toContain(
      'options=-c%20a%3Db%20-c%20role%3Dr',
    );
  });

  it('prepares a bounded number of statements', async () => {
    const database = await open(await newDatabase());
    for (let ids = 1; ids <= 350; ids++) {
      await database.owner.agent.findMany({ where: { id: { notIn: Array.from({ length: ids }, String) } } });
    }
    const { rows } = await database.executeAsOwner('SELECT count(*)::int AS n FROM pg_prepared_statements');
    expect(Number(rows[0]?.n)).toBeLessThanOrEqual(300);
  });
});

describe('listening', () => {
  it('goes on after its connection was lost', async () => {
    const database = await open(await newDatabase());
    const heard: string[] = [];
    const stop = await database.listen('news', (payload) => heard.push(payload));
    const say = (text: string) => database.executeAsOwner(`SELECT pg_notify('news', $1)`, [text]);
    await say('first');
    await vi.waitFor(() => expect(heard).toEqual(['first']));

    await database.executeAsOwner(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sallyport listen' AND datname = current_database()`,
    );
    await vi.waitFor(async () => {
      await say('second');
      expect(heard).toContain('second');
    }, 5_000);
    await stop();
  });
});

describe('pools', () => {
  it('survive the loss of their connections', async () => {
    const warn = vi.fn();
    const url = await newDatabase();
    const database = await open(url, warn);
    await database.ping();
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
    await client.end();
    await vi.waitFor(() => database.ping(), 5_000);
    expect(warn).toHaveBeenCalled();
  });
});
