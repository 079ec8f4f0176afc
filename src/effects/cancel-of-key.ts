// A key that ends takes along what it asked for and nobody has begun: in the transaction that ends it, with the money, the
// domain's rows, the trail and the events of each. Locks go the way of a worker, effects before the key, so neither waits
// for the other in a circle; what a worker holds by then is being performed, and cannot be called back.
import { inWorkspace, sql } from '../guard/sql.js';
import type { EffectDeps } from './deps.js';
import { endEffect } from './end-effect.js';
import type { World } from './world.js';

/** @param end ends the key itself; runs while everything that waits is locked */
export async function cancelOfKey(
  world: World,
  deps: EffectDeps,
  keyId: string,
  end: () => Promise<void>,
): Promise<number> {
  await lockWaiting(world, keyId, sql`FOR UPDATE`);
  await end();
  // Once more: the key's own row is locked now, and what it asked for in the meantime is there to be seen.
  const ids = await lockWaiting(world, keyId, sql`FOR UPDATE SKIP LOCKED`);
  const waiting = await world.db.effect.findMany({ where: { id: { in: ids } }, orderBy: { id: 'asc' } });
  const failure = { code: 'CANCELLED', message: 'The key that asked for it was revoked.' };
  for (const effect of waiting) {
    const cancelled = await endEffect(world, deps, effect, { status: 'CANCELLED', failure });
    const { kind, status, seal } = cancelled;
    await world.audit.record({ action: 'effect.cancel', effectId: effect.id, details: { kind, status, seal } });
  }
  return waiting.length;
}

async function lockWaiting({ db }: World, keyId: string, how: ReturnType<typeof sql>): Promise<string[]> {
  const rows = await db.$sql<{ id: string }>(sql`SELECT e.id FROM effect e
    WHERE ${inWorkspace(db, 'Effect', 'e')} AND e.api_key_id = ${keyId}
      AND e.status IN ('AWAITING_APPROVAL', 'QUEUED') ORDER BY e.id ${how}`);
  return rows.map(({ id }) => id);
}
