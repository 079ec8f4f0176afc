import { builder } from '../../graphql/builder.js';
import { foreseeTurn, freezeTurn, triggerAgent } from './agents.effects.js';
import { Agent } from './agents.schema.js';

const writeAgent = [['agents:write'], ['agent:config:write']] as const;

const TriggerMode = builder.enumType('TriggerMode', {
  description: 'How an agent is fired.',
  values: {
    CHAT: { value: 'CHAT', description: 'One turn of a written conversation.' },
    VOICE: { value: 'VOICE', description: 'A phone call.' },
    MISSION: { value: 'MISSION', description: 'A task the agent works on by itself.' },
  } as const,
});

builder.mutationFields((t) => ({
  createAgent: t.action({
    description: 'Add an agent to the workspace.',
    scope: 'agents:write',
    action: 'agent.create',
    creates: 'agt',
    input: (i) => ({
      name: i.string({ required: true, description: 'What the agent is called, at most 100 characters.' }),
      description: i.string({ required: false, description: 'What the agent is for.' }),
      instructions: i.string({ required: true, description: 'What the agent is told before every conversation.' }),
      model: i.string({ required: false, description: 'The model it speaks through; left out: the configured one.' }),
    }),
    payload: (p) => ({ agent: p.field({ type: Agent, description: 'The new agent.' }) }),
    resolve: async (input, { agents }, _world, id) => ({ agent: await agents.create(input, id) }),
    repeat: async (id, { agents }) => {
      const agent = await agents.find(id);
      return agent && { agent };
    },
  }),

  updateAgent: t.action({
    description: 'Change an agent; a field left out stays as it is, null clears it.',
    scope: writeAgent,
    action: 'agent.update',
    input: (i) => ({
      id: i.id({ required: true, description: 'The agent.' }),
      name: i.string({ required: false, description: 'What the agent is called.' }),
      description: i.string({ required: false, description: 'What the agent is for.' }),
      instructions: i.string({ required: false, description: 'What the agent is told before every conversation.' }),
      model: i.string({ required: false, description: 'The model it speaks through.' }),
    }),
    payload: (p) => ({ agent: p.field({ type: Agent, description: 'The agent as it is now.' }) }),
    resolve: async ({ id, ...patch }, { agents }) => ({ agent: await agents.update(id, patch) }),
  }),

  pauseAgent: t.action({
    description:
      'Stop an agent: it neither speaks nor is spoken for, and what waits in its name is refused when its turn comes.',
    scope: 'agents:write',
    action: 'agent.pause',
    input: (i) => ({ id: i.id({ required: true, description: 'The agent.' }) }),
    payload: (p) => ({ agent: p.field({ type: Agent, description: 'The agent as it is now.' }) }),
    resolve: async ({ id }, { agents }) => ({ agent: await agents.pause(id) }),
  }),

  resumeAgent: t.action({
    description: 'Let a paused agent act again.',
    scope: 'agents:write',
    action: 'agent.resume',
    input: (i) => ({ id: i.id({ required: true, description: 'The agent.' }) }),
    payload: (p) => ({ agent: p.field({ type: Agent, description: 'The agent as it is now.' }) }),
    resolve: async ({ id }, { agents }) => ({ agent: await agents.resume(id) }),
  }),

  triggerAgent: t.effect({
    description: 'Say something to an agent; its answer becomes a message of the conversation.',
    scope: [['agents:trigger'], ['agent:trigger']],
    scopeByArgument: { path: 'input.mode', values: { VOICE: 'agents:trigger', MISSION: 'agents:trigger' } },
    effect: triggerAgent,
    input: (i) => ({
      agentId: i.id({ required: true, description: 'The agent.' }),
      mode: i.field({
        type: TriggerMode,
        required: true,
        description: 'How the agent is fired; an agent key fires it by CHAT only.',
      }),
      message: i.string({ required: true, description: 'What is said to the agent.' }),
      conversationId: i.id({ required: false, description: 'The chat to go on with; left out: a new one.' }),
    }),
    payload: (p) => ({
      conversationId: p.id({
        nullable: false,
        description: 'The conversation in which the answer will appear.',
        resolve: ({ payload }) => payload.conversationId,
      }),
      messageId: p.id({
        nullable: false,
        description: 'The message that holds what was said to the agent.',
        resolve: ({ payload }) => payload.messageId,
      }),
    }),
    prepare: (input, _services, world) => freezeTurn(input, world),
    foresee: ({ agentId, mode }, isOpen, _services, world) =>
      foreseeTurn(isOpen('agentId') ? null : agentId, mode, world),
  }),
}));
