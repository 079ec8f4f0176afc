import { z } from 'zod';
import type { ModelAnswer } from '../../connectors/connector.js';
import { defineEffect } from '../../effects/define-effect.js';
import type { Foreseen } from '../../effects/effect-kind.js';
import type { World } from '../../effects/world.js';
import { badInput } from '../../platform/errors.js';
import { newId } from '../../platform/ids.js';
import { requireValid } from '../../platform/validation.js';
import { conversationsService } from '../conversations/conversations.service.js';
import { messagesService } from '../messages/messages.service.js';
import { agentsService } from './agents.service.js';

const turn = z.object({ role: z.enum(['system', 'user', 'assistant']), content: z.string() });

/** All that the model will see: the agent's instructions and the conversation, as they were when asked for. */
export const agentTurn = z.object({
  agentId: z.string(),
  conversationId: z.string(),
  /** The person whose conversation it is; left out for one with nobody known. */
  contactId: z.string().optional(),
  /** What was said to the agent. */
  messageId: z.string(),
  mode: z.literal('CHAT'),
  model: z.string().nullable(),
  messages: z.array(turn).min(1),
});
export type AgentTurn = z.output<typeof agentTurn>;

const toTrigger = z.object({
  agentId: z.string(),
  mode: z.enum(['CHAT', 'VOICE', 'MISSION']),
  message: z.string().trim().min(1, 'say something').max(20_000, 'at most 20,000 characters'),
  conversationId: z.string().nullish(),
});

/** How much of a conversation the model is shown. */
const turnsShown = 50;

/** Writes down what was said to the agent and freezes the turn that the model is asked for. */
export async function freezeTurn(input: unknown, world: World): Promise<AgentTurn> {
  const data = requireValid(toTrigger, input);
  if (data.mode !== 'CHAT') {
    throw badInput(`input.mode: this server has no connector for ${data.mode} yet; use CHAT`, 'input.mode');
  }
  const agent = await agentsService(world).requireActive(data.agentId);
  const conversations = conversationsService(world);
  const conversation = data.conversationId
    ? await conversations.get(data.conversationId)
    : await conversations.start({ channel: 'CHAT', agentId: agent.id });
  if (conversation.agentId !== agent.id) {
    throw badInput('input.conversationId: this conversation belongs to another agent', 'input.conversationId');
  }
  if (conversation.channel !== 'CHAT') {
    const other = `input.conversationId: this conversation is held by ${conversation.channel}; an agent is fired in a chat`;
    throw badInput(other, 'input.conversationId');
  }
  const messages = messagesService(world);
  const said = await messages.receive(conversation, data.message);
  const history = await messages.recent(conversation.id, turnsShown);
  return {
    agentId: agent.id,
    conversationId: conversation.id,
    ...(conversation.contactId === null ? {} : { contactId: conversation.contactId }),
    messageId: said.id,
    mode: data.mode,
    model: agent.model,
    messages: [
      { role: 'system', content: agent.instructions },
      ...history.map(({ direction, body }) => ({
        role: direction === 'INBOUND' ? ('user' as const) : ('assistant' as const),
        content: body,
      })),
    ],
  };
}

/** What rules and prices look at, as far as agent and mode are known. */
export const foreseeTurn = (
  agentId: string | null | undefined,
  mode: AgentTurn['mode'] | 'VOICE' | 'MISSION' | undefined,
  { prices }: World,
): Foreseen => ({
  facts: { recipients: 1, firstContact: false, ...(agentId ? { agentId } : {}), ...(mode ? { channel: mode } : {}) },
  credits: mode === 'CHAT' ? prices.of('message.CHAT') : null,
});

export const triggerAgent = defineEffect<AgentTurn, ModelAnswer>({
  kind: 'agent.trigger',
  spends: true,
  payload: agentTurn,
  price: (_, { prices }) => prices.of('message.CHAT'),
  facts: ({ agentId, mode }) => ({ agentId, channel: mode }),
  contact: ({ contactId }) => contactId ?? null,
  subject: ({ agentId }) => agentId,
  connector: (_, connectors) => connectors.model.name,

  async recheck({ agentId }, world) {
    await agentsService(world).requireActive(agentId);
  },

  perform: ({ model, messages }, { connectors, idempotencyKey, signal }) =>
    connectors.model.send({ model, messages }, { idempotencyKey, signal }),

  /** The answer becomes a message of the conversation; a captured request has none, and none is invented. */
  async settled({ agentId, conversationId }, { status, result, effectId }, world) {
    const text = result?.text ?? null;
    if (status !== 'SUCCEEDED' || text === null || text === '') return;
    const { db, clock, events } = world;
    const now = clock.now();
    const id = newId('msg');
    await db.message.create({
      data: {
        id,
        conversationId,
        agentId,
        effectId,
        direction: 'OUTBOUND',
        status: 'SENT',
        channel: 'CHAT',
        body: text,
        sentAt: now,
      },
    });
    await conversationsService(world).touch(conversationId, now);
    await events.emit('message.created', id, { conversationId });
  },
});
