// Prisma inside a transaction that it did not begin. Most of what a mutation does is sent as prepared statements without it;
// where Prisma is needed all the same, it is handed the connection of the open transaction when it asks for one, and what it
// takes for a beginning and an end changes nothing there.
import type { Prisma, PrismaClient } from '../generated/prisma/client.js';

export interface JoinedPrisma {
  readonly tx: Prisma.TransactionClient;
  /** Prisma lets go, and the transaction goes on. @throws when Prisma had given it up by then */
  leave(): Promise<void>;
}

export interface PrismaJoiner<Connection> {
  join(connection: Connection): Promise<JoinedPrisma>;
  close(): Promise<void>;
}

/**
 * @param clientOver makes a client whose adapter, whenever a transaction begins, calls `take` for the connection. It must
 * serve nothing else: a statement outside of `join` has no connection.
 */
export function prismaJoiner<Connection>(
  clientOver: (take: () => Connection) => PrismaClient,
  options: { readonly maxWait: number; readonly timeout: number },
): PrismaJoiner<Connection> {
  let client: PrismaClient | null = null;
  let offered: { readonly connection: Connection } | null = null;
  let before: Promise<unknown> = Promise.resolve();

  const take = (): Connection => {
    if (offered === null) throw new Error('This Prisma only joins transactions that are open.');
    const { connection } = offered;
    offered = null;
    return connection;
  };

  const offer = (connection: Connection): Promise<JoinedPrisma> =>
    new Promise((resolve, reject) => {
      client ??= clientOver(take);
      const offering = { connection };
      offered = offering;
      let letGo: () => void = () => undefined;
      const left = new Promise<void>((done) => {
        letGo = done;
      });
      const whole: Promise<void> = client.$transaction(async (tx) => {
        const leave = () => {
          letGo();
          return whole;
        };
        resolve({ tx, leave });
        await left;
      }, options);
      whole.catch((error: unknown) => {
        if (offered === offering) offered = null;
        reject(error);
      });
    });

  return {
    // One after the other, so that nobody takes what was offered to another.
    join(connection) {
      const joined = before.then(() => offer(connection));
      before = joined.catch(() => undefined);
      return joined;
    },
    close: async () => {
      await client?.$disconnect();
    },
  };
}
