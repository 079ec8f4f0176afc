import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Shop, said, startShop } from './shop.js';

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
});
afterAll(() => shop?.stop());

const fields = 'id name email phone company notes optedOutAt';
const create = `mutation C($input: CreateContactInput!) { createContact(input: $input) {
  effect { id } contact { ${fields} } } }`;
const createBlind = 'mutation C($input: CreateContactInput!) { createContact(input: $input) { contact { id } } }';
const update = `mutation U($input: UpdateContactInput!) { updateContact(input: $input) {
  effect { id } contact { ${fields} } } }`;
const read = `query R($id: ID!) { contact(id: $id) { ${fields} } }`;

const whole = {
  name: 'Carmen Ibáñez',
  email: 'carmen@example.org',
  phone: '+34915550103',
  company: 'Cafetería Sol',
  notes: 'Likes mornings.',
};

interface Made {
  readonly createContact: { readonly contact: { readonly id: string } };
}

describe('does', () => {
  it('creates a contact, and shows it to whoever asks for it afterwards', async () => {
    const client = await shop.key('contacts:read', 'contacts:write');
    const { createContact } = await client.data<Made>(create, { input: whole });
    expect(createContact).toEqual({ effect: null, contact: { id: expect.any(String), ...whole, optedOutAt: null } });
    expect(await client.data(read, { id: createContact.contact.id })).toEqual({ contact: createContact.contact });
  });

  it('changes what was given, clears what is null, leaves the rest', async () => {
    const client = await shop.key('contacts:read', 'contacts:write');
    const { createContact } = await client.data<Made>(create, { input: whole });
    const { id } = createContact.contact;
    await client.data(update, { input: { id, name: ' Carmen ', notes: null, isOptedOut: true } });
    expect(await client.data(read, { id })).toEqual({
      contact: { id, ...whole, name: 'Carmen', notes: null, optedOutAt: expect.any(String) },
    });
    await client.data(update, { input: { id, isOptedOut: false } });
    expect(await client.data(read, { id })).toMatchObject({ contact: { optedOutAt: null } });
  });

  it('lets a key that may only write name what it made, and read nothing of it', async () => {
    const client = await shop.key('contacts:write');
    const { createContact } = await client.data<Made>(createBlind, { input: { name: 'Blind' } });
    expect(createContact.contact.id).toMatch(/^ctc_/);
    const refused = await shop.writesNothing(() => client.refused(create, { input: { name: 'Seen' } }));
    expect(refused).toMatchObject({ status: 403, extensions: { missingScopes: ['contacts:read'] } });
  });

  it('gives a repeat under one idempotencyKey the same contact', async () => {
    const client = await shop.key('contacts:write');
    const input = { name: 'Once', idempotencyKey: 'once-1' };
    const first = await client.data<Made>(createBlind, { input });
    expect(await shop.repeats(() => client.data<Made>(createBlind, { input }))).toEqual(first);
    const other = await shop.key('contacts:write');
    expect(await other.data<Made>(createBlind, { input })).not.toEqual(first);
    expect(await shop.database.owner.contact.count({ where: { name: 'Once' } })).toBe(2);
  });

  it('makes one contact of repeats that come all at once', async () => {
    const client = await shop.key('contacts:write');
    const input = { name: 'At once', idempotencyKey: 'once-2' };
    const made = await Promise.all([1, 2, 3, 4, 5].map(() => client.data<Made>(createBlind, { input })));
    expect(new Set(made.map(({ createContact }) => createContact.contact.id)).size).toBe(1);
    expect(await shop.database.owner.contact.count({ where: { name: 'At once' } })).toBe(1);
  });
});

