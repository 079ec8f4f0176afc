import { builder } from '../../graphql/builder.js';
import { PrincipalKindType } from '../../graphql/enums.js';
import {
  ApprovalActType,
  ApprovalChannelType,
  ApprovalRequirementType,
  ApprovalRule,
  ApproverRoleType,
  AtCapType,
} from './approval-rules.schema.js';

const ApprovalConditionsInput = builder.inputType('ApprovalConditionsInput', {
  description: 'When a rule speaks: all that are given must hold, a list holds when one of its members does.',
  fields: (t) => ({
    act: t.field({ type: ApprovalActType, required: false, description: 'Whether it leaves or stays.' }),
    kinds: t.stringList({
      required: false,
      description: 'Kinds by name, or with * for either word: `message.send`, `*.delete`.',
    }),
    principalKinds: t.field({ type: [PrincipalKindType], required: false, description: 'Who asks.' }),
    apiKeyIds: t.idList({ required: false, description: 'Which keys ask.' }),
    agentIds: t.idList({ required: false, description: 'Through which agents.' }),
    creditsAtLeast: t.int({ required: false, description: 'It costs so many credits or more.' }),
    creditsAtMost: t.int({ required: false, description: 'It costs so many credits or fewer.' }),
    recipientsAtLeast: t.int({ required: false, description: 'It reaches so many people or more.' }),
    isFirstContact: t.boolean({ required: false, description: 'Whether somebody is written to for the first time.' }),
    channels: t.field({ type: [ApprovalChannelType], required: false, description: 'By which ways.' }),
  }),
});

const sentences = {
  position: 'Lower ones are asked first; left out: after all others.',
  approvers: 'Which roles may decide; left out: ADMIN and OWNER.',
  atCap: 'What happens past a spend cap; left out: REFUSE.',
  reason: 'One sentence for whoever waits, at most 500 characters.',
};

builder.mutationFields((t) => ({
  createApprovalRule: t.action({
    description: 'Say who must agree to something from now on; what waits already keeps its rule.',
    role: 'ADMIN',
    action: 'approvalRule.create',
    creates: 'rul',
    fresh: true,
    input: (i) => ({
      position: i.int({ required: false, description: sentences.position }),
      when: i.field({ type: ApprovalConditionsInput, required: true, description: 'When it speaks.' }),
      requirement: i.field({ type: ApprovalRequirementType, required: true, description: 'Who must agree.' }),
      approvers: i.field({ type: [ApproverRoleType], required: false, description: sentences.approvers }),
      atCap: i.field({ type: AtCapType, required: false, description: sentences.atCap }),
      reason: i.string({ required: true, description: sentences.reason }),
    }),
    payload: (p) => ({
      approvalRule: p.field({ type: ApprovalRule, role: 'ADMIN', description: 'The new rule.' }),
    }),
    resolve: async (input, { approvalRules }, _world, id) => ({ approvalRule: await approvalRules.create(input, id) }),
    repeat: async (id, { approvalRules }) => {
      const approvalRule = await approvalRules.find(id);
      return approvalRule && { approvalRule };
    },
  }),

  updateApprovalRule: t.action({
    description: 'Change a rule from now on; a field left out stays as it is.',
    role: 'ADMIN',
    action: 'approvalRule.update',
    fresh: true,
    input: (i) => ({
      id: i.id({ required: true, description: 'The rule.' }),
      position: i.int({ required: false, description: 'Lower ones are asked first.' }),
      when: i.field({ type: ApprovalConditionsInput, required: false, description: 'When it speaks, as a whole.' }),
      requirement: i.field({ type: ApprovalRequirementType, required: false, description: 'Who must agree.' }),
      approvers: i.field({ type: [ApproverRoleType], required: false, description: 'Which roles may decide.' }),
      atCap: i.field({ type: AtCapType, required: false, description: 'What happens past a spend cap.' }),
      reason: i.string({ required: false, description: sentences.reason }),
    }),
    payload: (p) => ({
      approvalRule: p.field({ type: ApprovalRule, role: 'ADMIN', description: 'The rule as it is now.' }),
    }),
    resolve: async ({ id, ...patch }, { approvalRules }) => ({ approvalRule: await approvalRules.update(id, patch) }),
  }),

  deleteApprovalRule: t.action({
    description: 'Take a rule away from now on; what waits already keeps it.',
    role: 'ADMIN',
    action: 'approvalRule.delete',
    fresh: true,
    input: (i) => ({ id: i.id({ required: true, description: 'The rule.' }) }),
    payload: (p) => ({ deletedId: p.id({ description: 'The rule that is gone.' }) }),
    resolve: async ({ id }, { approvalRules }) => {
      await approvalRules.remove(id);
      return { deletedId: id };
    },
  }),
}));
