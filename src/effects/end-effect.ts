// However an effect ends, it ends here: the move, the money, the domain's rows and the event, in one transaction with the
// audit entry of whoever ended it. Charged when done, released otherwise; UNCERTAIN keeps its money until settled.
import type { Effect } from '../generated/prisma/client.js';
import { Prisma } from '../generated/prisma/client.js';
import type { EffectEnd, EffectFailure } from './define-effect.js';
import type { EffectDeps } from './deps.js';
import { charge, release, reservationOf } from './ledger.js';
import { emitEffect } from './propose.js';
import { asJson, moveEffect } from './stored-effect.js';
import type { World } from './world.js';

export interface Ending {
  readonly status: EffectEnd;
  readonly result?: unknown;
  readonly failure?: EffectFailure;
  /** Leaves the domain's own rows alone: for when they are what fails. */
  readonly withoutDomain?: boolean;
  /** It was captured for a workspace that rehearses: what was reserved goes back. */
  readonly isRehearsal?: boolean;
}

/** @throws CONFLICT when somebody else moved it first; whatever the domain's hook throws */
export async function endEffect(world: World, deps: EffectDeps, effect: Effect, ending: Ending): Promise<Effect> {
  const { status } = ending;
  // What the ledger holds, not what the row says: an altered row moves no money.
  const { credits: reserved, payer } = await reservationOf(world.db, effect.id);
  const isCharged = status === 'SUCCEEDED' && ending.isRehearsal !== true;
  const ended = await moveEffect(world.db, effect, status, {
    result: asJson(ending.result) ?? Prisma.DbNull,
    failure: asJson(ending.failure) ?? Prisma.DbNull,
    chargedCredits: isCharged ? reserved : 0,
    reservedCredits: status === 'UNCERTAIN' ? reserved : 0,
  });
  if (ending.withoutDomain !== true) await tellDomain(world, deps, ended, ending);
  if (isCharged) await charge(world.db, payer, reserved);
  else if (status !== 'UNCERTAIN') await release(world.db, payer, reserved);
  await emitEffect(world, ended);
  return ended;
}

async function tellDomain(world: World, deps: EffectDeps, effect: Effect, ending: Ending): Promise<void> {
  const definition = deps.definitions.get(effect.kind);
  if (definition?.settled === undefined) return;
  // Of what was altered or erased nothing is told.
  const [stored] = await world.vault.open(world.db, [effect]);
  const payload = definition.payload.safeParse(stored);
  if (!payload.success) return;
  const { status, result = null, failure = null } = ending;
  await definition.settled(payload.data, { effectId: effect.id, status, result, failure }, world);
}
