// PostgreSQL inside this process, in DATA_DIR/db: nothing to install. One process may hold the folder; the session is
// bound by row-level security as the server's pool is, and the owner's work happens in transactions that say so.
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { PrismaClient } from '../generated/prisma/client.js';
import { ConfigurationError } from '../platform/errors.js';
import type { Database } from './database.js';
import { type FolderLock, lockFolder } from './folder-lock.js';
import { prismaJoiner } from './joined-prisma.js';
import { applyMigrations, type MigrationConnection } from './migrate.js';
import { runInside, transactionMs } from './open-transaction.js';
import { joinedPgliteAdapter, pgliteAdapter } from './pglite-adapter.js';
import { type OpenTransaction, openSession, type SingleSession } from './single-session.js';

export interface EmbeddedOptions {
  /** The folder that holds `db/`; null keeps everything in memory. */
  readonly dataDir: string | null;
  /** A dump of a database made by `dumpDataDir`, to begin with; for tests. */
  readonly template?: Blob;
  /** Told in one line that the engine is lost; ends the process at once. */
  readonly onFatal: (line: string) => void;
  /** Leaves the session to its owner, so that a test can judge the first wall alone. */
  readonly unboundForTests?: boolean;
}

/**
 * Opens, migrates and binds the embedded database.
 * @throws ConfigurationError when another process holds the folder, or it cannot be written or opened.
 */
export async function openEmbedded(options: EmbeddedOptions): Promise<Database> {
  const lock = options.dataDir === null ? null : await lockDataDir(options.dataDir);
  try {
    const pglite = await openEngine(options);
    const session = openSession(pglite, { onFatal: options.onFatal });
    await applyMigrations(migrationConnection(session));
    if (options.unboundForTests !== true) await session.bind();
    return databaseOf(session, lock);
  } catch (error) {
    lock?.release();
    throw error;
  }
}

async function lockDataDir(dataDir: string): Promise<FolderLock> {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    return await lockFolder(join(dataDir, 'db.lock'));
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigurationError(
      `DATA_DIR: the folder ${dataDir} cannot be written (${reason}). Make it writable, or set DATA_DIR to a folder that is.`,
      { cause: error },
    );
  }
}

async function openEngine({ dataDir, template }: EmbeddedOptions): Promise<PGlite> {
  const folder = dataDir === null ? null : join(dataDir, 'db');
  try {
    const beginning = template === undefined ? {} : { loadDataDir: template };
    if (folder === null) return await PGlite.create(beginning);
    if (!existsSync(folder)) await initialise(folder, beginning);
    return await PGlite.create({ dataDir: folder });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigurationError(
      `DATA_DIR: the embedded database ${folder ?? 'in memory'} cannot be opened (${reason}). Is it complete, writable, and made by this version?`,
      { cause: error },
    );
  }
}

/** A first start that is killed half way must not leave a folder that looks like a database. */
async function initialise(folder: string, beginning: { loadDataDir?: Blob }): Promise<void> {
  const draft = `${folder}.new`;
  rmSync(draft, { recursive: true, force: true });
  const pglite = await PGlite.create({ ...beginning, dataDir: draft });
  await pglite.close();
  renameSync(draft, folder);
}

/** The owner's way in, before `bind`. */
export function migrationConnection(session: SingleSession): MigrationConnection {
  return {
    factory: pgliteAdapter(session.owner),
    runScript: async (text) => {
      await session.script(text);
    },
    query: async (text) => (await session.owner.query(text)).rows,
    alone: (work) => work(),
  };
}

function databaseOf(session: SingleSession, lock: FolderLock | null): Database {
  const transactionOptions = { maxWait: 15_000, timeout: transactionMs };
  const bound = new PrismaClient({ adapter: pgliteAdapter(session.bound), transactionOptions });
  const owner = new PrismaClient({ adapter: pgliteAdapter(session.owner), transactionOptions });
  const joiner = prismaJoiner(
    (take: () => OpenTransaction) => new PrismaClient({ adapter: joinedPgliteAdapter(take) }),
    transactionOptions,
  );
  let closing: Promise<void> | undefined;
  const query: Database['query'] = async <Row extends object>(
    _name: string,
    text: string,
    values: readonly unknown[],
  ) => (await session.bound.query(text, [...values])).rows as Row[];
  return {
    engine: 'embedded',
    bound,
    owner,
    transact: (opening, run) =>
      session.bound.transaction(async (connection) => {
        await connection.exec(opening);
        const query = async (text: string, values: readonly unknown[]) =>
          (await connection.query(text, [...values])).rows as object[];
        const send = async (text: string, values: readonly unknown[]) => {
          await query(text, values);
        };
        const late = async <T>(answer: Promise<T>) => {
          await answer;
          return { value: answer };
        };
        return runInside({ connection, joiner, query, send, late }, run);
      }),
    query,
    shortQuery: query,
    queryAsOwner: async <Row extends object>(_name: string, text: string, values: readonly unknown[]) =>
      (await session.owner.query(text, [...values])).rows as Row[],
    executeAsOwner: async (text, values) => {
      if (values !== undefined && values.length > 0) {
        return { rows: (await session.owner.query(text, [...values])).rows };
      }
      const answers = await session.script(text);
      return { rows: answers.findLast(({ fields }) => fields.length > 0)?.rows ?? [] };
    },
    listen: (channel, onPayload) => session.listen(channel, onPayload),
    ping: async () => {
      await session.bound.query('SELECT 1');
    },
    close: () => {
      closing ??= closeAll(
        [() => bound.$disconnect(), () => owner.$disconnect(), () => joiner.close(), () => session.close()],
        lock,
      );
      return closing;
    },
  };
}

async function closeAll(steps: readonly (() => Promise<void>)[], lock: FolderLock | null): Promise<void> {
  try {
    for (const step of steps) await step();
  } finally {
    lock?.release();
  }
}
