// Listing and revoking keys. A change and its audit entry are one transaction as the owner, since keys are not the bound
// role's to write; every process hears of a revocation at once, beside refusing the key's next request.
import type { ApiKey } from '../generated/prisma/client.js';
import { asSystem } from '../guard/as-system.js';
import { notFound } from '../platform/errors.js';
import { bySystem, factsAtHand, type KeyChangeBy, type KeyDesk } from './create-key.js';
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
  key.status === 'ACTIVE' && key.expiresAt !== null && key.expiresAt <= now ? 'EXPIRED' : key.status;

/** Refuses the key from the next request on, on every process. May run twice: the second changes nothing. */
export async function revokeKey(
  desk: Omit<KeyDesk, 'brand'>,
  { workspaceId, id }: { readonly workspaceId?: string; readonly id: string },
  by: KeyChangeBy = bySystem(),
): Promise<ApiKey> {
  return asSystem(desk.database, 'revoke an API key', async (db) => {
    const where = workspaceId === undefined ? { id } : { id, workspaceId };
    const found = await db.apiKey.findFirst({ where: { ...where, deletedAt: null } });
    if (found === null) throw notFound('API key');
    const { now } = await factsAtHand(db, found.workspaceId);
    const { count } = await db.apiKey.updateMany({
      where: { workspaceId: found.workspaceId, id, status: { not: 'REVOKED' } },
      data: { status: 'REVOKED', revokedAt: now },
    });
    if (count > 0) {
      await desk.audit(db, {
        workspaceId: found.workspaceId,
        action: 'apiKey.revoke',
        outcome: 'DONE',
        ...by,
        subjectId: id,
        details: {},
      });
      await tellCredentialChanged(db, id);
    }
    return db.apiKey.findUniqueOrThrow({ where: { workspaceId_id: { workspaceId: found.workspaceId, id } } });
  });
}
