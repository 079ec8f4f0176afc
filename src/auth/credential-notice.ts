// Whoever changes what a credential is worth says so to every process, in the transaction of the change: open streams are
// judged anew at once instead of at their next event. Triggers say it of every row that the door reads (the migration
// credential_notices); the function is for a change that no such row shows. Each request asks the database itself.
import type { SystemDb } from '../guard/as-system.js';

export const CREDENTIAL_CHANNEL = 'sallyport_credential';

/** @param id what changed: a `key_`, a `usr_` (role, membership), a `ses_` (signed out), a `wsp_` (status, policies) */
export async function tellCredentialChanged(db: SystemDb, id: string): Promise<void> {
  await db.$queryRaw`SELECT pg_notify(${CREDENTIAL_CHANNEL}, ${id})::text`;
}
