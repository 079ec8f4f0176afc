// Keeps every checkpoint outside the database too, where whoever can rewrite the trail cannot reach: a file that is only
// added to, or a URL that each is posted to. In order, at least once, and none is lost: what was not kept yet is in the
// database, marked, and is tried again. Where nothing happens, the chain's head is signed again every hour, so that an
// end that was cut off shows by its age.
import { open } from 'node:fs/promises';
import type { Database } from '../db/database.js';
import { Prisma } from '../generated/prisma/client.js';
import { asSystem, type SystemDb } from '../guard/as-system.js';
import { identifier } from '../guard/sql.js';
import type { Clock } from '../platform/clock.js';
import { ConfigurationError } from '../platform/errors.js';
import { type ChainTables, everyKind, ownerId, ownerNamed, tablesOf } from './chain-owner.js';
import { type Checkpoint, signHead } from './links.js';
import { outsideLine } from './outside.js';
import type { SealerOptions } from './sealer.js';
import { checkpointColumns } from './stored-chain.js';

export type CheckpointTarget = { readonly file: string } | { readonly url: string };

export interface KeeperOptions extends Pick<SealerOptions, 'key'> {
  readonly database: Pick<Database, 'owner'>;
  readonly target: CheckpointTarget;
  readonly clock: Clock;
  readonly log: { error(facts: object, message: string): void };
}

export interface CheckpointKeeper {
  /** Something was sealed: keeps what is not kept yet, soon. */
  wake(): void;
  /** Signs heads that stood still, and keeps everything that is not kept yet. Rejects when the place cannot be reached. */
  keepAll(): Promise<void>;
  stop(): Promise<void>;
}

/** To a URL one by one, so that each that arrived is marked. */
const atOnce = (target: CheckpointTarget): number => ('file' in target ? 100 : 1);
const SWEEP_EVERY_MS = 60_000;
const STOOD_STILL_MS = 3_600_000;
const KEPT_TWICE_MS = 86_400_000;
const POST_WITHIN_MS = 10_000;

/** @throws ConfigurationError when the file that is named cannot be written */
export async function openCheckpointKeeper(options: KeeperOptions): Promise<CheckpointKeeper> {
  await requireWritable(options.target);
  const { log } = options;
  let running: Promise<void> = Promise.resolve();
  let isWaiting = false;
  let thinnedAt = 0;
  const keepAll = (): Promise<void> => {
    const next = running
      .catch(() => undefined)
      .then(async () => {
        isWaiting = false;
        await signStandingHeads(options);
        let kept = atOnce(options.target);
        while (kept === atOnce(options.target)) kept = await keepSome(options);
        const now = options.clock.now().getTime();
        if (now - thinnedAt < STOOD_STILL_MS) return;
        await thinOut(options);
        thinnedAt = now;
      });
    running = next;
    return next;
  };
  const tryAll = (): void => {
    if (isWaiting) return;
    isWaiting = true;
    keepAll().catch((error: unknown) =>
      log.error({ err: error }, 'audit checkpoints could not be kept outside; they are tried again'),
    );
  };
  const sweep = setInterval(tryAll, SWEEP_EVERY_MS);
  sweep.unref();
  return {
    wake: tryAll,
    keepAll,
    async stop() {
      clearInterval(sweep);
      await running.catch(() => undefined);
    },
  };
}

/** Delivered outside any transaction: a place that is slow holds up nothing. A crash before the mark delivers twice. */
async function keepSome({ database, target }: KeeperOptions): Promise<number> {
  const checkpoints = await asSystem(database, 'find audit checkpoints to keep outside', async (db) => {
    const found: Checkpoint[] = [];
    for (const tables of everyKind) found.push(...(await notKept(db, tables, atOnce(target) - found.length)));
    return found;
  });
  if (checkpoints.length === 0) return 0;
  if ('file' in target) await append(target.file, checkpoints);
  else for (const checkpoint of checkpoints) await post(target.url, checkpoint);
  await asSystem(database, 'note which audit checkpoints are kept outside', async (db) => {
    for (const one of checkpoints) {
      const { checkpoint, column } = namesOf(tablesOf(one));
      await db.$executeRaw`UPDATE ${checkpoint} SET kept_at = ${new Date()}::timestamptz
        WHERE ${column} = ${ownerId(one)} AND seq = ${one.seq}::int AND created_at = ${one.createdAt}::timestamptz`;
    }
  });
  return checkpoints.length;
}

const namesOf = ({ owners, column, entry, link, checkpoint }: ChainTables) => ({
  owners: identifier(owners),
  column: identifier(column),
  entry: identifier(entry),
  link: identifier(link),
  checkpoint: identifier(checkpoint),
});

