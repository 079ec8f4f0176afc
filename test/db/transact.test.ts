// A transaction that is not Prisma's: what is sent without waiting, what Prisma does in it, and its end.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { OpenTransaction } from '../../src/db/database.js';
import { newId } from '../../src/platform/ids.js';
import { openTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
const [organizationId, workspaceId] = [newId('org'), newId('wsp')];
const opening = `SET LOCAL app.workspace_id TO '${workspaceId}'`;
beforeAll(async () => {
  database = await openTestDatabase();
  await database.owner.organization.create({ data: { id: organizationId, name: 'Halberd' } });
  await database.owner.workspace.create({ data: { id: workspaceId, organizationId, name: 'Shop' } });
});
afterAll(() => database?.close());

const insert = 'INSERT INTO contact (workspace_id, id, name) VALUES ($1, $2, $3)';
const values = (name: string) => [workspaceId, newId('ctc'), name];
const names = async () => (await database.owner.contact.findMany()).map(({ name }) => name).sort();
const emptied = () => database.owner.contact.deleteMany();

it('keeps what was sent, what was waited for and what Prisma wrote, all of it or nothing', async () => {
  const write = async (tx: OpenTransaction) => {
    await tx.send(insert, values('sent'));
    await tx.query(insert, values('waited for'));
    const prisma = await tx.prisma();
    await prisma.contact.create({ data: { workspaceId, id: newId('ctc'), name: 'by Prisma' } });
    expect(await prisma.contact.count()).toBe(3);
    expect(await tx.query('SELECT id FROM contact', [])).toHaveLength(3);
  };
  await database.transact(opening, write);
  expect(await names()).toEqual(['by Prisma', 'sent', 'waited for']);
  await emptied();
  const broken = database.transact(opening, async (tx) => {
    await write(tx);
    throw new Error('not this time');
  });
  await expect(broken).rejects.toThrow('not this time');
  expect(await names()).toEqual([]);
});

it('keeps nothing when a statement failed that nobody waited for, and says why', async () => {
  for (const after of [async () => undefined, (tx: OpenTransaction) => tx.query('SELECT 1', [])]) {
    const failing = database.transact(opening, async (tx) => {
      await tx.query(insert, values('before'));
      await tx.send(insert, [newId('wsp'), newId('ctc'), 'of another']);
      await after(tx);
    });
    await expect(failing).rejects.toThrow(/row-level security/);
  }
  expect(await names()).toEqual([]);
});

it('gives an answer that nobody waited for once the transaction has ended, and fails with it', async () => {
  const { value } = await database.transact(opening, (tx) =>
    tx.late(tx.query(`${insert} RETURNING name`, values('late'))),
  );
  expect(await value).toEqual([{ name: 'late' }]);
  expect(await names()).toEqual(['late']);
  await emptied();
  const failing = database.transact(opening, async (tx) => {
    await tx.query(insert, values('before'));
    const late = await tx.late(tx.query(insert, [newId('wsp'), newId('ctc'), 'of another']));
    await tx.send(insert, values('after'));
    return late;
  });
  await expect(failing).rejects.toThrow(/row-level security/);
  expect(await names()).toEqual([]);
});

it('keeps nothing when a failure was swallowed', async () => {
  const swallowed = database.transact(opening, async (tx) => {
    await tx.query(insert, values('before'));
    await tx.query('SELECT 1 / 0', []).catch(() => undefined);
  });
  await expect(swallowed).rejects.toThrow(/nothing was kept/);
  expect(await names()).toEqual([]);
});

/** Lets everybody through once so many have come. */
function gate(count: number): () => Promise<void> {
  let left = count;
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return () => {
    left -= 1;
    if (left === 0) open();
    return opened;
  };
}

it('binds every one of many at once to its own workspace, also where Prisma joins them all in one moment', async () => {
  const others = Array.from({ length: 8 }, () => newId('wsp'));
  await database.owner.workspace.createMany({ data: others.map((id) => ({ id, organizationId, name: 'Other' })) });
  // The embedded engine takes one after the other.
  const together = gate(database.engine === 'server' ? others.length : 1);
  await Promise.all(
    others.map((id) =>
      database.transact(`SET LOCAL app.workspace_id TO '${id}'`, async (tx) => {
        await tx.query(insert, [id, newId('ctc'), id]);
        await together();
        const prisma = await tx.prisma();
        expect((await prisma.contact.findMany()).map(({ name }) => name)).toEqual([id]);
        expect(await tx.query('SELECT name FROM contact', [])).toEqual([{ name: id }]);
      }),
    ),
  );
  // Nothing of it stays on a connection.
  expect(await database.query('rest', 'SELECT id FROM contact', [])).toEqual([]);
  await emptied();
});
