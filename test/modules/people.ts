// Persons of a shop, what was asked for about them, and what is left of them: for tests of erasing and merging.
import type { ApprovalRule } from '../../src/effects/approval-policy.js';
import type { Client } from '../support/client.js';
import { type Asked, type Ended, type Sent, type Shop, sending } from './shop.js';

/** Changes and drafts wait as well, so that they lie there as requests. */
export const heldUpdates: ApprovalRule = {
  id: 'held',
  version: 1,
  when: { kinds: ['contact.update', 'draft.create'] },
  requirement: 'ONE',
  approvers: ['ADMIN', 'OWNER'],
  reason: 'For the test.',
};

export const erase = `mutation E($id: ID!) { eraseContact(input: { id: $id }) {
  contactId status effect { id kind status seal payload rule { requirement } } } }`;
export const confirm =
  'mutation C($id: ID!, $seal: String!) { confirmEffect(input: { effectId: $id, seal: $seal }) { effect { id } } }';
export const readEffects = `{ effects(first: 100) { nodes { id kind status payload result failure { code message } seal charged
  decisions { nodes { comment } } } } }`;

export interface Erasing {
  readonly eraseContact: { readonly contactId: string; readonly effect: Asked & { readonly payload: unknown } };
}
export interface Read {
  readonly id: string;
  readonly kind: string;
  readonly status: string;
  readonly payload: unknown;
  readonly result: unknown;
  readonly failure: { readonly code: string; readonly message: string } | null;
  readonly seal: string;
  readonly charged: number;
}

/** Its own requester agrees; resolves once it has ended. */
export async function confirmed(shop: Shop, by: Client, { id, seal }: Pick<Asked, 'id' | 'seal'>): Promise<Ended> {
  await by.data(confirm, { id, seal });
  return shop.ends(id);
}

export const askToErase = async (by: Client, id: string) => (await by.data<Erasing>(erase, { id })).eraseContact.effect;

export const readAll = async (shop: Shop) =>
  (await shop.owner.data<{ effects: { nodes: readonly Read[] } }>(readEffects)).effects.nodes;

export const account = (shop: Shop) =>
  shop.database.owner.creditAccount.findFirstOrThrow({ where: { workspaceId: shop.place.workspaceId } });

/** A person with a word of their own in all that is known and said of them. */
export async function personIn(shop: Shop, word: string, known: object = {}) {
  const input = { name: `Zora ${word}`, email: `${word}@example.com`, idempotencyKey: word, ...known };
  const made = await shop.owner.data<{ createContact: { contact: { id: string } } }>(
    'mutation C($input: CreateContactInput!) { createContact(input: $input) { contact { id } } }',
    { input },
  );
  const contactId = made.createContact.contact.id;
  const client = await shop.key('messages:send', 'messages:write', 'contacts:write');
  return {
    contactId,
    client,
    send: async (body: string, more: object = {}) => {
      const message = { contactId, subject: `About ${word}`, body, ...more };
      const { messageId, effect } = (await client.data<Sent>(sending, { input: message })).sendMessage;
      return { ...(effect as Asked & { readonly payload: object }), messageId };
    },
    /** A change of the person that a rule holds. */
    change: async (notes: string) => {
      type Held = { readonly updateContact: { readonly effect: Asked } };
      const text = 'mutation U($input: UpdateContactInput!) { updateContact(input: $input) { effect { id status } } }';
      return (await client.data<Held>(text, { input: { id: contactId, notes } })).updateContact.effect;
    },
  };
}

/** Every table as text, the queue included. */
export async function everything({ database }: Shop): Promise<string> {
  const { rows: tables } = await database.executeAsOwner(`SELECT table_schema || '.' || quote_ident(table_name) AS name
    FROM information_schema.tables WHERE table_schema IN ('public', 'pgboss') AND table_type = 'BASE TABLE'`);
  const texts = await Promise.all(
    tables.map(async ({ name }) => {
      const { rows } = await database.executeAsOwner(`SELECT string_agg(t::text, '|') AS text FROM ${name} t`);
      return `${name}: ${rows[0]?.text ?? ''}`;
    }),
  );
  return texts.join('\n');
}
