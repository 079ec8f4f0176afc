// One contact becomes a part of another here, in the transaction that moves its rows: what waits or is queued about it is
// cancelled, since its approvers read of somebody who is not there any more, and its key goes with the other's from now on,
// so that whoever erases the other erases what was ever asked for about both. Nothing is opened or closed anew.
import { conflict } from '../platform/errors.js';
import { cancelOpen, holdAbout } from './about-contact.js';
import type { EffectDeps } from './deps.js';
import type { ContactToMerge } from './effect-port.js';
import { requireSystem, type World } from './world.js';

/** @returns how many were cancelled */
export async function mergeContact(
  world: World,
  deps: EffectDeps,
  { contactId, intoId, alsoEffectIds, hold }: ContactToMerge,
): Promise<number> {
  requireSystem(world);
  const about = { contactIds: [contactId], alsoEffectIds };
  const { open } = await holdAbout(world, about, hold, () => world.vault.merge(world.db, contactId, intoId));
  const own = await performingMerge(world, contactId, intoId);
  const others = open.filter(({ id }) => !own.has(id));
  return cancelOpen(world, deps, others, ending);
}

/** @throws CONFLICT while something to one of these persons is being performed */
export async function requireNothingPerformed({ db }: World, contactIds: readonly string[]): Promise<void> {
  const among = { in: [...contactIds] };
  const OR = [{ contactId: among }, { otherContactId: among }];
  if ((await db.effect.count({ where: { status: 'PERFORMING', OR } })) > 0) throw performing();
}

const performing = () =>
  conflict('Something to one of the two is being performed. Ask for the merge again once that has ended.');

const ending = { message: 'The contact whom it concerned was merged into another. Ask for it again.', performing };

/** The merge itself: no other is seen as PERFORMING by anybody but its own transaction. */
async function performingMerge({ db }: World, contactId: string, intoId: string): Promise<ReadonlySet<string>> {
  const where = { status: 'PERFORMING', contactId: intoId, otherContactId: contactId } as const;
  return new Set((await db.effect.findMany({ where, select: { id: true } })).map(({ id }) => id));
}
