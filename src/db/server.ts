// A PostgreSQL server behind DATABASE_URL. Two pools: the owner's, and one that enters as `sallyport_app` and so is bound
// by row-level security whatever it asks. Unreachable at the start is waited for, a bounded time.
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { PrismaClient } from '../generated/prisma/client.js';
import { ConfigurationError } from '../platform/errors.js';
import { enterAs, parseDatabaseUrl, placeOf } from './connection-url.js';
import type { Database } from './database.js';
import { openListener } from './listener.js';
import { applyMigrations, type MigrationConnection, sqlStateOf } from './migrate.js';
import type { Migration } from './migration-files.js';
import { transactionMs } from './open-transaction.js';
import { openPipeline } from './pipeline.js';
import { askPool } from './prepared-statement.js';
import { type NameOf, transactionsOf } from './server-transaction.js';
import { waitForServer } from './wait-for-server.js';

export interface ServerOptions {
  readonly databaseUrl: string;
  /** What happens beside the requests: a broken connection, a server that is waited for. */
  readonly warn: (line: string) => void;
  /** How long an unreachable server is waited for at the start. */
  readonly reachMs?: number;
  readonly boundConnectionsMax?: number;
  readonly ownerConnectionsMax?: number;
  /** Enters as the owner everywhere, so that a test can judge the first wall alone. */
  readonly unboundForTests?: boolean;
}

const role = 'sallyport_app';

/**
 * Waits for the server, migrates, and opens the pools.
 * @throws ConfigurationError when the server cannot be reached or entered, or the role is missing and may not be made.
 */
export async function openServer(options: ServerOptions): Promise<Database> {
  const url = parseDatabaseUrl(options.databaseUrl);
  const { warn, reachMs = 10_000 } = options;
  await waitForServer(url, { warn, reachMs });
  await migrateServer(options.databaseUrl);

  const owner = newPool(url.toString(), options.ownerConnectionsMax ?? 5, warn);
  const boundUrl = options.unboundForTests === true ? url.toString() : enterAs(url, role);
  const bound = newPool(boundUrl, options.boundConnectionsMax ?? 10, warn);
  try {
    await bound.query('SELECT 1');
  } catch (error) {
    await Promise.all([bound.end(), owner.end()]);
    throw cannotBind(error, url);
  }
  return databaseOf(owner, bound, { url: url.toString(), boundUrl }, warn);
}

/** Brings the server's database up to date; answers with the names of the migrations that were applied. */
export async function migrateServer(databaseUrl: string, migrations?: readonly Migration[]): Promise<string[]> {
  const url = parseDatabaseUrl(databaseUrl);
  const pool = new pg.Pool({ connectionString: url.toString(), max: 1, application_name: 'sallyport migrate' });
  pool.on('error', () => undefined);
  try {
    return await applyMigrations(migrationConnection(pool, url), migrations);
  } finally {
    await pool.end();
  }
}

function migrationConnection(pool: pg.Pool, url: URL): MigrationConnection {
  return {
    factory: new PrismaPg(pool),
    runScript: async (text) => {
      await pool.query(text);
    },
    query: async (text) => (await pool.query<Record<string, unknown>>(text)).rows,
    alone: (work) => whileLocked(url, work),
  };
}

/** Any number no one else would choose; the lock is per database. */
const migrationLock = '7310580418402';

async function whileLocked<T>(url: URL, work: () => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url.toString(), application_name: 'sallyport migrate lock' });
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(`SET lock_timeout = '60s'`);
    await client.query('SELECT pg_advisory_lock($1::bigint)', [migrationLock]);
    return await work();
  } catch (error) {
    if (sqlStateOf(error) !== '55P03') throw error;
    throw new ConfigurationError(
      `DATABASE_URL: another process has been migrating ${placeOf(url)} for 60 s. Wait for it or end it, then start again.`,
    );
  } finally {
    await client.end();
  }
}

function newPool(connectionString: string, max: number, warn: (line: string) => void): pg.Pool {
  const pool = new pg.Pool({
    ...connectionOptions,
    connectionString,
    max,
    idleTimeoutMillis: 60_000,
    // A statement of a transaction may be sent before the one ahead of it was answered.
    pipeline: true,
  });
  pool.on('error', (error) => warn(brokenWhileIdle(error)));
  return pool;
}

