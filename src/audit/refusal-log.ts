// What is refused so often, or so early, that an entry for each would be a weapon: a key that is known and no good, a limit,
// a cap. One entry for each of them, kind and minute and process; kept in memory and written behind, within a second and at
// shutdown, so that a flood neither grows the trail nor costs the request a round trip. A crash loses at most that second.

import type { Principal } from '../auth/principal.js';
import type { Database } from '../db/database.js';
import type { Clock } from '../platform/clock.js';
import type { CodedError } from '../platform/errors.js';
import type { AuditDetails } from './actions.js';
import { type AuditRow, auditChannel, auditRow } from './record.js';
import type { RefusedRequest } from './refusal.js';

export type RefusedPrincipal = Pick<Principal, 'kind' | 'id' | 'apiKeyId' | 'agentId' | 'workspaceId'>;

export interface Refusal {
  readonly error: CodedError;
  /** The field that was refused while the operation ran; null: the request was. */
  readonly field: string | null;
}

export interface RefusalLog {
  /** Never waits and never throws. */
  note(principal: RefusedPrincipal, request: RefusedRequest, refusal: Refusal): void;
  /** Writes what was noted; resolves when it is stored. */
  flush(): Promise<void>;
  /** Stops the timer and writes the rest. */
  close(): Promise<void>;
}

interface NotedRow extends AuditRow {
  readonly workspaceId: string;
}

const FLUSH_AFTER_MS = 1_000;
const MINUTE_MS = 60_000;
/** While nothing can be written, no more than these wait. */
const WAITING_MAX = 10_000;

/** A workspace that was erased meanwhile has no trail any more. */
const STORE_REFUSALS = `WITH told AS (
    SELECT * FROM json_to_recordset($1::json) AS t("workspaceId" text, "id" text, "action" text, "outcome" text,
      "actorKind" text, "actorId" text, "apiKeyId" text, "agentId" text, "requestId" text, "ip" text, "details" jsonb)
  ), entry AS (
    INSERT INTO audit_entry (workspace_id, id, action, outcome, actor_kind, actor_id, api_key_id, agent_id, request_id, ip,
      details)
    SELECT w.id, t."id", t."action", t."outcome"::"AuditOutcome", t."actorKind"::"PrincipalKind", t."actorId",
      t."apiKeyId", t."agentId", t."requestId", t."ip", t."details"
    FROM told t JOIN workspace w ON w.id = t."workspaceId"
    RETURNING workspace_id
  )
  SELECT pg_notify('${auditChannel}', e.workspace_id)::text AS told FROM (SELECT DISTINCT workspace_id FROM entry) e`;

/** @param onError told when a write failed; what was noted is kept and tried again */
export function openRefusalLog(
  database: Pick<Database, 'executeAsOwner'>,
  clock: Clock,
  onError: (error: unknown) => void,
): RefusalLog {
  let minute = 0;
  let told = new Set<string>();
  let waiting: NotedRow[] = [];
  let timer: NodeJS.Timeout | null = null;
  let isClosed = false;
  let writing: Promise<void> = Promise.resolve();

  const schedule = (): void => {
    if (timer !== null || isClosed) return;
    timer = setTimeout(() => void flush().catch(onError), FLUSH_AFTER_MS);
    timer.unref();
  };

  const store = async (): Promise<void> => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    const batch = waiting;
    if (batch.length === 0) return;
    waiting = [];
    try {
      await database.executeAsOwner(STORE_REFUSALS, [JSON.stringify(batch)]);
    } catch (error) {
      waiting = [...batch, ...waiting];
      schedule();
      throw error;
    }
  };

  const flush = (): Promise<void> => {
    writing = writing.catch(() => undefined).then(store);
    return writing;
  };

  const isFirst = (kind: string): boolean => {
    const now = Math.floor(clock.now().getTime() / MINUTE_MS);
    if (now !== minute) told = new Set();
    minute = now;
    if (told.has(kind)) return false;
    told.add(kind);
    return true;
  };

  return {
    note(principal, request, refusal) {
      const details = detailsOf(refusal);
      const { code, reason = '', limit = '' } = details;
      if (!isFirst(`${principal.workspaceId} ${principal.id} ${code} ${reason} ${limit}`)) return;
      if (waiting.length >= WAITING_MAX) return;
      try {
        const origin = { principal, request: { ...request, allowedBy: null } };
        const row = auditRow(origin, { action: 'access.refused', outcome: 'REFUSED', details });
        waiting.push({ ...row, workspaceId: principal.workspaceId });
        schedule();
      } catch (error) {
        onError(error);
      }
    },
    flush,
    async close() {
      isClosed = true;
      await flush();
    },
  };
}

/** What a refusal says for machines, as far as the catalogue lists it. */
function detailsOf({ error: { code, data }, field }: Refusal): AuditDetails<'access.refused'> {
  const text = (name: string): string | null => (typeof data[name] === 'string' ? data[name] : null);
  const of = text('of') ?? text('capOf') ?? text('subject');
  const details = { code, reason: text('reason'), limit: text('limit'), of, fields: field === null ? null : [field] };
  return Object.fromEntries(Object.entries(details).filter(([, value]) => value !== null));
}
