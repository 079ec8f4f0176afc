// How many statements a hot write costs, with its audit entry and events, counted below everything; and that Prisma, whose
// way to a row costs several times the row itself, has no part in them.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newId } from '../../src/platform/ids.js';
import type { Client } from '../support/client.js';
import { type Harness, startHarness } from '../support/harness.js';
import { type StatementWatch, watchStatements } from './statements.js';

let harness: Harness;
let watch: StatementWatch;
let client: Client;
const [contactId, inboxId, conversationId] = [newId('ctc'), newId('inb'), newId('cnv')];

beforeAll(async () => {
  watch = watchStatements({ all: true });
  harness = await startHarness({ works: false });
  const { workspaceId } = harness.place;
  const { owner: db } = harness.database;
  await db.contact.create({ data: { workspaceId, id: contactId, name: 'Amelia', email: 'amelia@example.com' } });
  await db.inbox.create({ data: { workspaceId, id: inboxId, channel: 'EMAIL', address: 'shop@example.com' } });
  await db.conversation.create({
    data: { workspaceId, id: conversationId, channel: 'EMAIL', contactId, inboxId },
  });
  const account = { balanceCredits: 1_000 };
  await db.creditAccount.upsert({ where: { workspaceId }, create: { workspaceId, ...account }, update: account });
  client = harness.as(await harness.createKey({ kind: 'ACCOUNT', scopes: ['contacts:*', 'messages:*'] }));
});
afterAll(async () => {
  watch?.stop();
  await harness?.stop();
});

/** Beginnings and ends, which travel with other statements; what links the trail, counts uses and fetches jobs. */
const BESIDE =
  /^(BEGIN|COMMIT|ROLLBACK|SET|LISTEN)\b|audit_(link|checkpoint)|FROM ("public"\.)?"?audit_entry|pg_advisory|^WITH used AS|pgboss|^SELECT 1$/;

async function statementsOf(document: string, variables: () => object): Promise<string[]> {
  // Once before, so that it is known to all caches.
  await client.data(document, variables());
  await sleep(100);
  watch.take();
  await client.data(document, variables());
  return watch.take().filter((text) => !BESIDE.test(text.trim()));
}

it.each([
  {
    name: 'a draft',
    document: 'mutation ($input: CreateDraftInput!) { createDraft(input: $input) { messageId message { id body } } }',
    input: () => ({ conversationId, body: 'It arrives tomorrow.' }),
    // The key, the rules, the conversation, the message, the entry, the event.
    max: 6,
  },
  {
    name: 'a contact',
    document: 'mutation ($input: CreateContactInput!) { createContact(input: $input) { contact { id name } } }',
    input: () => ({ name: 'Bea', email: 'bea@example.com' }),
    max: 5,
  },
  {
    name: 'a change of a contact',
    document: 'mutation ($input: UpdateContactInput!) { updateContact(input: $input) { contact { id name } } }',
    input: () => ({ id: contactId, company: 'Halberd' }),
    max: 6,
  },
  {
    name: 'a message that waits for approval',
    document: `mutation ($input: SendMessageInput!) {
      sendMessage(input: $input) { messageId status effect { id status seal price } } }`,
    input: () => ({ conversationId, body: 'It arrives tomorrow.', idempotencyKey: newId('msg') }),
    // One of them for the key of the person, under which the payload is stored.
    max: 19,
  },
])('$name takes at most $max statements, none of them of Prisma', async ({ document, input, max }) => {
  const statements = await statementsOf(document, () => ({ input: input() }));
  expect(statements.length, statements.join('\n')).toBeGreaterThan(3);
  expect(statements.length, statements.join('\n')).toBeLessThanOrEqual(max);
  expect(statements.filter((text) => text.includes('"public".'))).toEqual([]);
});
