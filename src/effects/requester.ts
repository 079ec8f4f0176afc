// The checks that are made again: whoever asked must still be allowed to, and what was asked must still be true. Made when
// a person approves (the refusal is answered and nothing changes) and when a worker performs (the effect fails by it).
import type { Principal } from '../auth/principal.js';
import type { Effect, Prisma } from '../generated/prisma/client.js';
import { type Role, roleAtLeast } from '../guard/roles.js';
import { isScope } from '../guard/scopes.js';
import { CodedError, conflict } from '../platform/errors.js';
import { requireValid } from '../platform/validation.js';
import type { EffectDefinition } from './define-effect.js';
import type { EffectDeps } from './deps.js';
import { payloadOf, sealOfStored } from './stored-effect.js';
import type { World } from './world.js';

/**
 * Whoever asked, as they are today, still holding what let them ask.
 * @throws UNAUTHENTICATED with the reason (revoked, expired, suspended, left), or FORBIDDEN naming what is missing
 */
export async function requireRequester(world: World, deps: EffectDeps, effect: Effect): Promise<Principal> {
  const requester = await deps.requesterOf(effect, world.db);
  const missing = effect.scopes.filter((scope) => !holds(requester, scope));
  if (missing.length > 0) {
    throw new CodedError('FORBIDDEN', `Whoever asked no longer holds: ${missing.join(', ')}.`, {
      missingScopes: missing,
    });
  }
  return requester;
}

function holds(requester: Principal, required: string): boolean {
  if (required.startsWith('role:')) return roleAtLeast(requester.role, required.slice('role:'.length) as Role);
  return isScope(required) && requester.effectiveScopes.has(required);
}

/**
 * The stored payload, parsed, after the domain's own re-check.
 * @throws the domain's refusal; BAD_USER_INPUT when the payload is not of today's shape
 */
export async function requireStillTrue(world: World, definition: EffectDefinition, effect: Effect): Promise<unknown> {
  const payload = requireValid(definition.payload, await requirePayload(world, effect), 'payload');
  await definition.recheck(payload, world);
  return payload;
}

/** @throws CONFLICT when the person it concerns was erased */
export async function requirePayload(world: Pick<World, 'db' | 'vault'>, effect: Effect): Promise<Prisma.JsonValue> {
  const payload = await payloadOf(world, effect);
  if (payload === null) throw conflict('The person whom this request concerns was erased, and what it said with them.');
  return payload;
}

/**
 * @throws APPROVAL_MISMATCH when the row is not what was sealed, or does not name the key that asked as such; CONFLICT when
 *   the person it concerns was erased
 */
export async function requireUnaltered(world: Pick<World, 'db' | 'vault'>, effect: Effect): Promise<void> {
  if (sealOfStored(effect, await requirePayload(world, effect)) !== effect.seal || !isOfItsKey(effect)) {
    throw new CodedError('APPROVAL_MISMATCH', 'The stored request is not what was sealed. Ask for it again.');
  }
}

/** Caps, pauses and separate duties look at the key; the seal names it as whoever asked. */
const isOfItsKey = ({ actorKind, actorId, apiKeyId }: Effect): boolean =>
  actorKind === 'ACCOUNT_KEY' || actorKind === 'AGENT_KEY' ? apiKeyId === actorId : apiKeyId === null;
