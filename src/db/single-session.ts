// The embedded engine has one connection for everyone. This file hands it out in turns: bound turns as they come, the
// owner's inside a transaction that opens with SET LOCAL ROLE none. A turn that never comes is refused instead of awaited
// for good, and a PANIC ends the process before another query can freeze it.
import type { PGlite, QueryOptions, Results } from '@electric-sql/pglite';
import { watchEngine } from './engine-watch.js';
import { takeTurns } from './turns.js';

/** The part of PGlite that Prisma's adapter uses. */
export interface Connection {
  query(text: string, values?: unknown[], options?: QueryOptions): Promise<Results>;
  exec(text: string, options?: QueryOptions): Promise<Results[]>;
  transaction<T>(run: (tx: OpenTransaction) => Promise<T>): Promise<T>;
  /** The end of the transaction that is open now; rejects when its COMMIT was refused. */
  ending(): Promise<void>;
}

export interface OpenTransaction {
  query(text: string, values?: unknown[], options?: QueryOptions): Promise<Results>;
  exec(text: string, options?: QueryOptions): Promise<Results[]>;
  rollback(): Promise<void>;
}

export interface SingleSession {
  /** As `sallyport_app`, once `bind` was called. */
  readonly bound: Connection;
  readonly owner: Connection;
  /** From now on every turn but the owner's is bound by row-level security. */
  bind(): Promise<void>;
  /** As the owner; the text may hold several statements, transactions included. */
  script(text: string): Promise<Results[]>;
  listen(channel: string, onPayload: (payload: string) => void): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

export interface SingleSessionOptions {
  /** Told once, in one readable line, that the engine is lost. Ends the process; no query is made after it. */
  readonly onFatal: (line: string) => void;
  /** How long a turn is awaited. A query outside an open transaction, made by whoever holds it, would wait for ever. */
  readonly turnMs?: number;
}

const role = 'sallyport_app';

export function openSession(pglite: PGlite, { onFatal, turnMs = 20_000 }: SingleSessionOptions): SingleSession {
  const turns = takeTurns(turnMs);
  let isBound = false;
  let ending: Promise<void> = Promise.resolve();

  const { exec, query, guarded, lose } = watchEngine(pglite, onFatal);

  /** A session left with the owner's rights would serve strangers with them. */
  async function rebind(): Promise<void> {
    await exec(`SET ROLE ${role}`).catch((error: unknown) =>
      lose(`The embedded database could not be bound to ${role} again, so it serves no one: ${String(error)}`),
    );
  }

  async function transaction<T>(opening: string, run: (tx: OpenTransaction) => Promise<T>): Promise<T> {
    return turns.alone(async () => {
      await exec(opening);
      return runTransaction(exec, query, run);
    });
  }

  const connection = (opening: string, alone: Pick<Connection, 'query' | 'exec'>): Connection => ({
    ...alone,
    transaction: (run) => {
      const whole = transaction(opening, (tx) => {
        ending = whole.then(() => undefined);
        ending.catch(() => undefined);
        return run(tx);
      });
      return whole;
    },
    ending: () => ending,
  });
  const asOwner = 'BEGIN; SET LOCAL ROLE none';

  return {
    bound: connection('BEGIN', {
      query: (text, values, options) => turns.alone(() => query(text, values, options)),
      exec: (text, options) => turns.alone(() => exec(text, options)),
    }),
    owner: connection(asOwner, {
      query: (text, values, options) => transaction(asOwner, (tx) => tx.query(text, values, options)),
      exec: (text, options) => transaction(asOwner, (tx) => tx.exec(text, options)),
    }),
    bind: () =>
      turns.alone(async () => {
        await exec(`SET ROLE ${role}`);
        isBound = true;
      }),
    script: (text) =>
      turns.alone(async () => {
        await exec('SET ROLE none');
        try {
          return await exec(text);
        } catch (error) {
          await exec('ROLLBACK');
          throw error;
        } finally {
          if (isBound) await rebind();
        }
      }),
    listen: (channel, onPayload) =>
      turns.alone(async () => {
        const stop = await guarded(() => pglite.listen(channel, (payload) => setImmediate(onPayload, payload)));
        return () => turns.alone(() => guarded(stop));
      }),
    close: () => turns.alone(() => guarded(() => pglite.close())),
  };
}

type Exec = (text: string) => Promise<Results[]>;

async function runTransaction<T>(
  exec: Exec,
  query: OpenTransaction['query'],
  run: (tx: OpenTransaction) => Promise<T>,
): Promise<T> {
  let rolledBack: Promise<Results[]> | undefined;
  const open = <R>(ask: () => Promise<R>): Promise<R> =>
    rolledBack === undefined ? ask() : Promise.reject(new Error('The transaction is over.'));
  const rollback = async () => {
    rolledBack ??= exec('ROLLBACK');
    await rolledBack;
  };
  try {
    const result = await run({
      query: (text, values, options) => open(() => query(text, values, options)),
      exec: (text) => open(() => exec(text)),
      rollback,
    });
    if (rolledBack === undefined) await commit(exec);
    await rolledBack;
    return result;
  } catch (error) {
    await rollback();
    throw error;
  }
}

/** PostgreSQL answers COMMIT after a failed statement with ROLLBACK, and calls that success. */
async function commit(exec: Exec): Promise<void> {
  const [answer] = await exec('COMMIT');
  if (answer?.command === 'ROLLBACK') throw new Error('The transaction had failed before its end; nothing was kept.');
}
