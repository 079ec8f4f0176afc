// Tokens that travel by mail, where two jobs come to the same person at once.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeToken, wasJustMade } from '../../src/auth/person-token.js';
import { asSystem } from '../../src/guard/as-system.js';
import { newId } from '../../src/platform/ids.js';
import { openTestDatabase, type TestDatabase } from '../support/database.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database?.close());

/** As the job does: nothing more is made where one was made just now. */
const makeUnlessJustMade = (subject: string): Promise<boolean> =>
  asSystem(database, 'write a mail', async (db) => {
    if (await wasJustMade(db, 'password-reset', subject)) return false;
    await makeToken(db, 'password-reset', subject);
    // The rest of the work, during which another may come.
    await sleep(50);
    return true;
  });

it('makes one for each person, however many ask at once', async () => {
  const subjects = [newId('usr'), newId('usr')];
  const made = await Promise.all([...subjects, ...subjects, ...subjects].map(makeUnlessJustMade));
  expect(made.filter(Boolean)).toHaveLength(2);
  const tokens = await database.owner.verification.findMany({ where: { value: { in: subjects } } });
  expect(tokens.map(({ value }) => value).sort()).toEqual([...subjects].sort());
});
