// A database of its own for a test file, migrated and empty, on the engine of the project that runs it.
import './provided.js';
import { randomBytes } from 'node:crypto';
import { openAsBlob } from 'node:fs';
import pg from 'pg';
import { inject } from 'vitest';
import type { Database } from '../../src/db/database.js';
import { openEmbedded } from '../../src/db/embedded.js';
import { openServer } from '../../src/db/server.js';
import { leaveWasmAsCompiled } from '../../src/platform/memory.js';

// As a server does; the embedded database is worth optimising.
if (inject('engine') === 'server') leaveWasmAsCompiled();

/** Which walls stand: `guard` connects as the owner everywhere, so that row-level security judges nothing; `rls` is for the guard to honour. */
export type TestWalls = 'both' | 'guard' | 'rls';

export interface TestDatabase extends Database {
  readonly walls: TestWalls;
  /** For a second process; null on the embedded engine, which has none. */
  readonly url: string | null;
}

/** Close it in `afterAll`; then nothing is left of it. */
export async function openTestDatabase({ walls = 'both' }: { walls?: TestWalls } = {}): Promise<TestDatabase> {
  const unboundForTests = walls === 'guard';
  if (inject('engine') === 'embedded') {
    const template = await openAsBlob(inject('templateFile'));
    const database = await openEmbedded({ dataDir: null, template, onFatal: fail, unboundForTests });
    return { ...database, walls, url: null };
  }
  const { url, drop } = await createTestDatabase();
  const database = await openServer({ databaseUrl: url, warn: () => undefined, unboundForTests });
  return {
    ...database,
    walls,
    url,
    close: async () => {
      await database.close();
      await drop();
    },
  };
}

/** On the PostgreSQL project: a copy of the template, or an empty database, for tests that open it themselves. */
export async function createTestDatabase({ isEmpty = false } = {}): Promise<{ url: string; drop(): Promise<void> }> {
  const template = inject('templateDatabase');
  const name = `${template}_${randomBytes(4).toString('hex')}`;
  const serverUrl = inject('serverUrl');
  await onServer(serverUrl, isEmpty ? `CREATE DATABASE ${name}` : `CREATE DATABASE ${name} TEMPLATE ${template}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    url: url.toString(),
    // By the administrator: an autovacuum that happens to be at work there is a superuser's, and the owner may not end it.
    drop: () => onServer(inject('adminUrl'), `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

/** On the PostgreSQL project: one statement on the server's own database. */
export async function onServer(url: string, statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

function fail(line: string): void {
  throw new Error(line);
}
