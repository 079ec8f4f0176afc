// A part of a transaction that may fail alone: what it wrote is taken back, what was there before it stays.
import type { GuardedDb } from './guarded-db.js';
import { sql } from './sql.js';

/** Inside a transaction only. @throws what `run` throws, with nothing of it kept */
export async function withSavepoint<T>(db: GuardedDb, run: () => Promise<T>): Promise<T> {
  await db.$sql(sql`SAVEPOINT sallyport_part`);
  try {
    const result = await run();
    await db.$sql(sql`RELEASE SAVEPOINT sallyport_part`);
    return result;
  } catch (error) {
    await db.$sql(sql`ROLLBACK TO SAVEPOINT sallyport_part`);
    // It would go on standing in front of that of an outer part, which has the same name.
    await db.$sql(sql`RELEASE SAVEPOINT sallyport_part`);
    throw error;
  }
}
