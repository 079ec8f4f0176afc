import type { World } from '../../effects/world.js';
import type { Channel, Conversation } from '../../generated/prisma/client.js';
import { rowKey } from '../../guard/guarded-db.js';
import { badInput, notFound } from '../../platform/errors.js';
import { newId } from '../../platform/ids.js';
import { contactsService } from '../contacts/contacts.service.js';
import { inboxesService } from '../inboxes/inboxes.service.js';

export type ConversationsService = ReturnType<typeof conversationsService>;

/** Threads of messages, each with one contact over one channel. */
export const conversationsService = (world: World) => {
  const { db, events } = world;
  return {
    /** @throws NOT_FOUND for an id that is unknown here. */
    async get(id: string): Promise<Conversation> {
      const conversation = await db.conversation.findFirst({ where: { id } });
      if (conversation === null) throw notFound('conversation');
      return conversation;
    },

    /** The named conversation, or a new one with the named contact; its channel is the inbox's, else e-mail. */
    async findOrStart(wish: {
      conversationId: string | null;
      contactId: string | null;
      inboxId: string | null;
      subject: string | null;
    }): Promise<Conversation> {
      if (wish.conversationId !== null && wish.contactId !== null) {
        throw badInput('input.contactId: give a conversationId or a contactId, not both', 'input.contactId');
      }
      if (wish.conversationId !== null) return this.get(wish.conversationId);
      if (wish.contactId === null) {
        throw badInput('input.conversationId: give a conversationId or a contactId', 'input.conversationId');
      }
      const contact = await contactsService(world).get(wish.contactId);
      const inbox = wish.inboxId === null ? null : await inboxesService(world).get(wish.inboxId);
      return this.start({
        channel: inbox?.channel ?? 'EMAIL',
        contactId: contact.id,
        agentId: inbox?.agentId ?? null,
        inboxId: inbox?.id ?? null,
        subject: wish.subject,
      });
    },

    async start(data: {
      channel: Channel;
      contactId?: string | null;
      agentId?: string | null;
      inboxId?: string | null;
      subject?: string | null;
    }): Promise<Conversation> {
      const conversation = await db.conversation.create({ data: { id: newId('cnv'), ...data } });
      await events.emit('conversation.started', conversation.id, {});
      return conversation;
    },

    /** Lists show the liveliest conversation first, so every message that came or went moves it up. */
    async touch(id: string, at: Date): Promise<void> {
      await db.conversation.update({ where: rowKey(db, id), data: { lastMessageAt: at } });
    },
  };
};
