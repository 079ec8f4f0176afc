import { z } from 'zod';
import type { MessageSent } from '../../connectors/connector.js';
import { defineEffect } from '../../effects/define-effect.js';
import type { MessageStatus } from '../../generated/prisma/client.js';
import { rowKey } from '../../guard/guarded-db.js';
import { conflict } from '../../platform/errors.js';
import { requireValid } from '../../platform/validation.js';
import { conversationsService } from '../conversations/conversations.service.js';
import { inboxesService } from '../inboxes/inboxes.service.js';
import { messagesService, type OutgoingMessage, outgoingMessage } from './messages.service.js';

/** Where the message stands once the effect that carries it has ended. Back to DRAFT means: it may be changed and asked for again. */
const statusAfter = {
  SUCCEEDED: 'SENT',
  FAILED: 'FAILED',
  UNCERTAIN: 'PENDING',
  REJECTED: 'DRAFT',
  EXPIRED: 'DRAFT',
  CANCELLED: 'DRAFT',
} as const satisfies Record<string, MessageStatus>;

const amendable = z.strictObject({ subject: z.string().nullish(), body: z.string().optional() });

export const sendMessage = defineEffect<OutgoingMessage, MessageSent>({
  kind: 'message.send',
  spends: true,
  payload: outgoingMessage,
  price: ({ channel }, { prices }) => prices.of(`message.${channel}`),
  facts: ({ agentId, channel, isFirstContact }) => ({ agentId, recipients: 1, firstContact: isFirstContact, channel }),
  contact: ({ contactId }) => contactId,
  subject: ({ messageId }) => messageId,

  async proposed({ messageId }, effectId, { db }) {
    await db.message.update({ where: rowKey(db, messageId), data: { effectId } });
  },

  /** Subject and body; the message is a draft again by now. */
  async amend({ messageId, inboxId }, changes, world) {
    const messages = messagesService(world);
    await messages.updateDraft(messageId, requireValid(amendable, changes, 'input.changes'));
    return messages.freezeForSending({ messageId, inboxId });
  },

  connector: ({ channel }, connectors) => connectors.for(channel).name,

  async recheck(payload, world) {
    const message = await messagesService(world).get(payload.messageId);
    const isFrozen =
      message.status === 'PENDING' && message.body === payload.body && message.subject === payload.subject;
    if (!isFrozen) throw conflict('The message changed after it was asked to be sent. Ask again.');
    const conversation = await conversationsService(world).get(payload.conversationId);
    const { to } = await messagesService(world).requireReachable(conversation);
    if (to !== payload.to.address) throw conflict('The contact has another address by now. Ask again.');
    await messagesService(world).requireSpeaking(conversation);
    const inbox = await inboxesService(world).find(payload.inboxId);
    if (inbox?.address !== payload.from.address) throw conflict('The inbox it leaves from is gone. Ask again.');
  },

  perform: ({ channel, from, to, subject, body }, { connectors, idempotencyKey, signal }) =>
    connectors.for(channel).send({ channel, from, to, subject, body }, { idempotencyKey, signal }),

  async settled({ messageId, conversationId }, { status }, world) {
    const { db, clock, events } = world;
    const isSent = status === 'SUCCEEDED';
    const next = statusAfter[status];
    // A draft has no addresses: they are chosen anew when it is asked for again.
    const unaddressed = next === 'DRAFT' ? { fromAddress: null, toAddress: null } : {};
    await db.message.update({
      where: rowKey(db, messageId),
      data: { status: next, sentAt: isSent ? clock.now() : null, ...unaddressed },
    });
    if (isSent) await conversationsService(world).touch(conversationId, clock.now());
    if (isSent || status === 'FAILED')
      await events.emit(isSent ? 'message.sent' : 'message.failed', messageId, { conversationId });
  },
});
