// Who must say yes before something leaves: an ordered list of rules, the first that matches decides. Pure, so that the
// same decision can be shown before, made at the request, and explained after. Where no rule speaks, an effect waits for
// one person and an action goes through: a gap in the rules holds what leaves, and nothing else.
import type { PrincipalKind } from '../auth/principal.js';

/** NONE: leaves at once. CONFIRM: the requesting session says yes itself. ONE, TWO: that many people who did not ask. */
export type Requirement = 'NONE' | 'CONFIRM' | 'ONE' | 'TWO';
export type ApproverRole = 'ADMIN' | 'OWNER';
/** REFUSE: a request past a spend cap is refused. PARK: it waits for a person, and its money is reserved at approval. */
export type AtCap = 'REFUSE' | 'PARK';

/** What is asked, as far as rules may look at it. */
export interface ApprovalFacts {
  readonly act: 'EFFECT' | 'ACTION';
  /** `noun.verb`, for example `message.send`. */
  readonly kind: string;
  readonly principalKind: PrincipalKind;
  readonly apiKeyId: string | null;
  /** The agent of an agent key, or the one it acts through. */
  readonly agentId: string | null;
  readonly credits: number;
  /** How many people it reaches. */
  readonly recipients: number;
  /** True when one of the recipients was never written to before. */
  readonly isFirstContact: boolean;
  /** EMAIL, SMS, CHAT, VOICE; for `agent.trigger` its mode. */
  readonly channel: string | null;
}

/** All that are given must hold; a list holds when one of its members does. An empty list never holds. */
export interface RuleConditions {
  readonly act?: 'EFFECT' | 'ACTION';
  /** Kinds by name, or with a `*` for either word: `integration.*`, `*.delete`. */
  readonly kinds?: readonly string[];
  readonly principalKinds?: readonly PrincipalKind[];
  readonly apiKeyIds?: readonly string[];
  readonly agentIds?: readonly string[];
  readonly creditsAtLeast?: number;
  readonly creditsAtMost?: number;
  readonly recipientsAtLeast?: number;
  readonly isFirstContact?: boolean;
  readonly channels?: readonly string[];
}

export interface ApprovalRule {
  readonly id: string;
  /** Grows with each change of the rule; part of the seal. */
  readonly version: number;
  readonly when: RuleConditions;
  readonly requirement: Requirement;
  /** Which roles may decide. */
  readonly approvers: readonly ApproverRole[];
  /** REFUSE when left out. */
  readonly atCap?: AtCap;
  /** One sentence for whoever waits. */
  readonly reason: string;
}

/** What an effect keeps of the rule that decided it. */
export interface RuleVerdict {
  readonly id: string;
  readonly version: number;
  readonly requirement: Requirement;
  /** Empty when nobody is asked, or only the requester. */
  readonly approvers: readonly ApproverRole[];
  readonly atCap: AtCap;
  readonly reason: string;
}

/**
 * Actions that no rule holds: what decides, or a decision would wait for another one; and what stops, since stopping must
 * not wait.
 */
const NEVER_HELD: readonly string[] = [
  'effect.*',
  'effects.*',
  'apiKey.revoke',
  'apiKey.revokeSelf',
  'apiKey.suspend',
  'workspace.suspend',
  'agent.pause',
  'session.*',
  'otherSessions.*',
  // What a plan holds is judged as itself.
  'plan.*',
];

const ANY_APPROVER: readonly ApproverRole[] = ['ADMIN', 'OWNER'];
const KEYS: readonly PrincipalKind[] = ['ACCOUNT_KEY', 'AGENT_KEY', 'MISSION'];
/** What takes something away for good. */
const DELETIONS: readonly string[] = ['*.delete', '*.erase', '*.merge'];

const rule = (id: string, when: RuleConditions, requirement: Requirement, reason: string): ApprovalRule => ({
  id,
  version: 1,
  when,
  requirement,
  approvers: ANY_APPROVER,
  reason,
});

/** The rules of a workspace that has made none; its own come before them. */
export const defaultRules: readonly ApprovalRule[] = [
  rule('default.action', { act: 'ACTION' }, 'NONE', 'It changes this workspace only.'),
  rule(
    'default.agentChat',
    { kinds: ['agent.trigger'], principalKinds: ['AGENT_KEY'], channels: ['CHAT'] },
    'NONE',
    'An agent key is made for chatting with its agent.',
  ),
  rule(
    'default.key',
    {
      kinds: ['message.send', 'campaign.start', 'agent.trigger', 'tool.call', 'integration.*', ...DELETIONS],
      principalKinds: KEYS,
    },
    'ONE',
    'A key asks for something that leaves the workspace or cannot be taken back.',
  ),
  rule(
    'default.deletion',
    { kinds: DELETIONS, principalKinds: ['SESSION'] },
    'CONFIRM',
    'It cannot be taken back; confirm it.',
  ),
  rule('default.session', { principalKinds: ['SESSION'] }, 'NONE', 'A person who is signed in asks.'),
];

const UNMATCHED_EFFECT = rule('default.unmatched', {}, 'ONE', 'No rule speaks of this, so a person decides.');
const UNMATCHED_ACTION = rule('default.action', {}, 'NONE', 'It changes this workspace only.');

/** A rule that every workspace has; null for those of its own. */
export const builtInRule = (id: string, version: number): ApprovalRule | null =>
  [...defaultRules, UNMATCHED_EFFECT, UNMATCHED_ACTION].find((one) => one.id === id && one.version === version) ?? null;

