import type { GuardedDb } from '../../guard/guarded-db.js';
import { inWorkspace, type Sql, sql } from '../../guard/sql.js';

export type SpentBy = 'KEY' | 'AGENT' | 'KIND' | 'DAY';

export interface Spent {
  /** A key's or agent's id, an effect's kind, or a day as 2026-11-26 (UTC); null where there was none. */
  readonly of: string | null;
  readonly credits: number;
  readonly effects: number;
}

const groups: Readonly<Record<SpentBy, () => Sql>> = {
  KEY: () => sql`l.api_key_id`,
  AGENT: () => sql`l.agent_id`,
  KIND: () => sql`e.kind`,
  DAY: () => sql`to_char(l.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')`,
};

/** Charges between two moments, summed up; those that spent most first, days in their order. */
export const spentBy = (db: GuardedDb, by: SpentBy, from: Date, to: Date, most: number): Promise<Spent[]> => {
  const group = groups[by]();
  const order = by === 'DAY' ? sql`1` : sql`credits DESC, 1`;
  return db.$sql<Spent>(sql`SELECT ${group} AS "of", -sum(l.balance_delta)::int AS credits, count(*)::int AS effects
    FROM ledger_entry l
    LEFT JOIN effect e ON e.workspace_id = l.workspace_id AND e.id = l.effect_id
    WHERE ${inWorkspace(db, 'LedgerEntry', 'l')} AND l.kind = 'CHARGE' AND l.created_at >= ${from} AND l.created_at < ${to}
    GROUP BY 1 ORDER BY ${order} LIMIT ${most}::int`);
};
