import { z } from 'zod';
import type { World } from '../../effects/world.js';
import type { Channel, Inbox } from '../../generated/prisma/client.js';
import { rowKey } from '../../guard/guarded-db.js';
import { badInput, conflict, notFound } from '../../platform/errors.js';
import { newId } from '../../platform/ids.js';
import { given, requireValid } from '../../platform/validation.js';

// Recipients see it in a header of the e-mail.
const inboxName = z
  .string()
  .trim()
  .min(1, 'give a name')
  .max(100, 'at most 100 characters')
  .regex(/^[^\r\n]*$/, 'a name is one line')
  .nullish();
const agentId = z.string().nullish();
const newInbox = z.object({
  channel: z.enum(['EMAIL', 'SMS', 'CHAT', 'VOICE']),
  address: z.string().trim().min(1, 'give an address').max(320, 'at most 320 characters'),
  name: inboxName,
  agentId,
});
const inboxPatch = z.object({ name: inboxName, agentId });

const addressForms: Readonly<Record<Channel, { readonly form: z.ZodType; readonly says: string }>> = {
  EMAIL: { form: z.email(), says: 'an e-mail address' },
  SMS: { form: z.string().regex(/^\+[1-9]\d{6,14}$/), says: 'a phone number in E.164 form' },
  VOICE: { form: z.string().regex(/^\+[1-9]\d{6,14}$/), says: 'a phone number in E.164 form' },
  CHAT: {
    form: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,99}$/i),
    says: 'letters, digits, dots, dashes and underscores',
  },
};

export type InboxesService = ReturnType<typeof inboxesService>;

/** The addresses and numbers that agents speak from. */
export const inboxesService = ({ db, audit }: World) => ({
  async create(input: unknown, id = newId('inb')): Promise<Inbox> {
    const data = requireValid(newInbox, input);
    const { form, says } = addressForms[data.channel];
    if (!form.safeParse(data.address).success) {
      throw badInput(`input.address: an inbox of channel ${data.channel} takes ${says}`, 'input.address');
    }
    await this.requireOwnAgent(data.agentId);
    // One statement decides, so of two at once the second is told so.
    const [inbox] = await db.inbox.createManyAndReturn({ data: [{ id, ...given(data) }], skipDuplicates: true });
    if (inbox === undefined) throw conflict('This workspace already has an inbox with this channel and address.');
    await audit.record({ action: 'inbox.create', subjectId: id, details: { fields: Object.keys(given(data)) } });
    return inbox;
  },

  async update(id: string, input: unknown): Promise<Inbox> {
    const patch = given(requireValid(inboxPatch, input));
    await this.get(id);
    await this.requireOwnAgent(patch.agentId);
    const inbox = await db.inbox.update({ where: rowKey(db, id), data: patch });
    await audit.record({ action: 'inbox.update', subjectId: id, details: { fields: Object.keys(patch) } });
    return inbox;
  },

  /** @throws CONFLICT while conversations still go through it. */
  async delete(id: string): Promise<string> {
    await this.get(id);
    if ((await db.conversation.count({ where: { inboxId: id } })) > 0) {
      throw conflict('Conversations still go through this inbox, so it cannot be deleted.');
    }
    await db.inbox.delete({ where: rowKey(db, id) });
    await audit.record({ action: 'inbox.delete', subjectId: id });
    return id;
  },

  async find(id: string): Promise<Inbox | null> {
    return db.inbox.findFirst({ where: { id } });
  },

  /** @throws NOT_FOUND for an id that is unknown here. */
  async get(id: string): Promise<Inbox> {
    const inbox = await this.find(id);
    if (inbox === null) throw notFound('inbox');
    return inbox;
  },

  /** The inbox a new message of this channel leaves from, when none is named: the agent's own first, then the oldest. */
  async findDefault(channel: Channel, forAgentId: string | null): Promise<Inbox | null> {
    const inboxes = await db.inbox.findMany({
      where: { channel },
      orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
      take: 100,
    });
    return inboxes.find((inbox) => inbox.agentId === forAgentId) ?? inboxes[0] ?? null;
  },

  async requireOwnAgent(named: string | null | undefined): Promise<void> {
    if (named === null || named === undefined) return;
    if ((await db.agent.count({ where: { id: named } })) === 0) throw notFound('agent');
  },
});
