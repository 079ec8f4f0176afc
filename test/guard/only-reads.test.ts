// While a verdict is awaited a handle only reads, and what was refused is not written: in all ways a handle has of writing.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { asSystem } from '../../src/guard/as-system.js';
import { confineTransaction, type GuardedDb, inTenant, rowKey, type Tenant } from '../../src/guard/guarded-db.js';
import { sql } from '../../src/guard/sql.js';
import { newId } from '../../src/platform/ids.js';
import { openTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
const [organizationId, workspaceId, known] = [newId('org'), newId('wsp'), newId('ctc')];
const tenant: Tenant = { organizationId, workspaceId, agentId: null };

beforeAll(async () => {
  database = await openTestDatabase();
  await database.owner.organization.create({ data: { id: organizationId, name: 'Halberd' } });
  await database.owner.workspace.create({ data: { id: workspaceId, organizationId, name: 'Shop' } });
});
beforeEach(async () => {
  await database.owner.contact.deleteMany();
  await database.owner.contact.create({ data: { workspaceId, id: known, name: 'Amelia' } });
});
afterAll(() => database?.close());

const insert = (id: string) =>
  sql`INSERT INTO contact (workspace_id, id, name) VALUES (${workspaceId}, ${id}, ${'raw'})`;

/** One call that Prisma runs, one that it does not, raw ones of both kinds, a change and a removal. */
const WRITES: Readonly<Record<string, (db: GuardedDb) => Promise<unknown>>> = {
  create: (db) => db.contact.create({ data: { id: newId('ctc'), name: 'Bea' } }),
  'create by Prisma': (db) => db.contact.createMany({ data: [{ id: newId('ctc'), name: 'Bea' }] }),
  update: (db) => db.contact.update({ where: rowKey(db, known), data: { name: 'Bea' } }),
  delete: (db) => db.contact.delete({ where: rowKey(db, known) }),
  $sql: (db) => db.$sql(insert(newId('ctc'))),
  $send: (db) => db.$send(insert(newId('ctc'))),
};

const names = async () => (await database.owner.contact.findMany()).map(({ name }) => name).sort();

function verdict() {
  let [allow, refuse]: [() => void, () => void] = [() => undefined, () => undefined];
  const promise = new Promise<void>((resolve, reject) => {
    allow = resolve;
    refuse = () => reject(new Error('held'));
  });
  return { promise, allow, refuse };
}

const read = (db: GuardedDb) => db.contact.findFirst({ where: { id: known } });

it.each(Object.keys(WRITES))('%s waits for the verdict, while rows are read', async (name) => {
  await inTenant(database, tenant, async (db) => {
    const { promise, allow } = verdict();
    db.$onlyReadsUntil(promise);
    const order: string[] = [];
    const writing = WRITES[name]?.(db).then(() => order.push('written'));
    expect((await read(db))?.name).toBe('Amelia');
    order.push('allowed');
    allow();
    await writing;
    expect(order).toEqual(['allowed', 'written']);
  });
  expect(await names()).not.toEqual(['Amelia']);
});

it.each(Object.keys(WRITES))('%s is refused with the verdict, and goes on after it was taken away', async (name) => {
  const held = inTenant(database, tenant, async (db) => {
    const { promise, refuse } = verdict();
    db.$onlyReadsUntil(promise);
    const [before] = await Promise.allSettled([WRITES[name]?.(db), read(db), refuse()]);
    expect(before).toMatchObject({ status: 'rejected', reason: { message: 'held' } });
    await expect(WRITES[name]?.(db)).rejects.toThrow('held');
  });
  await held;
  expect(await names()).toEqual(['Amelia']);
  await inTenant(database, tenant, async (db) => {
    const { promise, refuse } = verdict();
    db.$onlyReadsUntil(promise);
    refuse();
    db.$onlyReadsUntil(null);
    await WRITES[name]?.(db);
  });
  expect(await names()).not.toEqual(['Amelia']);
});

it('holds in a transaction of the owner as well, where every call is Prisma’s', async () => {
  await asSystem(database, 'look at the guard', async (tx) => {
    const db = await confineTransaction(tx, tenant);
    const { promise, refuse } = verdict();
    db.$onlyReadsUntil(promise);
    refuse();
    for (const write of Object.values(WRITES)) await expect(write(db)).rejects.toThrow('held');
  });
  expect(await names()).toEqual(['Amelia']);
});
