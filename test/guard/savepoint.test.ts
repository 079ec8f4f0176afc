import { afterAll, beforeAll, expect, it } from 'vitest';
import { type GuardedDb, inTenant } from '../../src/guard/guarded-db.js';
import { withSavepoint } from '../../src/guard/savepoint.js';
import { newId } from '../../src/platform/ids.js';
import { openTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
const [organizationId, workspaceId] = [newId('org'), newId('wsp')];
beforeAll(async () => {
  database = await openTestDatabase();
  await database.owner.organization.create({ data: { id: organizationId, name: 'Acme' } });
  await database.owner.workspace.create({ data: { id: workspaceId, organizationId, name: 'Main' } });
});
afterAll(() => database?.close());

const failing = async (): Promise<never> => {
  throw new Error('not this part');
};

it('a part that fails is taken back whole, also when a part of it had failed before', async () => {
  const write = (db: GuardedDb, name: string) =>
    db.contact.create({ data: { id: newId('ctc'), name, email: `${name}@example.com` } });
  await inTenant(database, { organizationId, workspaceId, agentId: null }, async (db) => {
    await write(db, 'before');
    const outer = withSavepoint(db, async () => {
      await write(db, 'outer');
      await withSavepoint(db, failing).catch(() => undefined);
      return failing();
    });
    await expect(outer).rejects.toThrow('not this part');
  });
  const names = (await database.owner.contact.findMany()).map(({ name }) => name);
  expect(names).toEqual(['before']);
});
