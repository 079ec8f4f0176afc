import { builder } from '../../graphql/builder.js';
import { defineList } from '../../graphql/list.js';
import { byIdField } from '../../graphql/node-fields.js';
import type { ContactsService } from './contacts.service.js';

declare module '../../context.js' {
  interface Services {
    readonly contacts: ContactsService;
  }
}

export const Contact = builder.nodeType('Contact', {
  prefix: 'ctc',
  read: 'contacts:read',
  write: 'contacts:write',
  description: 'A person outside, whom agents and people of the workspace write to.',
  fields: (t) => ({
    name: t.exposeString('name', { nullable: false, description: 'How the person is called.' }),
    email: t.exposeString('email', { nullable: true, description: 'Where e-mail reaches the person; null: nowhere.' }),
    phone: t.exposeString('phone', { nullable: true, description: 'The phone number in E.164 form.' }),
    company: t.exposeString('company', { nullable: true, description: 'Where the person works.' }),
    notes: t.exposeString('notes', { nullable: true, description: 'What the workspace noted about the person.' }),
    optedOutAt: t.expose('optedOutAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the person asked not to be written to; nothing is sent from then on.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', nullable: false }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', nullable: false }),
  }),
});

const contacts = defineList(builder, Contact, {
  model: 'Contact',
  filters: {
    search: {
      op: 'contains',
      fields: ['name', 'email', 'company'],
      type: 'String',
      description: 'Part of the name, address or company.',
    },
    email: { op: 'equals', field: 'email', type: 'String', description: 'Exactly this e-mail address.' },
    isOptedOut: { op: 'isSet', field: 'optedOutAt', type: 'Boolean', description: 'Whether the person opted out.' },
  },
  orders: {
    CREATED_AT: { field: 'createdAt', cast: 'timestamptz', description: 'When the contact was made.' },
    NAME: { field: 'name', cast: 'text', description: 'The name.' },
  },
  defaultOrder: { field: 'CREATED_AT', direction: 'DESC' },
});

builder.queryFields((t) => ({
  contact: byIdField(t, Contact, { scope: 'contacts:read', description: 'A contact by its id.' }),
  contacts: contacts.field(t, { scope: 'contacts:read', description: 'The people this workspace knows.' }),
}));
