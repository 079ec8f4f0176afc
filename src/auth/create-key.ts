// A key is made: everything asked for is judged, then row, hash and audit entry are one transaction as the owner, since
// neither keys nor hashes are the bound role's to write. The secret is in the answer and nowhere else: what is stored is
// its SHA-256 and the few characters by which people tell keys apart.
import type { Database } from '../db/database.js';
import type { ApiKey } from '../generated/prisma/client.js';
import { asSystem, type SystemDb } from '../guard/as-system.js';
import { badInput } from '../platform/errors.js';
import { isId, newId } from '../platform/ids.js';
import { type AuthActor, type RecordAuthAudit, SYSTEM_ACTOR } from './audit-port.js';
import { type NewKey, newKeySecret } from './key-format.js';
import { type JudgedKey, judgeKeyRequest, type KeyRequest } from './key-request.js';
import type { Plan, Plans } from './plans.js';

export interface KeyDesk {
  readonly database: Pick<Database, 'owner'>;
  /** KEY_BRAND. */
  readonly brand: string;
  readonly audit: RecordAuthAudit;
  /** PLAN_LIMITS; the default plans when left out. */
  readonly plans?: Plans;
}

/** The request behind a change; left out for the command line on the server's own machine. */
export interface KeyChangeBy {
  readonly actor: AuthActor;
  readonly allowedBy: string | null;
  readonly requestId: string;
  readonly ip: string | null;
}

export interface CreatedKey {
  readonly apiKey: ApiKey;
  /** The secret itself: hand it on and forget it. */
  readonly key: string;
  readonly warnings: readonly string[];
}

export const bySystem = (): KeyChangeBy => ({
  actor: SYSTEM_ACTOR,
  allowedBy: null,
  requestId: newId('req'),
  ip: null,
});

/** @throws BAD_USER_INPUT naming the field, with no row written */
export async function createKey(
  desk: KeyDesk,
  request: KeyRequest & { readonly workspaceId: string },
  by: KeyChangeBy = bySystem(),
): Promise<CreatedKey> {
  return asSystem(desk.database, 'create an API key', async (db) => {
    const judged = judgeKeyRequest(request, {
      ...(await factsAtHand(db, request.workspaceId)),
      plans: desk.plans,
    });
    if (judged.agentId !== null) await requireAgent(db, request.workspaceId, judged.agentId);
    const secret = newKeySecret(judged.kind, desk.brand);
    const apiKey = await storeKey(db, request.workspaceId, judged, secret, by);
    await desk.audit(db, {
      workspaceId: request.workspaceId,
      action: 'apiKey.create',
      outcome: 'DONE',
      ...by,
      subjectId: apiKey.id,
      details: { kind: judged.kind, scopes: judged.scopes, start: apiKey.start },
    });
    return { apiKey, key: secret.key, warnings: judged.warnings };
  });
}

/** @throws BAD_USER_INPUT for a workspace that is not there */
export async function factsAtHand(db: SystemDb, workspaceId: string): Promise<{ plan: Plan; now: Date }> {
  const rows = isId(workspaceId, 'wsp')
    ? await db.$queryRaw<{ plan: Plan; now: Date }[]>`
        SELECT plan::text AS plan, now() AS now FROM workspace WHERE id = ${workspaceId}`
    : [];
  const [facts] = rows;
  if (facts === undefined) throw badInput('No workspace with this id; such an id starts with wsp_.', 'workspaceId');
  return facts;
}

async function requireAgent(db: SystemDb, workspaceId: string, agentId: string): Promise<void> {
  const found = await db.agent.findUnique({
    where: { workspaceId_id: { workspaceId, id: agentId } },
    select: { id: true },
  });
  if (found === null) throw badInput('No agent with this id in this workspace.', 'agentId');
}

async function storeKey(
  db: SystemDb,
  workspaceId: string,
  judged: JudgedKey,
  secret: NewKey,
  by: KeyChangeBy,
): Promise<ApiKey> {
  const { warnings: _, scopes, allowedIps, ...columns } = judged;
  const apiKey = await db.apiKey.create({
    data: {
      ...columns,
      workspaceId,
      id: newId('key'),
      scopes: [...scopes],
      allowedIps: [...allowedIps],
      keyPrefix: secret.keyPrefix,
      start: secret.start,
      createdById: by.actor.kind === 'SESSION' ? by.actor.id : null,
    },
  });
  await storeSecret(db, { workspaceId, keyId: apiKey.id, hash: secret.hash, start: secret.start });
  return apiKey;
}

/** A secret, as a hash that nobody but the look-up reads, and beside it what may be known of it. */
export async function storeSecret(
  db: SystemDb,
  secret: { readonly workspaceId: string; readonly keyId: string; readonly hash: Buffer; readonly start: string },
): Promise<void> {
  const id = newId('sec');
  const { workspaceId, keyId, hash, start } = secret;
  await db.apiKeySecret.create({ data: { hash: new Uint8Array(hash), id, workspaceId, keyId } });
  await db.apiKeySecretUse.create({ data: { id, workspaceId, keyId, start } });
}
