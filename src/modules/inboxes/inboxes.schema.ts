import { builder } from '../../graphql/builder.js';
import { ChannelType } from '../../graphql/enums.js';
import { defineList } from '../../graphql/list.js';
import { byIdField } from '../../graphql/node-fields.js';
import type { InboxesService } from './inboxes.service.js';

declare module '../../context.js' {
  interface Services {
    readonly inboxes: InboxesService;
  }
}

export const Inbox = builder.nodeType('Inbox', {
  prefix: 'inb',
  read: 'inboxes:read',
  write: 'inboxes:write',
  description: 'An address or number that agents speak from.',
  fields: (t) => ({
    channel: t.expose('channel', { type: ChannelType, nullable: false, description: 'What kind of address it is.' }),
    address: t.exposeString('address', { nullable: false, description: 'The e-mail address, phone number or name.' }),
    name: t.exposeString('name', { nullable: true, description: 'What recipients see beside the address.' }),
    agent: t.relation('agent', { nullable: true, description: 'The agent that speaks from here; null: any.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', nullable: false }),
  }),
});

const inboxes = defineList(builder, Inbox, {
  model: 'Inbox',
  filters: {
    channel: { op: 'in', field: 'channel', type: [ChannelType], description: 'Only inboxes of these channels.' },
    agentId: { op: 'equals', field: 'agentId', type: 'ID', description: 'Only inboxes of this agent.' },
  },
  orders: {
    CREATED_AT: { field: 'createdAt', cast: 'timestamptz', description: 'When the inbox was made.' },
    ADDRESS: { field: 'address', cast: 'text', description: 'The address.' },
  },
  defaultOrder: { field: 'CREATED_AT', direction: 'DESC' },
});

builder.queryFields((t) => ({
  inbox: byIdField(t, Inbox, { scope: 'inboxes:read', description: 'An inbox by its id.' }),
  inboxes: inboxes.field(t, { scope: 'inboxes:read', description: 'The addresses and numbers agents speak from.' }),
}));

builder.prismaObjectFields(builder.modelRef('Agent'), (t) => ({
  inboxes: inboxes.field(t, {
    scope: 'inboxes:read',
    description: 'The inboxes this agent speaks from.',
    parentField: 'agentId',
    without: ['agentId'],
  }),
}));
