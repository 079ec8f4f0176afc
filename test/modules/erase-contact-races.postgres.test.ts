// Whoever erases or merges a person and whoever asks for something about them take their locks in one order, so neither is
// ended by PostgreSQL for waiting in a circle. On the real server alone, since the embedded one lets nobody in while a
// transaction is open.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { newId } from '../../src/platform/ids.js';
import type { Answer, Client } from '../support/client.js';
import { account, askToErase, confirmed, heldUpdates, personIn } from './people.js';
import { type Asked, type Sent, type Shop, sending, startShop } from './shop.js';

vi.setConfig({ testTimeout: 180_000 });

let shop: Shop;
let admin: Client;
beforeAll(async () => {
  shop = await startShop({ rules: [{ ...heldUpdates, when: { kinds: ['contact.update'] } }] });
  admin = await shop.signIn(await shop.addPerson('ADMIN'));
});
afterAll(() => shop?.stop());

const rounds = 12;
const amend = `mutation A($id: ID!, $changes: JSON!) {
  amendEffect(input: { effectId: $id, changes: $changes }) { effect { id } } }`;
const settle = `mutation S($id: ID!) {
  settleEffect(input: { effectId: $id, status: SUCCEEDED, comment: "Looked it up." }) { effect { id } } }`;
const change = 'mutation U($input: UpdateContactInput!) { updateContact(input: $input) { effect { id } } }';
const merge = `mutation M($id: ID!, $duplicateId: ID!) {
  mergeContacts(input: { id: $id, duplicateId: $duplicateId }) { effect { id status seal } } }`;

/** What was ended for waiting in a circle. A connection tells of itself at the end of a transaction, once a second at most. */
async function deadlocks(): Promise<number> {
  await sleep(1_200);
  await Promise.all(Array.from({ length: 40 }, () => shop.database.owner.$queryRaw`SELECT pg_sleep(0.05)::text`));
  await Promise.all(
    Array.from({ length: 40 }, (_, n) =>
      shop.owner.data('mutation ($n: String!) { createContact(input: { name: $n }) { contact { id } } }', {
        n: `${n}`,
      }),
    ),
  );
  const { rows } = await shop.database.executeAsOwner(
    'SELECT deadlocks::int AS n FROM pg_stat_database WHERE datname = current_database()',
  );
  return Number(rows[0]?.n);
}

/** Resolves once so many wait for a row of an effect. */
async function waiters(count: number): Promise<void> {
  const waiting = `SELECT count(*)::int AS n FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%FROM effect e%'`;
  await expect
    .poll(async () => (await shop.database.executeAsOwner(waiting)).rows[0]?.n, { timeout: 20_000 })
    .toBe(count);
}

/** How often the queue had to do over what these effects asked for. */
async function retries(effectIds: readonly string[]): Promise<number> {
  const { rows } = await shop.database.executeAsOwner(
    'SELECT COALESCE(sum(retry_count), 0)::int AS n FROM pgboss.job WHERE singleton_key = ANY($1::text[])',
    [effectIds],
  );
  return Number(rows[0]?.n);
}

/** A person with messages that wait, each with its money, drafts that nobody has sent, and what nobody can tell of. */
async function busyPerson(word: string) {
  const person = await personIn(shop, word);
  const waiting = await Promise.all(Array.from({ length: 6 }, (_, n) => person.send(`Waiting ${n}`)));
  const { conversationId } = await shop.database.owner.message.findFirstOrThrow({
    where: { effectId: waiting[0]?.id ?? '' },
  });
  const drafts = await Promise.all(
    Array.from({ length: 6 }, async (_, n) => {
      const { createDraft } = await person.client.data<{ createDraft: { message: { id: string } } }>(
        'mutation D($input: CreateDraftInput!) { createDraft(input: $input) { message { id } } }',
        { input: { conversationId, body: `Draft ${n}` } },
      );
      return createDraft.message.id;
    }),
  );
  const unsure = await Promise.all(
    Array.from({ length: 6 }, async (_, n) => {
      const { id } = await person.send(`Unsure ${n}`);
      await shop.database.owner.effect.updateMany({ where: { id }, data: { status: 'UNCERTAIN' } });
      return id;
    }),
  );
  return { ...person, waiting, conversationId, drafts, unsure };
}

/** Everything that can be asked for about a person, by their key and by a person who decides, a moment apart. */
function askAround(person: Awaited<ReturnType<typeof busyPerson>>) {
  const { contactId, client, waiting, conversationId, drafts, unsure } = person;
  const asks: ((n: number) => Promise<Answer<unknown>>)[] = [
    (n) => client.ask<Sent>(sending, { input: { contactId, subject: 'New', body: `New ${n}` } }),
    (n) => client.ask<Sent>(sending, { input: { conversationId, body: `More ${n}` } }),
    (n) => client.ask<Sent>(sending, { input: { messageId: drafts[Math.floor(n / asks.length)] ?? '' } }),
    (n) => client.ask(change, { input: { id: contactId, notes: `Held ${n}` } }),
    (n) => shop.owner.ask(settle, { id: unsure[Math.floor(n / asks.length)] }),
    (n) => shop.owner.ask(amend, { id: waiting[n % waiting.length]?.id, changes: { body: `Amended ${n}` } }),
  ];
  return Array.from({ length: 36 }, async (_, n) => {
    await sleep(n * 6);
    return asks[n % asks.length]?.(n) as Promise<Answer<unknown>>;
  });
}

