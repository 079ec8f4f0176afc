// What a worker needs beside the engine: the database, a way to make worlds, the connectors, and time limits that tests may
// shorten. A worker acts as the server itself, on behalf of whoever asked, and says so in the audit trail.
import { NO_OWN_LIMITS } from '../auth/plans.js';
import type { Principal } from '../auth/principal.js';
import type { Connectors } from '../connectors/connector.js';
import type { Database } from '../db/database.js';
import type { Effect } from '../generated/prisma/client.js';
import type { SystemDb } from '../guard/as-system.js';
import { type GuardedDb, inTenant, type Tenant } from '../guard/guarded-db.js';
import type { Clock } from '../platform/clock.js';
import type { CreateWorld } from './create-world.js';
import type { EffectDeps } from './deps.js';
import type { EffectPlace } from './perform-job.js';
import type { World } from './world.js';

/** The part of a logger that workers use. */
export interface WorkerLog {
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export interface WorkerDeps {
  readonly engine: EffectDeps;
  readonly database: Pick<Database, 'transact' | 'owner'>;
  readonly createWorld: CreateWorld;
  readonly connectors: Connectors;
  /** Capture everything: for workspaces that only rehearse. */
  readonly sandbox: Connectors;
  readonly clock: Clock;
  readonly log: WorkerLog;
  readonly leaseMs: number;
  readonly performTimeoutMs: number;
  readonly retryDelaysMs: readonly number[];
}

/** One transaction in the effect's workspace, seeing all of it. */
export const inWorkspaceOf = <T>(
  { database }: Pick<WorkerDeps, 'database'>,
  { organizationId, workspaceId }: Pick<EffectPlace, 'organizationId' | 'workspaceId'>,
  run: (db: GuardedDb) => Promise<T>,
): Promise<T> => inTenant(database, { organizationId, workspaceId, agentId: null }, run);

/** The server's own world, under the correlation id of the request that asked. */
export const systemWorld = ({ createWorld }: WorkerDeps, db: GuardedDb, effect: Effect): World =>
  createWorld(db, systemPrincipal(db.$tenant, effect), { id: effect.requestId, ip: null, allowedBy: null });

/** The world of whoever asked, as they are today. */
export const requesterWorld = (
  { createWorld }: WorkerDeps,
  db: GuardedDb,
  effect: Effect,
  requester: Principal,
  system: SystemDb | null = null,
): World =>
  createWorld(db, requester, { id: effect.requestId, ip: null, allowedBy: effect.scopes.join('+') || null }, system);

/** The server itself, for a key or an agent or for nobody. */
export const systemPrincipal = (tenant: Tenant, effect: Pick<Effect, 'apiKeyId' | 'agentId'> | null): Principal => ({
  kind: 'SYSTEM',
  id: 'system',
  organizationId: tenant.organizationId,
  workspaceId: tenant.workspaceId,
  scopes: [],
  effectiveScopes: new Set(),
  verdictKey: 'SYSTEM',
  role: null,
  // The trail shows the key and the agent on whose behalf the server acts.
  apiKeyId: effect?.apiKeyId ?? null,
  agentId: effect?.agentId ?? null,
  sessionId: null,
  plan: 'scale',
  limits: NO_OWN_LIMITS,
  workspaceStatus: 'ACTIVE',
  isReadOnly: false,
  needsFreshAuth: false,
});
