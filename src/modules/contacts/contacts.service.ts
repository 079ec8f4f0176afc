import { z } from 'zod';
import type { World } from '../../effects/world.js';
import type { Contact } from '../../generated/prisma/client.js';
import { rowKey } from '../../guard/guarded-db.js';
import { notFound } from '../../platform/errors.js';
import { newId } from '../../platform/ids.js';
import { given, requireValid } from '../../platform/validation.js';

const name = z
  .string()
  .trim()
  .min(1, 'give a name')
  .max(200, 'at most 200 characters')
  .regex(/^[^\r\n]*$/, 'a name is one line');
const contactFields = z.object({
  email: z.email('not an e-mail address').max(320, 'at most 320 characters').nullish(),
  phone: z
    .string()
    .regex(/^\+[1-9]\d{6,14}$/, 'not a phone number in E.164 form, for example +442071838750')
    .nullish(),
  company: z.string().trim().max(200, 'at most 200 characters').nullish(),
  notes: z.string().max(10_000, 'at most 10,000 characters').nullish(),
});
const newContact = contactFields.extend({ name });
const contactPatch = contactFields.extend({ name: name.optional(), isOptedOut: z.boolean().nullish() });

export type ContactsService = ReturnType<typeof contactsService>;

/** The people a workspace knows. */
export const contactsService = ({ db, audit, events, clock }: World) => ({
  async create(input: unknown, id = newId('ctc')): Promise<Contact> {
    const data = requireValid(newContact, input);
    const contact = await db.contact.create({ data: { id, ...given(data), name: data.name } });
    await audit.record({ action: 'contact.create', subjectId: id, details: { fields: Object.keys(given(data)) } });
    await events.emit('contact.created', id, {});
    return contact;
  },

  async update(id: string, input: unknown): Promise<Contact> {
    const { isOptedOut, name: newName, ...data } = requireValid(contactPatch, input);
    await this.get(id);
    const optedOut =
      isOptedOut === undefined || isOptedOut === null ? {} : { optedOutAt: isOptedOut ? clock.now() : null };
    const patch = { ...given(data), ...optedOut, ...(newName === undefined ? {} : { name: newName }) };
    const contact = await db.contact.update({ where: rowKey(db, id), data: patch });
    await audit.record({ action: 'contact.update', subjectId: id, details: { fields: Object.keys(patch) } });
    await events.emit('contact.updated', id, {});
    return contact;
  },

  /**
   * Also one that is only asked for, by a request that a rule held.
   * @throws NOT_FOUND for an id that is unknown here, and for a person who was erased
   */
  async requireErasable(id: string): Promise<{ readonly id: string }> {
    const known = await this.find(id);
    const asked = known === null ? await db.contactKey.count({ where: { contactId: id, erasedAt: null } }) : 1;
    if (asked === 0) throw notFound('contact');
    return { id };
  },

  async find(id: string): Promise<Contact | null> {
    return db.contact.findFirst({ where: { id } });
  },

  /** @throws NOT_FOUND for an id that is unknown here. */
  async get(id: string): Promise<Contact> {
    const contact = await this.find(id);
    if (contact === null) throw notFound('contact');
    return contact;
  },
});
