// Listing keys, and the moves of their status. A change and its audit entry are one transaction as the owner, since keys
// are not the bound role's to write; every process hears of it at once, beside judging the key's next request by it.
import type { ApiKey } from '../generated/prisma/client.js';
import { asSystem } from '../guard/as-system.js';
import { conflict, notFound } from '../platform/errors.js';
import {
  bySystem,
  factsAtHand,
  type KeyAction,
  type KeyChangeBy,
  type KeyDesk,
  type KeyTransaction,
  keyTransaction,
} from './create-key.js';
import { tellCredentialChanged } from './credential-notice.js';

export interface KeyListing extends Omit<ApiKey, 'status'> {
  /** EXPIRED is told from the expiry by the database's clock and never stored. */
  readonly status: ApiKey['status'] | 'EXPIRED';
}

/** Newest first. Deleted keys are in no list; revoked ones only when asked for. */
export async function listKeys(
  desk: Pick<KeyDesk, 'database'>,
  { workspaceId, withRevoked = false }: { readonly workspaceId: string; readonly withRevoked?: boolean },
): Promise<readonly KeyListing[]> {
  return asSystem(desk.database, 'list API keys', async (db) => {
    const { now } = await factsAtHand(db, workspaceId);
    const keys = await db.apiKey.findMany({
      where: { workspaceId, deletedAt: null, ...(withRevoked ? {} : { status: { not: 'REVOKED' } }) },
      orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
    });
    return keys.map((key) => ({ ...key, status: statusOf(key, now) }));
  });
}

const statusOf = (key: ApiKey, now: Date): KeyListing['status'] =>
  key.status !== 'REVOKED' && key.expiresAt !== null && key.expiresAt <= now ? 'EXPIRED' : key.status;

export interface LockedKey {
  readonly apiKey: ApiKey;
  readonly status: KeyListing['status'];
  /** By the database's clock, when the transaction began. */
  readonly now: Date;
}

/** The row, locked until the transaction ends. @throws NOT_FOUND also for a key of another workspace, or a deleted one */
export async function lockKey({ db, workspaceId }: KeyTransaction, id: string): Promise<LockedKey> {
  const [locked] = await db.$queryRaw<{ now: Date }[]>`SELECT now() AS now FROM api_key
    WHERE workspace_id = ${workspaceId} AND id = ${id} AND deleted_at IS NULL FOR UPDATE`;
  if (locked === undefined) throw notFound('API key');
  const apiKey = await db.apiKey.findUniqueOrThrow({ where: { workspaceId_id: { workspaceId, id } } });
  return { apiKey, status: statusOf(apiKey, locked.now), now: locked.now };
}

/** @throws CONFLICT for a key whose life is over */
export function requireNotOver({ status }: LockedKey, what: string): void {
  if (status !== 'REVOKED' && status !== 'EXPIRED') return;
  throw conflict(`This API key is ${status} and cannot be ${what}. Have a new one created.`, { status });
}

type Change = Parameters<KeyTransaction['db']['apiKey']['update']>[0]['data'];

/** Writes a change of a locked key, its audit entry, and tells every process. */
export async function changeKey(
  tx: KeyTransaction,
  id: string,
  data: Change,
  entry: { readonly action: KeyAction; readonly details?: Parameters<KeyTransaction['record']>[0]['details'] },
): Promise<ApiKey> {
  const { db, workspaceId } = tx;
  const apiKey = await db.apiKey.update({ where: { workspaceId_id: { workspaceId, id } }, data });
  await tx.record({ action: entry.action, subjectId: id, details: entry.details ?? {} });
  await tellCredentialChanged(db, id);
  return apiKey;
}

/** What was so already changes nothing but leaves its own audit entry. */
async function leaveKey(tx: KeyTransaction, { apiKey }: LockedKey, action: KeyAction): Promise<ApiKey> {
  await tx.record({ action, subjectId: apiKey.id, details: {} });
  return apiKey;
}

/** Doing it twice is harmless: the second time changes nothing but leaves its own audit entry. */
export async function suspendKeyIn(tx: KeyTransaction, id: string): Promise<ApiKey> {
  const locked = await lockKey(tx, id);
  requireNotOver(locked, 'suspended');
  if (locked.status === 'SUSPENDED') return leaveKey(tx, locked, 'apiKey.suspend');
  return changeKey(tx, id, { status: 'SUSPENDED' }, { action: 'apiKey.suspend' });
}

/** Doing it twice is harmless: the second time changes nothing but leaves its own audit entry. */
export async function resumeKeyIn(tx: KeyTransaction, id: string): Promise<ApiKey> {
  const locked = await lockKey(tx, id);
  requireNotOver(locked, 'resumed');
  if (locked.status === 'ACTIVE') return leaveKey(tx, locked, 'apiKey.resume');
  return changeKey(tx, id, { status: 'ACTIVE' }, { action: 'apiKey.resume' });
}

/** Ends every secret of the key for good. May run twice: the second changes nothing but leaves its own audit entry. */
export async function revokeKeyIn(tx: KeyTransaction, id: string): Promise<ApiKey> {
  const locked = await lockKey(tx, id);
  return locked.apiKey.status === 'REVOKED' ? leaveKey(tx, locked, 'apiKey.revoke') : endKey(tx, locked);
}

function endKey(tx: KeyTransaction, { apiKey: { id }, now }: LockedKey): Promise<ApiKey> {
  const over = { status: 'REVOKED', revokedAt: now, rotationGraceUntil: null } as const;
  return changeKey(tx, id, over, { action: 'apiKey.revoke' });
}

/** Revokes it first, and takes it from every list; its secret goes on answering REVOKED. */
export async function deleteKeyIn(tx: KeyTransaction, id: string): Promise<ApiKey> {
  const locked = await lockKey(tx, id);
  if (locked.apiKey.status !== 'REVOKED') await endKey(tx, locked);
  const { now: deletedAt } = locked;
  return changeKey(tx, id, { deletedAt }, { action: 'apiKey.delete' });
}

/** The key alone, in a transaction of its own; `apiKeysService` also cancels what the key asked for. */
export async function revokeKey(
  desk: Omit<KeyDesk, 'brand'>,
  { workspaceId, id }: { readonly workspaceId?: string; readonly id: string },
  by: KeyChangeBy = bySystem(),
): Promise<ApiKey> {
  return asSystem(desk.database, 'revoke an API key', async (db) => {
    const found = await db.apiKey.findFirst({ where: { id, ...(workspaceId === undefined ? {} : { workspaceId }) } });
    if (found === null) throw notFound('API key');
    return revokeKeyIn(keyTransaction(desk, db, found.workspaceId, by), id);
  });
}
