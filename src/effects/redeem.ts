// An action that shows a secret is performed by nobody but its requester, who repeats the very same call once it is
// approved: a worker would have nobody to show the secret to, and would have to keep it. Everything is judged again here,
// and what the effect keeps of the outcome is which objects it made, never what was shown.
import type { Effect } from '../generated/prisma/client.js';
import { canonicalJson } from '../platform/canonical-json.js';
import { CodedError, conflict, notFound } from '../platform/errors.js';
import { requireDecided, requireInTime } from './decided.js';
import type { EffectDeps } from './deps.js';
import type { Redemption } from './effect-port.js';
import { endEffect } from './end-effect.js';
import { isPaused } from './pause.js';
import { emitEffect } from './propose.js';
import { requirePayload, requireRequester, requireUnaltered } from './requester.js';
import { asJson, isOwn, lockEffect, moveEffect } from './stored-effect.js';
import type { World } from './world.js';

/**
 * Takes an approved action up for its requester; the effect is PERFORMING until `settleRedeemed`.
 * @throws NOT_FOUND for the request of another or of another action; CONFLICT unless it is approved, in time, not paused;
 * APPROVAL_MISMATCH when the call is not the one that was approved
 */
export async function redeem(
  world: World,
  deps: EffectDeps,
  { action, input, effectId }: Redemption,
): Promise<{ readonly effect: Effect; readonly subjectId: string | null }> {
  const effect = await lockEffect(world.db, effectId);
  if (effect === null || !isOwn(world.principal, effect) || effect.kind !== action) throw notFound('effect');
  requireApproved(effect);
  const { subjectId = null, ...asked } = (await requirePayload(world, effect)) as Readonly<Record<string, unknown>>;
  if (canonicalJson(asked) !== canonicalJson(input)) {
    throw new CodedError(
      'APPROVAL_MISMATCH',
      'This is not the call that was approved. Repeat that one, or ask for this one anew without effectId.',
      { status: effect.status },
    );
  }
  await requireUnaltered(world, effect);
  requireInTime(world.clock, effect);
  if (await isPaused(world.db, effect)) {
    throw conflict('An admin paused what is queued here. Repeat the call once it is resumed.', {
      status: effect.status,
    });
  }
  await requireDecided(deps, world.db, effect);
  await requireRequester(world, deps, effect);
  const performing = await moveEffect(world.db, effect, 'PERFORMING');
  await emitEffect(world, performing);
  return { effect: performing, subjectId: typeof subjectId === 'string' ? subjectId : null };
}

/** Closes what `redeem` took up, in the same transaction. */
export async function settleRedeemed(world: World, deps: EffectDeps, effect: Effect, result: unknown): Promise<Effect> {
  const settled = await endEffect(world, deps, effect, { status: 'SUCCEEDED', result: objectsOf(result) });
  const details = { kind: effect.kind, status: settled.status, attempt: 1 };
  await world.audit.record({ action: 'effect.perform', effectId: effect.id, details });
  return settled;
}

function requireApproved({ status }: Effect): void {
  if (status === 'QUEUED') return;
  const cause =
    status === 'AWAITING_APPROVAL'
      ? 'It waits for a decision. Repeat the call once it is approved.'
      : `It is ${status} and is not performed again. Ask for it anew without effectId.`;
  throw conflict(cause, { status });
}

/** Of each object in it the id, and nothing else. */
function objectsOf(result: unknown): unknown {
  const ids = Object.entries((result ?? {}) as object).flatMap(([name, value]) => {
    const id = (value as { id?: unknown } | null)?.id;
    return typeof id === 'string' ? [[name, { id }] as const] : [];
  });
  return asJson(Object.fromEntries(ids));
}
