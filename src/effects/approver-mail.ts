// Whoever may decide is told by mail of what waits, and once more before it expires. One mail tells of all that has come
// together, and a person gets at most one in ten minutes. That somebody is told of something is a row with a unique key,
// written in the transaction that enqueues the mail: of two workers one writes it. When the mail leaves, what it says is judged
// again, and the rows are taken first, so that a crash loses a mail rather than sending it twice; the second one is still to
// come. No mail decides anything: its links lead to the item, for people who are signed in.
import type { EnqueueMail } from '../auth/mail-port.js';
import type { Database } from '../db/database.js';
import { Prisma } from '../generated/prisma/client.js';
import { asSystem, type SystemDb } from '../guard/as-system.js';
import type { Chore } from '../jobs/worker.js';
import type { Clock } from '../platform/clock.js';
import { newId } from '../platform/ids.js';
import { mayDecide } from './approvers.js';
import { effectLimits } from './limits.js';

export interface ApproverMailDeps {
  readonly database: Pick<Database, 'owner'>;
  readonly clock: Clock;
  readonly enqueueMail: EnqueueMail;
  readonly log: { error(facts: object, message: string): void };
  readonly tellAfterMs?: number;
  readonly tellQuietMs?: number;
  readonly tellEveryMs?: number;
}

type NoticeKind = 'WAITING' | 'EXPIRING';

const { sql } = Prisma;

/** Which notice is due: EXPIRING in the last share of its time, WAITING before. */
const dueKind = (now: Date): Prisma.Sql => sql`CASE WHEN ${now}::timestamptz >=
    e.expires_at - (e.expires_at - e.created_at) * ${effectLimits.tellAgainShare}::float8
  THEN 'EXPIRING' ELSE 'WAITING' END::"NoticeKind"`;

const untold = (now: Date): Prisma.Sql => sql`effect e
  JOIN workspace w ON w.id = e.workspace_id
  JOIN member m ON ${mayDecide(now)}
  WHERE NOT EXISTS (SELECT FROM approval_notice n WHERE n.workspace_id = e.workspace_id AND n.effect_id = e.id
    AND n.user_id = m.user_id AND n.kind = ${dueKind(now)})`;

export const approverMailChores = (deps: ApproverMailDeps): readonly Chore[] => [
  {
    name: 'approvers.tell',
    everyMs: deps.tellEveryMs ?? effectLimits.tellEveryMs,
    run: () => tellApprovers(deps),
  },
  { name: 'notices.sweep', everyMs: effectLimits.sweepEveryMs, run: () => sweepNotices(deps.database) },
];

/** May run at any time, in any number of processes. @returns how many mails were enqueued */
export async function tellApprovers(deps: ApproverMailDeps): Promise<number> {
  const { tellAfterMs = effectLimits.tellAfterMs } = deps;
  const now = deps.clock.now();
  const since = new Date(now.getTime() - tellAfterMs);
  const people = await asSystem(
    deps.database,
    'find whom to tell of what waits',
    (db) => db.$queryRaw<{ userId: string }[]>`SELECT m.user_id AS "userId" FROM ${untold(now)}
      GROUP BY m.user_id HAVING min(e.created_at) <= ${since}::timestamptz
      ORDER BY min(e.created_at) LIMIT ${effectLimits.tellAtOnce}::int`,
  );
  let mails = 0;
  for (const { userId } of people) {
    try {
      if (await asSystem(deps.database, 'tell a person of what waits', (db) => tell(deps, db, userId, now))) mails++;
    } catch (error) {
      deps.log.error({ err: error, userId }, 'a person could not be told of what waits; the next turn tries again');
    }
  }
  return mails;
}

async function tell(deps: ApproverMailDeps, db: SystemDb, userId: string, now: Date): Promise<boolean> {
  const { tellQuietMs = effectLimits.tellQuietMs } = deps;
  // Two workers ask one after the other, so the second sees what the first told.
  await db.$queryRaw`SELECT pg_advisory_xact_lock(hashtextextended(${`approval mail ${userId}`}, 0))::text`;
  const quietSince = new Date(now.getTime() - tellQuietMs);
  const [told] = await db.$queryRaw<unknown[]>`SELECT 1 FROM approval_notice n
    WHERE n.user_id = ${userId} AND n.created_at > ${quietSince}::timestamptz LIMIT 1`;
  if (told !== undefined) return false;
  const mailId = newId('mai');
  const rows =
    await db.$executeRaw`INSERT INTO approval_notice (workspace_id, effect_id, user_id, kind, mail_id, created_at)
    SELECT e.workspace_id, e.id, m.user_id, ${dueKind(now)}, ${mailId}, ${now}::timestamptz FROM ${untold(now)}
      AND m.user_id = ${userId} ORDER BY e.created_at LIMIT ${effectLimits.toldAtOnce}::int
    ON CONFLICT DO NOTHING`;
  if (rows === 0) return false;
  await deps.enqueueMail(db, { kind: 'approvals', userId, mailId, requestId: newId('req') });
  return true;
}

/** One request that waits, as far as a mail may tell. */
export interface ToldRequest {
  readonly workspaceId: string;
  readonly workspace: string;
  readonly effectId: string;
  readonly kind: string;
  /** The name of the key or person that asked. */
  readonly requester: string;
  readonly credits: number;
  readonly expiresAt: Date;
  readonly notice: NoticeKind;
}

/** Takes the mail, once: empty when it was taken before, or when nothing of it waits for this person any more. */
export async function takeApproverMail(
  db: SystemDb,
  { mailId, userId, now }: { mailId: string; userId: string; now: Date },
): Promise<readonly ToldRequest[]> {
  const taken = await db.$executeRaw`UPDATE approval_notice SET taken_at = ${now}::timestamptz
    WHERE mail_id = ${mailId} AND taken_at IS NULL`;
  if (taken === 0) return [];
  return db.$queryRaw<ToldRequest[]>`SELECT w.id AS "workspaceId", w.name AS workspace, e.id AS "effectId", e.kind,
      COALESCE(k.name, asker.name, e.actor_kind::text) AS requester, e.price_credits AS credits,
      e.expires_at AS "expiresAt", n.kind::text AS notice
    FROM approval_notice n
    JOIN effect e ON e.workspace_id = n.workspace_id AND e.id = n.effect_id
    JOIN workspace w ON w.id = e.workspace_id
    JOIN member m ON m.user_id = n.user_id AND ${mayDecide(now)}
    LEFT JOIN api_key k ON k.workspace_id = e.workspace_id AND k.id = e.api_key_id
    LEFT JOIN member asker ON asker.organization_id = w.organization_id AND asker.user_id = e.actor_id
    WHERE n.mail_id = ${mailId} AND n.user_id = ${userId}
    ORDER BY e.expires_at, e.id`;
}

/** For a mail that provably did not leave. */
export const giveBackApproverMail = (db: SystemDb, mailId: string): Promise<number> =>
  db.$executeRaw`UPDATE approval_notice SET taken_at = NULL WHERE mail_id = ${mailId}`;

/** Of what has long been decided. */
export const sweepNotices = (database: Pick<Database, 'owner'>): Promise<number> =>
  asSystem(
    database,
    'forget whom was told of what waited',
    (db) => db.$executeRaw`DELETE FROM approval_notice WHERE ctid = ANY (ARRAY(SELECT n.ctid FROM approval_notice n
      WHERE n.created_at <= now() - make_interval(days => ${effectLimits.noticesKeptDays}::int)
      LIMIT ${effectLimits.sweepAtOnce}::int FOR UPDATE SKIP LOCKED))`,
  );
