// Two writes that come into each other's way: the one that comes second is told so, in a sentence it can act on. On the real
// server alone, since the embedded one lets nobody in while a transaction is open.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Prisma } from '../../src/generated/prisma/client.js';
import { newId } from '../../src/platform/ids.js';
import { isLostRace, isRepeatable } from '../../src/platform/lost-race.js';
import { type Shop, sending, startShop } from './shop.js';

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
});
afterAll(() => shop?.stop());

const makeInbox = async (): Promise<string> => {
  const id = newId('inb');
  const { workspaceId } = shop.place;
  await shop.database.owner.inbox.create({
    data: { workspaceId, id, channel: 'EMAIL', address: `${id}@shop.example` },
  });
  return id;
};

/** Runs `ask` while `write` is not committed yet, and commits once `ask` waits for it. */
async function against<T>(
  write: (db: Prisma.TransactionClient) => Promise<unknown>,
  ask: () => Promise<T>,
): Promise<T> {
  let asked: Promise<T> | null = null;
  await shop.database.owner.$transaction(async (db) => {
    await write(db);
    asked = ask();
    await waitsForLock();
  });
  if (asked === null) throw new Error('Nothing was asked.');
  return asked;
}

async function waitsForLock(): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const { rows } = await shop.database.executeAsOwner(
      `SELECT count(*)::int AS waiting FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    if (Number(rows[0]?.waiting) > 0) return;
    await sleep(25);
  }
  throw new Error('Nobody came to wait for the lock.');
}

it('an inbox through which a conversation has just begun is not deleted, with CONFLICT', async () => {
  const inboxId = await makeInbox();
  const { workspaceId } = shop.place;
  const refused = await against(
    (db) => db.conversation.create({ data: { workspaceId, id: newId('cnv'), channel: 'EMAIL', inboxId } }),
    () => shop.owner.refused('mutation D($id: ID!) { deleteInbox(input: { id: $id }) { deletedId } }', { id: inboxId }),
  );
  expect(refused.extensions.code).toBe('CONFLICT');
  expect(refused.message).toContain('changed by somebody else at the same moment');
  expect(await shop.database.owner.inbox.count({ where: { id: inboxId } })).toBe(1);
});

it('a conversation does not begin through an inbox that was just deleted, with CONFLICT, and nothing of it stays', async () => {
  const inboxId = await makeInbox();
  const { contactId } = shop.ids;
  const before = await shop.database.owner.message.count();
  const refused = await against(
    (db) => db.inbox.deleteMany({ where: { id: inboxId } }),
    () => shop.owner.refused(sending, { input: { contactId, inboxId, body: 'Hello.' } }),
  );
  expect(refused.extensions.code).toBe('CONFLICT');
  expect(await shop.database.owner.message.count()).toBe(before);
});

it('what is gone by the time it is changed is a CONFLICT, too', async () => {
  const inboxId = await makeInbox();
  const refused = await against(
    (db) => db.inbox.deleteMany({ where: { id: inboxId } }),
    () =>
      shop.owner.refused('mutation U($id: ID!) { updateInbox(input: { id: $id, name: "New" }) { inbox { id } } }', {
        id: inboxId,
      }),
  );
  expect(refused.extensions.code).toBe('CONFLICT');
});

it('a deadlock and a snapshot that was overtaken are known by whatever statement met them', async () => {
  const { owner } = shop.database;
  const [first, second] = [await makeInbox(), await makeInbox()];
  const touch = (db: Prisma.TransactionClient, id: string, how: 'raw' | 'prisma') =>
    how === 'raw'
      ? db.$executeRaw`UPDATE inbox SET name = 'x' WHERE id = ${id}`
      : db.inbox.updateMany({ where: { id }, data: { name: 'x' } });
  for (const how of ['raw', 'prisma'] as const) {
    const cross = (one: string, other: string) =>
      owner.$transaction(async (db) => {
        await touch(db, one, how);
        await sleep(300);
        await touch(db, other, how);
      });
    const settled = await Promise.allSettled([cross(first, second), cross(second, first)]);
    const errors = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
    expect(errors.map((error) => [isLostRace(error), isRepeatable(error)])).toEqual([[true, true]]);

    const overtaken = owner.$transaction(
      async (db) => {
        await db.inbox.count();
        await touch(owner, first, how);
        await touch(db, first, how);
      },
      { isolationLevel: 'Serializable' },
    );
    const error = await overtaken.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect([isLostRace(error), isRepeatable(error)]).toEqual([true, true]);
  }
  expect([isLostRace(new Error('no')), isRepeatable(new TypeError('no'))]).toEqual([false, false]);
});
