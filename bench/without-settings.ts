// A database whose handle sends no `set_config`: a read is plain statements, a mutation's transaction opens with none. The
// guard's own conditions stay. It leans on src/guard/guarded-db.ts: what comes first in each batch and transaction are the
// settings, and only the transaction of a mutation sets its own time limits.
import type { Database } from '../src/db/database.js';
import type { Prisma, PrismaClient } from '../src/generated/prisma/client.js';

type Work = (tx: Prisma.TransactionClient) => Promise<unknown>;

export const withoutSettings = (database: Database): Database => ({ ...database, bound: plain(database.bound) });

function plain(client: PrismaClient): PrismaClient {
  const transact = async (work: Work | readonly Promise<unknown>[], options?: object): Promise<unknown> => {
    if (typeof work === 'function') {
      if (options === undefined) return work(afterSettings(client));
      return client.$transaction((tx) => work(afterSettings(tx)), options);
    }
    // Prisma sends a statement when somebody waits for it: nobody waits for the settings.
    const [settings, statement, ...more] = work;
    if (settings === undefined || more.length > 0) throw new Error('A read is the settings and one statement.');
    return [[], await statement];
  };
  return new Proxy(client, {
    get: (target, property) => (property === '$transaction' ? transact : Reflect.get(target, property)),
  });
}

function afterSettings(tx: Prisma.TransactionClient): Prisma.TransactionClient {
  let isFirst = true;
  const query = (...args: Parameters<typeof tx.$queryRaw>): Promise<unknown> => {
    if (!isFirst) return tx.$queryRaw(...args);
    isFirst = false;
    return Promise.resolve([]);
  };
  return new Proxy(tx, {
    get: (target, property) => (property === '$queryRaw' ? query : Reflect.get(target, property)),
  });
}
