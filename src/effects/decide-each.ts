// Many decisions of one person at once. They share a transaction, since a mutation has one, but not their fate.
import type { Effect } from '../generated/prisma/client.js';
import { withSavepoint } from '../guard/savepoint.js';
import { badInput, isCoded } from '../platform/errors.js';
import type { Decided } from './effect-port.js';
import type { World } from './world.js';

const decisionsMax = 100;

export async function decideEach<Decision extends { readonly effectId: string }>(
  { db }: World,
  decisions: readonly Decision[],
  decide: (decision: Decision) => Promise<Effect>,
): Promise<readonly Decided[]> {
  if (decisions.length === 0 || decisions.length > decisionsMax) {
    throw badInput(`Name 1 to ${decisionsMax} effects, not ${decisions.length}.`, 'input');
  }
  const decided: Decided[] = [];
  for (const decision of decisions) {
    const { effectId } = decision;
    try {
      decided.push({ effectId, effect: await withSavepoint(db, () => decide(decision)), error: null });
    } catch (error) {
      if (!isCoded(error)) throw error;
      decided.push({ effectId, effect: null, error: { code: error.code, message: error.message } });
    }
  }
  return decided;
}
