import { z } from 'zod';
import type { Foreseen } from '../../effects/effect-kind.js';
import type { World } from '../../effects/world.js';
import type { Contact, Conversation, Message } from '../../generated/prisma/client.js';
import { type Late, rowKey } from '../../guard/guarded-db.js';
import { badInput, conflict, notFound } from '../../platform/errors.js';
import { newId } from '../../platform/ids.js';
import { given, requireValid } from '../../platform/validation.js';
import { agentsService } from '../agents/agents.service.js';
import { conversationsService } from '../conversations/conversations.service.js';
import { inboxesService } from '../inboxes/inboxes.service.js';
import { lockMessage, wasWrittenTo } from './messages.queries.js';

// A line break in a subject would let its writer add headers to the e-mail.
const subject = z
  .string()
  .trim()
  .max(500, 'at most 500 characters')
  .regex(/^[^\r\n]*$/, 'a subject is one line')
  .nullish();
const body = z.string().min(1, 'give a text').max(100_000, 'at most 100,000 characters');
const newDraft = z.object({ conversationId: z.string(), subject, body });
const draftPatch = z.object({ subject, body: body.optional() });
const toSend = z.object({
  messageId: z.string().nullish(),
  conversationId: z.string().nullish(),
  contactId: z.string().nullish(),
  inboxId: z.string().nullish(),
  subject,
  body: body.nullish(),
});

const mailbox = z.object({ address: z.string().min(1).max(320), name: z.string().max(200).nullable() });

/** All that the recipient will see, and the rows it comes from. */
export const outgoingMessage = z.object({
  messageId: z.string(),
  conversationId: z.string(),
  contactId: z.string(),
  inboxId: z.string(),
  /** Whose conversation it is: rules, caps and pauses of that agent hold for the message. */
  agentId: z.string().nullable().default(null),
  channel: z.enum(['EMAIL', 'SMS', 'CHAT']),
  from: mailbox,
  to: mailbox,
  subject: z.string().max(500).nullable(),
  body: z.string().min(1).max(100_000),
  /** True when nobody of this workspace ever wrote to the contact. */
  isFirstContact: z.boolean(),
});
export type OutgoingMessage = z.output<typeof outgoingMessage>;

/** Where a message would go, as a caller names it. */
type SendingIds = {
  readonly [Id in 'messageId' | 'conversationId' | 'contactId' | 'inboxId']?: string | null | undefined;
};

export type MessagesService = ReturnType<typeof messagesService>;

