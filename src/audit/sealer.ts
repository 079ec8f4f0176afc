// Links committed entries into their workspace's chain, a moment after they commit. Apart from the changes themselves, so
// that two requests of one workspace never wait for each other's place in the chain. As the owner: the application's own
// role may write entries, but neither link, change nor remove any. Every run that linked something signs the new head.
// The first run of a process reads whole trails; those after it only what is near the last link. A run is two statements
// and shares no lock with anybody: a place of the chain is there once, so of two that link at once one finds it taken.
import type { KeyObject } from 'node:crypto';
import type { Database } from '../db/database.js';
import { sqlStateOf } from '../db/migrate.js';
import type { Clock } from '../platform/clock.js';
import { type Checkpoint, chainStart, entryText, linkHash, type StoredEntry, signHead } from './links.js';
import { auditChannel } from './record.js';
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
  /** Links everything that is committed, in every workspace. */
  sealAll(): Promise<void>;
  stop(): Promise<void>;
}

const linkedAtOnce = 500;
const sealSoonMs = 250;
/** Under load notes gather for so long: what a run costs hardly grows with what it links. */
const betweenRunsMs = 1_000;
const sealAllMs = 60_000;

/** Seals what is there, then listens for workspaces that have something new. */
export async function startSealer(options: SealerOptions): Promise<Sealer> {
  const { database, log } = options;
  const noted = new Set<string>();
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | null = null;
  let ranAt = Number.NEGATIVE_INFINITY;
  let isStopped = false;

  const run = (work: () => Promise<void>): Promise<void> => {
    running = running
      .then(work)
      .catch((error: unknown) => log.error({ err: error }, 'audit entries could not be linked; they are tried again'));
    return running;
  };
  const sealNoted = async () => {
    for (const workspaceId of noted) {
      noted.delete(workspaceId);
      await sealWorkspace(options, workspaceId, 'fresh');
    }
    ranAt = performance.now();
  };
  const seal = async (reach: Reach) => {
    for (const workspaceId of await workspacesToSeal(database, reach)) await sealWorkspace(options, workspaceId, reach);
  };
  const sealAll = () => seal('all');
  const unlisten = await database.listen(auditChannel, (workspaceId) => {
    noted.add(workspaceId);
    if (timer !== null || isStopped) return;
    const delayMs = Math.max(sealSoonMs, betweenRunsMs - (performance.now() - ranAt));
    timer = setTimeout(() => {
      timer = null;
      void run(sealNoted);
    }, delayMs);
  });
  const sweep = setInterval(() => void run(() => seal('young')), sealAllMs);
  void run(sealAll);
  return {
    sealAll: () => run(sealAll),
    async stop() {
      isStopped = true;
      clearInterval(sweep);
      if (timer !== null) clearTimeout(timer);
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

/** From when on entries of the workspace `w` are looked at. */
const from = (reach: Reach): string =>
  reach === 'all'
    ? `'-infinity'::timestamptz`
    : `COALESCE((SELECT x.created_at - interval '${overlapMs[reach]} milliseconds' FROM audit_entry x
        WHERE x.workspace_id = w.id AND x.id = (
          SELECT l.entry_id FROM audit_link l WHERE l.workspace_id = w.id ORDER BY l.seq DESC LIMIT 1)
      ), '-infinity'::timestamptz)`;

const unlinkedSince = (reach: Reach): string => `e.workspace_id = w.id AND e.created_at >= ${from(reach)}
  AND NOT EXISTS (SELECT FROM audit_link l WHERE l.workspace_id = e.workspace_id AND l.entry_id = e.id)`;

async function workspacesToSeal({ executeAsOwner }: SealerOptions['database'], reach: Reach): Promise<string[]> {
  const { rows } = await executeAsOwner(
    `SELECT w.id FROM workspace w WHERE EXISTS (SELECT FROM audit_entry e WHERE ${unlinkedSince(reach)})`,
  );
  return rows.map(({ id }) => String(id));
}

/** Links what is committed in one workspace. Of two processes at once, one finds the place taken and looks again. */
export async function sealWorkspace(
  options: SealerOptions,
  workspaceId: string,
  reach: Reach = 'all',
): Promise<number> {
  let total = 0;
  for (let tries = 0; ; ) {
    const found = await unlinked(options, workspaceId, reach);
    const sealed = await link(options, workspaceId, found);
    if (sealed === null) {
      tries += 1;
      if (tries < triesMax) continue;
      throw new Error(`The head of the audit chain of ${workspaceId} was never the one that was read.`);
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

const readUnlinked = (reach: Reach): string => `SELECT e.workspace_id AS "workspaceId", e.id, e.action,
    e.outcome::text AS outcome, e.actor_kind::text AS "actorKind", e.actor_id AS "actorId", e.api_key_id AS "apiKeyId",
    e.agent_id AS "agentId", e.allowed_by AS "allowedBy", e.subject_id AS "subjectId", e.effect_id AS "effectId",
    e.cost_credits AS "costCredits", e.request_id AS "requestId", e.ip, e.details, e.created_at AS "createdAt",
    h.seq AS "headSeq", h.hash AS "headHash"
  FROM (SELECT $1::text AS id) w
  LEFT JOIN LATERAL (SELECT l.seq, l.hash FROM audit_link l WHERE l.workspace_id = w.id ORDER BY l.seq DESC LIMIT 1) h ON true
  JOIN audit_entry e ON ${unlinkedSince(reach)}
  ORDER BY e.created_at, e.id LIMIT ${linkedAtOnce}`;

/** Head and entries as they are at one moment. */
async function unlinked({ database }: SealerOptions, workspaceId: string, reach: Reach): Promise<Unlinked> {
  const { rows } = await database.executeAsOwner(readUnlinked(reach), [workspaceId]);
  const entries = rows as unknown as (StoredEntry & { headSeq: number | null; headHash: string | null })[];
  const [first] = entries;
  return { head: { seq: first?.headSeq ?? 0, hash: first?.headHash ?? chainStart }, entries };
}

/** Only behind the head that the hashes were made for: whoever linked in the meantime is not written over. */
const LINK = `WITH linked AS (
    INSERT INTO audit_link (workspace_id, seq, entry_id, hash)
    SELECT $1, $2::int + t.n, t.entry_id, t.hash
    FROM unnest($3::text[], $4::text[]) WITH ORDINALITY AS t(entry_id, hash, n)
    WHERE $2::int = (SELECT COALESCE(max(l.seq), 0) FROM audit_link l WHERE l.workspace_id = $1)
    RETURNING seq
  )
  INSERT INTO audit_checkpoint (workspace_id, seq, hash, key_id, signature, created_at)
  SELECT $1, max(seq), $5, $6, $7, $8::timestamptz FROM linked HAVING count(*) > 0
  RETURNING seq`;

/** @returns null when somebody else linked since the head was read */
async function link(
  { database, key, clock }: SealerOptions,
  workspaceId: string,
  { head, entries }: Unlinked,
): Promise<{ readonly checkpoint: Checkpoint | null } | null> {
  if (entries.length === 0) return { checkpoint: null };
  let { seq, hash } = head;
  const hashes = entries.map((entry) => {
    seq += 1;
    hash = linkHash(hash, seq, entryText(entry));
    return hash;
  });
  const checkpoint = signHead({ workspaceId, seq, hash, createdAt: clock.now() }, key);
  const { keyId, signature, createdAt } = checkpoint;
  const ids = entries.map(({ id }) => id);
  try {
    const values = [workspaceId, head.seq, ids, hashes, hash, keyId, signature, createdAt];
    const { rows } = await database.executeAsOwner(LINK, values);
    return rows.length === 0 ? null : { checkpoint };
  } catch (error) {
    if (sqlStateOf(error) === placeTaken) return null;
    throw error;
  }
}

const placeTaken = '23505';
