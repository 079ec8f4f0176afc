// Opening a database migrates it; what was missing is read before. A running embedded server has done so at its start.
import type { Config } from '../config.js';
import type { Database } from '../db/database.js';
import { pendingMigrations } from '../db/migrate.js';
import { readMigrations } from '../db/migration-files.js';
import { openDatabase } from '../db/open.js';
import { conflict } from '../platform/errors.js';
import { endAtOnce, tell } from './last-words.js';
import { peek } from './peek.js';

export interface Migrated {
  /** Names, in order; none when the database was up to date. */
  readonly applied: readonly string[];
  /** How many migrations this version has. */
  readonly total: number;
}

export async function applyMigrationsTo(config: Config): Promise<Migrated> {
  const { databaseUrl, dataDir } = config;
  const applied = await peek(config, async (ask) => {
    if (ask === null) return readMigrations().map(({ name }) => name);
    return pendingMigrations({ executeAsOwner: async (text) => ({ rows: await ask(text) }) });
  }).catch(() => []);
  const database = await openDatabase({ databaseUrl, dataDir, onFatal: endAtOnce, warn: tell });
  await database.close();
  return { applied, total: readMigrations().length };
}

/** @throws CONFLICT when the running server is older than the files beside it */
export async function requireMigrated(database: Pick<Database, 'executeAsOwner'>): Promise<Migrated> {
  const pending = await pendingMigrations(database);
  if (pending.length === 0) return { applied: [], total: readMigrations().length };
  throw conflict(`The running server lacks ${pending.length} migrations: start it again, and it applies them.`);
}
