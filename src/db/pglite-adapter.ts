// Prisma's adapter for PGlite, put right in one place: a COMMIT that the database refused is heard by whoever asked for it.
import type { PGlite } from '@electric-sql/pglite';
import type { SqlDriverAdapter, SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils';
import { PrismaPGlite } from 'pglite-prisma-adapter';
import type { Connection, OpenTransaction } from './single-session.js';

export function pgliteAdapter(connection: Connection): SqlMigrationAwareDriverAdapterFactory {
  const factory = new PrismaPGlite(connection as unknown as PGlite);
  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    connect: async () => hearCommits(await factory.connect(), connection),
    connectToShadowDb: () => factory.connectToShadowDb(),
  };
}

/** Begins and ends nothing: a transaction of Prisma's is one that is open already, and goes on afterwards. */
export function joinedPgliteAdapter(take: () => OpenTransaction): SqlMigrationAwareDriverAdapterFactory {
  const none = () => Promise.reject(new Error('There is no connection outside of a transaction here.'));
  const transaction: Connection['transaction'] = async (run) => {
    const open = take();
    // The adapter expects that a transaction takes its time to begin.
    await Promise.resolve();
    return run({ ...open, rollback: async () => undefined });
  };
  return pgliteAdapter({ query: none, exec: none, ending: async () => undefined, transaction });
}

function hearCommits(adapter: SqlDriverAdapter, connection: Connection): SqlDriverAdapter {
  const startTransaction = adapter.startTransaction.bind(adapter);
  return Object.assign(adapter, {
    // One connection takes transactions one after the other: each is as good as serializable.
    startTransaction: async () => {
      const transaction = await startTransaction();
      const ending = connection.ending();
      const commit = transaction.commit.bind(transaction);
      return Object.assign(transaction, {
        commit: async () => {
          await commit();
          await ending;
        },
      });
    },
  });
}
