import { builder } from '../../graphql/builder.js';
import { eraseContact, mergeContacts } from './contacts.effects.js';
import { Contact } from './contacts.schema.js';

builder.mutationFields((t) => ({
  createContact: t.action({
    description: 'Add a person to the workspace.',
    scope: 'contacts:write',
    action: 'contact.create',
    creates: 'ctc',
    input: (i) => ({
      name: i.string({ required: true, description: 'How the person is called, at most 200 characters.' }),
      email: i.string({ required: false, description: 'An e-mail address.' }),
      phone: i.string({ required: false, description: 'A phone number in E.164 form.' }),
      company: i.string({ required: false, description: 'Where the person works.' }),
      notes: i.string({ required: false, description: 'What to remember about the person.' }),
    }),
    payload: (p) => ({ contact: p.field({ type: Contact, description: 'The new contact.' }) }),
    contact: (_input, _world, id) => id,
    resolve: async (input, { contacts }, _world, id) => ({ contact: await contacts.create(input, id) }),
    repeat: async (id, { contacts }) => {
      const contact = await contacts.find(id);
      return contact && { contact };
    },
  }),

  updateContact: t.action({
    description: 'Change what is known of a person; a field left out stays as it is, null clears it.',
    scope: 'contacts:write',
    action: 'contact.update',
    input: (i) => ({
      id: i.id({ required: true, description: 'The contact.' }),
      name: i.string({ required: false, description: 'How the person is called.' }),
      email: i.string({ required: false, description: 'An e-mail address.' }),
      phone: i.string({ required: false, description: 'A phone number in E.164 form.' }),
      company: i.string({ required: false, description: 'Where the person works.' }),
      notes: i.string({ required: false, description: 'What to remember about the person.' }),
      isOptedOut: i.boolean({ required: false, description: 'True: nothing is sent to the person any more.' }),
    }),
    payload: (p) => ({ contact: p.field({ type: Contact, description: 'The contact as it is now.' }) }),
    contact: async ({ id }, { db }) => (await db.contact.findFirst({ where: { id } }))?.id ?? null,
    resolve: async ({ id, ...patch }, { contacts }) => ({ contact: await contacts.update(id, patch) }),
  }),

  eraseContact: t.effect({
    description:
      'Ask for a person to be erased, for good: the contact, its conversations and messages, and what effects hold of it.',
    role: 'ADMIN',
    effect: eraseContact,
    input: (i) => ({ id: i.id({ required: true, description: 'The contact.' }) }),
    payload: (p) => ({
      contactId: p.id({
        nullable: false,
        description: 'The contact that will be gone.',
        resolve: ({ payload }) => payload.contactId,
      }),
    }),
    prepare: async ({ id }, { contacts }) => ({ contactId: (await contacts.requireErasable(id)).id }),
  }),

  mergeContacts: t.effect({
    description:
      'Ask for two contacts to become one, for good: what was said with the duplicate, and what was asked for about it, is of the one that stays; what waits about the duplicate is cancelled.',
    role: 'ADMIN',
    effect: mergeContacts,
    input: (i) => ({
      id: i.id({ required: true, description: 'The contact that stays.' }),
      duplicateId: i.id({ required: true, description: 'The contact that goes.' }),
      name: i.string({ required: false, description: 'How the person is called; left out: as the one that stays.' }),
      email: i.string({
        required: false,
        description: 'Left out: that of the one that stays, where it has none that of the duplicate; null: none.',
      }),
      phone: i.string({ required: false, description: 'The same for the phone number, in E.164 form.' }),
      company: i.string({ required: false, description: 'The same for where the person works.' }),
      notes: i.string({ required: false, description: 'Left out: the notes of both, one after the other.' }),
    }),
    payload: (p) => ({
      contactId: p.id({
        nullable: false,
        description: 'The contact that stays.',
        resolve: ({ payload }) => payload.stays.id,
      }),
      duplicateId: p.id({
        nullable: false,
        description: 'The contact that will be gone; opted out of one is opted out of both.',
        resolve: ({ payload }) => payload.goes.id,
      }),
    }),
    prepare: (input, { contacts }) => contacts.freezeMerge(input),
  }),
}));
