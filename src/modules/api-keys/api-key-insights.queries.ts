import type { GuardedDb } from '../../guard/guarded-db.js';
import { WILDCARD_NAMES } from '../../guard/scope-grammar.js';
import { expandScopes } from '../../guard/scope-grants.js';
import { SCOPES, type Scope } from '../../guard/scopes.js';
import { inWorkspace, type Sql, sql } from '../../guard/sql.js';
import type { KeyPolicies } from './api-key-use.queries.js';

/** What is asked, with the times worked out. */
export interface InsightTimes {
  readonly now: Date;
  /** A key or scope that was not used since then is unused, where the key is older than that. */
  readonly unusedSince: Date;
  readonly expiringBefore: Date;
  /** A secret made before is old. */
  readonly oldBefore: Date;
}

export interface FoundKeys {
  readonly ids: readonly string[];
  readonly totalCount: number;
}

export interface NarrowableKey {
  readonly id: string;
  readonly unusedScopes: readonly Scope[];
  readonly sufficientScopes: readonly Scope[];
}

export const INSIGHT_KEYS_MAX = 100;

export const insights = ['unused', 'expiring', 'old', 'seenInBrowser', 'needsRescope'] as const;
export type Insight = (typeof insights)[number];

/** Only keys that open the door, or will once they are resumed. */
const isLive = (db: GuardedDb, now: Date): Sql => sql`${inWorkspace(db, 'ApiKey', 'k')} AND k.deleted_at IS NULL
  AND k.status <> 'REVOKED' AND (k.expires_at IS NULL OR k.expires_at > ${at(now)})`;

const at = (time: Date): Sql => sql`${time.toISOString()}::timestamptz`;

/** When the secret that a key goes by now was made. */
const secretMadeAt = (db: GuardedDb): Sql => sql`COALESCE((SELECT max(s.created_at) FROM api_key_secret_use s
  WHERE ${inWorkspace(db, 'ApiKeySecretUse', 's')} AND s.key_id = k.id AND s.retires_at IS NULL), k.created_at)`;

const rules: Readonly<Record<Insight, (db: GuardedDb, times: InsightTimes) => { where: Sql; order: Sql }>> = {
  unused: (_db, { unusedSince }) => ({
    where: sql`k.created_at <= ${at(unusedSince)} AND (k.last_used_at IS NULL OR k.last_used_at < ${at(unusedSince)})`,
    order: sql`k.last_used_at NULLS FIRST, k.created_at`,
  }),
  expiring: (_db, { expiringBefore }) => ({
    where: sql`k.expires_at <= ${at(expiringBefore)}`,
    order: sql`k.expires_at`,
  }),
  old: (db, { oldBefore }) => ({ where: sql`${secretMadeAt(db)} <= ${at(oldBefore)}`, order: secretMadeAt(db) }),
  seenInBrowser: (db) => ({
    where: sql`k.seen_in_browser_at >= ${secretMadeAt(db)}`,
    order: sql`k.seen_in_browser_at DESC`,
  }),
  needsRescope: () => ({ where: sql`k.needs_rescope`, order: sql`k.created_at` }),
};

export async function findKeys(db: GuardedDb, insight: Insight, times: InsightTimes): Promise<FoundKeys> {
  const { where, order } = rules[insight](db, times);
  const rows = await db.$sql<{ id: string; total: number }>(sql`SELECT k.id, (count(*) OVER ())::int AS total
    FROM api_key k WHERE ${isLive(db, times.now)} AND ${where} ORDER BY ${order}, k.id LIMIT ${INSIGHT_KEYS_MAX}::int`);
  return { ids: rows.map(({ id }) => id), totalCount: rows[0]?.total ?? 0 };
}

/** Keys that were used, but not for all they may; those with most to take away first. */
export async function findNarrowable(
  db: GuardedDb,
  { now, unusedSince }: InsightTimes,
  policies: KeyPolicies,
): Promise<{ readonly keys: readonly NarrowableKey[]; readonly totalCount: number }> {
  const rows = await db.$sql<NarrowableKey & { total: number }>(sql`WITH meaning AS (
      SELECT * FROM json_to_recordset(${JSON.stringify(meaningOfGrants(policies))}::json)
        AS m(kind text, granted text, scope text)
    ), held AS (
      SELECT DISTINCT k.id, m.scope FROM api_key k JOIN meaning m ON m.kind = k.kind::text AND m.granted = ANY(k.scopes)
      WHERE ${isLive(db, now)} AND k.created_at <= ${at(unusedSince)} AND k.last_used_at >= ${at(unusedSince)}
    ), judged AS (
      SELECT h.id, array_agg(h.scope ORDER BY h.scope) FILTER (WHERE u.scope IS NULL) AS unused,
        array_agg(h.scope ORDER BY h.scope) FILTER (WHERE u.scope IS NOT NULL) AS used
      FROM held h LEFT JOIN api_key_scope_use u ON ${inWorkspace(db, 'ApiKeyScopeUse', 'u')} AND u.key_id = h.id
        AND u.scope = h.scope AND u.last_used_at >= ${at(unusedSince)}
      GROUP BY h.id
    )
    SELECT j.id, j.unused AS "unusedScopes", COALESCE(j.used, '{}') AS "sufficientScopes",
      (count(*) OVER ())::int AS total
    FROM judged j WHERE j.unused IS NOT NULL
    ORDER BY cardinality(j.unused) DESC, j.id LIMIT ${INSIGHT_KEYS_MAX}::int`);
  return { keys: rows, totalCount: rows[0]?.total ?? 0 };
}

/** What each name that may be granted amounts to: a list of grants amounts to all of theirs together. */
const meaningOfGrants = ({ explicitSpendScopes, keysReadOnly }: KeyPolicies) =>
  (['ACCOUNT', 'AGENT'] as const).flatMap((kind) =>
    [...SCOPES, ...WILDCARD_NAMES, '*'].flatMap((granted) =>
      [...expandScopes([granted], { keyKind: kind, explicitSpendScopes, keysReadOnly })].map((scope) => ({
        kind,
        granted,
        scope,
      })),
    ),
  );
