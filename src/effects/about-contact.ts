// What is still open about some persons, locked and ended: for whoever erases or merges them. Locks go in the order of ids,
// and before those of keys and of the persons' own rows.
import { inWorkspace, sql } from '../guard/sql.js';
import type { EffectDeps } from './deps.js';
import { endEffect } from './end-effect.js';
import type { World } from './world.js';

export interface About {
  readonly contactIds: readonly string[];
  /** What was stored before payloads lay under keys. */
  readonly alsoEffectIds: readonly string[];
}

export interface Open {
  readonly id: string;
  readonly status: string;
}

export const lockOpen = ({ db }: World, { contactIds, alsoEffectIds }: About): Promise<Open[]> =>
  db.$sql<Open>(sql`SELECT e.id, e.status::text AS status FROM effect e
    WHERE ${inWorkspace(db, 'Effect', 'e')} AND (e.contact_id = ANY(${contactIds}::text[])
        OR e.other_contact_id = ANY(${contactIds}::text[]) OR e.id = ANY(${alsoEffectIds}::text[]))
      AND e.status IN ('AWAITING_APPROVAL', 'QUEUED', 'PERFORMING') ORDER BY e.id FOR UPDATE`);

/** @param ending what their requesters are told, and what is thrown where one is being performed */
export async function cancelOpen(
  world: World,
  deps: EffectDeps,
  open: readonly Open[],
  ending: { readonly message: string; readonly performing: () => Error },
): Promise<number> {
  if (open.some(({ status }) => status === 'PERFORMING')) throw ending.performing();
  const failure = { code: 'CANCELLED', message: ending.message };
  const effects = await world.db.effect.findMany({
    where: { id: { in: open.map(({ id }) => id) } },
    orderBy: { id: 'asc' },
  });
  for (const effect of effects) {
    const { kind, status, seal } = await endEffect(world, deps, effect, { status: 'CANCELLED', failure });
    await world.audit.record({ action: 'effect.cancel', effectId: effect.id, details: { kind, status, seal } });
  }
  return effects.length;
}
