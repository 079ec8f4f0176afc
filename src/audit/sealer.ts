// Links committed entries into the chain of their workspace or organization, a moment after they commit. Apart from the
// changes themselves, so that two requests of one workspace never wait for each other's place in the chain. As the owner:
// the application's own role may write entries, but neither link, change nor remove any. Every run that linked something
// signs the new head. The first run of a process reads whole trails; those after it only what is near the last link. A run
// is two statements and shares no lock with anybody: of two that link at once, one finds the place in the chain taken.
import type { KeyObject } from 'node:crypto';
import type { Database } from '../db/database.js';
import { sqlStateOf } from '../db/migrate.js';
import type { Clock } from '../platform/clock.js';
import { type ChainOwner, type ChainTables, everyKind, ownerId, ownerNamed, ownerOf, tablesOf } from './chain-owner.js';
import { type Checkpoint, chainStart, entryText, linkHash, type StoredEntry, signHead } from './links.js';
import { auditChannel } from './record.js';
import { entryColumns } from './stored-chain.js';
import { backdatedMs } from './walk-chain.js';

export interface SealerOptions {
  readonly database: Pick<Database, 'executeAsOwner' | 'listen'>;
  readonly key: { readonly keyId: string; readonly privateKey: KeyObject };
  readonly clock: Clock;
  readonly log: { error(facts: object, message: string): void };
  /** Told of each checkpoint once it is committed, for keeping it outside too. */
  onCheckpoint?(checkpoint: Checkpoint): void;
}

export interface Sealer {
  /** Links everything that is committed, in every chain. */
  sealAll(): Promise<void>;
  stop(): Promise<void>;
}

const linkedAtOnce = 500;
const sealSoonMs = 250;
/** Under load notes gather for so long: what a run costs hardly grows with what it links. */
const betweenRunsMs = 1_000;
const sealAllMs = 60_000;

/** Seals what is there, then listens for chains that have something new. */
export async function startSealer(options: SealerOptions): Promise<Sealer> {
  const { database, log } = options;
  const noted = new Set<string>();
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  /** A run for what is noted is waited for, or going on. */
  let isPlanned = false;
  let ranAt = Number.NEGATIVE_INFINITY;
  let isStopped = false;

  const run = (work: () => Promise<void>): Promise<void> => {
    running = running
      .then(work)
      .catch((error: unknown) => log.error({ err: error }, 'audit entries could not be linked; they are tried again'));
    return running;
  };
  const sealNoted = async () => {
    // What is noted meanwhile is for the next run: under load a run that took it in would never end.
    const due = [...noted];
    noted.clear();
    ranAt = performance.now();
    for (const id of due) await sealChain(options, ownerNamed(id), 'fresh');
  };
  const seal = async (reach: Reach) => {
    for (const owner of await chainsToSeal(database, reach)) await sealChain(options, owner, reach);
  };
  const sealAll = () => seal('all');
  const plan = () => {
    if (isPlanned || isStopped || noted.size === 0) return;
    isPlanned = true;
    const delayMs = Math.max(sealSoonMs, betweenRunsMs - (performance.now() - ranAt));
    timer = setTimeout(async () => {
      await run(sealNoted);
      isPlanned = false;
      plan();
    }, delayMs);
  };
  const unlisten = await database.listen(auditChannel, (id) => {
    noted.add(id);
    plan();
  });
  const sweep = setInterval(() => void run(() => seal('young')), sealAllMs);
  void run(sealAll);
  return {
    sealAll: () => run(sealAll),
    async stop() {
      isStopped = true;
      clearInterval(sweep);
      clearTimeout(timer);
      await unlisten();
      // What was committed while stopping is linked at the next start.
      await running;
    },
  };
}

/**
 * How far before the entry that was linked last a run looks: links are made in the order of time, so what is missing further
 * back was kept back by a transaction that took that long. `fresh` leaves those that took seconds to the next sweep, which
 * goes back, `young`, as far as what the verifier still takes for late and not for inserted.
 */
export type Reach = 'all' | 'young' | 'fresh';

const overlapMs: Readonly<Record<Exclude<Reach, 'all'>, number>> = { young: backdatedMs, fresh: 5_000 };

/** From when on entries of the owner `w` are looked at. */
const from = (reach: Reach, { column, entry, link }: ChainTables): string =>
  reach === 'all'
    ? `'-infinity'::timestamptz`
    : `COALESCE((SELECT x.created_at - interval '${overlapMs[reach]} milliseconds' FROM ${entry} x
        WHERE x.${column} = w.id AND x.id = (
          SELECT l.entry_id FROM ${link} l WHERE l.${column} = w.id ORDER BY l.seq DESC LIMIT 1)
      ), '-infinity'::timestamptz)`;

