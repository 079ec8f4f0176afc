// The one loud way around the walls: a transaction as the owner of the tables. Whoever calls it says why; the reason
// goes to the log at once and, where a workspace is concerned, to the audit trail by the caller in the same transaction.
import type { Database } from '../db/database.js';
import type { Prisma } from '../generated/prisma/client.js';

export type SystemDb = Prisma.TransactionClient;

export interface SystemOptions {
  /** How long the work may take before it is rolled back. */
  readonly timeoutMs?: number;
}

/**
 * Runs `run` in one transaction that sees every workspace.
 * @param reason a short clause for the operator: "expire old approvals".
 */
export async function asSystem<T>(
  database: Pick<Database, 'owner'>,
  reason: string,
  run: (db: SystemDb) => Promise<T>,
  options: SystemOptions = {},
): Promise<T> {
  if (reason.trim() === '') throw new Error('asSystem needs a reason.');
  return database.owner.$transaction(run, { maxWait: 10_000, timeout: options.timeoutMs ?? 30_000 });
}
