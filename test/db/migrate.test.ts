import { createHash } from 'node:crypto';
import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { migrationConnection } from '../../src/db/embedded.js';
import { applyMigrations, pendingMigrations } from '../../src/db/migrate.js';
import { type Migration, readMigrations } from '../../src/db/migration-files.js';
import { migrateServer } from '../../src/db/server.js';
import { openSession } from '../../src/db/single-session.js';
import { ConfigurationError } from '../../src/platform/errors.js';
import { createTestDatabase } from '../support/database.js';

interface Subject {
  migrate(migrations?: readonly Migration[]): Promise<string[]>;
  execute(text: string): Promise<Record<string, unknown>[]>;
  empty(): Promise<void>;
  close(): Promise<void>;
}

let subject: Subject;

beforeAll(async () => {
  subject = inject('engine') === 'embedded' ? await embedded() : await server();
});
afterAll(() => subject.close());
beforeEach(() => subject.empty());

async function embedded(): Promise<Subject> {
  const pglite = await PGlite.create();
  const onFatal = (line: string) => {
    throw new Error(line);
  };
  const session = openSession(pglite, { onFatal });
  const execute = async (text: string) => (await session.script(text)).at(-1)?.rows ?? [];
  return {
    migrate: (migrations) => applyMigrations(migrationConnection(session), migrations),
    execute,
    empty: async () => void (await execute('DROP SCHEMA public CASCADE; CREATE SCHEMA public')),
    close: () => session.close(),
  };
}

async function server(): Promise<Subject> {
  let { url, drop } = await createTestDatabase({ isEmpty: true });
  return {
    migrate: (migrations) => migrateServer(url, migrations),
    execute: async (text) => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      try {
        return (await client.query(text)).rows;
      } finally {
        await client.end();
      }
    },
    empty: async () => {
      await drop();
      ({ url, drop } = await createTestDatabase({ isEmpty: true }));
    },
    close: () => drop(),
  };
}

const migration = (name: string, sql: string): Migration => ({
  name,
  sql,
  checksum: createHash('sha256').update(sql).digest('hex'),
});
const pending = () => pendingMigrations({ executeAsOwner: async (text) => ({ rows: await subject.execute(text) }) });

describe('migrating', () => {
  it('applies everything once, in order, and nothing the second time', async () => {
    const names = readMigrations().map(({ name }) => name);
    expect(await pending()).toEqual(names);
    expect(await subject.migrate()).toEqual(names);
    expect(await pending()).toEqual([]);
    expect(await subject.migrate()).toEqual([]);
  });

  it('goes on from where an earlier build had ended', async () => {
    await subject.migrate(readMigrations().slice(0, 2));
    const rest = readMigrations().slice(2);
    expect(await pending()).toEqual(rest.map(({ name }) => name));
    expect(await subject.migrate()).toEqual(rest.map(({ name }) => name));
  });

  it('leaves the database of a newer build alone', async () => {
    const newer = [...readMigrations(), migration('99990101000000_newer', 'CREATE TABLE newer ();')];
    await subject.migrate(newer);
    expect(await subject.migrate()).toEqual([]);
  });

  it('refuses a migration that was changed after it was applied', async () => {
    const [role, tables, ...rest] = readMigrations();
    if (role === undefined || tables === undefined) throw new Error('No migrations.');
    await subject.migrate();
    const changed = [role, migration(tables.name, `${tables.sql}\n-- a change`), ...rest];
    await expect(subject.migrate(changed)).rejects.toThrow(`The migration ${tables.name} was changed after`);
  });

  it('keeps nothing of a migration that fails, says why, and applies it once it is mended', async () => {
    const broken = migration('99990101000000_gone', 'CREATE TABLE half (); SELECT 1 FROM no_such_table;');
    const failure = await subject.migrate([...readMigrations(), broken]).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigurationError);
    expect(String(failure)).toContain('no_such_table');
    expect(await subject.execute(`SELECT to_regclass('half')::text AS name`)).toEqual([{ name: null }]);

    const mended = migration(broken.name, 'CREATE TABLE whole ();');
    expect(await subject.migrate([...readMigrations(), mended])).toEqual([broken.name]);
  });

  it('goes on after a start that was killed while it migrated', async () => {
    const later = migration('99990101000000_later', 'CREATE TABLE later ();');
    await subject.migrate();
    await subject.execute(
      `INSERT INTO _prisma_migrations (id, checksum, migration_name) VALUES ('1', '${later.checksum}', '${later.name}')`,
    );
    expect(await subject.migrate([...readMigrations(), later])).toEqual([later.name]);
  });

  it('does not repeat a migration whose end was written by its own script only', async () => {
    await subject.migrate();
    await subject.execute('UPDATE _prisma_migrations SET applied_steps_count = 0');
    expect(await subject.migrate()).toEqual([]);
  });
});
