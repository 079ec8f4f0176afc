// Many decisions of one person at once. They share a transaction, since a mutation has one, but not their fate. What they
// will lock one by one is locked first and in one order: two batches over the same requests, or a batch and a key that
// asks for more, would wait for each other in a circle.
import type { Effect } from '../generated/prisma/client.js';
import type { GuardedDb } from '../guard/guarded-db.js';
import { withSavepoint } from '../guard/savepoint.js';
import { inWorkspace, sql } from '../guard/sql.js';
import { badInput, isCoded } from '../platform/errors.js';
import { isId } from '../platform/ids.js';
import type { Decided } from './effect-port.js';
import type { World } from './world.js';

const decisionsMax = 100;

export async function decideEach<Decision extends { readonly effectId: string }>(
  { db, audit }: World,
  decisions: readonly Decision[],
  decide: (decision: Decision) => Promise<Effect>,
): Promise<readonly Decided[]> {
  if (decisions.length === 0 || decisions.length > decisionsMax) {
    throw badInput(`Name 1 to ${decisionsMax} effects, not ${decisions.length}.`, 'input');
  }
  await lockInOrder(
    db,
    decisions.map(({ effectId }) => effectId),
  );
  const decided: Decided[] = [];
  for (const decision of decisions) {
    const { effectId } = decision;
    try {
      decided.push({ effectId, effect: await withSavepoint(db, () => decide(decision)), error: null });
    } catch (error) {
      if (!isCoded(error)) throw error;
      // The batch goes on, so what was refused in it is remembered beside what was done.
      const named = isId(effectId, 'eff') ? effectId : null;
      await audit.record({
        ...{ action: 'access.refused', outcome: 'REFUSED', effectId: named },
        details: { code: error.code },
      });
      decided.push({ effectId, effect: null, error: { code: error.code, message: error.message } });
    }
  }
  return decided;
}

/** The effects, then the keys that asked, before the workspace's account: the order of every single movement. */
async function lockInOrder(db: GuardedDb, effectIds: readonly string[]): Promise<void> {
  const effects = await db.$sql<{ key: string | null }>(sql`SELECT e.api_key_id AS key FROM effect e
    WHERE ${inWorkspace(db, 'Effect', 'e')} AND e.id = ANY(${effectIds}::text[]) ORDER BY e.id FOR UPDATE`);
  const keys = effects.flatMap(({ key }) => key ?? []);
  await db.$sql(sql`SELECT k.id FROM api_key k
    WHERE ${inWorkspace(db, 'ApiKey', 'k')} AND k.id = ANY(${keys}::text[]) ORDER BY k.id FOR NO KEY UPDATE`);
}
