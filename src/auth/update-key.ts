// What may change of a key while it lives: its name, expiry, addresses, cap and limits, and its scopes towards fewer. A key
// never gains: what a new list holds must have been held by the old one, under the workspace's policy on spending, and a
// wildcard only stays where it stood, since it may come to hold more.
import type { ApiKey } from '../generated/prisma/client.js';
import { expandScopes, grantScopes } from '../guard/scope-grants.js';
import { isScope } from '../guard/scopes.js';
import { badInput } from '../platform/errors.js';
import { given } from '../platform/validation.js';
import { factsOf, type KeyTransaction } from './create-key.js';
import {
  judgeCap,
  judgeExpiry,
  judgeLimit,
  judgeRanges,
  type KeyFactsAtHand,
  type KeyRequest,
  requireName,
} from './key-request.js';
import { changeKey, lockKey, requireNotOver } from './keys.js';
import { DEFAULT_PLANS } from './plans.js';

/** A field left out stays as it is; null clears it. */
export type KeyPatch = { readonly id: string } & {
  readonly [Field in Exclude<keyof KeyRequest, 'kind' | 'agentId'>]?: KeyRequest[Field] | null | undefined;
};

export interface UpdatedKey {
  readonly apiKey: ApiKey;
  readonly warnings: readonly string[];
}

/** @throws BAD_USER_INPUT naming the field, NOT_FOUND; CONFLICT for a key whose life is over */
export async function updateKeyIn(tx: KeyTransaction, patch: KeyPatch, prefix = ''): Promise<UpdatedKey> {
  const facts = await factsOf(tx);
  const locked = await lockKey(tx, patch.id);
  requireNotOver(locked, 'changed');
  const { data, warnings } = judgePatch(locked.apiKey, patch, facts, (field) => `${prefix}${field}`);
  const fields = Object.keys(given(patch)).filter((field) => field !== 'id');
  const details = { fields, ...(data.scopes === undefined ? {} : { scopes: data.scopes }) };
  return { apiKey: await changeKey(tx, patch.id, data, { action: 'apiKey.update', details }), warnings };
}

function judgePatch(key: ApiKey, patch: KeyPatch, facts: KeyFactsAtHand, at: (field: string) => string) {
  const { plan, plans = DEFAULT_PLANS, explicitSpendScopes = false } = facts;
  const scopes = patch.scopes === undefined ? null : narrowed(key, patch.scopes, explicitSpendScopes, at('scopes'));
  const held = expandScopes(scopes?.scopes ?? key.scopes, { keyKind: key.kind, explicitSpendScopes });
  const life = { ...facts, madeAt: key.createdAt };
  const expiry = patch.expiresAt === undefined ? null : judgeExpiry(patch.expiresAt, life, at('expiresAt'));
  const limit = (name: 'rpm' | 'rpd') =>
    patch[name] === undefined ? undefined : judgeLimit(patch[name], plans[plan][name], plan, at(name));
  const data = given({
    name: patch.name === undefined ? undefined : requireName(patch.name ?? '', at('name')),
    scopes: scopes === null ? undefined : [...scopes.scopes],
    needsRescope: scopes === null ? undefined : scopes.scopes.includes('*'),
    expiresAt: expiry === null ? undefined : expiry.expiresAt,
    allowedIps: patch.allowedIps === undefined ? undefined : [...judgeRanges(patch.allowedIps ?? [], at('allowedIps'))],
    rpm: limit('rpm'),
    rpd: limit('rpd'),
    ...judgeCapPatch(key, patch, scopes !== null, held, at),
  });
  return { data, warnings: [...(scopes?.warnings ?? []), ...(expiry?.warnings ?? [])] };
}

/** A cap that no scope can use any more goes with the scope; a period alone goes on with the cap that is there. */
function judgeCapPatch(
  key: ApiKey,
  patch: KeyPatch,
  isNarrowed: boolean,
  held: ReturnType<typeof expandScopes>,
  at: (field: string) => string,
) {
  const asksCap = patch.spendCapCredits !== undefined || patch.spendCapPeriod !== undefined;
  if (!asksCap) {
    const spends = held.size > 0 && canSpend(held, at);
    return isNarrowed && key.spendCapCredits !== null && !spends ? { spendCapCredits: null, spendCapPeriod: null } : {};
  }
  const spendCapCredits = patch.spendCapCredits === undefined ? key.spendCapCredits : patch.spendCapCredits;
  const kept = spendCapCredits === null ? null : key.spendCapPeriod;
  return judgeCap({ spendCapCredits, spendCapPeriod: patch.spendCapPeriod ?? kept }, held, at);
}

function canSpend(held: ReturnType<typeof expandScopes>, at: (field: string) => string): boolean {
  try {
    judgeCap({ spendCapCredits: 0 }, held, at);
    return true;
  } catch {
    return false;
  }
}

function narrowed(
  key: ApiKey,
  requested: readonly string[] | null,
  explicitSpendScopes: boolean,
  field: string,
): { readonly scopes: readonly string[]; readonly warnings: readonly string[] } {
  if (requested === null) throw badInput('An API key needs at least one scope; leave the list out to keep it.', field);
  const grant = grantScopes({
    kind: key.kind,
    requested,
    field,
    explicitSpendScopes,
    audience: key.scopes.includes('*') ? 'IMPORT' : 'KEY',
  });
  const held = expandScopes(key.scopes, { keyKind: key.kind, explicitSpendScopes });
  const stays = new Set(key.scopes);
  for (const scope of grant.scopes) {
    if (isScope(scope) ? held.has(scope) : stays.has(scope) || stays.has('*')) continue;
    const cause = isScope(scope) ? 'does not hold it' : 'was not granted this wildcard, which may come to hold more';
    throw badInput(
      `The scopes of a key only narrow: ${scope} would widen it, since it ${cause}. Create a new key for more.`,
      field,
    );
  }
  return grant;
}
