// A person's word. Only a signed-in ADMIN or OWNER decides, never on an own request, never a key; the seal they saw must be
// the seal of what is stored; and everything that let the request in is judged once more. The row is locked first, so of
// two who decide at once the second learns what the first did. Whatever is refused here leaves the status as it was.
import { looksSecret } from '../audit/record.js';
import type { Principal } from '../auth/principal.js';
import type { Effect } from '../generated/prisma/client.js';
import { roleAtLeast } from '../guard/roles.js';
import { badInput, CodedError, conflict } from '../platform/errors.js';
import { newId } from '../platform/ids.js';
import { approvalsNeeded } from './approval-policy.js';
import { sealedRule } from './decided.js';
import type { EffectDeps } from './deps.js';
import { endEffect } from './end-effect.js';
import { requireStillWithinCaps, reserve } from './ledger.js';
import { effectLimits } from './limits.js';
import { emitEffect, enqueuePerforming, expiryFrom } from './propose.js';
import { requireRequester, requireStillTrue, requireUnaltered } from './requester.js';
import { isOwn, lockEffect, moveEffect, payerOf, requireReadable } from './stored-effect.js';
import type { World } from './world.js';

interface Approval {
  readonly effectId: string;
  readonly seal: string;
  readonly comment?: string | null | undefined;
}

export async function approve(world: World, deps: EffectDeps, { effectId, seal, comment }: Approval): Promise<Effect> {
  requireComment(comment, 'input.comment');
  const effect = await lockForDecision(world, effectId);
  const rule = await sealedRule(deps, world.db, effect);
  if (rule.requirement === 'CONFIRM' && !isParked(effect)) {
    throw new CodedError('FORBIDDEN', 'This request waits for its own requester, who confirms it with confirmEffect.');
  }
  const { role } = world.principal;
  if (rule.approvers.length > 0 && !rule.approvers.some((asked) => roleAtLeast(role, asked)))
    throw roleRequired('OWNER');
  await requireSealed(world, effect, seal);
  await judgeAgain(world, deps, effect);
  const approvals = await writeDecision(world, effect, 'APPROVED', comment);
  // One that a cap parked needs somebody, also where its rule asks for nobody.
  const isEnough = approvals >= Math.max(1, approvalsNeeded(rule.requirement));
  const decided = isEnough ? await queue(world, effect) : effect;
  await recordDecision(world, 'effect.approve', decided, comment);
  return decided;
}

export async function reject(
  world: World,
  deps: EffectDeps,
  { effectId, reason }: { effectId: string; reason?: string | null | undefined },
): Promise<Effect> {
  requireComment(reason, 'input.reason');
  const effect = await lockForDecision(world, effectId);
  await writeDecision(world, effect, 'REJECTED', reason);
  const failure = { code: 'REJECTED', message: reason ?? 'Rejected without a reason.' };
  const rejected = await endEffect(world, deps, effect, { status: 'REJECTED', failure });
  await recordDecision(world, 'effect.reject', rejected, reason);
  return rejected;
}

/** The requester's own yes, given in a session; what a key asks for never waits for this. */
export async function confirm(world: World, deps: EffectDeps, { effectId, seal }: Approval): Promise<Effect> {
  const effect = requireReadable(world.principal, await lockEffect(world.db, effectId));
  if (world.principal.kind !== 'SESSION' || !isOwn(world.principal, effect)) {
    throw new CodedError('FORBIDDEN', 'Only the signed-in person who asked for it can confirm it.');
  }
  if ((await sealedRule(deps, world.db, effect)).requirement !== 'CONFIRM') {
    throw new CodedError(
      'FORBIDDEN',
      'This request waits for the approval of somebody else; confirming it is not enough.',
    );
  }
  await requireAwaiting(world, effect);
  await requireSealed(world, effect, seal);
  await judgeAgain(world, deps, effect);
  await writeDecision(world, effect, 'APPROVED', null);
  const confirmed = await queue(world, effect);
  await recordDecision(world, 'effect.confirm', confirmed, null);
  return confirmed;
}

export async function cancel(world: World, deps: EffectDeps, effectId: string): Promise<Effect> {
  const { principal } = world;
  const effect = requireReadable(principal, await lockEffect(world.db, effectId));
  if (!isOwn(principal, effect) && !isDecider(principal)) throw roleRequired('ADMIN');
  if (effect.status !== 'AWAITING_APPROVAL' && effect.status !== 'QUEUED') throw await tooLate(world, effect);
  const failure = {
    code: 'CANCELLED',
    message: isOwn(principal, effect) ? 'Cancelled by its requester.' : 'Cancelled by an admin.',
  };
  const cancelled = await endEffect(world, deps, effect, { status: 'CANCELLED', failure });
  await recordDecision(world, 'effect.cancel', cancelled, null);
  return cancelled;
}

export const isDecider = (principal: Principal): boolean =>
  principal.kind === 'SESSION' && roleAtLeast(principal.role, 'ADMIN');

export const roleRequired = (role: 'ADMIN' | 'OWNER'): CodedError =>
  new CodedError('FORBIDDEN', `Only a signed-in person with the role ${role} may do this; a key never decides.`, {
    requiredRole: role,
  });

