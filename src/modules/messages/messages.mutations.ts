import { builder } from '../../graphql/builder.js';
import { sendMessage } from './messages.effects.js';
import { contactOf } from './messages.queries.js';
import { Message } from './messages.schema.js';

builder.mutationFields((t) => ({
  createDraft: t.action({
    description: 'Write a message without sending it.',
    scope: 'messages:write',
    action: 'draft.create',
    creates: 'msg',
    input: (i) => ({
      conversationId: i.id({ required: true, description: 'The conversation it belongs to.' }),
      subject: i.string({ required: false, description: 'One line; left out: that of the conversation.' }),
      body: i.string({ required: true, description: 'The text.' }),
    }),
    payload: (p) => ({
      message: p.field({ type: Message, description: 'The draft.' }),
      messageId: p.id({ description: 'The id of the draft, for keys that may write but not read.' }),
    }),
    contact: ({ conversationId }, { db }) => contactOf(db, { id: conversationId }),
    resolve: async (input, { messages }, _world, id) => {
      const message = await messages.draft(input, id);
      return { message: message.value, messageId: id };
    },
    repeat: async (id, { messages }) => {
      const message = await messages.find(id);
      return message && { message, messageId: id };
    },
  }),

  updateDraft: t.action({
    description: 'Change a draft; a field left out stays as it is.',
    scope: 'messages:write',
    action: 'draft.update',
    input: (i) => ({
      id: i.id({ required: true, description: 'The draft.' }),
      subject: i.string({ required: false, description: 'One line; null clears it.' }),
      body: i.string({ required: false, description: 'The text.' }),
    }),
    payload: (p) => ({
      message: p.field({ type: Message, description: 'The draft as it is now.' }),
      messageId: p.id({ description: 'The id of the draft.' }),
    }),
    contact: ({ id }, { db }) => contactOf(db, { messages: { some: { id } } }),
    resolve: async ({ id, ...patch }, { messages }) => ({
      message: await messages.updateDraft(id, patch),
      messageId: id,
    }),
  }),

  deleteDraft: t.action({
    description: 'Throw a draft away.',
    scope: 'messages:write',
    action: 'draft.delete',
    input: (i) => ({ id: i.id({ required: true, description: 'The draft.' }) }),
    payload: (p) => ({ deletedId: p.id({ description: 'The id of the draft that is gone.' }) }),
    resolve: async ({ id }, { messages }) => ({ deletedId: await messages.deleteDraft(id) }),
  }),

  sendMessage: t.effect({
    description:
      'Ask for a message to be sent: a draft, or a content given at once. It leaves the workspace once approved.',
    scope: 'messages:send',
    effect: sendMessage,
    input: (i) => ({
      messageId: i.id({ required: false, description: 'The draft to send; then nothing else is given.' }),
      conversationId: i.id({ required: false, description: 'The conversation to answer in.' }),
      contactId: i.id({ required: false, description: 'The person to write to in a new conversation.' }),
      inboxId: i.id({ required: false, description: 'The address to send from; left out: that of the conversation.' }),
      subject: i.string({ required: false, description: 'One line; left out: that of the conversation.' }),
      body: i.string({ required: false, description: 'The text.' }),
    }),
    payload: (p) => ({
      messageId: p.id({
        nullable: false,
        description: 'The message that will leave.',
        resolve: ({ payload }) => payload.messageId,
      }),
    }),
    prepare: (input, { messages }) => messages.freezeForSending(input),
    foresee: (input, isOpen, { messages }) =>
      isOpen('messageId', 'conversationId', 'contactId', 'inboxId')
        ? { facts: { recipients: 1 }, credits: null }
        : messages.foreseeSending(input),
  }),
}));
