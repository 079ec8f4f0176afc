import type { RuleConditions } from '../../effects/approval-policy.js';
import type { ApprovalRule as RuleRow } from '../../generated/prisma/client.js';
import { builder } from '../../graphql/builder.js';
import { computedFrom, partOf } from '../../graphql/computed.js';
import { PrincipalKindType } from '../../graphql/enums.js';
import { defineList } from '../../graphql/list.js';
import { byIdField } from '../../graphql/node-fields.js';
import type { ApprovalRulesService } from './approval-rules.service.js';

declare module '../../context.js' {
  interface Services {
    readonly approvalRules: ApprovalRulesService;
  }
}

export const ApprovalActType = builder.enumType('ApprovalAct', {
  description: 'What rules are about.',
  values: {
    EFFECT: { value: 'EFFECT', description: 'Something that leaves, spends or cannot be taken back.' },
    ACTION: { value: 'ACTION', description: 'A change that stays in the workspace.' },
  } as const,
});

export const ApprovalRequirementType = builder.enumType('ApprovalRequirement', {
  description: 'Who must agree.',
  values: {
    NONE: { value: 'NONE', description: 'Nobody; it goes at once.' },
    CONFIRM: { value: 'CONFIRM', description: 'The person who asked, once more; for a key it means ONE.' },
    ONE: { value: 'ONE', description: 'One person who did not ask.' },
    TWO: { value: 'TWO', description: 'Two people who did not ask.' },
  } as const,
});

export const ApproverRoleType = builder.enumType('ApproverRole', {
  description: 'Which people may decide.',
  values: {
    ADMIN: { value: 'ADMIN', description: 'Those with the role ADMIN or OWNER.' },
    OWNER: { value: 'OWNER', description: 'Those with the role OWNER only, where it stands alone.' },
  } as const,
});

export const AtCapType = builder.enumType('AtCap', {
  description: 'What happens to a request for which a spend cap leaves no room.',
  values: {
    REFUSE: { value: 'REFUSE', description: 'It is refused.' },
    PARK: { value: 'PARK', description: 'It waits for a person; its credits are reserved when somebody approves.' },
  } as const,
});

export const ApprovalChannelType = builder.enumType('ApprovalChannel', {
  description: 'By which way it would go.',
  values: {
    EMAIL: { value: 'EMAIL', description: 'E-mail.' },
    SMS: { value: 'SMS', description: 'Text messages to a phone.' },
    CHAT: { value: 'CHAT', description: 'Chat with an agent.' },
    VOICE: { value: 'VOICE', description: 'Phone calls.' },
    MISSION: { value: 'MISSION', description: 'An agent at work on its own.' },
  } as const,
});

const nothing = 'null: it does not matter.';

const ApprovalConditions = builder.objectRef<RuleConditions>('ApprovalConditions').implement({
  description: 'When a rule speaks: all that are given must hold, a list holds when one of its members does.',
  scope: 'approvals:read',
  fields: (t) => ({
    act: t.field({
      type: ApprovalActType,
      nullable: true,
      description: `Whether it leaves or stays; ${nothing}`,
      ...partOf(({ act }: RuleConditions) => act),
    }),
    kinds: t.stringList({
      nullable: true,
      description: `Kinds by name, or with * for either word, as in \`*.delete\`; ${nothing}`,
      ...partOf(({ kinds }: RuleConditions) => kinds as string[] | undefined),
    }),
    principalKinds: t.field({
      type: [PrincipalKindType],
      nullable: true,
      description: `Who asks; ${nothing}`,
      ...partOf(({ principalKinds }: RuleConditions) => principalKinds),
    }),
    apiKeyIds: t.idList({
      nullable: true,
      description: `Which keys ask; ${nothing}`,
      ...partOf(({ apiKeyIds }: RuleConditions) => apiKeyIds as string[] | undefined),
    }),
    agentIds: t.idList({
      nullable: true,
      description: `Through which agents; ${nothing}`,
      ...partOf(({ agentIds }: RuleConditions) => agentIds as string[] | undefined),
    }),
    creditsAtLeast: t.int({
      nullable: true,
      description: `It costs so many credits or more; ${nothing}`,
      ...partOf(({ creditsAtLeast }: RuleConditions) => creditsAtLeast),
    }),
    creditsAtMost: t.int({
      nullable: true,
      description: `It costs so many credits or fewer; ${nothing}`,
      ...partOf(({ creditsAtMost }: RuleConditions) => creditsAtMost),
    }),
    recipientsAtLeast: t.int({
      nullable: true,
      description: `It reaches so many people or more; ${nothing}`,
      ...partOf(({ recipientsAtLeast }: RuleConditions) => recipientsAtLeast),
    }),
    isFirstContact: t.boolean({
      nullable: true,
      description: `Whether somebody is written to for the first time; ${nothing}`,
      ...partOf(({ isFirstContact }: RuleConditions) => isFirstContact),
    }),
    channels: t.field({
      type: [ApprovalChannelType],
      nullable: true,
      description: `By which ways; ${nothing}`,
      ...partOf(({ channels }: RuleConditions) => channels as never),
    }),
  }),
});

const fromRule = computedFrom<RuleRow>();

export const ApprovalRule = builder.nodeType('ApprovalRule', {
  prefix: 'rul',
  read: 'approvals:read',
  description:
    'Who must agree before something leaves or changes. The first rule that matches decides, then the defaults.',
  fields: (t) => ({
    position: t.exposeInt('position', { nullable: false, description: 'Lower ones are asked first.' }),
    version: t.exposeInt('version', {
      nullable: false,
      description: 'Grows with each change; what waits keeps the version it was sealed with.',
    }),
    when: t.field({
      type: ApprovalConditions,
      nullable: false,
      description: 'When it speaks.',
      ...fromRule(['when'], ({ when }) => when as RuleConditions),
    }),
    requirement: t.expose('requirement', {
      type: ApprovalRequirementType,
      nullable: false,
      description: 'Who must agree.',
    }),
    approvers: t.field({
      type: [ApproverRoleType],
      nullable: false,
      description: 'Which roles may decide.',
      ...fromRule(['approvers'], ({ approvers }) => approvers as never),
    }),
    atCap: t.expose('atCap', { type: AtCapType, nullable: false, description: 'What happens past a spend cap.' }),
    reason: t.exposeString('reason', { nullable: false, description: 'One sentence for whoever waits.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', nullable: false }),
  }),
});

const approvalRules = defineList(builder, ApprovalRule, {
  model: 'ApprovalRule',
  filters: {},
  orders: {
    POSITION: { field: 'position', cast: 'int', description: 'The order in which they are asked.' },
    CREATED_AT: { field: 'createdAt', cast: 'timestamptz', description: 'When the rule was made.' },
  },
  defaultOrder: { field: 'POSITION', direction: 'ASC' },
});

builder.queryFields((t) => ({
  approvalRule: byIdField(t, ApprovalRule, { scope: 'approvals:read', description: 'A rule by its id.' }),
  approvalRules: approvalRules.field(t, {
    scope: 'approvals:read',
    description: 'The rules of this workspace, in the order in which they are asked; the default ones come after them.',
  }),
}));
