// The rules asked without anything being asked for: which would decide, which were passed over and why, and what today's
// rules would have made of the requests of late.
import type { Effect } from '../generated/prisma/client.js';
import { type ApprovalFacts, decideRule, type KnownFacts, possibleRules, triedRules } from './approval-policy.js';
import type { EffectDeps } from './deps.js';
import type { Foresight, Replayed, Simulation } from './effect-port.js';
import { factsOfPayload, isRehearsed } from './propose.js';
import type { World } from './world.js';

export async function simulate({ db }: World, deps: EffectDeps, facts: ApprovalFacts): Promise<Simulation> {
  const rules = await deps.rulesOf(db);
  return { ...decideRule(rules, facts), tried: triedRules(rules, facts) };
}

export async function foresee({ db }: World, deps: EffectDeps, facts: KnownFacts): Promise<Foresight> {
  return { rules: possibleRules(await deps.rulesOf(db), facts), isSandbox: await isRehearsed(db) };
}

export async function replay({ db, vault }: World, deps: EffectDeps, last: number): Promise<readonly Replayed[]> {
  const rules = await deps.rulesOf(db);
  const effects = await db.effect.findMany({ orderBy: [{ createdAt: 'desc' }, { id: 'desc' }], take: last });
  const payloads = await vault.open(db, effects);
  return effects.map((effect, index) => ({
    effect,
    ...decideRule(rules, factsOfStored(deps, effect, payloads[index])),
  }));
}

/** What rules could look at when it was asked for. */
function factsOfStored({ definitions }: EffectDeps, effect: Effect, stored: unknown): ApprovalFacts {
  const who = { principalKind: effect.actorKind, apiKeyId: effect.apiKeyId };
  const definition = definitions.get(effect.kind);
  const payload = definition?.payload.safeParse(stored);
  if (definition !== undefined && payload?.success === true) {
    return { ...factsOfPayload(definition, payload.data, effect.priceCredits, effect), ...who };
  }
  const { kind, agentId, priceCredits: credits } = effect;
  return {
    ...{ act: definition === undefined ? 'ACTION' : 'EFFECT', kind, agentId, credits },
    ...{ recipients: 0, isFirstContact: false, channel: null },
    ...who,
  };
}
