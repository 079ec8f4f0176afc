// What an operation asks for beside reading: the changes and effects of its mutations, and what they would cost.
import { costOf } from '../cost.js';
import type { Need, Requirements } from '../preflight/requirements.js';
import type { ExplainedAction, ExplainedEffect, ExplainRequest, Explanation } from './explanation.js';
import { conditionText, listed } from './words.js';

type AskedFor = Pick<Explanation, 'actions' | 'effects' | 'approval' | 'approvalReason' | 'price' | 'priceReason'>;

/** @param needs those that may be executed */
export const askedFor = (needs: readonly Need[], requirements: Requirements): AskedFor => {
  const actions: ExplainedAction[] = [];
  const effects: ExplainedEffect[] = [];
  for (const need of needs) {
    const { action, effect } = need.rule.mutation ?? {};
    const place = { path: need.path, condition: conditionText(need, requirements) };
    if (action !== undefined) actions.push({ ...place, kind: action });
    if (effect !== undefined) effects.push({ ...place, ...effect });
  }
  const spends = effects.some((effect) => effect.spends);
  const changes = actions.length + effects.length > 0;
  return {
    actions,
    effects,
    approval: null,
    approvalReason: changes
      ? "The workspace's rules decide when the mutation runs; its payload's effect says what it waits for."
      : 'It changes nothing, so there is nothing to agree to.',
    price: spends ? null : 0,
    priceReason: spends
      ? 'It is set by what the mutation prepares when it runs; its payload shows the effect with its price.'
      : null,
  };
};

const _mutationsIn = (needs: readonly Need[], requirements: Requirements): Pick<Explanation, 'actions' | 'effects'> => {
  const actions: ExplainedAction[] = [];
  const effects: ExplainedEffect[] = [];
  for (const need of needs) {
    const { action, effect } = need.rule.mutation ?? {};
    const place = { path: need.path, condition: conditionText(need, requirements) };
    if (action !== undefined) actions.push({ ...place, kind: action });
    if (effect !== undefined) effects.push({ ...place, ...effect });
  }
  return { actions, effects };
};

/** Pages whose size stands in a missing variable have no size yet: then the cost is another by what is sent. */
export const costIn = (
  { schema, document, operationName, variables }: ExplainRequest,
  missing: readonly string[],
): Pick<Explanation, 'cost' | 'costReason'> => {
  const withEach = (value: unknown) => ({ ...variables, ...Object.fromEntries(missing.map((name) => [name, value])) });
  const [cost = null, ...others] = [variables, withEach(0), withEach([])].map((sent) =>
    costOf(schema, document, operationName, sent),
  );
  if (others.every((other) => other === cost)) return { cost, costReason: null };
  return { cost: null, costReason: `It hangs on page sizes in ${listed(missing)}: send them in variables.` };
};
