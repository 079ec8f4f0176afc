// The trail of one workspace as lines of an export, a page at a time: each page is one answer of the command's socket, and
// says from where the next one goes on.
import type { Database } from '../db/database.js';
import { Prisma } from '../generated/prisma/client.js';
import { type ExportLine, lineOf, linkedLine, tailLine, writtenCheckpoint } from './export-lines.js';
import { type Checkpoint, type StoredEntry, signHead } from './links.js';

/** Where a page begins. What was linked after the export began is left to the next one. */
export interface ExportPlace {
  readonly part: 'checkpoints' | 'linked' | 'tail';
  /** Behind this place of the chain. */
  readonly seq: number;
  /** Behind this id. */
  readonly id: string;
  readonly linked: number;
  readonly tail: number;
  /** The last place of the chain when the export of this workspace began. */
  readonly lastSeq: number;
}

export interface ExportPage {
  readonly lines: readonly string[];
  /** Null: that was all of this workspace. */
  readonly next: ExportPlace | null;
}

type Reader = Pick<Database, 'owner'>;

const PAGE = 1_000;

/** Where the chain ends now, signed; null: it has not begun. What an export promises to hold. */
export async function headOfChain(
  { owner }: Reader,
  workspaceId: string,
  { key, createdAt }: { readonly key: Parameters<typeof signHead>[1]; readonly createdAt: Date },
): Promise<Checkpoint | null> {
  const last = await owner.auditLink.findFirst({ where: { workspaceId }, orderBy: { seq: 'desc' } });
  return last === null ? null : signHead({ workspaceId, seq: last.seq, hash: last.hash, createdAt }, key);
}

export async function exportPage(
  database: Reader,
  workspaceId: string,
  place: ExportPlace | null,
): Promise<ExportPage> {
  if (place === null) return begin(database, workspaceId);
  return place.part === 'tail' ? tailPage(database, workspaceId, place) : linkedPage(database, workspaceId, place);
}

async function begin({ owner }: Reader, workspaceId: string): Promise<ExportPage> {
  const last = await owner.auditLink.findFirst({ where: { workspaceId }, orderBy: { seq: 'desc' } });
  const lastSeq = last?.seq ?? 0;
  const checkpoints = await owner.auditCheckpoint.findMany({
    where: { workspaceId, seq: { lte: lastSeq } },
    orderBy: [{ seq: 'asc' }, { createdAt: 'asc' }],
  });
  const lines: ExportLine[] = [
    { line: 'trail', workspaceId },
    ...checkpoints.map((one): ExportLine => ({ line: 'checkpoint', ...writtenCheckpoint(one) })),
  ];
  return { lines: lines.map(lineOf), next: { part: 'linked', seq: 0, id: '', linked: 0, tail: 0, lastSeq } };
}

async function linkedPage({ owner }: Reader, workspaceId: string, place: ExportPlace): Promise<ExportPage> {
  const links = await owner.auditLink.findMany({
    where: { workspaceId, seq: { gt: place.seq, lte: place.lastSeq } },
    orderBy: { seq: 'asc' },
    take: PAGE,
  });
  const ids = links.map(({ entryId }) => entryId);
  const entries = await owner.auditEntry.findMany({ where: { workspaceId, id: { in: ids } } });
  const byId = new Map<string, StoredEntry>(entries.map((entry) => [entry.id, entry]));
  const lines = links.map((link) => lineOf(linkedLine(link, byId.get(link.entryId) ?? null)));
  const seq = links.at(-1)?.seq ?? place.seq;
  const part = links.length < PAGE ? 'tail' : 'linked';
  return { lines, next: { ...place, part, seq, linked: place.linked + links.length } };
}

/** Entries that the chain as it was had not reached; some may have been linked since. */
async function tailPage({ owner }: Reader, workspaceId: string, place: ExportPlace): Promise<ExportPage> {
  const ids = await owner.$queryRaw<{ id: string }[]>(Prisma.sql`SELECT e.id FROM audit_entry e
    WHERE e.workspace_id = ${workspaceId} AND e.id > ${place.id} AND NOT EXISTS (
      SELECT FROM audit_link l WHERE l.workspace_id = e.workspace_id AND l.entry_id = e.id AND l.seq <= ${place.lastSeq}::int)
    ORDER BY e.id LIMIT ${PAGE}::int`);
  const entries = await owner.auditEntry.findMany({
    where: { workspaceId, id: { in: ids.map(({ id }) => id) } },
    orderBy: { id: 'asc' },
  });
  const lines = entries.map((entry) => lineOf(tailLine(entry)));
  const tail = place.tail + entries.length;
  const last = ids.at(-1);
  if (last !== undefined && ids.length === PAGE) return { lines, next: { ...place, id: last.id, tail } };
  return { lines: [...lines, lineOf({ line: 'end', workspaceId, linked: place.linked, tail })], next: null };
}
