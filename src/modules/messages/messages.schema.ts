import { builder } from '../../graphql/builder.js';
import { ChannelType } from '../../graphql/enums.js';
import { defineList } from '../../graphql/list.js';
import { byIdField } from '../../graphql/node-fields.js';
import type { MessagesService } from './messages.service.js';

declare module '../../context.js' {
  interface Services {
    readonly messages: MessagesService;
  }
}

const readMessages = [['messages:read'], ['agent:conversations:read']] as const;

const MessageDirection = builder.enumType('MessageDirection', {
  description: 'Which way a message goes.',
  values: {
    INBOUND: { value: 'INBOUND', description: 'To the workspace.' },
    OUTBOUND: { value: 'OUTBOUND', description: 'From the workspace.' },
  } as const,
});

const MessageStatus = builder.enumType('MessageStatus', {
  description: 'Where a message stands.',
  values: {
    DRAFT: { value: 'DRAFT', description: 'Written, not asked to be sent.' },
    PENDING: { value: 'PENDING', description: 'Asked to be sent, frozen until that is decided and done.' },
    SENT: { value: 'SENT', description: 'Handed over.' },
    FAILED: { value: 'FAILED', description: 'Could not be handed over.' },
    RECEIVED: { value: 'RECEIVED', description: 'Came in.' },
  } as const,
});

export const Message = builder.nodeType('Message', {
  prefix: 'msg',
  read: readMessages,
  write: 'messages:write',
  description: 'One utterance of a conversation: received, drafted, waiting to leave, or sent.',
  fields: (t) => ({
    conversation: t.relation('conversation', { nullable: false, description: 'The conversation it belongs to.' }),
    direction: t.expose('direction', { type: MessageDirection, nullable: false, description: 'Which way it goes.' }),
    status: t.expose('status', { type: MessageStatus, nullable: false, description: 'Where it stands.' }),
    channel: t.expose('channel', { type: ChannelType, nullable: false, description: 'By which way it goes.' }),
    fromAddress: t.exposeString('fromAddress', {
      nullable: true,
      description: 'The address it comes from; null in chat and in drafts.',
    }),
    toAddress: t.exposeString('toAddress', {
      nullable: true,
      description: 'The address it goes to; null in chat and in drafts.',
    }),
    subject: t.exposeString('subject', { nullable: true, description: 'The subject, for e-mail.' }),
    body: t.exposeString('body', { nullable: false, description: 'The text.' }),
    contact: t.relation('contact', { nullable: true, description: 'The person who wrote it, for inbound messages.' }),
    agent: t.relation('agent', { nullable: true, description: 'The agent whose conversation it belongs to.' }),
    effect: t.relation('effect', {
      scope: [['messages:read', 'approvals:read']],
      nullable: true,
      description: 'What carries it outside, whoever asked for it.',
    }),
    sentAt: t.expose('sentAt', { type: 'DateTime', nullable: true, description: 'When it was handed over.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', nullable: false }),
  }),
});

const messages = defineList(builder, Message, {
  model: 'Message',
  filters: {
    status: { op: 'in', field: 'status', type: [MessageStatus], description: 'Only messages in one of these states.' },
    direction: {
      op: 'in',
      field: 'direction',
      type: [MessageDirection],
      description: 'Only messages that go this way.',
    },
    channel: { op: 'in', field: 'channel', type: [ChannelType], description: 'Only messages of these channels.' },
    conversationId: {
      op: 'equals',
      field: 'conversationId',
      type: 'ID',
      description: 'Only messages of this conversation.',
    },
    search: {
      op: 'contains',
      fields: ['subject', 'body'],
      type: 'String',
      description: 'Part of the subject or text.',
    },
  },
  orders: { CREATED_AT: { field: 'createdAt', cast: 'timestamptz', description: 'When it came in or was written.' } },
  defaultOrder: { field: 'CREATED_AT', direction: 'DESC' },
});

builder.queryFields((t) => ({
  message: byIdField(t, Message, { scope: readMessages, description: 'A message by its id.' }),
  messages: messages.field(t, {
    scope: readMessages,
    description: 'Messages, the newest first; an agent key sees those of its agent.',
  }),
}));

builder.prismaObjectFields(builder.modelRef('Conversation'), (t) => ({
  messages: messages.field(t, {
    scope: readMessages,
    description: 'What was said, the newest first.',
    parentField: 'conversationId',
    without: ['conversationId'],
  }),
}));
