// What nobody knew is known now: a person looked at the provider's side and says what became of an UNCERTAIN effect. Its
// money stayed reserved until then; it is charged or released here, and nothing is sent again.
import type { Effect } from '../generated/prisma/client.js';
import { conflict } from '../platform/errors.js';
import { isDecider, requireComment, roleRequired } from './decide.js';
import type { EffectDeps } from './deps.js';
import { endEffect } from './end-effect.js';
import { lockEffect, requireReadable } from './stored-effect.js';
import type { World } from './world.js';

interface Settlement {
  readonly effectId: string;
  readonly status: 'SUCCEEDED' | 'FAILED';
  readonly comment?: string | null | undefined;
}

export async function settle(
  world: World,
  deps: EffectDeps,
  { effectId, status, comment }: Settlement,
): Promise<Effect> {
  requireComment(comment, 'input.comment');
  if (!isDecider(world.principal)) throw roleRequired('ADMIN');
  const effect = requireReadable(world.principal, await lockEffect(world.db, effectId));
  if (effect.status !== 'UNCERTAIN') {
    throw conflict(`This effect is ${effect.status}; only one that is UNCERTAIN is settled by hand.`, {
      status: effect.status,
    });
  }
  const settled = await endEffect(world, deps, effect, {
    status,
    ...(status === 'SUCCEEDED'
      ? { result: { settledBy: world.principal.id } }
      : { failure: { code: 'SETTLED_AS_FAILED', message: comment || 'An admin found that it did not happen.' } }),
  });
  const details = { kind: effect.kind, status, ...(comment ? { comment } : {}) };
  await world.audit.record({
    action: 'effect.settle',
    effectId,
    costCredits: settled.chargedCredits,
    details,
  });
  return settled;
}
