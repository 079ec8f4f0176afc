// What is still open about some persons, locked and ended: for whoever erases or merges them. Locks are taken the way of
// whoever asks for something or carries it out: effects, the persons' own rows, their keys, and money at the end.
import { withSavepoint } from '../guard/savepoint.js';
import { empty, inWorkspace, sql } from '../guard/sql.js';
import { isHeldByAnother } from '../platform/lost-race.js';
import { NotYet } from './define-effect.js';
import type { EffectDeps } from './deps.js';
import type { Waiting } from './effect-port.js';
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

const TRIES_MAX = 10;

/**
 * Holds what is open about some persons, their rows and their keys, until the transaction ends. What came to be while the
 * first of these were waited for belongs in front of what is held by then, so it is not waited for: where somebody has it,
 * everything is let go and taken once more.
 * @param hold locks the rows
 * @param holdKeys locks the keys; nothing can be asked for from then on
 * @throws NotYet where it was in somebody's hands every time
 */
export async function holdAbout<Keys>(
  world: World,
  about: About,
  hold: (waiting: Waiting) => Promise<void>,
  holdKeys: () => Promise<Keys>,
): Promise<{ readonly open: readonly Open[]; readonly keys: Keys }> {
  for (let tries = 1; ; tries++) {
    try {
      return await withSavepoint(world.db, async () => {
        await lockOpen(world, about, 'WAIT');
        await hold('WAIT');
        const keys = await holdKeys();
        await hold('NOWAIT');
        return { keys, open: await lockOpen(world, about, 'NOWAIT') };
      });
    } catch (error) {
      if (!isHeldByAnother(error)) throw error;
      if (tries === TRIES_MAX) throw new NotYet('Too much is being asked for about this person at the moment.');
    }
  }
}

/** What nobody can tell is locked as well: whoever settles it takes the rows of the person and money behind it. */
async function lockOpen({ db }: World, { contactIds, alsoEffectIds }: About, waiting: Waiting): Promise<Open[]> {
  const locked = await db.$sql<Open>(sql`SELECT e.id, e.status::text AS status FROM effect e
    WHERE ${inWorkspace(db, 'Effect', 'e')} AND (e.contact_id = ANY(${contactIds}::text[])
        OR e.other_contact_id = ANY(${contactIds}::text[]) OR e.id = ANY(${alsoEffectIds}::text[]))
      AND e.status IN ('AWAITING_APPROVAL', 'QUEUED', 'PERFORMING', 'UNCERTAIN')
    ORDER BY e.id FOR UPDATE ${waiting === 'WAIT' ? empty : sql`NOWAIT`}`);
  return locked.filter(({ status }) => status !== 'UNCERTAIN');
}

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
