// A look into the database as it is: nothing is made, nothing is migrated. For what is asked before a start.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config.js';
import { parseDatabaseUrl } from '../db/connection-url.js';
import { lockFolder } from '../db/folder-lock.js';
import type { Ask } from './inspect.js';

const connectWithinMs = 5_000;

/**
 * Lets `look` ask the database as its owner; null: an embedded database that is not there yet.
 * @throws what the driver says, or ConfigurationError when another process holds the folder
 */
export async function peek<Seen>(config: Config, look: (ask: Ask | null) => Promise<Seen>): Promise<Seen> {
  if (config.databaseUrl !== null) return peekServer(config.databaseUrl, look);
  return existsSync(join(config.dataDir, 'db')) ? peekFolder(config.dataDir, look) : look(null);
}

async function peekServer<Seen>(databaseUrl: string, look: (ask: Ask) => Promise<Seen>): Promise<Seen> {
  const { default: pg } = await import('pg');
  const connectionString = parseDatabaseUrl(databaseUrl).toString();
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: connectWithinMs });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return await look(async (text) => (await client.query<Record<string, unknown>>(text)).rows);
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function peekFolder<Seen>(dataDir: string, look: (ask: Ask) => Promise<Seen>): Promise<Seen> {
  const { PGlite } = await import('@electric-sql/pglite');
  const lock = await lockFolder(join(dataDir, 'db.lock'));
  try {
    const pglite = await PGlite.create({ dataDir: join(dataDir, 'db') });
    try {
      return await look(async (text) => (await pglite.query<Record<string, unknown>>(text)).rows);
    } finally {
      await pglite.close();
    }
  } finally {
    lock.release();
  }
}
