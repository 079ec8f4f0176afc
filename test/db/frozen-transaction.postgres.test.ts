// A process that stands still inside a transaction holds its locks no longer than the database bears it.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newId } from '../../src/platform/ids.js';
import { openTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
const id = newId('org');
beforeAll(async () => {
  database = await openTestDatabase();
  await database.owner.organization.create({ data: { id, name: 'Acme' } });
});
afterAll(() => database?.close());

it('both pools end a transaction in which nothing happens for a quarter of a minute', async () => {
  for (const client of [database.owner, database.bound]) {
    const [row] = await client.$queryRaw<
      { idle_in_transaction_session_timeout: string }[]
    >`SHOW idle_in_transaction_session_timeout`;
    expect(row?.idle_in_transaction_session_timeout).toBe('15s');
  }
});

it('what it had written is taken back, others go on, and the process survives it', async () => {
  const frozen = database.owner.$transaction(async (tx) => {
    await tx.organization.update({ where: { id }, data: { name: 'Frozen' } });
    await tx.$executeRaw`SET LOCAL idle_in_transaction_session_timeout = '300ms'`;
    await sleep(1_500);
    await tx.organization.update({ where: { id }, data: { name: 'Thawed' } });
  });
  const outcome = frozen.then(
    () => 'committed',
    () => 'taken back',
  );
  await sleep(50);
  const began = Date.now();
  await database.owner.organization.update({ where: { id }, data: { name: 'Others' } });
  expect(Date.now() - began).toBeLessThan(1_200);
  expect(await outcome).toBe('taken back');
  expect((await database.owner.organization.findUniqueOrThrow({ where: { id } })).name).toBe('Others');
});
