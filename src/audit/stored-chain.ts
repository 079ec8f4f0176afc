// Chains as they lie in the database, read as the owner in pages: plain statements, the same for workspaces and
// organizations, which come back as the chain's own types.
import type { Database } from '../db/database.js';
import { type ChainOwner, type ChainTables, ownerId, tablesOf } from './chain-owner.js';
import type { Checkpoint, StoredEntry, StoredLink } from './links.js';
import type { LinkedEntry } from './walk-chain.js';

export type ChainReader = Pick<Database, 'executeAsOwner'>;

/** Of a page. */
export const rowsAtOnce = 1_000;

/** All that is hashed of the entry known as `e`, under the names it is hashed by. */
export const entryColumns = ({ column, field }: ChainTables): string => `e.${column} AS "${field}", e.id, e.action,
  e.outcome::text AS outcome, e.actor_kind::text AS "actorKind", e.actor_id AS "actorId", e.api_key_id AS "apiKeyId",
  e.agent_id AS "agentId", e.allowed_by AS "allowedBy", e.subject_id AS "subjectId", e.effect_id AS "effectId",
  e.cost_credits AS "costCredits", e.request_id AS "requestId", e.ip, e.details, e.created_at AS "createdAt"`;

export const checkpointColumns = ({ column, field }: ChainTables): string =>
  `c.${column} AS "${field}", c.seq, c.hash, c.key_id AS "keyId", c.signature, c.created_at AS "createdAt",
  c.is_cut AS "isCut"`;

const rowsOf = async <Row>({ executeAsOwner }: ChainReader, text: string, values: readonly unknown[]): Promise<Row[]> =>
  (await executeAsOwner(text, values)).rows as Row[];

/** Where the chain ends; null: it has not begun. */
export async function lastLink(reader: ChainReader, owner: ChainOwner): Promise<StoredLink | null> {
  const { link, column } = tablesOf(owner);
  const [last] = await rowsOf<StoredLink>(
    reader,
    `SELECT l.seq, l.entry_id AS "entryId", l.hash FROM ${link} l WHERE l.${column} = $1 ORDER BY l.seq DESC LIMIT 1`,
    [ownerId(owner)],
  );
  return last ?? null;
}

/** The next places behind `seq`, up to `lastSeq`. */
export async function linkedBehind(
  reader: ChainReader,
  owner: ChainOwner,
  { seq, lastSeq }: { readonly seq: number; readonly lastSeq: number },
): Promise<LinkedEntry[]> {
  const tables = tablesOf(owner);
  const { link, entry, column } = tables;
  type Row = StoredEntry & { linkSeq: number; linkId: string; linkHash: string; id: string | null };
  const rows = await rowsOf<Row>(
    reader,
    `SELECT l.seq AS "linkSeq", l.entry_id AS "linkId", l.hash AS "linkHash", ${entryColumns(tables)}
     FROM ${link} l LEFT JOIN ${entry} e ON e.${column} = l.${column} AND e.id = l.entry_id
     WHERE l.${column} = $1 AND l.seq > $2::int AND l.seq <= $3::int ORDER BY l.seq LIMIT ${rowsAtOnce}`,
    [ownerId(owner), seq, lastSeq],
  );
  return rows.map(({ linkSeq, linkId, linkHash, ...entryRow }) => ({
    link: { seq: linkSeq, entryId: linkId, hash: linkHash },
    entry: entryRow.id === null ? null : entryRow,
  }));
}

/** The next entries behind `id` that no link up to `lastSeq` names. */
export function unlinkedBehind(
  reader: ChainReader,
  owner: ChainOwner,
  { id, lastSeq }: { readonly id: string; readonly lastSeq: number },
): Promise<StoredEntry[]> {
  const tables = tablesOf(owner);
  const { link, entry, column } = tables;
  return rowsOf<StoredEntry>(
    reader,
    `SELECT ${entryColumns(tables)} FROM ${entry} e WHERE e.${column} = $1 AND e.id > $2 AND NOT EXISTS (
       SELECT FROM ${link} l WHERE l.${column} = e.${column} AND l.entry_id = e.id AND l.seq <= $3::int)
     ORDER BY e.id LIMIT ${rowsAtOnce}`,
    [ownerId(owner), id, lastSeq],
  );
}

/** By place and time, the next behind `after`. */
export function checkpointsBehind(
  reader: ChainReader,
  owner: ChainOwner,
  after: Pick<Checkpoint, 'seq' | 'createdAt'> | null,
  lastSeq: number,
): Promise<Checkpoint[]> {
  const tables = tablesOf(owner);
  const { seq, createdAt } = after ?? { seq: -1, createdAt: new Date(0) };
  return rowsOf<Checkpoint>(
    reader,
    `SELECT ${checkpointColumns(tables)} FROM ${tables.checkpoint} c
     WHERE c.${tables.column} = $1 AND (c.seq, c.created_at) > ($2::int, $3::timestamptz) AND c.seq <= $4::int
     ORDER BY c.seq, c.created_at LIMIT ${rowsAtOnce}`,
    [ownerId(owner), seq, createdAt, lastSeq],
  );
}

/** Up to where the chain was dropped last; 0: it is whole. */
export async function lastCut(reader: ChainReader, owner: ChainOwner): Promise<number> {
  const { checkpoint, column } = tablesOf(owner);
  const [cut] = await rowsOf<{ seq: number }>(
    reader,
    `SELECT COALESCE(max(c.seq), 0)::int AS seq FROM ${checkpoint} c WHERE c.${column} = $1 AND c.is_cut`,
    [ownerId(owner)],
  );
  return cut?.seq ?? 0;
}

/** The last places that are linked and signed, at one moment. */
export async function endOf(
  reader: ChainReader,
  owner: ChainOwner,
): Promise<{ readonly linked: number; readonly signed: number }> {
  const { link, checkpoint, column } = tablesOf(owner);
  const [end] = await rowsOf<{ linked: number; signed: number }>(
    reader,
    `SELECT (SELECT COALESCE(max(l.seq), 0)::int FROM ${link} l WHERE l.${column} = $1) AS linked,
       (SELECT COALESCE(max(c.seq), 0)::int FROM ${checkpoint} c WHERE c.${column} = $1) AS signed`,
    [ownerId(owner)],
  );
  return end ?? { linked: 0, signed: 0 };
}
