// What an operation asks for beside reading: the changes and effects of its mutations, which rule would decide on each and
// what it asks, and what they would cost. Where not everything is known, the rules that may still decide are looked at
// together, and what they agree on is told. Nothing is asked for, and nothing is written.
import type { Principal } from '../../auth/principal.js';
import {
  type ApprovalRule,
  defaultRules,
  type KnownFacts,
  possibleRules,
  type Requirement,
} from '../../effects/approval-policy.js';
import type { Foreseen } from '../../effects/effect-kind.js';
import type { Foresight } from '../../effects/effect-port.js';
import { costOf } from '../cost.js';
import type { IsOpen, MutationFacts } from '../guard-plugin/field-rule.js';
import type { Need, Requirements } from '../preflight/requirements.js';
import type { ExplainedAction, ExplainedEffect, ExplainRequest, Explanation } from './explanation.js';
import { type ReadInput, type ReadValues, readInput } from './read-values.js';
import { HYPOTHETICAL_KEY } from './whom.js';
import { conditionText, listed } from './words.js';

/** What is looked up for it; left out where there is no workspace to look into. */
export interface Foreseeing {
  /** The rules in force that may decide. */
  rulesFor(facts: KnownFacts): Promise<Foresight>;
  /** Null where whoever asks may not ask for the operation, and so is not told what its ids name. */
  readonly effectOf:
    | ((facts: MutationFacts, input: ReadInput['input'], isOpen: IsOpen) => Promise<Foreseen | null>)
    | null;
}

/** A workspace that has made no rules yet. */
export const WITHOUT_WORKSPACE: Foreseeing = {
  rulesFor: async (facts) => ({
    rules: possibleRules(defaultRules as readonly ApprovalRule[], facts),
    isSandbox: false,
  }),
  effectOf: null,
};

type AskedFor = Pick<Explanation, 'actions' | 'effects' | 'approval' | 'approvalReason' | 'price' | 'priceReason'>;

interface Asking {
  readonly requirements: Requirements;
  readonly read: ReadValues;
  readonly principal: Principal | null;
  readonly foreseeing: Foreseeing;
}

/** @param needs those that may be executed */
export const askedFor = async (needs: readonly Need[], asking: Asking): Promise<AskedFor> => {
  const actions: ExplainedAction[] = [];
  const effects: ExplainedEffect[] = [];
  for (const need of needs) {
    const { mutation } = need.rule;
    const place = { path: need.path, condition: conditionText(need, asking.requirements) };
    if (mutation?.action !== undefined) {
      actions.push({ ...place, kind: mutation.action, ...(await agreementTo(need, mutation.action, asking)) });
    }
    if (mutation?.effect !== undefined) {
      effects.push({ ...place, ...mutation.effect, ...(await foreseeEffect(need, mutation, asking)) });
    }
  }
  return { actions, effects, ...inAll([...actions, ...effects], effects) };
};

type Agreement = Pick<ExplainedAction, 'rule' | 'approval' | 'approvalReason'>;

const agreementTo = async (need: Need, kind: string, asking: Asking): Promise<Agreement> => {
  const facts = { act: 'ACTION', kind, credits: 0, recipients: 0, isFirstContact: false, channel: null } as const;
  const { principal, foreseeing } = asking;
  if (principal === null) return NOBODY_ASKS;
  const whose = whoAsks(principal, null);
  return agreed((await foreseeing.rulesFor({ ...facts, ...whose })).rules, openIn(need, asking));
};

