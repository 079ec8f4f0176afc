// What happens between the beginning of a transaction and its end: statements straight to the driver, Prisma where somebody
// asks for it, and a limit of time.
import type { Prisma } from '../generated/prisma/client.js';
import type { JoinedPrisma, PrismaJoiner } from './joined-prisma.js';

/** A transaction that is open. */
export interface OpenTransaction {
  /** One prepared statement. Times come as dates, JSON as what it says; counts are to be cast to int. */
  query<Row extends object>(text: string, values: readonly unknown[]): Promise<Row[]>;
  /**
   * A statement whose answer nobody needs: where the connection allows it, what comes next does not wait for it. Fails the
   * whole transaction when it fails.
   */
  send(text: string, values: readonly unknown[]): Promise<void>;
  /**
   * For an answer that nothing else in the transaction depends on: where the connection allows it, the end is not kept
   * waiting for it. Fails the whole transaction when it fails.
   */
  late<T>(answer: Promise<T>): Promise<Late<T>>;
  /** Prisma in this very transaction. */
  prisma(): Promise<Prisma.TransactionClient>;
}

/** What is there by the time the transaction has ended well. In an object, since a promise of a promise is that promise. */
export interface Late<T> {
  readonly value: Promise<T>;
}

/** How long one may be open; longer, and nothing of it is kept. */
export const transactionMs = 30_000;

export interface ConnectionParts<Connection> {
  readonly connection: Connection;
  readonly joiner: PrismaJoiner<Connection>;
  query(text: string, values: readonly unknown[]): Promise<object[]>;
  send(text: string, values: readonly unknown[]): Promise<void>;
  late<T>(answer: Promise<T>): Promise<Late<T>>;
}

/** @throws what `run` throws; and when it took too long, also where `run` did not notice */
export async function runInside<Connection, T>(
  { connection, joiner, query, send, late }: ConnectionParts<Connection>,
  run: (tx: OpenTransaction) => Promise<T>,
): Promise<T> {
  const endMs = performance.now() + transactionMs;
  const isOver = () => performance.now() > endMs;
  const requireTime = () => {
    if (isOver()) throw tookTooLong();
  };
  let joined: Promise<JoinedPrisma> | null = null;
  try {
    const result = await run({
      late,
      query: <Row extends object>(text: string, values: readonly unknown[]) =>
        isOver() ? Promise.reject(tookTooLong()) : (query(text, values) as Promise<Row[]>),
      send: (text, values) => (isOver() ? Promise.reject(tookTooLong()) : send(text, values)),
      prisma: async () => {
        requireTime();
        joined ??= joiner.join(connection);
        return (await joined).tx;
      },
    });
    requireTime();
    await leave(joined);
    return result;
  } catch (error) {
    // What it says on leaving is no news by now.
    await leave(joined).catch(() => undefined);
    throw error;
  }
}

const tookTooLong = () =>
  new Error(`A transaction was open for more than ${transactionMs / 1_000} s, and is taken back.`);

const leave = async (joined: Promise<JoinedPrisma> | null): Promise<void> => {
  if (joined !== null) await (await joined).leave();
};
