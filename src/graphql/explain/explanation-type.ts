// The types that explainAccess answers with.
import type { RuleVerdict } from '../../effects/approval-policy.js';
import type { Builder } from '../builder-types.js';
import { COST_RULE } from '../cost.js';
import { PrincipalKindType } from '../enums.js';
import { FIELDS_MAX } from './explain-field.js';
import type {
  ExplainedAction,
  ExplainedCondition,
  ExplainedEffect,
  ExplainedField,
  Explanation,
} from './explanation.js';
import { SETS_MAX } from './sufficient-sets.js';

export const EXPLAIN_IS_PUBLIC = 'the schema says the same to everybody.';
const PATH = 'Where it stands in the answer, aliases included.';
const CONDITION = 'Under which condition it runs, and what decides its scopes; null when always and by nothing.';

export const defineExplanationType = (builder: Builder) => {
  const Field = defineFieldType(builder);
  const { Action, Effect } = defineMutationTypes(builder);
  const Condition = defineConditionType(builder);
  return builder.objectRef<Explanation>('AccessExplanation').implement({
    description: 'What an operation takes, as far as it can be said with the variables given.',
    public: EXPLAIN_IS_PUBLIC,
    fields: (t) => ({
      operation: t.exposeString('operation', { nullable: false, description: 'query, mutation or subscription.' }),
      operationName: t.exposeString('operationName', {
        nullable: true,
        description: 'Its name; null when it has none.',
      }),
      kind: t.field({
        type: PrincipalKindType,
        nullable: true,
        description: 'What kind of credential it was judged for; null: a request without one.',
        resolve: ({ principal }) => principal?.kind ?? null,
      }),
      scopes: t.field({
        type: ['Scope'],
        nullable: false,
        description: 'The scopes it was judged with, wildcards spelt out.',
        resolve: ({ principal }) => [...(principal?.effectiveScopes ?? [])].sort(),
      }),
      allowed: t.exposeBoolean('allowed', {
        nullable: true,
        description: 'Whether the request would be let through; null when that hangs on variables that are missing.',
      }),
      refusal: t.exposeString('refusal', {
        nullable: true,
        description: 'The sentence it would be refused with; null when it is not refused.',
      }),
      unknownReason: t.exposeString('unknownReason', {
        nullable: true,
        description: 'Why scopes and role are null: which variables they hang on; null when they are known.',
      }),
      missingVariables: t.exposeStringList('missingVariables', {
        nullable: false,
        description: 'Variables that a request must send and that were not given.',
      }),
      requiredScopes: t.field({
        type: ['Scope'],
        nullable: true,
        description: 'Every scope that its fields name, alternatives included.',
        resolve: ({ requiredScopes }) => requiredScopes,
      }),
      missingScopes: t.field({
        type: ['Scope'],
        nullable: true,
        description: 'The fewest scopes that are lacking, as a refusal would name them; empty when none is.',
        resolve: ({ missingScopes }) => missingScopes,
      }),
      requiredRole: t.field({
        type: builder.roleType,
        nullable: true,
        description: 'The role that a person needs; null when none is required.',
        resolve: ({ requiredRole }) => requiredRole,
      }),
      smallestSufficientSets: t.field({
        type: t.listRef(t.listRef('Scope', { nullable: false }), { nullable: false }),
        nullable: true,
        description: `Each list is enough for a key, and no scope of it can be left out; the shortest first, at most ${SETS_MAX}. Empty: no key suffices. An empty list in it: every credential does.`,
        resolve: ({ smallestSufficientSets }) => smallestSufficientSets,
      }),
      isComplete: t.exposeBoolean('isComplete', {
        nullable: false,
        description: `False when there are more sets than ${SETS_MAX} or more fields than ${FIELDS_MAX}.`,
      }),
      fields: t.field({
        type: [Field],
        nullable: false,
        description: `Every field that may be executed, in the order of the document, at most ${FIELDS_MAX}.`,
        resolve: ({ fields }) => fields,
      }),
      conditions: t.field({
        type: [Condition],
        nullable: false,
        description: 'What variables decide about access.',
        resolve: ({ conditions }) => conditions,
      }),
      effects: t.field({
        type: [Effect],
        nullable: false,
        description: 'What it asks for that leaves the workspace, spends, or cannot be taken back.',
        resolve: ({ effects }) => effects,
      }),
      actions: t.field({
        type: [Action],
        nullable: false,
        description: 'What it changes in the workspace.',
        resolve: ({ actions }) => actions,
      }),
      notes: t.exposeStringList('notes', {
        nullable: false,
        description: 'Rules that apply and that no scope or role expresses, a sentence each.',
      }),
      cost: t.exposeInt('cost', {
        nullable: true,
        description: `What it draws on the cost bucket at most: ${COST_RULE}. Null, with the reason, when page sizes are missing.`,
      }),
      costReason: t.exposeString('costReason', { nullable: true, description: 'Why the cost is null.' }),
      approval: t.exposeString('approval', {
        nullable: true,
        description:
          'What the rules of the workspace would ask for, the strictest of all: NONE, CONFIRM (by the requester itself), ONE or TWO people; null, with the reason, where that cannot be said beforehand. Without a workspace: by the rules that every workspace begins with.',
      }),
      approvalReason: t.exposeString('approvalReason', { nullable: true, description: 'Why `approval` is null.' }),
      price: t.exposeInt('price', {
        nullable: true,
        description: 'Credits it would cost; null, with the reason, where that cannot be said beforehand.',
      }),
      priceReason: t.exposeString('priceReason', { nullable: true, description: 'Why `price` is null.' }),
    }),
  });
};