/** @throws FORBIDDEN for whoever asked, amended, or with `separateDuties` made the key that asked */
async function requireDisinterested({ db, principal }: World, effect: Effect): Promise<void> {
  if (isOwn(principal, effect)) {
    throw new CodedError('FORBIDDEN', 'Nobody decides on their own request. Ask another ADMIN or OWNER, or cancel it.');
  }
  if (effect.coRequesterIds.includes(principal.id)) {
    throw new CodedError('FORBIDDEN', 'You amended this request, so somebody else decides on it.');
  }
  if (effect.apiKeyId === null) return;
  const { separateDuties } = await db.workspace.findFirstOrThrow({ where: { id: effect.workspaceId } });
  if (!separateDuties) return;
  const key = await db.apiKey.findFirst({ where: { id: effect.apiKeyId }, select: { createdById: true } });
  if (key?.createdById === principal.id) {
    throw new CodedError('FORBIDDEN', 'You made the key that asks, and this workspace separates duties. Ask another.');
  }
}

/** @throws NOT_FOUND; FORBIDDEN for a key, a MEMBER, or a person with a part in it; CONFLICT when it waits no more */
export async function lockForDecision(world: World, effectId: string): Promise<Effect> {
  if (!isDecider(world.principal)) throw roleRequired('ADMIN');
  const effect = requireReadable(world.principal, await lockEffect(world.db, effectId));
  await requireDisinterested(world, effect);
  await requireAwaiting(world, effect);
  return effect;
}

/** It waits because a spend cap left no room for it. */
const isParked = (effect: Effect): boolean =>
  effect.status === 'AWAITING_APPROVAL' && effect.reservedCredits < effect.priceCredits;

async function requireAwaiting(world: World, effect: Effect): Promise<void> {
  if (effect.status !== 'AWAITING_APPROVAL') throw await tooLate(world, effect);
  if (effect.expiresAt !== null && effect.expiresAt <= world.clock.now()) {
    throw conflict(`This request expired at ${effect.expiresAt.toISOString()}. Ask for it again.`, {
      status: effect.status,
    });
  }
}

/** CONFLICT that says who was first. */
async function tooLate({ db }: World, effect: Effect): Promise<CodedError> {
  const decisions = await db.effectDecision.findMany({ where: { effectId: effect.id }, orderBy: { createdAt: 'asc' } });
  const last = decisions.at(-1);
  const who =
    last === undefined ? '' : `; ${last.userId} ${last.verdict.toLowerCase()} it at ${last.createdAt.toISOString()}`;
  return conflict(`This effect is already ${effect.status}${who}.`, {
    status: effect.status,
    decidedBy: decisions.map(({ userId, verdict }) => ({ userId, verdict })),
  });
}

async function requireSealed(world: World, effect: Effect, seal: string): Promise<void> {
  if (seal !== effect.seal) {
    throw new CodedError(
      'APPROVAL_MISMATCH',
      'The seal is not that of this request. Read it again and decide on what it says now.',
      {
        status: effect.status,
      },
    );
  }
  await requireUnaltered(world, effect);
}

async function judgeAgain(world: World, deps: EffectDeps, effect: Effect): Promise<void> {
  await requireRequester(world, deps, effect);
  const definition = deps.definitions.get(effect.kind);
  if (definition !== undefined) await requireStillTrue(world, definition, effect);
  // What a cap parked is judged when it is reserved.
  if (effect.priceCredits > 0 && !isParked(effect)) await requireStillWithinCaps(world.db, payerOf(effect));
}

/** @returns how many people have approved this seal. @throws CONFLICT when this person already decided */
async function writeDecision(
  { db, principal }: World,
  effect: Effect,
  verdict: 'APPROVED' | 'REJECTED',
  comment: string | null | undefined,
): Promise<number> {
  const earlier = await db.effectDecision.findMany({ where: { effectId: effect.id } });
  if (verdict === 'APPROVED' && earlier.some(({ userId }) => userId === principal.id)) {
    throw conflict('You have approved this already; the second approval must come from somebody else.');
  }
  // A decision is never altered: whoever approved first and rejects now keeps that row, and the trail has both.
  if (!earlier.some(({ userId }) => userId === principal.id)) {
    const data = { verdict, seal: effect.seal, comment: comment ?? null };
    await db.effectDecision.create({ data: { ...data, id: newId('apr'), effectId: effect.id, userId: principal.id } });
  }
  return earlier.filter((decision) => decision.verdict === 'APPROVED' && decision.seal === effect.seal).length + 1;
}

async function queue(world: World, effect: Effect): Promise<Effect> {
  const price = effect.priceCredits;
  // What a cap parked is reserved now; where there is still no room, the approval is answered with that and goes on waiting.
  if (isParked(effect)) await reserve(world.db, payerOf(effect), price);
  const queued = await moveEffect(world.db, effect, 'QUEUED', {
    expiresAt: expiryFrom(world.clock.now()),
    reservedCredits: price,
  });
  await emitEffect(world, queued);
  await enqueuePerforming(world, queued);
  return queued;
}

async function recordDecision(
  world: World,
  action: 'effect.approve' | 'effect.reject' | 'effect.confirm' | 'effect.cancel',
  effect: Effect,
  comment: string | null | undefined,
): Promise<void> {
  const details = { kind: effect.kind, status: effect.status, seal: effect.seal, ...(comment ? { comment } : {}) };
  await world.audit.record({ action, effectId: effect.id, details });
}

export function requireComment(comment: string | null | undefined, field: string): void {
  const { commentCharsMax: max } = effectLimits;
  if (comment && comment.length > max) throw badInput(`${field}: at most ${max} characters`, field);
  if (comment && looksSecret(comment)) throw badInput(`${field}: holds what looks like a secret; leave it out`, field);
}
