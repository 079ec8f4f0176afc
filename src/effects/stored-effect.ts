// An effect as it lies in the database: locked before it is judged, moved only by an UPDATE that names the status it
// starts from, sealed anew from what is stored whenever something depends on the seal.
import { z } from 'zod';
import type { Principal } from '../auth/principal.js';
import type { Effect, EffectStatus, Prisma } from '../generated/prisma/client.js';
import type { GuardedDb } from '../guard/guarded-db.js';
import { inWorkspace, sql } from '../guard/sql.js';
import { CodedError, conflict, notFound } from '../platform/errors.js';
import type { RuleVerdict } from './approval-policy.js';
import { requireMove } from './effect-state.js';
import type { Payer } from './ledger.js';
import { sealOf } from './seal.js';
import type { World } from './world.js';

const storedRule = z.object({
  id: z.string(),
  version: z.number(),
  requirement: z.enum(['NONE', 'CONFIRM', 'ONE', 'TWO']),
  approvers: z.array(z.enum(['ADMIN', 'OWNER'])),
  // What was stored before rules could park has none.
  atCap: z.enum(['REFUSE', 'PARK']).default('REFUSE'),
  reason: z.string(),
});

/** The rule that decided how the effect waits. Throws when the stored value is not one. */
export const ruleOf = (effect: Effect): RuleVerdict => storedRule.parse(effect.rule);

/** The row, locked until the transaction ends; null for an id that is unknown here. */
export async function lockEffect(db: GuardedDb, effectId: string): Promise<Effect | null> {
  const locked = await db.$sql(
    sql`SELECT e.id FROM effect e WHERE ${inWorkspace(db, 'Effect', 'e')} AND e.id = ${effectId} FOR UPDATE`,
  );
  return locked.length === 0 ? null : db.effect.findFirst({ where: { id: effectId } });
}

/** @throws CONFLICT when the move does not exist, or when somebody else moved it first */
export async function moveEffect(
  db: GuardedDb,
  effect: Effect,
  to: EffectStatus,
  data: Omit<Prisma.EffectUncheckedUpdateManyInput, 'workspaceId' | 'id' | 'status'> = {},
): Promise<Effect> {
  requireMove(effect.status, to);
  const [moved] = await db.effect.updateManyAndReturn({
    where: { id: effect.id, status: effect.status },
    data: { ...data, status: to },
  });
  if (moved === undefined) throw conflict('This effect was changed by somebody else just now. Read it again.');
  return moved;
}

/**
 * What was asked for; null once the person it concerns was erased.
 * @throws APPROVAL_MISMATCH when what is stored was altered
 */
export async function payloadOf({ db, vault }: Pick<World, 'db' | 'vault'>, effect: Effect): Promise<Prisma.JsonValue> {
  const [payload = null] = await vault.open(db, [effect]);
  if (payload instanceof CodedError) throw payload;
  return payload;
}

/** The seal of what is stored; differs from `effect.seal` when somebody altered the row. */
export const sealOfStored = (effect: Effect, payload: Prisma.JsonValue): string =>
  sealOf({
    kind: effect.kind,
    payload,
    workspaceId: effect.workspaceId,
    principal: { kind: effect.actorKind, id: effect.actorId },
    price: effect.priceCredits,
    priceBook: effect.priceBook,
    rule: ruleOf(effect),
    isSandbox: effect.isSandbox,
  });

export const isOwn = (principal: Pick<Principal, 'id'>, effect: Pick<Effect, 'actorId'>): boolean =>
  principal.id === effect.actorId;

/** Own requests need no scope; those of others take `approvals:read`. */
export const mayRead = (principal: Principal, effect: Pick<Effect, 'actorId'>): boolean =>
  isOwn(principal, effect) || principal.effectiveScopes.has('approvals:read');

/** @throws NOT_FOUND also for the request of another that this principal may not read */
export function requireReadable(principal: Principal, effect: Effect | null): Effect {
  if (effect === null || !mayRead(principal, effect)) throw notFound('effect');
  return effect;
}

export const payerOf = (effect: Effect): Payer => ({
  effectId: effect.id,
  apiKeyId: effect.apiKeyId,
  agentId: effect.agentId,
});

/** JSON as the database will give it back; undefined becomes null. */
export const asJson = (value: unknown): Prisma.InputJsonValue | null => JSON.parse(JSON.stringify(value ?? null));
