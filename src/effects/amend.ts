// Another content for a request that waits: the old one is taken back and a new one is asked for, in the name of the same
// requester and naming the old. Whoever amends has shaped what leaves, so somebody else decides on it.
import type { Effect } from '../generated/prisma/client.js';
import { badInput } from '../platform/errors.js';
import { newId } from '../platform/ids.js';
import { lockForDecision, requireComment } from './decide.js';
import type { EffectDeps } from './deps.js';
import { endEffect } from './end-effect.js';
import { propose } from './propose.js';
import { requireRequester, requireStillTrue } from './requester.js';
import type { World } from './world.js';

interface Amendment {
  readonly effectId: string;
  readonly changes: unknown;
  readonly comment?: string | null | undefined;
}

export async function amend(
  world: World,
  deps: EffectDeps,
  { effectId, changes, comment }: Amendment,
): Promise<Effect> {
  requireComment(comment, 'input.comment');
  const effect = await lockForDecision(world, effectId);
  const definition = deps.definitions.get(effect.kind);
  if (definition?.amend === undefined) {
    throw badInput(
      `input.effectId: what a ${effect.kind} would do cannot be changed; reject it and let it be asked for anew`,
      'input.effectId',
    );
  }
  const requester = await requireRequester(world, deps, effect);
  const payload = await requireStillTrue(world, definition, effect);
  const failure = { code: 'AMENDED', message: 'An admin changed what it would do; another request stands for it.' };
  await endEffect(world, deps, effect, { status: 'CANCELLED', failure });
  // The rules see who asked; the trail sees who amended, since the world keeps its own audit.
  const asRequester: World = { ...world, principal: requester };
  const amended = await propose(
    asRequester,
    deps,
    definition,
    await definition.amend(payload, changes, asRequester, effect.id),
    {
      effectId: newId('eff', world.clock),
      scopes: effect.scopes,
      amends: { effectId, coRequesterIds: [...new Set([...effect.coRequesterIds, world.principal.id])] },
    },
  );
  const details = { kind: effect.kind, status: amended.status, seal: amended.seal, ...(comment ? { comment } : {}) };
  await world.audit.record({ action: 'effect.amend', effectId: amended.id, subjectId: effectId, details });
  return amended;
}
