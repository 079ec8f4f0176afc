// Two processes that serve one database count the same keys: what each saw adds up, and nothing is lost when they end.
import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { openKeyUsage } from '../../src/auth/key-usage.js';
import { SCOPES } from '../../src/guard/scopes.js';
import { systemClock } from '../../src/platform/clock.js';
import { buildOnce, openPlace, type Place } from '../cli/sallyport.js';
import { type Client, createClientFor } from '../support/client.js';
import { createTestDatabase } from '../support/database.js';
import { type AuthFixture, openAuthFixture } from './fixture.js';

// Each start of a server takes seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let place: Place;
let drop: () => Promise<void>;
let pool: pg.Pool;
beforeAll(async () => {
  await buildOnce();
  const database = await createTestDatabase({ isEmpty: true });
  drop = database.drop;
  pool = new pg.Pool({ connectionString: database.url, max: 4 });
  place = openPlace({ DATABASE_URL: database.url, SALLYPORT_SECRET: Buffer.alloc(32, 7).toString('base64') });
});
afterAll(async () => {
  place?.remove();
  await pool?.end();
  await drop?.();
});

it('two servers that end at once leave the sum of what they saw', async () => {
  const bootstrap = ['bootstrap', '--org', 'Halberd', '--workspace', 'Shop', '--email', 'olive@example.com'];
  const { workspaceId } = await place.json<{ workspaceId: string }>([...bootstrap, '--password', 'long enough']);
  await pool.query(`UPDATE workspace SET plan = 'scale'`);
  const make = ['keys', 'create', '--workspace', workspaceId, '--kind', 'account', '--name', 'k'];
  const made: { id: string; key: string }[] = [];
  for (let i = 0; i < 3; i++) {
    made.push(await place.json([...make, '--scopes', 'contacts:read,agents:read']));
  }
  const servers = [await place.serve(['serve', '--no-jobs']), await place.serve(['serve', '--no-jobs'])];
  const ask = (client: Client, query: string) => client.data(query);
  await Promise.all(
    servers.flatMap(({ url }) =>
      made.flatMap((key) => {
        const client = createClientFor(url)(key);
        return [
          ...Array.from({ length: 15 }, () => ask(client, '{ contacts { totalCount } }')),
          ...Array.from({ length: 5 }, () => ask(client, '{ contacts { totalCount } agents { totalCount } }')),
        ];
      }),
    ),
  );
  for (const { code } of await Promise.all(servers.map((server) => server.stop()))) expect(code).toBe(0);
  for (const { id } of made) {
    const count = async (text: string) => (await pool.query(text, [id])).rows;
    expect(await count('SELECT request_count FROM api_key WHERE id = $1')).toEqual([{ request_count: 40 }]);
    expect(await count('SELECT request_count FROM api_key_secret_use WHERE key_id = $1')).toEqual([
      { request_count: 40 },
    ]);
    expect(await count('SELECT scope, request_count FROM api_key_scope_use WHERE key_id = $1 ORDER BY 1')).toEqual([
      { scope: 'agents:read', request_count: 10 },
      { scope: 'contacts:read', request_count: 40 },
    ]);
  }
});

it('two processes that count the same keys in different orders never wait for each other in a circle', async () => {
  const auth: AuthFixture = await openAuthFixture();
  try {
    const { workspaceId, database } = auth;
    const made: string[] = [];
    for (let i = 0; i < 12; i++) made.push((await auth.newKey()).apiKey.id);
    const secrets = await database.owner.apiKeySecretUse.findMany({ where: { keyId: { in: made } } });
    const usages = [0, 1, 2, 3].map(() =>
      openKeyUsage(database, systemClock, (error) => {
        throw error;
      }),
    );
    const rounds = 25;
    for (let round = 0; round < rounds; round++) {
      for (const [turn, usage] of usages.entries()) {
        const ordered = <Item>(items: readonly Item[]) => (turn % 2 === 0 ? items : [...items].reverse());
        for (const { keyId, id: secretId } of ordered(secrets)) {
          usage.count({ workspaceId, keyId, secretId, ip: null, userAgent: null, isFromBrowser: false });
          usage.countScopes({ workspaceId, keyId }, ordered(SCOPES));
        }
      }
      await Promise.all(usages.map((usage) => usage.flush()));
    }
    const { owner: db } = database;
    const where = { keyId: { in: made } };
    const keys = await db.apiKey.findMany({ where: { id: { in: made } } });
    const found = [keys, await db.apiKeySecretUse.findMany({ where }), await db.apiKeyScopeUse.findMany({ where })];
    expect(found.map((rows) => rows.length)).toEqual([12, 12, 12 * SCOPES.length]);
    for (const { requestCount } of found.flat()) expect(requestCount).toBe(rounds * usages.length);
  } finally {
    await auth.close();
  }
});