/** Drafts, and what becomes of them when they leave. */
export const messagesService = (world: World) => {
  const { db, audit, events } = world;
  const conversations = conversationsService(world);
  return {
    async draft(input: unknown, id = newId('msg')): Promise<Late<Message>> {
      const data = requireValid(newDraft, input);
      const conversation = await conversations.get(data.conversationId);
      const message = await db.$late(
        write(conversation, { ...data, subject: data.subject ?? conversation.subject }, id),
      );
      await audit.record({ action: 'draft.create', subjectId: id });
      await events.emit('message.drafted', id, { conversationId: conversation.id });
      return message;
    },

    async updateDraft(id: string, input: unknown): Promise<Message> {
      const patch = given(requireValid(draftPatch, input));
      await this.requireDraft(id);
      const message = await db.message.update({ where: rowKey(db, id), data: patch });
      await audit.record({ action: 'draft.update', subjectId: id, details: { fields: Object.keys(patch) } });
      return message;
    },

    async deleteDraft(id: string): Promise<string> {
      await this.requireDraft(id);
      await db.message.delete({ where: rowKey(db, id) });
      await audit.record({ action: 'draft.delete', subjectId: id });
      return id;
    },

    /**
     * Locked, so that nobody changes or sends it meanwhile.
     * @throws NOT_FOUND for an id that is unknown here, CONFLICT for a message that is no draft (any more).
     */
    async requireDraft(id: string): Promise<Message> {
      const message = await lockMessage(db, id);
      if (message === null) throw notFound('draft');
      if (message.status !== 'DRAFT') {
        throw conflict(`This message is ${message.status}, and only a DRAFT can be changed, deleted or sent.`);
      }
      return message;
    },

    /**
     * Everything the recipient will see, frozen: of a draft, or of content given at once (which becomes a message first).
     * The message waits as PENDING from here on, so nobody edits what approvers are reading.
     * @throws CONFLICT when the contact opted out or there is no way to reach it.
     */
    async freezeForSending(input: unknown): Promise<OutgoingMessage> {
      const data = requireValid(toSend, input);
      const draft = data.messageId ? await this.requireDraft(onlyDraft(data).messageId) : await fromContent(data);
      const conversation = await conversations.get(draft.conversationId);
      const channel = channelOf(conversation, data);
      const { contact, to } = await this.requireReachable(conversation);
      await this.requireSpeaking(conversation);
      const inbox = await requireInbox(conversation, data.inboxId);
      await db.message.update({
        where: rowKey(db, draft.id),
        data: { status: 'PENDING', fromAddress: inbox.address, toAddress: to },
      });
      return {
        messageId: draft.id,
        conversationId: conversation.id,
        contactId: contact.id,
        inboxId: inbox.id,
        agentId: conversation.agentId,
        channel,
        from: { address: inbox.address, name: inbox.name },
        to: { address: to, name: contact.name },
        subject: draft.subject,
        body: draft.body,
        isFirstContact: !(await wasWrittenTo(db, contact.id)),
      };
    },

    /** What `freezeForSending` would see of such an input, as far as rules and prices go; null where its ids name nothing. */
    async foreseeSending(input: SendingIds): Promise<Foreseen | null> {
      const place = await placeOf(input);
      if (place === null || place.channel === 'VOICE') return null;
      const { channel, contactId, agentId } = place;
      const firstContact = contactId === null || !(await wasWrittenTo(db, contactId));
      const facts = { recipients: 1, firstContact, channel, agentId };
      return { facts, credits: world.prices.of(`message.${channel}`) };
    },

    /** Judged when asked, when approved and when performed: the person can be written to, at this very address. */
    async requireReachable(conversation: Conversation): Promise<{ contact: Contact; to: string }> {
      const contact = conversation.contactId
        ? await db.contact.findFirst({ where: { id: conversation.contactId } })
        : null;
      if (contact === null) throw conflict('This conversation has no contact to write to.');
      if (contact.optedOutAt !== null) throw conflict('The contact opted out and is not written to any more.');
      const to = conversation.channel === 'EMAIL' ? contact.email : contact.phone;
      if (to === null) throw conflict(`The contact has no address for the channel ${conversation.channel}.`);
      return { contact, to };
    },

    /** A paused agent is not spoken for. */
    async requireSpeaking(conversation: Conversation): Promise<void> {
      if (conversation.agentId !== null) await agentsService(world).requireActive(conversation.agentId);
    },

    /** A contact's words, or those of whoever chats with the agent. */
    async receive(conversation: Conversation, body: string, id = newId('msg')): Promise<Message> {
      const message = await db.message.create({
        data: {
          id,
          conversationId: conversation.id,
          direction: 'INBOUND',
          status: 'RECEIVED',
          channel: conversation.channel,
          body,
          agentId: conversation.agentId,
          contactId: conversation.contactId,
        },
      });
      await conversations.touch(conversation.id, message.createdAt);
      await events.emit('message.received', id, { conversationId: conversation.id });
      return message;
    },

    /** The last turns of a conversation, oldest first: what was really said, no drafts. */
    async recent(conversationId: string, count: number): Promise<Message[]> {
      const messages = await db.message.findMany({
        where: { conversationId, status: { in: ['SENT', 'RECEIVED'] } },
        orderBy: [{ createdAt: 'desc' }, { id: 'desc' }],
        take: count,
      });
      return messages.reverse();
    },

    async find(id: string): Promise<Message | null> {
      return db.message.findFirst({ where: { id } });
    },

    /** @throws NOT_FOUND for an id that is unknown here. */
    async get(id: string): Promise<Message> {
      const message = await this.find(id);
      if (message === null) throw notFound('message');
      return message;
    },
  };

  async function write(conversation: Conversation, content: { subject?: string | null; body: string }, id: string) {
    return db.message.create({
      data: {
        id,
        conversationId: conversation.id,
        direction: 'OUTBOUND',
        status: 'DRAFT',
        channel: conversation.channel,
        subject: content.subject ?? null,
        body: content.body,
        agentId: conversation.agentId,
      },
    });
  }

  /** Where it would be said; null where the ids name nothing here. */
  async function placeOf(input: SendingIds): Promise<Pick<Conversation, 'channel' | 'contactId' | 'agentId'> | null> {
    const { messageId, contactId, inboxId } = input;
    const draft = messageId ? await db.message.findFirst({ where: { id: messageId } }) : null;
    const conversationId = draft?.conversationId ?? (messageId ? null : input.conversationId);
    if (conversationId) return db.conversation.findFirst({ where: { id: conversationId } });
    if (messageId || !contactId || (await db.contact.count({ where: { id: contactId } })) === 0) return null;
    if (!inboxId) return { channel: 'EMAIL', contactId, agentId: null };
    const inbox = await db.inbox.findFirst({ where: { id: inboxId } });
    return inbox && { channel: inbox.channel, contactId, agentId: inbox.agentId };
  }

  async function fromContent(data: z.output<typeof toSend>): Promise<Message> {
    if (!data.body) throw badInput('input.body: give a text, or the messageId of a draft', 'input.body');
    const conversation = await conversations.findOrStart({
      conversationId: data.conversationId ?? null,
      contactId: data.contactId ?? null,
      inboxId: data.inboxId ?? null,
      subject: data.subject ?? null,
    });
    return write(conversation, { subject: data.subject ?? conversation.subject, body: data.body }, newId('msg'));
  }

  async function requireInbox(conversation: Conversation, named: string | null | undefined) {
    const inboxes = inboxesService(world);
    const id = named ?? conversation.inboxId;
    const inbox = id ? await inboxes.get(id) : await inboxes.findDefault(conversation.channel, conversation.agentId);
    if (inbox === null)
      throw conflict(`No inbox of channel ${conversation.channel} to send from. Make one with createInbox.`);
    if (inbox.channel !== conversation.channel) {
      throw badInput(`input.inboxId: an inbox of channel ${conversation.channel} is needed`, 'input.inboxId');
    }
    return inbox;
  }
};

function channelOf({ channel }: Conversation, data: z.output<typeof toSend>): 'EMAIL' | 'SMS' {
  if (channel === 'VOICE') throw conflict('A phone conversation takes no written message.');
  if (channel === 'CHAT') {
    // Nobody is reached by an address in a chat: what is said there, triggerAgent says.
    const field = data.messageId ? 'input.messageId' : data.conversationId ? 'input.conversationId' : 'input.inboxId';
    throw badInput(`${field}: a chat is held with triggerAgent; sendMessage goes by EMAIL or SMS`, field);
  }
  return channel;
}

function onlyDraft(data: z.output<typeof toSend>): { messageId: string } {
  if (data.body || data.subject || data.conversationId || data.contactId) {
    throw badInput('input.messageId: give a draft or a content, not both', 'input.messageId');
  }
  return { messageId: data.messageId ?? '' };
}
