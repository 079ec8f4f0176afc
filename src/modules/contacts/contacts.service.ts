import { z } from 'zod';
import { merged } from '../../effects/contact-vault.js';
import type { World } from '../../effects/world.js';
import type { Contact } from '../../generated/prisma/client.js';
import { rowKey } from '../../guard/guarded-db.js';
import { canonicalJson } from '../../platform/canonical-json.js';
import { badInput, conflict, notFound } from '../../platform/errors.js';
import { newId } from '../../platform/ids.js';
import { given, requireValid } from '../../platform/validation.js';
import { type ContactMerge, changedBy, mergeOf, NOTES_CHARS_MAX, personOf } from './contacts.policy.js';
import { countRowsOf } from './contacts.queries.js';

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
  notes: z.string().max(NOTES_CHARS_MAX, 'at most 10,000 characters').nullish(),
});
const newContact = contactFields.extend({ name });
const mergeWish = contactFields.extend({ id: z.string(), duplicateId: z.string(), name: name.optional() });
const contactPatch = contactFields.extend({ name: name.optional(), isOptedOut: z.boolean().nullish() });

export type ContactsService = ReturnType<typeof contactsService>;

/** The people a workspace knows. */
export const contactsService = ({ db, audit, effects, events, clock }: World) => ({
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
   * @throws NOT_FOUND for an id that is unknown here, and for a person who was erased; CONFLICT naming the other for one
   *   who was merged into another
   */
  async requireErasable(id: string): Promise<{ readonly id: string }> {
    if ((await this.find(id)) !== null) return { id };
    const key = await db.contactKey.findFirst({ where: { contactId: id, erasedAt: null } });
    if (key === null) throw notFound('contact');
    if (key.mergedIntoId !== null) throw merged(key.mergedIntoId);
    return { id };
  },

  /**
   * Both as they are, and what the one that stays will be: its own values, where it has none those of the other, the notes
   * of both, or what is given; and opted out where either is.
   * @throws NOT_FOUND, BAD_USER_INPUT
   */
  async freezeMerge(input: unknown): Promise<ContactMerge> {
    const { id, duplicateId, ...wish } = requireValid(mergeWish, input);
    if (id === duplicateId) {
      throw badInput('input.duplicateId: give another contact than the one that stays', 'input.duplicateId');
    }
    const [stays, goes] = [personOf(await this.get(id)), personOf(await this.get(duplicateId))];
    await effects.requireNothingPerformed([id, duplicateId]);
    const cancels = await db.effect.count({
      where: {
        status: { in: ['AWAITING_APPROVAL', 'QUEUED'] },
        OR: [{ contactId: duplicateId }, { otherContactId: duplicateId }],
      },
    });
    return { ...mergeOf(stays, goes, given(wish)), moves: await countRowsOf(db, goes.id), cancels };
  },

  /** @throws what `requireAsSealed` throws; CONFLICT while something to one of the two is being performed */
  async requireMergeable(merge: ContactMerge): Promise<void> {
    await this.requireAsSealed(merge);
    await effects.requireNothingPerformed([merge.stays.id, merge.goes.id]);
  },

  /** @throws NOT_FOUND when one of the two is gone; CONFLICT when one has changed */
  async requireAsSealed({ stays, goes }: ContactMerge): Promise<void> {
    for (const sealed of [stays, goes]) {
      const now = personOf(await this.get(sealed.id));
      if (canonicalJson(now) !== canonicalJson(sealed)) {
        throw conflict('One of the two contacts has changed since the merge was asked for. Ask for it again.');
      }
    }
  },

  /** @returns the fields that are others than before */
  async becomeMerged(merge: ContactMerge): Promise<readonly string[]> {
    const { stays, becomes } = merge;
    const { optedOutAt, ...rest } = becomes;
    const data = { ...rest, optedOutAt: optedOutAt === null ? null : new Date(optedOutAt) };
    await db.contact.update({ where: rowKey(db, stays.id), data });
    return changedBy(merge);
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