async function requireBooked(): Promise<void> {
  const { _sum } = await shop.database.owner.ledgerEntry.aggregate({
    where: { workspaceId: shop.place.workspaceId },
    _sum: { balanceDelta: true, reservedDelta: true },
  });
  const { balanceCredits, reservedCredits } = await account(shop);
  expect([reservedCredits]).toEqual([_sum.reservedDelta ?? 0]);
  expect(balanceCredits).toBeGreaterThanOrEqual(reservedCredits);
}

const codesOf = (answers: readonly Answer<unknown>[]): readonly string[] =>
  answers.flatMap(({ errors }) => errors.map(({ extensions }) => String(extensions.code)));

it('a person about whom much is asked is erased at once, and nobody who asks is ended for it', async () => {
  const before = await deadlocks();
  for (let round = 0; round < rounds; round++) {
    const person = await busyPerson(`racer${round}`);
    const { contactId } = person;
    const erasing = await askToErase(admin, contactId);
    const asking = askAround(person);
    const ended = await confirmed(shop, admin, erasing);
    // What comes too late learns that the person is gone.
    for (const code of codesOf(await Promise.all(asking))) expect(['NOT_FOUND', 'CONFLICT']).toContain(code);
    expect(ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(await retries([erasing.id])).toBe(0);
    const { owner } = shop.database;
    expect(
      await owner.effect.count({ where: { contactId, status: { notIn: ['CANCELLED', 'UNCERTAIN', 'SUCCEEDED'] } } }),
    ).toBe(0);
    expect(await owner.conversation.count({ where: { contactId } })).toBe(0);
    await requireBooked();
  }
  expect(await deadlocks()).toBe(before);
});

it('the same of a person who becomes a part of another', async () => {
  const before = await deadlocks();
  for (let round = 0; round < rounds; round++) {
    const [stays, goes] = [await personIn(shop, `stayer${round}`), await busyPerson(`goer${round}`)];
    const ids = { id: stays.contactId, duplicateId: goes.contactId };
    const { mergeContacts } = await admin.data<{ mergeContacts: { effect: Asked } }>(merge, ids);
    const asking = askAround(goes);
    const ended = await confirmed(shop, admin, mergeContacts.effect);
    for (const code of codesOf(await Promise.all(asking))) expect(['NOT_FOUND', 'CONFLICT']).toContain(code);
    expect(ended).toMatchObject({ status: 'SUCCEEDED' });
    expect(await retries([mergeContacts.effect.id])).toBe(0);
    await requireBooked();
  }
  expect(await deadlocks()).toBe(before);
});

it('what came to be while it waited is not waited for with the person in hand', async () => {
  const { owner } = shop.database;
  const person = await personIn(shop, 'window');
  const early = await person.send('Early.');
  const erasing = await askToErase(admin, person.contactId);
  const lock = (db: Pick<typeof owner, '$queryRaw'>, id: string) =>
    db.$queryRaw`SELECT id FROM effect WHERE id = ${id} FOR UPDATE`;
  let ended: Promise<unknown> = Promise.resolve();
  let isLetGo = false;
  await owner.$transaction(
    async (late) => {
      await owner.$transaction(
        async (db) => {
          await lock(db, early.id);
          ended = confirmed(shop, admin, erasing);
          await waiters(1);
          // Asked for while the erasure waits for the first, and taken in hand by somebody at once.
          const { id } = await person.send('Late.');
          await lock(late, id);
        },
        { timeout: 20_000 },
      );
      // By now it waits for the second.
      await waiters(1);
      await late.$queryRaw`UPDATE message SET subject = 'Mine' WHERE contact_id = ${person.contactId}
        OR conversation_id IN (SELECT id FROM conversation WHERE contact_id = ${person.contactId}) RETURNING id`;
      await late.$queryRaw`SELECT contact_id FROM contact_key WHERE contact_id = ${person.contactId} FOR SHARE`;
      isLetGo = true;
    },
    { timeout: 20_000 },
  );
  expect(isLetGo).toBe(true);
  expect(await ended).toMatchObject({ status: 'SUCCEEDED' });
  expect(await retries([erasing.id])).toBe(0);
});

it('of two merges and an erasure of one person at once each ends without the queue, and one of them is done', async () => {
  for (let round = 0; round < rounds; round++) {
    const goes = await personIn(shop, newId('ctc'));
    await goes.send('Waiting.');
    const into = [await personIn(shop, newId('ctc')), await personIn(shop, newId('ctc'))];
    const asked: Pick<Asked, 'id' | 'seal'>[] = [await askToErase(admin, goes.contactId)];
    for (const { contactId: id } of into) {
      const ids = { id, duplicateId: goes.contactId };
      asked.push((await admin.data<{ mergeContacts: { effect: Asked } }>(merge, ids)).mergeContacts.effect);
    }
    const ended = await Promise.all(
      asked.map(async (effect) => {
        const answer = await admin.ask(
          'mutation C($id: ID!, $seal: String!) { confirmEffect(input: { effectId: $id, seal: $seal }) { effect { id } } }',
          { id: effect.id, seal: effect.seal },
        );
        return codesOf([answer]).length > 0 ? null : shop.ends(effect.id);
      }),
    );
    const done = ended.filter((one) => one?.status === 'SUCCEEDED');
    expect(done).toHaveLength(1);
    expect(await retries(asked.map(({ id }) => id))).toBe(0);
    expect(await shop.database.owner.contact.count({ where: { id: goes.contactId } })).toBe(0);
  }
});
