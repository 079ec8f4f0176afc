// What was to be done later in a workspace that is no more. As the owner: the bound role sees no one's jobs.
import type { SystemDb } from '../guard/as-system.js';

/** Takes back what waits for its turn; what runs already judges for itself. @returns how many */
export const dropWaitingJobs = (db: SystemDb, workspaceId: string): Promise<number> =>
  db.$executeRaw`DELETE FROM pgboss.job WHERE data->>'workspaceId' = ${workspaceId} AND state < 'active'`;

/** Leaves nothing of the workspace in the queue and its archive. */
export async function eraseJobs(db: SystemDb, workspaceId: string): Promise<void> {
  await db.$executeRaw`DELETE FROM pgboss.job WHERE data->>'workspaceId' = ${workspaceId}`;
  await db.$executeRaw`DELETE FROM pgboss.archive WHERE data->>'workspaceId' = ${workspaceId}`;
}
