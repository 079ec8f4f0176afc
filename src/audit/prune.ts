// Dropping what is old: entries and links from the beginning of a chain up to a checkpoint that is signed and kept outside, so
// that whoever holds the outside copy still knows what stood there. A cut is signed as such; links that are gone without one
// are found as gone. Only a trail that verifies is cut, since what is dropped can be judged by nobody any more.
import type { Database } from '../db/database.js';
import { Prisma } from '../generated/prisma/client.js';
import { asSystem, type SystemDb } from '../guard/as-system.js';
import { identifier, sql } from '../guard/sql.js';
import type { Clock } from '../platform/clock.js';
import { conflict } from '../platform/errors.js';
import { type ChainOwner, ownerId, ownerOf, tablesOf } from './chain-owner.js';
import { type Checkpoint, isSignedBy, signHead } from './links.js';
import type { PublicKeys } from './public-keys.js';
import type { Audit } from './record.js';
import { checkpointColumns } from './stored-chain.js';
import { readTrail } from './trail.js';
import { isInUse, verifyTrail } from './verify.js';

export interface PruneParts {
  readonly database: Pick<Database, 'owner' | 'executeAsOwner'>;
  /** The first signs the cut. */
  readonly key: Parameters<typeof signHead>[1];
  readonly publicKeys: PublicKeys;
  readonly clock: Clock;
  /** For the entry that tells of it, in the same transaction. */
  auditIn(db: SystemDb): Audit;
}

export interface Pruned {
  /** How many entries are gone. */
  readonly dropped: number;
  /** The last place that is gone; null: nothing was old enough and closed by a checkpoint kept outside. */
  readonly upTo: number | null;
}

const WITHIN_MS = 600_000;

/**
 * Drops what is older than `before`, as far as a checkpoint kept outside closes it. The end of the chain always stays.
 * @throws CONFLICT for a trail that does not verify
 */
export async function pruneTrail(parts: PruneParts, owner: ChainOwner, before: Date): Promise<Pruned> {
  const { database, publicKeys } = parts;
  const { ok } = await verifyTrail(await readTrail(database, owner), publicKeys);
  if (!ok)
    throw conflict(
      `The audit trail of ${ownerId(owner)} does not verify, so nothing of it is dropped. See audit verify.`,
    );
  return asSystem(database, 'drop old audit entries', (db) => cut(db, parts, owner, before), { timeoutMs: WITHIN_MS });
}

async function cut(db: SystemDb, parts: PruneParts, owner: ChainOwner, before: Date): Promise<Pruned> {
  const tables = tablesOf(owner);
  const { entry, link, checkpoint, column } = {
    entry: identifier(tables.entry),
    link: identifier(tables.link),
    checkpoint: identifier(tables.checkpoint),
    column: identifier(tables.column),
  };
  const id = ownerId(owner);
  await db.$queryRaw(sql`SELECT pg_advisory_xact_lock(hashtextextended(${`audit cut:${id}`}, 0))::text AS locked`);
  const [closing] = await db.$queryRaw<Checkpoint[]>(sql`SELECT ${Prisma.raw(checkpointColumns(tables))}
    FROM ${checkpoint} c JOIN ${link} l ON l.${column} = c.${column} AND l.seq = c.seq AND l.hash = c.hash
    WHERE c.${column} = ${id} AND c.kept_at IS NOT NULL AND NOT c.is_cut
      AND c.seq < (SELECT max(x.seq) FROM ${link} x WHERE x.${column} = ${id})
      AND NOT EXISTS (SELECT FROM ${link} x JOIN ${entry} e ON e.${column} = x.${column} AND e.id = x.entry_id
        WHERE x.${column} = ${id} AND x.seq <= c.seq AND e.created_at >= ${before}::timestamptz)
    ORDER BY c.seq DESC, c.created_at DESC LIMIT 1`);
  if (closing === undefined) return { dropped: 0, upTo: null };
  const { seq, hash } = closing;
  const key = parts.publicKeys.get(closing.keyId);
  if (key === undefined || !isSignedBy(closing, key.publicKey) || !isInUse(key, closing.createdAt))
    throw conflict(`The checkpoint at place ${seq} of ${id} is not signed by a key of ours, so nothing is dropped.`);
  const dropped = await db.$executeRaw(sql`DELETE FROM ${entry} e USING ${link} l WHERE e.${column} = ${id}
    AND l.${column} = e.${column} AND l.entry_id = e.id AND l.seq <= ${seq}::int`);
  await db.$executeRaw(sql`DELETE FROM ${link} WHERE ${column} = ${id} AND seq <= ${seq}::int`);
  // What is not kept outside yet goes there first.
  await db.$executeRaw(
    sql`DELETE FROM ${checkpoint} WHERE ${column} = ${id} AND seq < ${seq}::int AND kept_at IS NOT NULL`,
  );
  const { keyId, signature, createdAt } = signHead(
    { ...ownerOf(owner), seq, hash, createdAt: parts.clock.now(), isCut: true },
    parts.key,
  );
  await db.$executeRaw(sql`INSERT INTO ${checkpoint} (${column}, seq, hash, key_id, signature, created_at, is_cut)
    VALUES (${id}, ${seq}::int, ${hash}, ${keyId}, ${signature}, ${createdAt}::timestamptz, true)`);
  const details = { before: before.toISOString(), upTo: seq, count: dropped };
  await parts.auditIn(db).record({ action: 'audit.prune', subjectId: id, details });
  return { dropped, upTo: seq };
}
