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
import { type JudgedKey, judgeKeyRequest, type KeyFactsAtHand, type KeyRequest } from './key-request.js';
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

export type KeyAction =
  | 'apiKey.create'
  | 'apiKey.update'
  | 'apiKey.rotate'
  | 'apiKey.suspend'
  | 'apiKey.resume'
  | 'apiKey.revoke'
  | 'apiKey.delete'
  | 'apiKey.import';

/** An open transaction of the owner in which keys of one workspace change. */
export interface KeyTransaction {
  readonly db: SystemDb;
  readonly workspaceId: string;
  /** KEY_BRAND. */
  readonly brand: string;
  /** What the operator's plans allow; the default ones when left out. */
  readonly plans?: Plans | undefined;
  /** A `usr_` id; null for the command line. */
  readonly byUserId: string | null;
  /** Writes the entry in this transaction. */
  record(entry: {
    readonly action: KeyAction;
    readonly subjectId: string | null;
    readonly details: Readonly<Record<string, string | number | readonly string[]>>;
  }): Promise<void>;
}

export const bySystem = (): KeyChangeBy => ({
  actor: SYSTEM_ACTOR,
  allowedBy: null,
  requestId: newId('req'),
  ip: null,
});

/** A transaction of its own. @throws BAD_USER_INPUT naming the field, with no row written */
export async function createKey(
  desk: KeyDesk,
  request: KeyRequest & { readonly workspaceId: string },
  by: KeyChangeBy = bySystem(),
): Promise<CreatedKey> {
  return asSystem(desk.database, 'create an API key', (db) =>
    createKeyIn(keyTransaction(desk, db, request.workspaceId, by), request),
  );
}

export const keyTransaction = (
  desk: Omit<KeyDesk, 'database' | 'brand'> & { readonly brand?: string },
  db: SystemDb,
  workspaceId: string,
  by: KeyChangeBy,
): KeyTransaction => ({
  db,
  workspaceId,
  brand: desk.brand ?? '',
  plans: desk.plans,
  byUserId: by.actor.kind === 'SESSION' ? by.actor.id : null,
  record: ({ action, subjectId, details }) =>
    desk.audit(db, { ...by, workspaceId, action, outcome: 'DONE', subjectId: subjectId ?? workspaceId, details }),
});

/**
 * @param id under which to make it, where somebody has been told already
 * @param prefix path of the request in the caller's arguments, for example `input.`
 * @throws BAD_USER_INPUT naming the field, with no row written
 */
export async function createKeyIn(
  tx: KeyTransaction,
  request: KeyRequest,
  { id = newId('key'), prefix = '' }: { readonly id?: string; readonly prefix?: string } = {},
): Promise<CreatedKey> {
  const judged = judgeKeyRequest(request, await factsOf(tx), prefix);
  await requireAgents(tx, [judged.agentId], () => `${prefix}agentId`);
  const secret = newKeySecret(judged.kind, tx.brand);
  const apiKey = await storeKey(tx, judged, secret, id);
  await tx.record({
    action: 'apiKey.create',
    subjectId: apiKey.id,
    details: { kind: judged.kind, scopes: judged.scopes, start: apiKey.start },
  });
  return { apiKey, key: secret.key, warnings: judged.warnings };
}

/** @throws BAD_USER_INPUT for a workspace that is not there */
export async function factsAtHand(
  db: SystemDb,
  workspaceId: string,
): Promise<KeyFactsAtHand & { readonly plan: Plan; readonly now: Date }> {
  const rows = isId(workspaceId, 'wsp')
    ? await db.$queryRaw<Required<KeyFactsAtHand>[]>`
        SELECT plan::text AS plan, now() AS now, key_life_days_max AS "keyLifeDaysMax",
          explicit_spend_scopes AS "explicitSpendScopes", keys_read_only AS "keysReadOnly"
        FROM workspace WHERE id = ${workspaceId}`
    : [];
  const [facts] = rows;
  if (facts === undefined) throw badInput('No workspace with this id; such an id starts with wsp_.', 'workspaceId');
  return facts;
}

/** What a request must agree with in the workspace of the transaction. */
export const factsOf = async ({ db, workspaceId, plans }: KeyTransaction): Promise<KeyFactsAtHand> => ({
  ...(await factsAtHand(db, workspaceId)),
  plans,
});

/** @throws BAD_USER_INPUT alike for an agent that is unknown and for one of another workspace */
export async function requireAgents(
  { db, workspaceId }: KeyTransaction,
  agentIds: readonly (string | null)[],
  fieldOf: (index: number) => string,
): Promise<void> {
  const asked = agentIds.filter((id) => id !== null);
  if (asked.length === 0) return;
  const found = await db.agent.findMany({ where: { workspaceId, id: { in: asked } }, select: { id: true } });
  const known = new Set(found.map(({ id }) => id));
  const missing = agentIds.findIndex((id) => id !== null && !known.has(id));
  if (missing >= 0) throw badInput('No agent with this id in this workspace.', fieldOf(missing));
}

async function storeKey(tx: KeyTransaction, judged: JudgedKey, secret: NewKey, id: string): Promise<ApiKey> {
  const { db, workspaceId } = tx;
  const { warnings: _, scopes, allowedIps, ...columns } = judged;
  const apiKey = await db.apiKey.create({
    data: {
      ...columns,
      workspaceId,
      id,
      scopes: [...scopes],
      allowedIps: [...allowedIps],
      keyPrefix: secret.keyPrefix,
      start: secret.start,
      createdById: tx.byUserId,
    },
  });
  await storeSecret(db, { workspaceId, keyId: apiKey.id, hash: secret.hash, start: secret.start });
  return apiKey;
}

/** A secret, as a hash that nobody but the look-up reads, and beside it what may be known of it. */
export async function storeSecret(
  db: SystemDb,
  secret: { readonly workspaceId: string; readonly keyId: string; readonly hash: Buffer; readonly start: string },
  createdAt?: Date,
): Promise<void> {
  const id = newId('sec');
  const { workspaceId, keyId, hash, start } = secret;
  const at = createdAt === undefined ? {} : { createdAt };
  await db.apiKeySecret.create({ data: { hash: new Uint8Array(hash), id, workspaceId, keyId, ...at } });
  await db.apiKeySecretUse.create({ data: { id, workspaceId, keyId, start, ...at } });
}
