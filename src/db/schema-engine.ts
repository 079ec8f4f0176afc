// Prisma's schema engine as WebAssembly: applies migrations and compares schemas with no binary to download. It is five
// megabytes, so it is loaded only when there is something to do.
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import {
  bindMigrationAwareSqlAdapterFactory,
  type SqlDriverAdapter,
  type SqlMigrationAwareDriverAdapterFactory,
} from '@prisma/driver-adapter-utils';
import type * as Engine from '@prisma/schema-engine-wasm/schema_engine_bg';
import type { Migration, SchemaFile } from './migration-files.js';

/** What the engine needs of a database: Prisma's adapter, and a way to run a script that keeps it whole. */
export interface EngineConnection {
  readonly factory: SqlMigrationAwareDriverAdapterFactory;
  /** Runs the whole text in one simple query, so that it happens entirely or not at all. */
  runScript(text: string): Promise<void>;
  /** An empty database to replay migrations in; only what compares schemas needs it. */
  shadow?(): Promise<EngineConnection>;
}

const filters: Engine.SchemaFilter = { externalTables: [], externalEnums: [] };

/** Module and memory of its own for each engine: the glue keeps one instance in a global, and a broken one spoils it. */
async function loadEngine(): Promise<typeof Engine> {
  const path = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg');
  const bytes = await readFile(path.replace(/\.js$/, '.wasm'));
  const glue = (await import(`${pathToFileURL(path).href}?engine=${randomUUID()}`)) as typeof Engine;
  const imports = { './schema_engine_bg.js': glue } as unknown as WebAssembly.Imports;
  const { instance } = await WebAssembly.instantiate(bytes, imports);
  glue.__wbg_set_wasm(instance.exports);
  (instance.exports.__wbindgen_start as () => void)();
  return glue;
}

export async function openEngine(
  connection: EngineConnection,
  schema: readonly SchemaFile[],
): Promise<Engine.SchemaEngine> {
  const { SchemaEngine } = await loadEngine();
  const datamodels = schema.map(({ path, content }): [string, string] => [path, content]);
  const ignoreLog = () => undefined;
  return SchemaEngine.new({ datamodels }, ignoreLog, bindMigrationAwareSqlAdapterFactory(wholeScripts(connection)));
}

/**
 * The adapters' own `executeScript` will not do: PostgreSQL's cuts a text at each semicolon, also inside a function's
 * body, and PGlite's does not wait for the answer.
 */
function wholeScripts({ factory, runScript, shadow }: EngineConnection): SqlMigrationAwareDriverAdapterFactory {
  const withScripts = (adapter: SqlDriverAdapter) => Object.assign(adapter, { executeScript: runScript });
  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    connect: async () => withScripts(await factory.connect()),
    connectToShadowDb: async () => {
      if (shadow === undefined) throw new Error('Schemas are compared on the embedded engine only.');
      return wholeScripts(await shadow()).connect();
    },
  };
}

const migrationList = (migrations: readonly Migration[]): Engine.MigrationList => ({
  baseDir: 'prisma/migrations',
  lockfile: { path: 'migration_lock.toml', content: 'provider = "postgresql"\n' },
  shadowDbInitScript: '',
  migrationDirectories: migrations.map(({ name, sql }) => ({
    path: name,
    migrationFile: { path: 'migration.sql', content: { tag: 'ok', value: sql } },
  })),
});

/** Applies what is missing and fills `_prisma_migrations`, so that Prisma's own tools go on working. */
export async function applyByEngine(engine: Engine.SchemaEngine, migrations: readonly Migration[]): Promise<string[]> {
  const { appliedMigrationNames } = await engine.applyMigrations({
    migrationsList: migrationList(migrations),
    filters,
  });
  return appliedMigrationNames;
}

/** The SQL that leads from the migrations to the schema; null when they agree. What Prisma cannot see, as roles, policies, grants and functions, is left alone. */
export async function driftByEngine(
  engine: Engine.SchemaEngine,
  migrations: readonly Migration[],
  schema: readonly SchemaFile[],
): Promise<string | null> {
  const { exitCode, stdout } = await engine.diff({
    from: migrations.length === 0 ? { tag: 'empty' } : { tag: 'migrations', ...migrationList(migrations) },
    to: { tag: 'schemaDatamodel', files: [...schema] },
    script: true,
    exitCode: true,
    filters,
  });
  return exitCode === 0 ? null : (stdout ?? '');
}
