// Links committed entries into their workspace's chain, a moment after they commit. Apart from the changes themselves, so
// that two requests of one workspace never wait for each other's place in the chain. As the owner: the application's own
// role may write entries, but neither link, change nor remove any. Every run that linked something signs the new head.
// The first run of a process reads whole trails; those after it only what is young beside the last link.
import type { KeyObject } from 'node:crypto';
import type { Database } from '../db/database.js';
import { Prisma } from '../generated/prisma/client.js';
import { asSystem, type SystemDb } from '../guard/as-system.js';
import type { Clock } from '../platform/clock.js';
import { type Checkpoint, chainStart, entryText, linkHash, signHead } from './links.js';
import { auditChannel } from './record.js';
import { backdatedMs } from './walk-chain.js';

export interface SealerOptions {
  readonly database: Pick<Database, 'owner' | 'listen'>;
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
const sealAllMs = 60_000;

/** Seals what is there, then listens for workspaces that have something new. */
export async function startSealer(options: SealerOptions): Promise<Sealer> {
  const { database, log } = options;
  const noted = new Set<string>();
  let running: Promise<void> = Promise.resolve();
  let timer: NodeJS.Timeout | null = null;
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
      await sealWorkspace(options, workspaceId, 'young');
    }
  };
  const seal = async (reach: Reach) => {
    for (const workspaceId of await workspacesToSeal(database, reach)) await sealWorkspace(options, workspaceId, reach);
  };
  const sealAll = () => seal('all');
  const unlisten = await database.listen(auditChannel, (workspaceId) => {
    noted.add(workspaceId);
    if (timer !== null || isStopped) return;
    timer = setTimeout(() => {
      timer = null;
      void run(sealNoted);
    }, sealSoonMs);
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
 * `young`: entries that are at most `overlap` older than the one that was linked last. Links are made in the order of time,
 * so nothing older can be missing but what a transaction kept back for longer than any may last.
 */
export type Reach = 'all' | 'young';

/** What is put in with an older date than this the verifier calls inserted. */
const overlap = Prisma.raw(`interval '${backdatedMs} milliseconds'`);

/** From when on entries of the workspace `w` are looked at. */
const from = (reach: Reach): Prisma.Sql =>
  reach === 'all'
    ? Prisma.sql`'-infinity'::timestamptz`
    : Prisma.sql`COALESCE((SELECT x.created_at - ${overlap} FROM audit_entry x WHERE x.workspace_id = w.id AND x.id = (
        SELECT l.entry_id FROM audit_link l WHERE l.workspace_id = w.id ORDER BY l.seq DESC LIMIT 1)), '-infinity'::timestamptz)`;

const workspacesToSeal = async (database: Pick<Database, 'owner'>, reach: Reach): Promise<string[]> => {
  const rows = await asSystem(database, 'find workspaces with unlinked audit entries', (db) =>
    db.$queryRaw<{ id: string }[]>(Prisma.sql`SELECT w.id FROM workspace w WHERE EXISTS (
      SELECT FROM audit_entry e WHERE e.workspace_id = w.id AND e.created_at >= ${from(reach)} AND NOT EXISTS (
        SELECT FROM audit_link l WHERE l.workspace_id = e.workspace_id AND l.entry_id = e.id))`),
  );
  return rows.map(({ id }) => id);
};

/** Links what is committed in one workspace. Two processes at once: the second waits its turn and finds nothing left. */
export async function sealWorkspace(
  options: SealerOptions,
  workspaceId: string,
  reach: Reach = 'all',
): Promise<number> {
  let total = 0;
  for (;;) {
    const sealed = await asSystem(options.database, 'link audit entries', (db) =>
      sealSome(options, db, workspaceId, reach),
    );
    if (sealed.checkpoint !== null) options.onCheckpoint?.(sealed.checkpoint);
    total += sealed.count;
    if (sealed.count < linkedAtOnce) return total;
  }
}

interface Sealed {
  readonly count: number;
  readonly checkpoint: Checkpoint | null;
}

async function sealSome(
  { key, clock }: SealerOptions,
  db: SystemDb,
  workspaceId: string,
  reach: Reach,
): Promise<Sealed> {
  await db.$queryRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`audit:${workspaceId}`}::text, 0))::text AS locked`;
  const head = await db.auditLink.findFirst({ where: { workspaceId }, orderBy: { seq: 'desc' } });
  const entries = await unlinked(db, workspaceId, reach);
  if (entries.length === 0) return { count: 0, checkpoint: null };
  let hash = head?.hash ?? chainStart;
  let seq = head?.seq ?? 0;
  const links = entries.map((entry) => {
    seq += 1;
    hash = linkHash(hash, seq, entryText(entry));
    return { workspaceId, seq, entryId: entry.id, hash };
  });
  await db.auditLink.createMany({ data: links });
  const checkpoint = signHead({ workspaceId, seq, hash, createdAt: clock.now() }, key);
  await db.auditCheckpoint.create({ data: checkpoint });
  return { count: links.length, checkpoint };
}

async function unlinked(db: SystemDb, workspaceId: string, reach: Reach) {
  const ids = await db.$queryRaw<{ id: string }[]>(Prisma.sql`SELECT e.id FROM workspace w
    JOIN audit_entry e ON e.workspace_id = w.id AND e.created_at >= ${from(reach)}
    WHERE w.id = ${workspaceId} AND NOT EXISTS (
      SELECT FROM audit_link l WHERE l.workspace_id = e.workspace_id AND l.entry_id = e.id)
    ORDER BY e.created_at, e.id LIMIT ${linkedAtOnce}::int`);
  return db.auditEntry.findMany({
    where: { workspaceId, id: { in: ids.map(({ id }) => id) } },
    orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
  });
}
