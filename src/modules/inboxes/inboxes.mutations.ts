import { builder } from '../../graphql/builder.js';
import { ChannelType } from '../../graphql/enums.js';
import { Inbox } from './inboxes.schema.js';

builder.mutationFields((t) => ({
  createInbox: t.action({
    description: 'Add an address or number that agents speak from.',
    scope: 'inboxes:write',
    action: 'inbox.create',
    creates: 'inb',
    input: (i) => ({
      channel: i.field({ type: ChannelType, required: true, description: 'What kind of address it is.' }),
      address: i.string({
        required: true,
        description: 'The e-mail address, phone number in E.164 form, or name of a chat.',
      }),
      name: i.string({ required: false, description: 'What recipients see beside the address.' }),
      agentId: i.id({ required: false, description: 'The agent that speaks from here; left out: any.' }),
    }),
    payload: (p) => ({ inbox: p.field({ type: Inbox, description: 'The new inbox.' }) }),
    resolve: async (input, { inboxes }, _world, id) => ({ inbox: await inboxes.create(input, id) }),
    repeat: async (id, { inboxes }) => {
      const inbox = await inboxes.find(id);
      return inbox && { inbox };
    },
  }),

  updateInbox: t.action({
    description: 'Change an inbox; its channel and address stay.',
    scope: 'inboxes:write',
    action: 'inbox.update',
    input: (i) => ({
      id: i.id({ required: true, description: 'The inbox.' }),
      name: i.string({ required: false, description: 'What recipients see beside the address.' }),
      agentId: i.id({ required: false, description: 'The agent that speaks from here; null: any.' }),
    }),
    payload: (p) => ({ inbox: p.field({ type: Inbox, description: 'The inbox as it is now.' }) }),
    resolve: async ({ id, ...patch }, { inboxes }) => ({ inbox: await inboxes.update(id, patch) }),
  }),

  deleteInbox: t.action({
    description: 'Remove an inbox that no conversation goes through.',
    scope: 'inboxes:write',
    action: 'inbox.delete',
    input: (i) => ({ id: i.id({ required: true, description: 'The inbox.' }) }),
    payload: (p) => ({ deletedId: p.id({ description: 'The id of the inbox that is gone.' }) }),
    resolve: async ({ id }, { inboxes }) => ({ deletedId: await inboxes.delete(id) }),
  }),
}));