/** Decides by the first rule that matches, in the order given: the workspace's own, then `defaultRules`. */
export const decideRule = (rules: readonly ApprovalRule[], facts: ApprovalFacts): { readonly rule: RuleVerdict } => {
  const found = isNeverHeld(facts) ? UNMATCHED_ACTION : rules.find(({ when }) => unmet(when, facts).length === 0);
  return { rule: verdictOf(found ?? (facts.act === 'ACTION' ? UNMATCHED_ACTION : UNMATCHED_EFFECT), facts) };
};

/** Whether rules are asked at all. */
export const isNeverHeld = ({ act, kind }: Pick<ApprovalFacts, 'act' | 'kind'>): boolean =>
  act === 'ACTION' && NEVER_HELD.some((pattern) => isOfKind(kind, pattern));

/** As far as it is known beforehand; what is left out may be anything. */
export type KnownFacts = Pick<ApprovalFacts, 'act' | 'kind' | 'principalKind'> & {
  readonly [Fact in keyof ApprovalFacts]?: ApprovalFacts[Fact] | undefined;
};

/** Every rule that may decide, in the order in which they are asked: one where what is known settles it. */
export const possibleRules = (rules: readonly ApprovalRule[], known: KnownFacts): readonly RuleVerdict[] => {
  const facts = known as ApprovalFacts;
  const unmatched = known.act === 'ACTION' ? UNMATCHED_ACTION : UNMATCHED_EFFECT;
  const possible: ApprovalRule[] = [];
  for (const one of isNeverHeld(known) ? [UNMATCHED_ACTION] : [...rules, unmatched]) {
    const open = CONDITION_NAMES.filter((name) => one.when[name] !== undefined && known[FACT_OF[name]] === undefined);
    if (unmet(one.when, facts).some((name) => !open.includes(name))) continue;
    possible.push(one);
    if (open.length === 0) break;
  }
  return possible.map((one) => verdictOf(one, facts));
};

/** One rule that was asked, and which of its conditions did not hold; none: it matched. */
export interface RuleTried {
  readonly rule: ApprovalRule;
  readonly unmet: readonly (keyof RuleConditions)[];
}

/** The rules in the order in which they are asked, up to the first that matches. */
export const triedRules = (rules: readonly ApprovalRule[], facts: ApprovalFacts): readonly RuleTried[] => {
  if (isNeverHeld(facts)) return [];
  const tried = rules.map((rule) => ({ rule, unmet: unmet(rule.when, facts) }));
  const matched = tried.findIndex((one) => one.unmet.length === 0);
  return matched < 0 ? tried : tried.slice(0, matched + 1);
};

/** How many people must approve. CONFIRM needs none: the requester confirms. */
export const approvalsNeeded = (requirement: Requirement): number =>
  ({ NONE: 0, CONFIRM: 0, ONE: 1, TWO: 2 })[requirement];

/** What a rule says of a request of this kind of principal. */
export const verdictOf = (
  { id, version, requirement, approvers, atCap = 'REFUSE', reason }: ApprovalRule,
  facts: Pick<ApprovalFacts, 'principalKind'>,
): RuleVerdict => {
  // Only a person can confirm an own request; whoever else asks needs somebody.
  const asked = requirement === 'CONFIRM' && facts.principalKind !== 'SESSION' ? 'ONE' : requirement;
  return { id, version, requirement: asked, approvers: approvalsNeeded(asked) === 0 ? [] : approvers, atCap, reason };
};

const CONDITIONS: {
  readonly [Name in keyof RuleConditions]-?: (when: RuleConditions, facts: ApprovalFacts) => boolean;
} = {
  act: ({ act }, facts) => act === undefined || act === facts.act,
  kinds: ({ kinds }, facts) => kinds === undefined || kinds.some((pattern) => isOfKind(facts.kind, pattern)),
  principalKinds: ({ principalKinds }, facts) => isAmong(principalKinds, facts.principalKind),
  apiKeyIds: ({ apiKeyIds }, facts) => isAmong(apiKeyIds, facts.apiKeyId),
  agentIds: ({ agentIds }, facts) => isAmong(agentIds, facts.agentId),
  channels: ({ channels }, facts) => isAmong(channels, facts.channel),
  creditsAtLeast: ({ creditsAtLeast: least }, facts) => least === undefined || facts.credits >= least,
  creditsAtMost: ({ creditsAtMost: most }, facts) => most === undefined || facts.credits <= most,
  recipientsAtLeast: ({ recipientsAtLeast: least }, facts) => least === undefined || facts.recipients >= least,
  isFirstContact: ({ isFirstContact: asked }, facts) => asked === undefined || asked === facts.isFirstContact,
};

const CONDITION_NAMES = Object.keys(CONDITIONS) as readonly (keyof RuleConditions)[];

/** What each condition looks at. */
const FACT_OF: { readonly [Name in keyof RuleConditions]-?: keyof ApprovalFacts } = {
  act: 'act',
  kinds: 'kind',
  principalKinds: 'principalKind',
  apiKeyIds: 'apiKeyId',
  agentIds: 'agentId',
  channels: 'channel',
  creditsAtLeast: 'credits',
  creditsAtMost: 'credits',
  recipientsAtLeast: 'recipients',
  isFirstContact: 'isFirstContact',
};

/** The conditions that do not hold; none: the rule matches. */
const unmet = (when: RuleConditions, facts: ApprovalFacts): readonly (keyof RuleConditions)[] =>
  CONDITION_NAMES.filter((name) => !CONDITIONS[name](when, facts));

const isAmong = (allowed: readonly string[] | undefined, value: string | null): boolean =>
  allowed === undefined || (value !== null && allowed.includes(value));

const isOfKind = (kind: string, pattern: string): boolean => {
  const [noun, verb] = kind.split('.');
  const [nounAsked, verbAsked] = pattern.split('.');
  return (nounAsked === '*' || nounAsked === noun) && (verbAsked === '*' || verbAsked === verb);
};
