// Brings a database to the schema of this build: as its owner, one process at a time, each migration entirely or not at
// all. When nothing is missing this is one query. Steps before a database serves anyone.
import { ConfigurationError } from '../platform/errors.js';
import type { Database } from './database.js';
import { type Migration, readMigrations, readSchema } from './migration-files.js';
import { applyByEngine, type EngineConnection, openEngine } from './schema-engine.js';

/** The owner's way into a database that is not yet served. */
export interface MigrationConnection extends EngineConnection {
  query(text: string): Promise<Record<string, unknown>[]>;
  /** Runs `work` while no other process migrates the same database. */
  alone<T>(work: () => Promise<T>): Promise<T>;
}

type OwnerQuery = (text: string) => Promise<Record<string, unknown>[]>;

/** The names of the migrations that were applied now; none when the database was up to date. */
export async function applyMigrations(
  connection: MigrationConnection,
  migrations: readonly Migration[] = readMigrations(),
): Promise<string[]> {
  if ((await missing(connection.query, migrations)).length === 0) return [];
  return connection.alone(async () => {
    if ((await missing(connection.query, migrations)).length === 0) return [];
    await prepareRole(connection, migrations);
    await forgetUnfinished(connection);
    return applyWhole(connection, migrations);
  });
}

/** What readiness asks: the migrations of this build that the database lacks. */
export async function pendingMigrations(
  database: Pick<Database, 'executeAsOwner'>,
  migrations: readonly Migration[] = readMigrations(),
): Promise<string[]> {
  const pending = await missing(async (text) => (await database.executeAsOwner(text)).rows, migrations);
  return pending.map(({ name }) => name);
}

async function missing(query: OwnerQuery, migrations: readonly Migration[]): Promise<Migration[]> {
  const rows = await query(
    'SELECT migration_name, checksum FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL',
  ).catch((error: unknown) => {
    if (sqlStateOf(error) === undefinedTable) return [];
    throw error;
  });
  const applied = new Map(rows.map((row) => [row.migration_name, row.checksum]));
  const changed = migrations.find(({ name, checksum }) => applied.has(name) && applied.get(name) !== checksum);
  if (changed !== undefined) {
    throw new ConfigurationError(
      `The migration ${changed.name} was changed after this database applied it. Restore the file and write the change as a new migration (npm run db:migration NAME), or start with an empty database.`,
    );
  }
  return migrations.filter(({ name }) => !applied.has(name));
}

/** The first migration makes the role and may run again; run ahead of the engine, its refusal leaves no failed migration. */
async function prepareRole(connection: MigrationConnection, migrations: readonly Migration[]): Promise<void> {
  const role = migrations.find(({ name }) => name.endsWith('_role'));
  if (role === undefined) return;
  await connection.runScript(role.sql).catch((error: unknown) => {
    throw roleProblem(error) ?? error;
  });
}

/** The refusal with the SQL for whoever may run it; null when the error is about something else. */
export function roleProblem(error: unknown): ConfigurationError | null {
  if (sqlStateOf(error) !== insufficientPrivilege || !(error instanceof Error)) return null;
  const { hint } = error as { hint?: unknown };
  return new ConfigurationError(
    `DATABASE_URL: ${error.message}. Ask a database administrator to run this once, then start again: ${String(hint)}`,
  );
}

/**
 * A row without an end is a start that was killed on the way. Its script did not commit, since the script itself writes
 * the end (see `applyWhole`); so it may run again.
 */
async function forgetUnfinished(connection: MigrationConnection): Promise<void> {
  const [table] = await connection.query(`SELECT to_regclass('_prisma_migrations')::text AS name`);
  if (table?.name == null) return;
  await connection.runScript(
    'UPDATE _prisma_migrations SET rolled_back_at = now() WHERE finished_at IS NULL AND rolled_back_at IS NULL',
  );
}

async function applyWhole(connection: MigrationConnection, migrations: readonly Migration[]): Promise<string[]> {
  const scripts = new Set(migrations.map(({ sql }) => sql));
  let failure: unknown;
  const engine = await openEngine(
    {
      factory: connection.factory,
      runScript: (text) =>
        connection.runScript(scripts.has(text) ? `${text}\n${markFinished}` : text).catch((error: unknown) => {
          failure ??= error;
          throw error;
        }),
    },
    readSchema(),
  );
  try {
    return await applyByEngine(engine, migrations);
  } catch (error) {
    await forgetUnfinished(connection);
    const cause = failure ?? error;
    const sentence = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigurationError(`The database could not be migrated, and was left as it was: ${sentence}`, { cause });
  } finally {
    engine.free();
  }
}

const markFinished =
  'UPDATE _prisma_migrations SET finished_at = now() WHERE finished_at IS NULL AND rolled_back_at IS NULL;';

const undefinedTable = '42P01';
const insufficientPrivilege = '42501';

/** PostgreSQL's five characters, wherever the driver put them. */
export function sqlStateOf(error: unknown): string | null {
  const code = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : null;
  return typeof code === 'string' ? code : null;
}
