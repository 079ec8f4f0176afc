// The calls that do without Prisma answer what Prisma answers, and stand behind the guard alone: connected as the owner, so
// that row-level security judges nothing.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Prisma } from '../../src/generated/prisma/client.js';
import { asSystem } from '../../src/guard/as-system.js';
import { confine } from '../../src/guard/confine.js';
import { confineTransaction, type GuardedDb, inTenant, rowKey, type Tenant } from '../../src/guard/guarded-db.js';
import { plainCall } from '../../src/guard/plain-call.js';
import type { Model } from '../../src/guard/tenancy.js';
import { newId } from '../../src/platform/ids.js';
import { openTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
const organizationId = newId('org');
const tenant = (workspaceId: string): Tenant => ({ organizationId, workspaceId, agentId: null });
const [ours, theirs] = [tenant(newId('wsp')), tenant(newId('wsp'))];
const [mine, other, foreign] = [newId('ctc'), newId('ctc'), newId('ctc')];

beforeAll(async () => {
  database = await openTestDatabase({ walls: 'guard' });
  const { owner: db } = database;
  await db.organization.create({ data: { id: organizationId, name: 'Halberd' } });
  for (const { workspaceId } of [ours, theirs]) {
    await db.workspace.create({ data: { id: workspaceId, organizationId, name: 'Shop' } });
  }
  const { workspaceId } = ours;
  await db.contact.create({ data: { workspaceId, id: mine, name: "O'Hara", notes: 'a "word"\n' } });
  await db.contact.create({ data: { workspaceId, id: other, name: 'Bea', email: 'bea@example.com' } });
  await db.contact.create({ data: { workspaceId: theirs.workspaceId, id: foreign, name: 'Theirs' } });
});
afterAll(() => database?.close());

type Ask = (db: GuardedDb) => Promise<unknown>;
const straight = (ask: Ask, as = ours): Promise<unknown> => inTenant(database, as, ask);
const byPrisma = (ask: Ask, as = ours): Promise<unknown> =>
  asSystem(database, 'compare', async (tx) => ask(await confineTransaction(tx, as)));

/** What every call that is said in SQL would be, so that the comparison below compares two ways. */
const isPlain = (model: Model, operation: string, args: object): boolean =>
  plainCall(model, operation, confine(model, operation, args, ours, 'both')) !== null;

describe('answers what Prisma answers', () => {
  const reads: readonly (readonly [string, string, object])[] = [
    ['one by its id', 'findFirst', { where: { id: mine } }],
    ['one by its key', 'findUnique', { where: { workspaceId_id: { workspaceId: ours.workspaceId, id: mine } } }],
    ['none', 'findFirst', { where: { id: newId('ctc') } }],
    ['what has no value', 'findMany', { where: { email: null }, orderBy: { id: 'asc' } }],
    ['what is left out', 'findMany', { where: { email: undefined }, orderBy: [{ name: 'desc' }, { id: 'asc' }] }],
    ['some of many', 'findMany', { where: { id: { in: [mine, foreign] } }, orderBy: { id: 'asc' }, take: 5 }],
    ['of nothing', 'findMany', { where: { id: { in: [] } } }],
    ['some fields', 'findFirst', { where: { id: other }, select: { email: true, createdAt: true, notes: false } }],
    ['how many', 'count', { where: { name: 'Bea' } }],
  ];
  it.each(reads)('%s', async (_name, operation, args) => {
    expect(isPlain('Contact', operation, args)).toBe(true);
    const ask: Ask = (db) =>
      (db.contact as unknown as Record<string, (given: object) => Promise<unknown>>)[operation]?.(
        args,
      ) as Promise<unknown>;
    expect(await straight(ask)).toEqual(await byPrisma(ask));
  });

  it('rows that were made, changed and deleted, of every type of column', async () => {
    const id = newId('eff');
    const data = {
      ...{ id, kind: 'message.send', status: 'AWAITING_APPROVAL', actorKind: 'SESSION', actorId: newId('usr') },
      ...{ scopes: ['messages:send', 'a,b', '{"'], priceCredits: 3, priceBook: '1', seal: '' },
      ...{ payload: { text: 'ä\n"', list: [1, null, { deep: true }] }, rule: ['x'], failure: Prisma.DbNull },
      ...{ isSandbox: true, requestId: 'r', expiresAt: new Date('2027-03-28T01:30:00.123Z') },
    } as const;
    const made = await straight((db) => db.effect.create({ data: { ...data, scopes: [...data.scopes] } as never }));
    const read: Ask = (db) => db.effect.findFirst({ where: { id } });
    expect(made).toEqual(await byPrisma(read));
    expect(made).toMatchObject({ ...data, failure: null, workspaceId: ours.workspaceId, agentId: null });
    const changes = { status: 'QUEUED', result: { ok: 'yes' } } as const;
    const changed = await straight((db) => db.effect.update({ where: rowKey(db, id), data: changes }));
    expect(changed).toEqual(await byPrisma(read));
    expect(changed).toMatchObject(changes);
    const [before, after] = [made, changed].map((row) => (row as { updatedAt: Date }).updatedAt.getTime());
    expect(after).toBeGreaterThanOrEqual(before ?? Number.NaN);
    expect(await straight((db) => db.effect.updateMany({ where: { id, status: 'SUCCEEDED' }, data: changes }))).toEqual(
      { count: 0 },
    );
    expect(await straight((db) => db.effect.delete({ where: rowKey(db, id) }))).toEqual(changed);
    expect(await byPrisma(read)).toBeNull();
  });

  it.each([
    ['findFirst', { where: { OR: [{ name: 'Bea' }] } }],
    ['findFirst', { where: { name: { contains: 'B' } } }],
    ['findFirst', { where: { conversations: { some: {} } } }],
    ['findFirst', { where: {}, include: { conversations: true } }],
    ['findMany', { where: {}, skip: 1 }],
    ['create', { data: { id: mine, name: { set: 'x' } } }],
    ['update', { where: { id: mine }, data: { name: { set: 'x' } } }],
    ['findFirst', { where: { 'id" = id OR "id': mine } }],
    ['upsert', { where: { id: mine }, create: {}, update: {} }],
  ])('and leaves to it what says more: %s %j', (operation, args) => {
    expect(isPlain('Contact', operation, args)).toBe(false);
  });
});

describe('by the guard alone', () => {
  it('finds, counts, changes and deletes nothing of another workspace', async () => {
    const key = { workspaceId_id: { workspaceId: theirs.workspaceId, id: foreign } };
    expect(await straight((db) => db.contact.findFirst({ where: { id: foreign } }))).toBeNull();
    expect(await straight((db) => db.contact.findUnique({ where: key }))).toBeNull();
    expect(await straight((db) => db.contact.count())).toBe(2);
    expect(await straight((db) => db.contact.findMany().then((rows) => rows.map(({ id }) => id).sort()))).toEqual(
      [mine, other].sort(),
    );
    expect(await straight((db) => db.contact.updateMany({ where: { id: foreign }, data: { name: 'Ours' } }))).toEqual({
      count: 0,
    });
    for (const gone of [
      straight((db) => db.contact.update({ where: key, data: { name: 'Ours' } })),
      straight((db) => db.contact.delete({ where: key })),
    ]) {
      await expect(gone).rejects.toMatchObject({ code: 'P2025' });
    }
    expect(await byPrisma((db) => db.contact.findFirst({ where: { id: foreign } }), theirs)).toMatchObject({
      name: 'Theirs',
    });
  });
});
