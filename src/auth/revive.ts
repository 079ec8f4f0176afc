// The principal behind a request that was made earlier: a job knows only the stored actor, and what that actor may do is
// judged anew with today's scopes, role and status. A revoked key or a removed member performs nothing.
import { Prisma } from '../generated/prisma/client.js';
import { type KeyRow, principalOfRow, requireLive } from './api-key.js';
import type { Plan } from './plans.js';
import { type Principal, type PrincipalKind, principalOfPerson, type WorkspaceStatus } from './principal.js';
import { unauthenticated, workspaceSuspended } from './refusals.js';

/** Runs one statement: the owner's `$queryRaw`, or the `$sql` of a handle bound to the actor's workspace. */
export type Ask = <Row>(statement: Prisma.Sql) => Promise<Row[]>;

/** As stored with an effect. */
export interface StoredActor {
  readonly workspaceId: string;
  readonly actorKind: PrincipalKind;
  readonly actorId: string;
}

interface MemberRow {
  readonly organization_id: string;
  readonly role: 'MEMBER' | 'ADMIN' | 'OWNER';
  readonly plan: Plan;
  readonly workspace_status: WorkspaceStatus;
}

/** @throws UNAUTHENTICATED with the reason for which the actor would be refused at the door now */
export async function revivePrincipal(ask: Ask, actor: StoredActor): Promise<Principal> {
  switch (actor.actorKind) {
    case 'ACCOUNT_KEY':
    case 'AGENT_KEY':
      return reviveKey(ask, actor);
    case 'SESSION':
      return revivePerson(ask, actor);
    default:
      throw unauthenticated('UNKNOWN', `A request by ${actor.actorKind} cannot be carried on by a job.`);
  }
}

async function reviveKey(ask: Ask, { workspaceId, actorId }: StoredActor): Promise<Principal> {
  const [row] = await ask<KeyRow>(Prisma.sql`
    SELECT k.id AS key_id, k.kind::text AS kind, k.workspace_id, w.organization_id, w.status::text AS workspace_status,
      w.plan::text AS plan, w.explicit_spend_scopes, w.keys_read_only, k.agent_id, k.scopes, k.status::text AS key_status, k.deleted_at, k.allowed_ips, k.rpm, k.rpd,
      k.revoked_at, COALESCE(k.expires_at <= now(), false) AS is_expired, NULL AS secret_id,
      false AS is_retired
    FROM api_key k JOIN workspace w ON w.id = k.workspace_id
    WHERE k.workspace_id = ${workspaceId} AND k.id = ${actorId}`);
  if (row === undefined) throw unauthenticated('UNKNOWN', 'The API key behind this request no longer exists.');
  requireLive(row);
  return principalOfRow(row);
}

async function revivePerson(ask: Ask, { workspaceId, actorId }: StoredActor): Promise<Principal> {
  const [row] = await ask<MemberRow>(Prisma.sql`
    SELECT m.organization_id, m.role::text AS role, w.plan::text AS plan, w.status::text AS workspace_status
    FROM workspace w JOIN member m ON m.organization_id = w.organization_id
    WHERE w.id = ${workspaceId} AND m.user_id = ${actorId}`);
  if (row === undefined) {
    throw unauthenticated('REVOKED', 'The person behind this request is no longer a member of the organization.');
  }
  if (row.workspace_status !== 'ACTIVE') throw workspaceSuspended(row.workspace_status);
  return principalOfPerson({
    userId: actorId,
    role: row.role,
    organizationId: row.organization_id,
    workspaceId,
    plan: row.plan,
  });
}
