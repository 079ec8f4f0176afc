// A transaction that is kept on a condition: whoever hears how it ended has heard before whether the condition held.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { inTenant } from '../../src/guard/guarded-db.js';

const tenant = { organizationId: 'org_1', workspaceId: 'wsp_1', agentId: null };
/** Ends at once, and answers later: what the connection promises of the order is left out. */
const database = (answer: () => Promise<never[]>) =>
  ({
    transact: async (_opening: string, run: (tx: object) => Promise<unknown>) =>
      run({
        query: async () => {
          await sleep(20);
          return answer();
        },
        late: async (value: Promise<unknown>) => {
          value.catch(() => undefined);
          return { value };
        },
      }),
  }) as never;

it.each([
  ['is kept', async () => 'kept'],
  ['is taken back', () => Promise.reject(new Error('no'))],
])('a transaction that %s ends after its condition was judged', async (_title, run) => {
  let isMet = false;
  const condition = {
    text: 'SELECT 1',
    values: [],
    met: () => {
      isMet = true;
    },
  };
  await inTenant(
    database(async () => []),
    tenant,
    run,
    'both',
    condition,
  ).catch(() => undefined);
  expect(isMet).toBe(true);
});