const unlinkedSince = (reach: Reach, tables: ChainTables): string => `e.${tables.column} = w.id
  AND e.created_at >= ${from(reach, tables)}
  AND NOT EXISTS (SELECT FROM ${tables.link} l WHERE l.${tables.column} = e.${tables.column} AND l.entry_id = e.id)`;

async function chainsToSeal({ executeAsOwner }: SealerOptions['database'], reach: Reach): Promise<ChainOwner[]> {
  const { rows } = await executeAsOwner(
    everyKind
      .map(
        (tables) => `SELECT w.id FROM ${tables.owners} w
          WHERE EXISTS (SELECT FROM ${tables.entry} e WHERE ${unlinkedSince(reach, tables)})`,
      )
      .join(' UNION ALL '),
  );
  return rows.map(({ id }) => ownerNamed(String(id)));
}

/** Links what is committed in one chain. Of two processes at once, one finds the place taken and looks again. */
export async function sealChain(options: SealerOptions, owner: ChainOwner, reach: Reach = 'all'): Promise<number> {
  let total = 0;
  for (let tries = 0; ; ) {
    const found = await unlinked(options, owner, reach);
    const sealed = await link(options, owner, found);
    if (sealed === null) {
      tries += 1;
      if (tries < triesMax) continue;
      throw new Error(`The head of the audit chain of ${ownerId(owner)} was never the one that was read.`);
    }
    if (sealed.checkpoint !== null) options.onCheckpoint?.(sealed.checkpoint);
    total += found.entries.length;
    if (found.entries.length < linkedAtOnce) return total;
  }
}

/** Somebody gets through each time, so this many in a row are a defect. */
const triesMax = 50;

interface Unlinked {
  readonly head: { readonly seq: number; readonly hash: string };
  readonly entries: readonly StoredEntry[];
}

const readUnlinked = (reach: Reach, tables: ChainTables): string => `SELECT ${entryColumns(tables)},
    h.seq AS "headSeq", h.hash AS "headHash"
  FROM (SELECT $1::text AS id) w
  LEFT JOIN LATERAL (
    SELECT l.seq, l.hash FROM ${tables.link} l WHERE l.${tables.column} = w.id ORDER BY l.seq DESC LIMIT 1) h ON true
  JOIN ${tables.entry} e ON ${unlinkedSince(reach, tables)}
  ORDER BY e.created_at, e.id LIMIT ${linkedAtOnce}`;

/** Head and entries as they are at one moment. */
async function unlinked({ database }: SealerOptions, owner: ChainOwner, reach: Reach): Promise<Unlinked> {
  const { rows } = await database.executeAsOwner(readUnlinked(reach, tablesOf(owner)), [ownerId(owner)]);
  const entries = rows as unknown as (StoredEntry & { headSeq: number | null; headHash: string | null })[];
  const [first] = entries;
  return { head: { seq: first?.headSeq ?? 0, hash: first?.headHash ?? chainStart }, entries };
}

/** Only behind the head that the hashes were made for: whoever linked in the meantime is not written over. */
const linkBehind = ({ link, checkpoint, column }: ChainTables): string => `WITH linked AS (
    INSERT INTO ${link} (${column}, seq, entry_id, hash)
    SELECT $1, $2::int + t.n, t.entry_id, t.hash
    FROM unnest($3::text[], $4::text[]) WITH ORDINALITY AS t(entry_id, hash, n)
    WHERE $2::int = (SELECT COALESCE(max(l.seq), 0) FROM ${link} l WHERE l.${column} = $1)
    RETURNING seq
  )
  INSERT INTO ${checkpoint} (${column}, seq, hash, key_id, signature, created_at)
  SELECT $1, max(seq), $5, $6, $7, $8::timestamptz FROM linked HAVING count(*) > 0
  RETURNING seq`;

/** @returns null when somebody else linked since the head was read */
async function link(
  { database, key, clock }: SealerOptions,
  owner: ChainOwner,
  { head, entries }: Unlinked,
): Promise<{ readonly checkpoint: Checkpoint | null } | null> {
  if (entries.length === 0) return { checkpoint: null };
  let { seq, hash } = head;
  const hashes = entries.map((entry) => {
    seq += 1;
    hash = linkHash(hash, seq, entryText(entry));
    return hash;
  });
  const checkpoint = signHead({ ...ownerOf(owner), seq, hash, createdAt: clock.now() }, key);
  const { keyId, signature, createdAt } = checkpoint;
  const ids = entries.map(({ id }) => id);
  try {
    const values = [ownerId(owner), head.seq, ids, hashes, hash, keyId, signature, createdAt];
    const { rows } = await database.executeAsOwner(linkBehind(tablesOf(owner)), values);
    return rows.length === 0 ? null : { checkpoint };
  } catch (error) {
    if (sqlStateOf(error) === placeTaken) return null;
    throw error;
  }
}

const placeTaken = '23505';