describe('refuses', () => {
  const bad: readonly [string, object, string, RegExp][] = [
    ['a blank name', { name: '   ' }, 'input.name', /give a name/],
    ['a name of two lines', { name: 'A\r\nBcc: all@example.com' }, 'input.name', /one line/],
    ['a name of 201 characters', { name: 'x'.repeat(201) }, 'input.name', /at most 200/],
    ['what is no e-mail address', { name: 'A', email: 'nobody' }, 'input.email', /not an e-mail address/],
    ['an address with a line break', { name: 'A', email: 'a@b.example\r\nBcc: x@y.example' }, 'input.email', /e-mail/],
    ['a phone number without its country', { name: 'A', phone: '020 7946 0101' }, 'input.phone', /E\.164/],
    ['a company of 201 characters', { name: 'A', company: 'x'.repeat(201) }, 'input.company', /at most 200/],
    ['notes of 10,001 characters', { name: 'A', notes: 'x'.repeat(10_001) }, 'input.notes', /at most 10,000/],
    ['an empty idempotencyKey', { name: 'A', idempotencyKey: '' }, 'input.idempotencyKey', /idempotencyKey/],
    ['one of 256 characters', { name: 'A', idempotencyKey: 'x'.repeat(256) }, 'input.idempotencyKey', /255/],
  ];
  it.each(bad)('%s, naming the field, and writes nothing', async (_, input, field, sentence) => {
    const client = await shop.key('contacts:write');
    const refused = await shop.writesNothing(() => client.refused(createBlind, { input }));
    expect(refused.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field });
    expect(refused.message).toMatch(sentence);
  });

  it.each(['name', 'email', 'notes', 'idempotencyKey'])('a NUL character in %s, naming it', async (field) => {
    const client = await shop.key('contacts:write');
    const input = { name: 'A', [field]: 'a\u0000b' };
    const refused = await shop.writesNothing(() => client.refused(createBlind, { input }));
    expect(refused).toMatchObject({ status: 400, extensions: { code: 'BAD_USER_INPUT', field: `input.${field}` } });
    expect(refused.message).toBe(`input.${field}: holds a NUL character; remove it.`);
  });

  it('a NUL character in a text of the operation itself, and takes the six characters that spell one', async () => {
    const client = await shop.key('contacts:read');
    for (const nul of ['\\u0000', '\\u{0}']) {
      for (const query of [
        `{ contacts(search: "a${nul}") { totalCount } }`,
        `{ contact(id: "ctc_${nul}") { name } }`,
      ]) {
        expect((await client.refused(query)).extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'query' });
      }
    }
    expect(await client.data('{ contacts(search: "a\\\\u0000") { totalCount } }')).toEqual({
      contacts: { totalCount: 0 },
    });
  });

  it('to clear a name', async () => {
    const client = await shop.key('contacts:write');
    const input = { id: shop.ids.contactId, name: null };
    const refused = await shop.writesNothing(() =>
      client.refused('mutation U($input: UpdateContactInput!) { updateContact(input: $input) { contact { id } } }', {
        input,
      }),
    );
    expect(refused.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.name' });
  });

  it('another contact under a used idempotencyKey', async () => {
    const client = await shop.key('contacts:write');
    await client.data(createBlind, { input: { name: 'First', idempotencyKey: 'used' } });
    const refused = await shop.writesNothing(() =>
      client.refused(createBlind, { input: { name: 'Second', idempotencyKey: 'used' } }),
    );
    expect(refused.extensions.code).toBe('IDEMPOTENCY_CONFLICT');
  });

  it('a key without the scope, before anything runs', async () => {
    const client = await shop.key('contacts:read');
    for (const [document, input] of [
      [create, { name: 'Nobody' }],
      [update, { id: shop.ids.contactId, name: 'Nobody' }],
    ] as const) {
      const refused = await shop.writesNothing(() => client.refused(document, { input }));
      expect(refused).toMatchObject({ status: 403, extensions: { missingScopes: ['contacts:write'] } });
    }
  });
});

describe('isolates', () => {
  it('a contact of another workspace as if it did not exist', async () => {
    const client = await shop.key('contacts:read', 'contacts:write');
    const { contactId } = shop.elsewhere.ids;
    await shop.looksUnknown(contactId, (id) => client.ask(read, { id }));
    await shop.looksUnknown(contactId, (id) => client.ask(update, { input: { id, name: 'Moved' } }));
    await shop.looksUnknown(contactId, (id) => client.ask('query N($id: ID!) { node(id: $id) { id } }', { id }));
  });

  it('the contacts of a workspace from the list of another', async () => {
    const client = await shop.key('contacts:read');
    const { contacts } = await client.data<{ contacts: { nodes: { id: string }[] } }>(
      '{ contacts(first: 100) { nodes { id } } }',
    );
    expect(contacts.nodes.map(({ id }) => id)).not.toContain(shop.elsewhere.ids.contactId);
  });

  it('an idempotencyKey of one workspace from another', async () => {
    const client = await shop.signIn(shop.elsewhere);
    const input = { name: 'Far', idempotencyKey: 'used' };
    const { createContact } = await client.data<Made>(createBlind, { input });
    expect(createContact.contact.id).toMatch(/^ctc_/);
  });
});

describe('records', () => {
  it('who created and changed which fields, by which scope, and never their values', async () => {
    const client = await shop.key('contacts:read', 'contacts:write');
    const { createContact } = await client.data<Made>(create, { input: whole });
    const { id: subjectId } = createContact.contact;
    const by = { actorKind: 'ACCOUNT_KEY', actorId: client.keyId, allowedBy: 'contacts:write', outcome: 'DONE' };
    const created = await shop.lastEntry('contact.create');
    expect(created).toMatchObject({ subjectId, ...by });
    expect(created.details).toEqual({ fields: expect.arrayContaining(Object.keys(whole)) });
    await client.data(update, { input: { id: subjectId, notes: 'Moved away.', isOptedOut: true } });
    const updated = await shop.lastEntry('contact.update');
    expect(updated).toMatchObject({ subjectId, ...by, details: { fields: ['notes', 'optedOutAt'] } });
    expect(JSON.stringify([created, updated])).not.toMatch(/Carmen|carmen@|Moved/);
  });

  it('a person by the role that let them', async () => {
    await shop.owner.data(createBlind, { input: { name: 'By hand' } });
    const entry = await shop.lastEntry('contact.create');
    expect(entry).toMatchObject({ actorKind: 'SESSION', actorId: shop.place.userId, apiKeyId: null });
  });

  it('an event beside the change', async () => {
    await shop.owner.data(createBlind, { input: { name: 'Told' } });
    const { subjectId } = await shop.lastEntry('contact.create');
    const events = await shop.database.owner.event.findMany({ where: { subjectId: subjectId ?? '' } });
    expect(events.map(({ type }) => type)).toEqual(['contact.created']);
  });

  it('a refusal, naming the scope that is missing', async () => {
    const client = await shop.key('contacts:read');
    const refused = await client.refused(createBlind, { input: { name: 'Nobody' } });
    expect(said(refused)).toMatchObject({ code: 'FORBIDDEN' });
    const entry = await shop.lastEntry('access.refused');
    expect(entry).toMatchObject({ actorId: client.keyId, outcome: 'REFUSED' });
    expect(entry.details).toMatchObject({ code: 'FORBIDDEN', missingScopes: ['contacts:write'] });
  });
});
