import { builder } from '../../graphql/builder.js';
import { ChannelType } from '../../graphql/enums.js';
import { defineList } from '../../graphql/list.js';
import { byIdField } from '../../graphql/node-fields.js';
import type { ConversationsService } from './conversations.service.js';

declare module '../../context.js' {
  interface Services {
    readonly conversations: ConversationsService;
  }
}

const readConversations = [['messages:read'], ['agent:conversations:read']] as const;

const ConversationStatus = builder.enumType('ConversationStatus', {
  description: 'Whether a conversation goes on.',
  values: {
    OPEN: { value: 'OPEN', description: 'Goes on.' },
    CLOSED: { value: 'CLOSED', description: 'Has come to its end.' },
  } as const,
});

export const Conversation = builder.nodeType('Conversation', {
  prefix: 'cnv',
  read: readConversations,
  description: 'A thread of messages with one contact over one channel.',
  fields: (t) => ({
    channel: t.expose('channel', { type: ChannelType, nullable: false, description: 'By which way it is held.' }),
    subject: t.exposeString('subject', { nullable: true, description: 'What it is about.' }),
    status: t.expose('status', { type: ConversationStatus, nullable: false, description: 'Whether it goes on.' }),
    contact: t.relation('contact', { nullable: true, description: 'The person; null in a chat with nobody known.' }),
    agent: t.relation('agent', { nullable: true, description: 'The agent that holds the conversation.' }),
    inbox: t.relation('inbox', { nullable: true, description: 'The address it goes through.' }),
    lastMessageAt: t.expose('lastMessageAt', {
      type: 'DateTime',
      nullable: false,
      description: 'When the last message came or went.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', nullable: false }),
  }),
});

const conversations = defineList(builder, Conversation, {
  model: 'Conversation',
  filters: {
    status: {
      op: 'in',
      field: 'status',
      type: [ConversationStatus],
      description: 'Only conversations in one of these states.',
    },
    channel: { op: 'in', field: 'channel', type: [ChannelType], description: 'Only conversations of these channels.' },
    contactId: { op: 'equals', field: 'contactId', type: 'ID', description: 'Only conversations with this contact.' },
    agentId: { op: 'equals', field: 'agentId', type: 'ID', description: 'Only conversations of this agent.' },
    activeSince: {
      op: 'atLeast',
      field: 'lastMessageAt',
      cast: 'timestamptz',
      type: 'DateTime',
      description: 'Only conversations with a message since then.',
    },
  },
  orders: {
    LAST_MESSAGE_AT: {
      field: 'lastMessageAt',
      cast: 'timestamptz',
      description: 'When the last message came or went.',
    },
    CREATED_AT: { field: 'createdAt', cast: 'timestamptz', description: 'When the conversation began.' },
  },
  defaultOrder: { field: 'LAST_MESSAGE_AT', direction: 'DESC' },
});

builder.queryFields((t) => ({
  conversation: byIdField(t, Conversation, { scope: readConversations, description: 'A conversation by its id.' }),
  conversations: conversations.field(t, {
    scope: readConversations,
    description: 'Conversations, the liveliest first; an agent key sees its own.',
  }),
}));

builder.prismaObjectFields(builder.modelRef('Contact'), (t) => ({
  conversations: conversations.field(t, {
    scope: 'messages:read',
    description: 'The conversations with this person.',
    parentField: 'contactId',
    without: ['contactId'],
  }),
}));

builder.prismaObjectFields(builder.modelRef('Agent'), (t) => ({
  conversations: conversations.field(t, {
    scope: readConversations,
    description: 'The conversations this agent holds.',
    parentField: 'agentId',
    without: ['agentId'],
  }),
}));
