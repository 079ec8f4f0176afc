// A refused request changed nothing, so its entry has a transaction of its own. Told after the answer is decided: a trail
// that cannot be written does not turn a refusal into something else, but the caller's logger hears of it.
import type { Principal } from '../auth/principal.js';
import type { Database } from '../db/database.js';
import { inTenant } from '../guard/guarded-db.js';
import type { AuditAction } from './actions.js';
import { type AuditInput, auditIn } from './record.js';

export interface RefusedRequest {
  readonly id: string;
  readonly ip: string | null;
}

export type RecordRefusal = <A extends AuditAction>(
  principal: Principal,
  request: RefusedRequest,
  entry: Omit<AuditInput<A>, 'outcome'>,
) => Promise<void>;

export const refusalRecorder =
  (database: Pick<Database, 'transact'>): RecordRefusal =>
  async (principal, request, entry) => {
    const { organizationId, workspaceId } = principal;
    await inTenant(database, { organizationId, workspaceId, agentId: null }, (db) =>
      auditIn(db, { principal, request: { ...request, allowedBy: null } }).record({ ...entry, outcome: 'REFUSED' }),
    );
  };
