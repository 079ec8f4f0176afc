// The trail of one workspace as it lies in the database, read as the owner in pages, for `verify`.
import type { Database } from '../db/database.js';
import { Prisma } from '../generated/prisma/client.js';
import type { Checkpoint, StoredEntry } from './links.js';
import type { Trail } from './verify.js';
import type { LinkedEntry } from './walk-chain.js';

type Reader = Pick<Database, 'owner'>;

const pageSize = 1_000;

/**
 * As it is at one moment, also while the sealer goes on: what is linked later counts as not linked yet.
 * @param outside checkpoints kept elsewhere; they vouch for more than those in the same database can
 */
export async function readTrail(
  database: Reader,
  workspaceId: string,
  outside: readonly Checkpoint[] = [],
): Promise<Trail> {
  const [end] = await database.owner.$queryRaw<{ linked: number; signed: number }[]>(Prisma.sql`SELECT
    (SELECT COALESCE(max(seq), 0)::int FROM audit_link WHERE workspace_id = ${workspaceId}) AS linked,
    (SELECT COALESCE(max(seq), 0)::int FROM audit_checkpoint WHERE workspace_id = ${workspaceId}) AS signed`);
  const { linked, signed } = end ?? { linked: 0, signed: 0 };
  return {
    workspaceId,
    linked: linkedOf(database, workspaceId, linked),
    unlinked: unlinkedOf(database, workspaceId, linked),
    checkpoints: checkpointsOf(database, workspaceId, signed, outside),
  };
}

async function* checkpointsOf(
  { owner }: Reader,
  workspaceId: string,
  lastSeq: number,
  outside: readonly Checkpoint[],
): AsyncGenerator<Checkpoint> {
  const order = [{ seq: 'asc' }, { createdAt: 'asc' }] as const;
  const first = { where: { workspaceId, seq: { lte: lastSeq } }, orderBy: [...order], take: pageSize };
  let page = await owner.auditCheckpoint.findMany(first);
  for (;;) {
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < pageSize) break;
    const { seq, createdAt } = last;
    const cursor = { workspaceId_seq_createdAt: { workspaceId, seq, createdAt } };
    page = await owner.auditCheckpoint.findMany({ ...first, cursor, skip: 1 });
  }
  yield* outside;
}

async function* linkedOf({ owner }: Reader, workspaceId: string, lastSeq: number): AsyncGenerator<LinkedEntry> {
  for (let after = 0; ; ) {
    const links = await owner.auditLink.findMany({
      where: { workspaceId, seq: { gt: after, lte: lastSeq } },
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

async function* unlinkedOf({ owner }: Reader, workspaceId: string, lastSeq: number): AsyncGenerator<StoredEntry> {
  for (let after = ''; ; ) {
    const ids = await owner.$queryRaw<{ id: string }[]>(Prisma.sql`SELECT e.id FROM audit_entry e
      WHERE e.workspace_id = ${workspaceId} AND e.id > ${after} AND NOT EXISTS (SELECT FROM audit_link l
        WHERE l.workspace_id = e.workspace_id AND l.entry_id = e.id AND l.seq <= ${lastSeq}::int)
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