const notKept = (db: SystemDb, tables: ChainTables, atMost: number): Promise<Checkpoint[]> => {
  const { checkpoint, column } = namesOf(tables);
  return db.$queryRaw<Checkpoint[]>(Prisma.sql`SELECT ${Prisma.raw(checkpointColumns(tables))} FROM ${checkpoint} c
    WHERE c.kept_at IS NULL ORDER BY c.created_at, c.${column}, c.seq LIMIT ${atMost}::int`);
};

/**
 * Of what was signed again and again at one place, the first and the last stay: they vouch for the same hash, before and
 * after. Only what was kept outside a while ago is dropped, so that every one of them is still to be found there.
 */
const thinOut = ({ database, clock }: KeeperOptions): Promise<void> =>
  asSystem(database, 'drop audit checkpoints between two of the same place', async (db) => {
    const before = new Date(clock.now().getTime() - KEPT_TWICE_MS);
    for (const tables of everyKind) {
      const { checkpoint, column } = namesOf(tables);
      await db.$executeRaw`DELETE FROM ${checkpoint} c WHERE c.kept_at < ${before}::timestamptz AND NOT c.is_cut
        AND EXISTS (SELECT FROM ${checkpoint} e WHERE e.${column} = c.${column} AND e.seq = c.seq
          AND e.hash = c.hash AND e.created_at < c.created_at)
        AND EXISTS (SELECT FROM ${checkpoint} l WHERE l.${column} = c.${column} AND l.seq = c.seq
          AND l.hash = c.hash AND l.created_at > c.created_at AND l.kept_at IS NOT NULL)`;
    }
  });

const NEW_LINE = 10;

async function append(file: string, checkpoints: readonly Checkpoint[]): Promise<void> {
  const handle = await open(file, 'a+', 0o600);
  try {
    const { size } = await handle.stat();
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1));
    // A crash may have cut the last line off; what is written now must not be glued to it.
    const isTorn = bytesRead === 1 && buffer[0] !== NEW_LINE;
    await handle.write(
      `${isTorn ? '\n' : ''}${checkpoints.map((checkpoint) => `${outsideLine(checkpoint)}\n`).join('')}`,
    );
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** @throws ConfigurationError naming AUDIT_CHECKPOINTS when the file cannot be added to */
async function requireWritable(target: CheckpointTarget): Promise<void> {
  if (!('file' in target)) return;
  try {
    await (await open(target.file, 'a', 0o600)).close();
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new ConfigurationError(
      `AUDIT_CHECKPOINTS: ${target.file} cannot be written (${code}). Make its folder, or name a file that this user may write.`,
      { cause: error },
    );
  }
}

async function post(url: string, checkpoint: Checkpoint): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: outsideLine(checkpoint),
    redirect: 'error',
    signal: AbortSignal.timeout(POST_WITHIN_MS),
  });
  await response.body?.cancel();
  if (!response.ok) throw new Error(`AUDIT_CHECKPOINTS answered ${response.status}.`);
}

const signStandingHeads = ({ database, clock, key }: KeeperOptions): Promise<void> =>
  asSystem(database, 'sign the heads of audit chains that stood still', async (db) => {
    await lock(db);
    for (const tables of everyKind) await signStanding(db, tables, clock.now(), key);
  });

async function signStanding(
  db: SystemDb,
  tables: ChainTables,
  createdAt: Date,
  key: KeeperOptions['key'],
): Promise<void> {
  const { owners, link, checkpoint, column } = namesOf(tables);
  const still = await db.$queryRaw<{ owner: string; seq: number; hash: string }[]>(Prisma.sql`
    SELECT w.id AS owner, l.seq, l.hash FROM ${owners} w
    JOIN LATERAL (SELECT * FROM ${link} x WHERE x.${column} = w.id ORDER BY x.seq DESC LIMIT 1) l ON true
    JOIN LATERAL (SELECT max(created_at) AS at FROM ${checkpoint} x WHERE x.${column} = w.id) c ON true
    WHERE c.at <= ${new Date(createdAt.getTime() - STOOD_STILL_MS)}::timestamptz`);
  for (const { owner, seq, hash } of still) {
    const { keyId, signature } = signHead({ ...ownerNamed(owner), seq, hash, createdAt }, key);
    await db.$executeRaw`INSERT INTO ${checkpoint} (${column}, seq, hash, key_id, signature, created_at)
      VALUES (${owner}, ${seq}::int, ${hash}, ${keyId}, ${signature}, ${createdAt}::timestamptz) ON CONFLICT DO NOTHING`;
  }
}

const lock = (db: SystemDb) =>
  db.$queryRaw`SELECT pg_advisory_xact_lock(hashtextextended('audit checkpoints outside', 0))::text AS locked`;
