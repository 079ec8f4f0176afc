import { builder } from '../../graphql/builder.js';
import { defineList } from '../../graphql/list.js';
import { byIdField } from '../../graphql/node-fields.js';
import type { AgentsService } from './agents.service.js';

declare module '../../context.js' {
  interface Services {
    readonly agents: AgentsService;
  }
}

const readAgents = [['agents:read'], ['agent:config:read']] as const;

const AgentStatus = builder.enumType('AgentStatus', {
  description: 'Whether an agent may act.',
  values: {
    ACTIVE: { value: 'ACTIVE', description: 'Talks and is talked through.' },
    PAUSED: { value: 'PAUSED', description: 'Neither speaks nor is spoken for until it is resumed.' },
  } as const,
});

export const Agent = builder.nodeType('Agent', {
  prefix: 'agt',
  read: readAgents,
  write: [['agents:write'], ['agent:config:write']],
  description: 'An AI agent that talks to people.',
  fields: (t) => ({
    name: t.exposeString('name', { nullable: false, description: 'What the agent is called.' }),
    description: t.exposeString('description', { nullable: true, description: 'What the agent is for.' }),
    instructions: t.exposeString('instructions', {
      nullable: false,
      description: 'What the agent is told before every conversation.',
    }),
    model: t.exposeString('model', {
      nullable: true,
      description: 'The model it speaks through; null: the configured one.',
    }),
    status: t.expose('status', { type: AgentStatus, nullable: false, description: 'Whether the agent may act.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', nullable: false }),
  }),
});

const agents = defineList(builder, Agent, {
  model: 'Agent',
  filters: {
    search: {
      op: 'contains',
      fields: ['name', 'description'],
      type: 'String',
      description: 'Part of the name or description.',
    },
    status: { op: 'in', field: 'status', type: [AgentStatus], description: 'Only agents in one of these states.' },
  },
  orders: {
    CREATED_AT: { field: 'createdAt', cast: 'timestamptz', description: 'When the agent was made.' },
    NAME: { field: 'name', cast: 'text', description: 'The name.' },
  },
  defaultOrder: { field: 'CREATED_AT', direction: 'DESC' },
});

builder.queryFields((t) => ({
  agent: byIdField(t, Agent, { scope: readAgents, description: 'An agent by its id.' }),
  agents: agents.field(t, {
    scope: readAgents,
    description: 'The agents of the workspace; an agent key sees its own.',
  }),
}));