const foreseeEffect = async (need: Need, mutation: MutationFacts, asking: Asking) => {
  const { principal, foreseeing } = asking;
  const { input, open, isOpen } = readInput(need, asking.read);
  if (principal === null) return { ...NOBODY_ASKS, price: null, priceReason: NOBODY_ASKS.approvalReason };
  const isTold = mutation.foresee !== undefined && foreseeing.effectOf !== null;
  const seen = isTold ? await foreseeing.effectOf?.(mutation, input, isOpen) : undefined;
  const { facts = {}, credits = null } = seen ?? {};
  const { rules, isSandbox } = await foreseeing.rulesFor({
    act: 'EFFECT',
    kind: mutation.effect?.kind ?? '',
    ...whoAsks(principal, facts.agentId),
    credits: credits ?? undefined,
    recipients: facts.recipients,
    isFirstContact: facts.firstContact,
    channel: facts.channel,
  });
  const why = seen === null ? 'Its ids name nothing here that this could be done with.' : null;
  return {
    ...agreed(rules, open, why),
    ...priceOf({ spends: mutation.effect?.spends, isSandbox, credits, isTold, open, why }),
  };
};

/** A key that need not exist has no id yet, and its agent is not known. */
const whoAsks = ({ kind, apiKeyId, agentId }: Principal, through: string | null | undefined) => {
  const isMadeUp = apiKeyId === HYPOTHETICAL_KEY;
  return {
    principalKind: kind,
    apiKeyId: isMadeUp ? undefined : apiKeyId,
    agentId: isMadeUp && kind === 'AGENT_KEY' ? undefined : (agentId ?? through),
  };
};

const NOBODY_ASKS = {
  rule: null,
  approval: null,
  approvalReason: 'It hangs on who asks: ask with a credential, or give scopes.',
} as const;

const agreed = (rules: Foresight['rules'], open: readonly string[], why: string | null = null): Agreement => {
  const [first, ...others] = rules;
  if (first === undefined) return { rule: null, approval: null, approvalReason: 'No rule speaks of it.' };
  if (others.length === 0) return { rule: first, approval: first.requirement, approvalReason: null };
  const isSame = others.every(({ requirement }) => requirement === first.requirement);
  return {
    rule: null,
    approval: isSame ? first.requirement : null,
    approvalReason: isSame
      ? null
      : (why ?? hangsOn(open) ?? 'It hangs on which key asks, or on what is known only when it runs.'),
  };
};

interface Pricing {
  readonly spends: boolean | undefined;
  readonly isSandbox: boolean;
  readonly credits: number | null;
  readonly isTold: boolean;
  readonly open: readonly string[];
  readonly why: string | null;
}

const priceOf = ({
  spends,
  isSandbox,
  credits,
  isTold,
  open,
  why,
}: Pricing): Pick<ExplainedEffect, 'price' | 'priceReason'> => {
  if (spends !== true || isSandbox) return { price: 0, priceReason: null };
  if (credits !== null) return { price: credits, priceReason: null };
  const unseen = isTold
    ? null
    : 'Only a credential that may ask for it is told what its ids name, and so what it costs.';
  return {
    price: null,
    priceReason: why ?? unseen ?? hangsOn(open) ?? 'Nothing is known that would carry it, so it has no price.',
  };
};

const openIn = (need: Need, { read }: Asking): readonly string[] => readInput(need, read).open;

const hangsOn = (open: readonly string[]): string | null =>
  open.length === 0 ? null : `It hangs on ${listed(open)}: send ${open.length > 1 ? 'them' : 'it'} in variables.`;

const STRICTNESS: readonly Requirement[] = ['NONE', 'CONFIRM', 'ONE', 'TWO'];

const inAll = (
  all: readonly ExplainedAction[],
  effects: readonly ExplainedEffect[],
): Omit<AskedFor, 'actions' | 'effects'> => {
  const reasons = all.flatMap(({ approval, approvalReason }) => (approval === null ? [approvalReason] : []));
  const unpriced = effects.find(({ price }) => price === null);
  return {
    approval:
      all.length === 0 || reasons.length > 0
        ? null
        : (STRICTNESS.findLast((one) => all.some(({ approval }) => approval === one)) ?? null),
    approvalReason: all.length === 0 ? 'It changes nothing, so there is nothing to agree to.' : (reasons[0] ?? null),
    price: unpriced === undefined ? effects.reduce((sum, { price }) => sum + (price ?? 0), 0) : null,
    priceReason: unpriced?.priceReason ?? null,
  };
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
