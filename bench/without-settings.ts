// A database whose handle sends no `set_config`: a read is plain statements, a mutation's transaction opens with none. The
// guard's own conditions stay. It leans on src/guard/guarded-db.ts: what comes first in each batch and transaction are the
// settings.
import type { Database } from '../src/db/database.js';
import type { Prisma, PrismaClient } from '../src/generated/prisma/client.js';

type Work = (tx: Prisma.TransactionClient) => Promise<unknown>;

export const withoutSettings = (database: Database): Database => ({
  ...database,
  bound: plain(database.bound),
  transact: (_settings, run) => database.transact('', run),
});

function plain(client: PrismaClient): PrismaClient {
  const transact = async (work: Work | readonly Promise<unknown>[]): Promise<unknown> => {
    if (typeof work === 'function') return work(afterSettings(client));
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
