// Prisma's adapter for PGlite, put right in one place: a COMMIT that the database refused is heard by whoever asked for it.
import type { PGlite } from '@electric-sql/pglite';
import type { SqlDriverAdapter, SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils';
import { PrismaPGlite } from 'pglite-prisma-adapter';
import type { Connection } from './single-session.js';

export function pgliteAdapter(connection: Connection): SqlMigrationAwareDriverAdapterFactory {
  const factory = new PrismaPGlite(connection as unknown as PGlite);
  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    connect: async () => hearCommits(await factory.connect(), connection),
    connectToShadowDb: () => factory.connectToShadowDb(),
  };
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
