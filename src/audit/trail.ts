// The trail of one workspace as it lies in the database, read as the owner in pages, for `verify`.
import type { Database } from '../db/database.js';
import { Prisma } from '../generated/prisma/client.js';
import type { Checkpoint, StoredEntry } from './links.js';
import type { StoredLink, Trail } from './verify.js';

type Reader = Pick<Database, 'owner'>;

const pageSize = 1_000;

/** @param outside checkpoints kept elsewhere; they vouch for more than those in the same database can */
export async function readTrail(
  database: Reader,
  workspaceId: string,
  outside: readonly Checkpoint[] = [],
): Promise<Trail> {
  const stored = await database.owner.auditCheckpoint.findMany({
    where: { workspaceId },
    orderBy: [{ seq: 'asc' }, { createdAt: 'asc' }],
  });
  return {
    workspaceId,
    linked: linkedOf(database, workspaceId),
    unlinked: unlinkedOf(database, workspaceId),
    checkpoints: [...stored, ...outside],
  };
}

async function* linkedOf(
  { owner }: Reader,
  workspaceId: string,
): AsyncGenerator<{ link: StoredLink; entry: StoredEntry | null }> {
  for (let after = 0; ; ) {
    const links = await owner.auditLink.findMany({
      where: { workspaceId, seq: { gt: after } },
      orderBy: { seq: 'asc' },
      take: pageSize,
    });
    const ids = links.map(({ entryId }) => entryId);
    const entries = await owner.auditEntry.findMany({ where: { workspaceId, id: { in: ids } } });
    const byId = new Map<string, StoredEntry>(entries.map((entry) => [entry.id, entry]));
    for (const link of links) yield { link, entry: byId.get(link.entryId) ?? null };
    const last = links.at(-1);
    if (last === undefined || links.length < pageSize) return;
    after = last.seq;
  }
}

async function* unlinkedOf({ owner }: Reader, workspaceId: string): AsyncGenerator<StoredEntry> {
  for (let after = ''; ; ) {
    const ids = await owner.$queryRaw<{ id: string }[]>(Prisma.sql`SELECT e.id FROM audit_entry e
      WHERE e.workspace_id = ${workspaceId} AND e.id > ${after} AND NOT EXISTS (
        SELECT FROM audit_link l WHERE l.workspace_id = e.workspace_id AND l.entry_id = e.id)
      ORDER BY e.id LIMIT ${pageSize}::int`);
    yield* await owner.auditEntry.findMany({
      where: { workspaceId, id: { in: ids.map(({ id }) => id) } },
      orderBy: { id: 'asc' },
    });
    const last = ids.at(-1);
    if (last === undefined || ids.length < pageSize) return;
    after = last.id;
  }
}
