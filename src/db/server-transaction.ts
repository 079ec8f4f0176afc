// Transactions on a pool of PostgreSQL connections.
import type { Writable } from 'node:stream';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { PrismaClient } from '../generated/prisma/client.js';
import { type PrismaJoiner, prismaJoiner } from './joined-prisma.js';
import { sqlStateOf } from './migrate.js';
import { type OpenTransaction, runInside, transactionMs } from './open-transaction.js';
import { ask, type Statement } from './prepared-statement.js';

/** The name to prepare a text under; an empty one: parsed, run and forgotten. */
export type NameOf = (statement: { readonly sql: string }) => string;

export interface TransactionsOptions {
  readonly pool: pg.Pool;
  readonly nameOf: NameOf;
}

export interface Transactions {
  /** @param opening statements without values that come first, in the same message as the beginning */
  transact<T>(opening: string, run: (tx: OpenTransaction) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export function transactionsOf({ pool, nameOf }: TransactionsOptions): Transactions {
  const joiner = prismaJoiner(
    (take: () => pg.PoolClient) =>
      new PrismaClient({ adapter: new PrismaPg(new HandedOver(take), { statementNameGenerator: nameOf }) }),
    { maxWait: 10_000, timeout: transactionMs },
  );
  return {
    async transact(opening, run) {
      const client = await pool.connect();
      // Nobody else hears of a connection that breaks while it is lent; the statement under way fails by itself.
      client.on('error', ignore);
      let broken: Error | boolean = false;
      try {
        return await begun(client, joiner, nameOf, opening, run, (error) => {
          broken = error;
        });
      } finally {
        client.off('error', ignore);
        client.release(broken);
      }
    },
    close: () => joiner.close(),
  };
}

const ignore = (): void => undefined;

async function begun<T>(
  client: pg.PoolClient,
  joiner: PrismaJoiner<pg.PoolClient>,
  nameOf: NameOf,
  opening: string,
  run: (tx: OpenTransaction) => Promise<T>,
  onBroken: (error: Error) => void,
): Promise<T> {
  /** Why a statement failed that nobody waited for; whatever follows it fails because of it. */
  let cause: unknown = null;
  const hear = (error: unknown) => {
    if (sqlStateOf(error) !== afterFailure) cause ??= error;
  };
  const inOneMessage = corkOf(client);
  const submit = (text: string, values: readonly unknown[]) => {
    inOneMessage();
    return ask(client, { name: nameOf({ sql: text }), text, values });
  };
  const query = (text: string, values: readonly unknown[]) => submit(text, values).then(({ rows }) => rows);
  const send = async (text: string, values: readonly unknown[]) => {
    submit(text, values).catch(hear);
  };
  const lateOnes: Promise<unknown>[] = [];
  const late = async <T>(answer: Promise<T>) => {
    lateOnes.push(answer.catch(hear));
    return { value: answer };
  };
  try {
    inOneMessage();
    client.query(`BEGIN; ${opening}`).catch(hear);
    const result = await runInside({ connection: client, joiner, query, send, late }, run);
    // PostgreSQL answers COMMIT after a failed statement with ROLLBACK, and calls that success.
    const { tag } = await ask(client, COMMIT);
    if (tag === 'COMMIT') return result;
    await Promise.all(lateOnes);
    throw cause ?? new Error('The transaction had failed before its end; nothing was kept.');
  } catch (error) {
    // A connection of which nobody knows where it stands is not lent again.
    await client.query('ROLLBACK').catch(onBroken);
    throw sqlStateOf(error) === afterFailure ? (cause ?? error) : error;
  }
}

const COMMIT: Statement = { name: 'commit', text: 'COMMIT', values: [] };

/** What PostgreSQL says to every statement after one that failed. */
const afterFailure = '25P02';

/** Statements that follow at once travel with the next one: writing to the network costs more than what is written. */
function corkOf(client: pg.PoolClient): () => void {
  const { stream } = (client as unknown as { readonly connection: { readonly stream: Writable } }).connection;
  let isCorked = false;
  const uncork = () => {
    isCorked = false;
    stream.uncork();
  };
  return () => {
    if (isCorked) return;
    isCorked = true;
    stream.cork();
    process.nextTick(uncork);
  };
}

const BOUNDARY = /^(BEGIN|COMMIT|ROLLBACK)$/;
const nothing = { fields: [], rows: [], rowCount: 0 };

/** Looks like a pool to Prisma's adapter, and has no connection but what is handed over. */
class HandedOver extends pg.Pool {
  readonly #take: () => pg.PoolClient;

  constructor(take: () => pg.PoolClient) {
    super();
    this.#take = take;
  }

  // The adapter awaits it, without a callback.
  override connect = (async () => withoutEnds(this.#take())) as unknown as pg.Pool['connect'];
}

/** The connection as Prisma gets it: it neither begins nor ends what it only joins, nor gives the connection back. */
const withoutEnds = (client: pg.PoolClient): Pick<pg.PoolClient, 'query' | 'on' | 'removeListener' | 'release'> => {
  const query = (asked: { readonly text: string }) =>
    BOUNDARY.test(asked.text) ? Promise.resolve(nothing) : client.query(asked as never);
  const self = { query: query as never, on: () => self as never, removeListener: () => self as never, release: ignore };
  return self;
};
