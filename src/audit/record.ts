// What matters is remembered, in the transaction of the change itself: an entry exists exactly when the change does. Who,
// by which right and from where come from the world; the caller says only what. A secret never enters, a personal value
// only as a commitment. A refusal has no change to share a transaction with and gets its own (`recordRefusal`).
import { holdsKey } from '../auth/key-format.js';
import type { Principal } from '../auth/principal.js';
import { Prisma } from '../generated/prisma/client.js';
import type { GuardedDb } from '../guard/guarded-db.js';
import { sql } from '../guard/sql.js';
import { newId } from '../platform/ids.js';
import { type AuditAction, type AuditDetails, type AuditValue, concernsOrganization, detailKinds } from './actions.js';
import { type Commitment, commit } from './commitment.js';

export type AuditOutcome = 'DONE' | 'REFUSED' | 'HELD';

export interface AuditInput<A extends AuditAction> {
  readonly action: A;
  readonly subjectId?: string | null;
  readonly effectId?: string | null;
  readonly costCredits?: number | null;
  /** Left out: DONE. */
  readonly outcome?: AuditOutcome;
  readonly details?: AuditDetails<A>;
}

export interface Audit {
  /** @throws when a detail is not in the catalogue or looks like a secret: a defect, and the change goes with it */
  record<A extends AuditAction>(input: AuditInput<A>): Promise<void>;
}

export type AuditActor = Pick<Principal, 'kind' | 'id' | 'apiKeyId' | 'agentId'>;

export interface AuditOrigin {
  readonly principal: AuditActor;
  readonly request: { readonly id: string; readonly ip: string | null; readonly allowedBy: string | null };
}

/** One row of a trail, but for its owner. */
export interface AuditRow {
  readonly id: string;
  readonly action: AuditAction;
  readonly outcome: AuditOutcome;
  readonly actorKind: Principal['kind'];
  readonly actorId: string;
  readonly apiKeyId: string | null;
  readonly agentId: string | null;
  readonly allowedBy: string | null;
  readonly subjectId: string | null;
  readonly effectId: string | null;
  readonly costCredits: number | null;
  readonly requestId: string;
  readonly ip: string | null;
  readonly details: Readonly<Record<string, AuditValue | Commitment>>;
}

/** The sealer listens here for the ids of workspaces and organizations that have entries to link. */
export const auditChannel = 'sallyport_audit';

const workspaceEntry = { table: Prisma.raw('audit_entry'), column: Prisma.raw('workspace_id') };
const organizationEntry = { table: Prisma.raw('organization_audit_entry'), column: Prisma.raw('organization_id') };

const insert = ({ table, column }: typeof workspaceEntry, owner: string, row: AuditRow): Prisma.Sql =>
  sql`WITH entry AS (
      INSERT INTO ${table} (${column}, id, action, outcome, actor_kind, actor_id, api_key_id, agent_id, allowed_by,
        subject_id, effect_id, cost_credits, request_id, ip, details)
      VALUES (${owner}, ${row.id}, ${row.action}, ${row.outcome}::"AuditOutcome",
        ${row.actorKind}::"PrincipalKind", ${row.actorId}, ${row.apiKeyId}, ${row.agentId}, ${row.allowedBy},
        ${row.subjectId}, ${row.effectId}, ${row.costCredits}::int, ${row.requestId}, ${row.ip},
        ${JSON.stringify(row.details)}::jsonb)
      RETURNING ${column} AS owner)
      SELECT pg_notify(${auditChannel}, owner)::text AS told FROM entry`;

/**
 * An `Audit` that writes through the handle, in its transaction. What concerns the organization goes to its trail as well;
 * such changes run as the owner, who alone may write there.
 * @param told of the id of each entry of the workspace
 */
export const auditIn = (db: GuardedDb, origin: AuditOrigin, told?: (id: string) => void): Audit => ({
  record: async (input) => {
    const { workspaceId, organizationId } = db.$tenant;
    const row = auditRow(origin, input);
    await db.$send(insert(workspaceEntry, workspaceId, row));
    if (concernsOrganization(input.action)) {
      await db.$send(insert(organizationEntry, organizationId, auditRow(origin, input, 'oae')));
    }
    told?.(row.id);
  },
});

/** An `Audit` for a transaction of the owner, which names the workspace itself: keys, members, bootstrap. */
export const auditAsOwner = (tx: Prisma.TransactionClient, workspaceId: string, origin: AuditOrigin): Audit => ({
  record: async (input) => {
    await tx.$queryRaw(insert(workspaceEntry, workspaceId, auditRow(origin, input)));
  },
});

/** The same, in the organization's own trail. @throws for an action that does not concern one: a defect */
export const auditOfOrganization = (
  tx: Prisma.TransactionClient,
  organizationId: string,
  origin: AuditOrigin,
): Audit => ({
  record: async (input) => {
    if (!concernsOrganization(input.action)) throw new Error(`${input.action} does not concern an organization.`);
    await tx.$queryRaw(insert(organizationEntry, organizationId, auditRow(origin, input, 'oae')));
  },
});

/** The actor of what the server does by itself. */
export const systemActor: AuditActor = { kind: 'SYSTEM', id: 'system', apiKeyId: null, agentId: null };

/** Pure but for the id and the salts. */
export function auditRow<A extends AuditAction>(
  origin: AuditOrigin,
  input: AuditInput<A>,
  prefix: 'aud' | 'oae' = 'aud',
): AuditRow {
  const { principal, request } = origin;
  return {
    id: newId(prefix),
    action: input.action,
    outcome: input.outcome ?? 'DONE',
    actorKind: principal.kind,
    actorId: principal.id,
    apiKeyId: principal.apiKeyId,
    agentId: principal.agentId,
    allowedBy: request.allowedBy,
    subjectId: input.subjectId ?? null,
    effectId: input.effectId ?? null,
    costCredits: input.costCredits ?? null,
    requestId: request.id,
    ip: request.ip,
    details: safeDetails(input.action, input.details ?? {}),
  };
}

function safeDetails(action: AuditAction, details: object): Record<string, AuditValue | Commitment> {
  const kinds = detailKinds(action);
  const safe: Record<string, AuditValue | Commitment> = {};
  for (const [field, value] of Object.entries(details) as [string, AuditValue | undefined][]) {
    if (value === undefined) continue;
    const kind = kinds[field];
    if (kind === undefined) throw new Error(`The audit action ${action} has no detail "${field}".`);
    requireNoSecret(action, field, value);
    safe[field] = kind === 'personal' && value !== null ? commit(JSON.stringify(value)) : value;
  }
  return safe;
}

const webhookSecret = /whsec_[0-9A-Za-z+/]{16,}/;

/** Whether something in it has the form of an API key or a webhook secret. */
export function looksSecret(value: AuditValue): boolean {
  const text = JSON.stringify(value);
  return holdsKey(text) || webhookSecret.test(text);
}

function requireNoSecret(action: AuditAction, field: string, value: AuditValue): void {
  if (!looksSecret(value)) return;
  throw new Error(`The detail "${field}" of ${action} looks like a secret and is not written to the audit trail.`);
}
