// A change whose key is looked up by its own transaction: judged by what the key is at that moment, done once or not at all,
// and counted once, whatever the transaction finds.
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { newId } from '../../src/platform/ids.js';
import { type StatementWatch, watchStatements } from '../graphql/statements.js';
import { type Harness, startHarness } from '../support/harness.js';

let harness: Harness;
let watch: StatementWatch;
beforeAll(async () => {
  watch = watchStatements({ all: true });
  harness = await startHarness({ works: false });
});
beforeEach(() => harness.database.owner.contact.deleteMany());
afterAll(async () => {
  watch?.stop();
  await harness?.stop();
});

const CREATE = 'mutation ($input: CreateContactInput!) { createContact(input: $input) { contact { id name } } }';
const contact = (name: string) => ({ input: { name } });
const names = async () => (await harness.database.owner.contact.findMany()).map(({ name }) => name).sort();

async function knownKey() {
  const { id, key } = await harness.createKey({ kind: 'ACCOUNT', scopes: ['contacts:read', 'contacts:write'] });
  const client = harness.as({ key });
  // Known to the door from now on.
  await client.data(CREATE, contact('first'));
  return { id, client, change: (data: object) => harness.database.owner.apiKey.update({ where: keyOf(id), data }) };
}
const keyOf = (id: string) => ({ workspaceId_id: { workspaceId: harness.place.workspaceId, id } });

/** Texts that look a key up, each with whether it is what a transaction requires. */
const lookUps = () =>
  watch
    .take()
    .filter((text) => text.includes('sallyport_find_key'))
    .map((text) => text.startsWith('SELECT 1 /'));

it('looks the key up in the transaction that changes something, and nowhere else', async () => {
  const { client } = await knownKey();
  watch.take();
  await client.data(CREATE, contact('second'));
  expect(lookUps()).toEqual([true]);
  expect(await names()).toEqual(['first', 'second']);
});

describe('the very next change is answered by what the key is then', () => {
  it.each([
    ['is narrowed', { scopes: ['contacts:read'] }, 403],
    ['is suspended', { status: 'SUSPENDED' }, 401],
    ['is revoked', { status: 'REVOKED', revokedAt: new Date() }, 401],
    ['has expired', { expiresAt: new Date(0) }, 401],
    ['may come from elsewhere only', { allowedIps: ['192.0.2.1'] }, 403],
  ])('it %s', async (_title, data, status) => {
    const { client, change } = await knownKey();
    await change(data);
    expect((await client.ask(CREATE, contact('second'))).status).toBe(status);
    expect(await names()).toEqual(['first']);
  });

  it('and done once where the key is still good for it, though not the same', async () => {
    const { client, change } = await knownKey();
    await change({ rpm: 1_000 });
    watch.take();
    await client.data(CREATE, contact('second'));
    // What the transaction required was not so; then the ordinary way, which judges first.
    expect(lookUps()).toEqual([true, false]);
    expect(await names()).toEqual(['first', 'second']);
    await client.data(CREATE, contact('third'));
    expect(lookUps()).toEqual([true]);
  });
});

it('tells errors of a change that was tried, and tries it once', async () => {
  const { client } = await knownKey();
  watch.take();
  const update = 'mutation ($input: UpdateContactInput!) { updateContact(input: $input) { contact { id } } }';
  const { code } = (await client.refused(update, { input: { id: newId('ctc'), name: 'x' } })).extensions;
  expect([code, lookUps()]).toEqual(['NOT_FOUND', [true]]);
  const invalid = await client.refused(CREATE, contact(''));
  expect([invalid.extensions.code, await names()]).toEqual(['BAD_USER_INPUT', ['first']]);
});

it('leaves to the ordinary way what the owner does, several changes, and what a fragment hides', async () => {
  const { client } = await knownKey();
  watch.take();
  const several = `mutation { a: createContact(input: { name: "a" }) { contact { id } } b: createContact(input: { name: "b" }) { contact { id } } }`;
  await client.data(several);
  const hidden = 'mutation { ...F } fragment F on Mutation { createContact(input: { name: "c" }) { contact { id } } }';
  await client.data(hidden);
  await client.data('mutation { revokeSelf { effect { id } } }');
  expect(lookUps()).toEqual([false, false, false]);
  expect(await names()).toEqual(['a', 'b', 'c', 'first']);
});

it('counts a request once, and its scopes, also where the ordinary way answered', async () => {
  const { id, client, change } = await knownKey();
  await client.data(CREATE, contact('second'));
  await change({ rpm: 1_000 });
  await client.data(CREATE, contact('third'));
  const { owner } = harness.database;
  // Written behind, within a second.
  await vi.waitFor(
    async () => {
      const { requestCount } = await owner.apiKey.findUniqueOrThrow({ where: keyOf(id) });
      const used = await owner.apiKeyScopeUse.findMany({ where: { keyId: id, scope: 'contacts:write' } });
      expect([Number(requestCount), used.map((one) => one.requestCount)]).toEqual([3, [3]]);
    },
    { timeout: 10_000, interval: 200 },
  );
});