const defineFieldType = (builder: Builder) => {
  const Verdict = builder.enumType('AccessVerdict', {
    description: 'What a field comes to for whoever is judged.',
    values: {
      ALLOWED: { value: 'ALLOWED', description: 'It may be asked for.' },
      REFUSED: { value: 'REFUSED', description: 'The whole operation is refused for it.' },
      SKIPPED: { value: 'SKIPPED', description: 'It is not executed with these variables, and takes nothing.' },
      UNKNOWN: { value: 'UNKNOWN', description: 'It hangs on variables that are missing.' },
    } as const,
  });
  return builder.objectRef<ExplainedField>('ExplainedField').implement({
    description: 'One field of an explained operation.',
    public: EXPLAIN_IS_PUBLIC,
    fields: (t) => ({
      path: t.exposeStringList('path', { nullable: false, description: PATH }),
      coordinate: t.exposeString('coordinate', { nullable: false, description: 'The type and the field.' }),
      line: t.exposeInt('line', { nullable: true, description: 'Its line in the document, from 1.' }),
      column: t.exposeInt('column', { nullable: true, description: 'Its column in the document, from 1.' }),
      access: t.exposeString('access', {
        nullable: false,
        description: 'What it takes, in one line: scopes, a role, `authenticated` or `public`.',
      }),
      verdict: t.field({
        type: Verdict,
        nullable: false,
        description: 'What it comes to.',
        resolve: ({ verdict }) => verdict,
      }),
      condition: t.exposeString('condition', { nullable: true, description: CONDITION }),
      missingScopes: t.field({
        type: ['Scope'],
        nullable: false,
        description: 'The fewest scopes that it lacks.',
        resolve: ({ missingScopes }) => missingScopes,
      }),
    }),
  });
};

const RULED = {
  rule: 'The rule that would decide; null where several may.',
  approval: 'What it asks for: NONE, CONFIRM, ONE or TWO; null with the reason.',
};

const defineRuleType = (builder: Builder) =>
  builder.objectRef<RuleVerdict>('ExplainedRule').implement({
    description: 'A rule that would decide who must agree.',
    public: 'rules of a workspace are told to its own credentials only.',
    fields: (t) => ({
      id: t.exposeString('id', { nullable: false, description: 'Names the rule within its workspace.' }),
      version: t.exposeInt('version', { nullable: false, description: 'Grows with each change of the rule.' }),
      requirement: t.exposeString('requirement', {
        nullable: false,
        description: 'NONE, CONFIRM (by the requester itself), ONE or TWO people.',
      }),
      approvers: t.stringList({
        nullable: false,
        description: 'The roles that may decide.',
        resolve: ({ approvers }) => [...approvers],
      }),
      atCap: t.exposeString('atCap', {
        nullable: false,
        description: 'REFUSE or PARK: what happens where a spend cap leaves no room.',
      }),
      reason: t.exposeString('reason', { nullable: false, description: 'Why the rule asks for it.' }),
    }),
  });

const defineMutationTypes = (builder: Builder, Rule = defineRuleType(builder)) => ({
  Action: builder.objectRef<ExplainedAction>('ExplainedAction').implement({
    description: 'A change in the workspace that an operation asks for.',
    public: EXPLAIN_IS_PUBLIC,
    fields: (t) => ({
      path: t.exposeStringList('path', { nullable: false, description: PATH }),
      kind: t.exposeString('kind', { nullable: false, description: 'What it is audited as: `noun.verb`.' }),
      condition: t.exposeString('condition', { nullable: true, description: CONDITION }),
      rule: t.field({ type: Rule, nullable: true, description: RULED.rule, resolve: ({ rule }) => rule }),
      approval: t.exposeString('approval', { nullable: true, description: RULED.approval }),
      approvalReason: t.exposeString('approvalReason', { nullable: true, description: 'Why `approval` is null.' }),
    }),
  }),
  Effect: builder.objectRef<ExplainedEffect>('ExplainedEffect').implement({
    description: 'An effect that an operation asks for.',
    public: EXPLAIN_IS_PUBLIC,
    fields: (t) => ({
      path: t.exposeStringList('path', { nullable: false, description: PATH }),
      kind: t.exposeString('kind', { nullable: false, description: 'The kind of effect: `noun.verb`.' }),
      spends: t.exposeBoolean('spends', { nullable: false, description: 'Whether it costs credits.' }),
      condition: t.exposeString('condition', { nullable: true, description: CONDITION }),
      rule: t.field({ type: Rule, nullable: true, description: RULED.rule, resolve: ({ rule }) => rule }),
      approval: t.exposeString('approval', { nullable: true, description: RULED.approval }),
      approvalReason: t.exposeString('approvalReason', { nullable: true, description: 'Why `approval` is null.' }),
      price: t.exposeInt('price', { nullable: true, description: 'Whole credits; null with the reason.' }),
      priceReason: t.exposeString('priceReason', { nullable: true, description: 'Why `price` is null.' }),
    }),
  }),
});

const defineConditionType = (builder: Builder) =>
  builder.objectRef<ExplainedCondition>('ExplainedCondition').implement({
    description: 'Something about access that variables decide.',
    public: EXPLAIN_IS_PUBLIC,
    fields: (t) => ({
      variables: t.exposeStringList('variables', { nullable: false, description: 'The names, without `$`.' }),
      decides: t.exposeString('decides', { nullable: false, description: 'What hangs on them.' }),
      value: t.exposeString('value', {
        nullable: true,
        description: 'What they amount to as given: true or false, the case that is selected, or the prefixes of ids.',
      }),
    }),
  });