const brokenWhileIdle = ({ message }: Error): string =>
  `An idle database connection broke; the next request makes another: ${message}`;

/** The role is there after migrating, but a dump restored under another user leaves that user no member of it. */
function cannotBind(error: unknown, url: URL): unknown {
  const state = sqlStateOf(error);
  if (state !== '42501' && state !== '22023') return error;
  const user = `"${decodeURIComponent(url.username).replaceAll('"', '""')}"`;
  return new ConfigurationError(
    `DATABASE_URL: ${user} may not become the role ${role}. Ask a database administrator to run this once, then start again: CREATE ROLE ${role} NOLOGIN; GRANT ${role} TO ${user};`,
    { cause: error },
  );
}

/**
 * A process that stands still inside a transaction (stopped, swapped out, cut off) would hold its locks for ever, and with
 * them a workspace's account: the database ends it, and what it wrote is taken back.
 */
const frozenAfterMs = 15_000;

/** Each takes any number of statements one behind the other; several, so that a long one holds up few. */
const SHARED_CONNECTIONS = 4;

const connectionOptions = {
  application_name: 'sallyport',
  keepAlive: true,
  connectionTimeoutMillis: 10_000,
  idle_in_transaction_session_timeout: frozenAfterMs,
};

function databaseOf(
  owner: pg.Pool,
  bound: pg.Pool,
  { url, boundUrl }: { readonly url: string; readonly boundUrl: string },
  warn: (line: string) => void,
): Database {
  const transactionOptions = { maxWait: 10_000, timeout: transactionMs };
  // One name, one text, on every connection of a pool, whoever prepares it.
  const [boundNames, ownerNames] = [namesFor(), namesFor()];
  const prismaOver = (pool: pg.Pool, statementNameGenerator: NameOf) =>
    new PrismaClient({ adapter: new PrismaPg(pool, { statementNameGenerator }), transactionOptions });
  const [boundClient, ownerClient] = [prismaOver(bound, boundNames), prismaOver(owner, ownerNames)];
  const transactions = transactionsOf({ pool: bound, nameOf: boundNames });
  const listener = openListener({
    newClient: () => new pg.Client({ connectionString: url, keepAlive: true, application_name: 'sallyport listen' }),
    warn,
  });
  const short = openPipeline({
    newClient: () => new pg.Client({ ...connectionOptions, connectionString: boundUrl, pipeline: true }),
    connections: SHARED_CONNECTIONS,
    warn: (error) => warn(brokenWhileIdle(error)),
  });
  let closing: Promise<void> | undefined;
  return {
    engine: 'server',
    bound: boundClient,
    owner: ownerClient,
    transact: transactions.transact,
    query: async <Row extends object>(name: string, text: string, values: readonly unknown[]) =>
      (await askPool(bound, { name, text, values })).rows as Row[],
    shortQuery: (name, text, values) => short.query({ name, text, values }),
    queryAsOwner: async <Row extends object>(name: string, text: string, values: readonly unknown[]) =>
      (await askPool(owner, { name, text, values })).rows as Row[],
    executeAsOwner: async (text, values) => {
      const answer: pg.QueryResult | pg.QueryResult[] = await owner.query(
        text,
        values === undefined ? values : [...values],
      );
      const answers = Array.isArray(answer) ? answer : [answer];
      return { rows: answers.findLast(({ fields }) => fields.length > 0)?.rows ?? [] };
    },
    listen: (channel, onPayload) => listener.listen(channel, onPayload),
    ping: async () => {
      await bound.query('SELECT 1');
    },
    close: () => {
      closing ??= (async () => {
        await Promise.all([listener.close(), short.close()]);
        await Promise.all([boundClient.$disconnect(), ownerClient.$disconnect(), transactions.close()]);
        await Promise.all([bound.end(), owner.end()]);
      })();
      return closing;
    },
  };
}

const preparedMax = 300;
const preparedCharsMax = 10_000;

/** A name for each text that Prisma sends, up to a bound: callers shape texts, and each connection keeps what it prepared. */
function namesFor(): NameOf {
  const names = new Map<string, string>();
  return ({ sql }) => {
    const known = names.get(sql);
    if (known !== undefined) return known;
    // To node-postgres an empty name is none: parsed, run and forgotten.
    if (names.size >= preparedMax || sql.length > preparedCharsMax) return '';
    const name = `p${names.size}`;
    names.set(sql, name);
    return name;
  };
}
