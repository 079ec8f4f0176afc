// One transaction of the owner in which several parts run one after the other, each with the rights and the fate it would
// have alone: bound by row-level security, or as the owner where it says so; and what a part wrote is taken back when it
// fails. All of them see what those before them wrote, and nobody else does before the end.
import type { SystemDb } from './as-system.js';
import { confineTransaction, type GuardedDb, type Tenant, type Walls } from './guarded-db.js';
import { sql } from './sql.js';

export interface JointTransaction {
  /** Bound by both walls; for what is read between the parts. */
  readonly db: GuardedDb;
  /**
   * One after the other, never at once. `system` is there for a part that runs as the owner.
   * @throws what `run` throws, with nothing of the part kept
   */
  part<T>(asOwner: boolean, run: (db: GuardedDb, system: SystemDb | null) => Promise<T>): Promise<T>;
  /** The rest of the transaction is the owner's again. */
  leave(): Promise<void>;
}

/** @param tx of the owner, already open */
export async function jointTransaction(tx: SystemDb, tenant: Tenant, walls: Walls = 'both'): Promise<JointTransaction> {
  const db = await confineTransaction(tx, tenant, walls);
  const ownersDb = walls === 'both' ? db : await confineTransaction(tx, tenant);
  const bind = () => tx.$queryRaw(sql`SET LOCAL ROLE sallyport_app`);
  const unbind = () => tx.$queryRaw(sql`SET LOCAL ROLE none`);
  await bind();
  return {
    db,
    async part(asOwner, run) {
      await tx.$queryRaw(sql`SAVEPOINT sallyport_whole_part`);
      try {
        if (asOwner) await unbind();
        const result = await (asOwner ? run(ownersDb, tx) : run(db, null));
        if (asOwner) await bind();
        await tx.$queryRaw(sql`RELEASE SAVEPOINT sallyport_whole_part`);
        return result;
      } catch (error) {
        // Takes the role back as well: it is what it was when the part began.
        await tx.$queryRaw(sql`ROLLBACK TO SAVEPOINT sallyport_whole_part`);
        throw error;
      }
    },
    leave: async () => {
      await unbind();
    },
  };
}
