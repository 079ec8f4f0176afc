import { afterAll, beforeAll, expect, it } from 'vitest';
import { openKeyUsage } from '../../src/auth/key-usage.js';
import { type Clock, systemClock } from '../../src/platform/clock.js';
import { type AuthFixture, openAuthFixture } from './fixture.js';

let auth: AuthFixture;
beforeAll(async () => {
  auth = await openAuthFixture();
}, 120_000);
afterAll(() => auth.close());

const readKey = (id: string) =>
  auth.database.owner.apiKey.findUniqueOrThrow({ where: { workspaceId_id: { workspaceId: auth.workspaceId, id } } });

it('writes nothing with the request, and all of it within a second', async () => {
  const { key, apiKey } = await auth.newKey();
  for (let i = 1; i <= 3; i++) await auth.enter({ xApiKey: key, ip: `192.0.2.${i}`, userAgent: 'x'.repeat(300) });
  expect((await readKey(apiKey.id)).requestCount).toBe(0);
  await expect.poll(async () => (await readKey(apiKey.id)).requestCount, { timeout: 3_000 }).toBe(3);
  const stored = await readKey(apiKey.id);
  expect(stored.lastUsedIp).toBe('192.0.2.3');
  expect(stored.lastUsedUserAgent).toBe('x'.repeat(200));
  expect(Math.abs(Date.now() - (stored.lastUsedAt?.getTime() ?? 0))).toBeLessThan(60_000);
});

it('keeps what it counted when a write fails, and never lets an older use win', async () => {
  const { apiKey } = await auth.newKey();
  let now = new Date('2030-01-01T00:00:10Z');
  const clock: Clock = { now: () => now };
  let isDown = true;
  const usage = openKeyUsage(
    {
      executeAsOwner: async (text, values) => {
        if (isDown) throw new Error('down');
        return auth.database.executeAsOwner(text, values);
      },
    },
    clock,
    () => undefined,
  );
  const use = {
    workspaceId: auth.workspaceId,
    keyId: apiKey.id,
    secretId: null,
    userAgent: null,
    isFromBrowser: false,
  };
  usage.count({ ...use, ip: '192.0.2.1' });
  await expect(usage.flush()).rejects.toThrow('down');
  usage.count({ ...use, ip: '192.0.2.2' });
  isDown = false;
  await usage.flush();
  expect(await readKey(apiKey.id)).toMatchObject({ requestCount: 2, lastUsedIp: '192.0.2.2', lastUsedAt: now });
  const latest = now;
  now = new Date('2030-01-01T00:00:05Z');
  usage.count({ ...use, ip: '192.0.2.3' });
  await usage.close();
  expect(await readKey(apiKey.id)).toMatchObject({ requestCount: 3, lastUsedIp: '192.0.2.2', lastUsedAt: latest });
});

it('keeps the use of scopes and secrets when their write fails, whatever the others do', async () => {
  const { apiKey } = await auth.newKey();
  const { id: secretId } = await auth.database.owner.apiKeySecretUse.findFirstOrThrow({ where: { keyId: apiKey.id } });
  let refused = /api_key_(scope|secret)_use/;
  const usage = openKeyUsage(
    {
      executeAsOwner: async (text, values) => {
        if (refused.test(text)) throw new Error('down');
        return auth.database.executeAsOwner(text, values);
      },
    },
    systemClock,
    () => undefined,
  );
  const of = { workspaceId: auth.workspaceId, keyId: apiKey.id };
  const request = () => {
    usage.count({ ...of, secretId, ip: null, userAgent: null, isFromBrowser: true });
    usage.countScopes(of, ['contacts:read', 'me:read']);
  };
  request();
  await expect(usage.flush()).rejects.toThrow('down');
  expect((await readKey(apiKey.id)).requestCount).toBe(1);
  request();
  usage.countScopes(of, ['me:read']);
  refused = /nothing/;
  await usage.close();
  expect((await readKey(apiKey.id)).requestCount).toBe(2);
  const where = { keyId: apiKey.id };
  expect(await auth.database.owner.apiKeySecretUse.findFirst({ where })).toMatchObject({ requestCount: 2 });
  const scopes = await auth.database.owner.apiKeyScopeUse.findMany({ where, orderBy: { scope: 'asc' } });
  expect(scopes.map(({ scope, requestCount }) => [scope, requestCount])).toEqual([
    ['contacts:read', 2],
    ['me:read', 3],
  ]);
});

it('leaves out a key that was erased meanwhile, and writes the rest', async () => {
  const { apiKey } = await auth.newKey();
  const { workspaceId } = auth;
  const use = { workspaceId, secretId: null, ip: null, userAgent: null, isFromBrowser: false };
  for (const keyId of [apiKey.id, 'key_gone']) {
    auth.usage.count({ ...use, keyId });
    auth.usage.countScopes({ workspaceId, keyId }, ['contacts:read']);
  }
  await auth.usage.flush();
  expect((await readKey(apiKey.id)).requestCount).toBe(1);
  const rows = await auth.database.owner.apiKeyScopeUse.findMany({ where: { keyId: { in: [apiKey.id, 'key_gone'] } } });
  expect(rows.map(({ keyId }) => keyId)).toEqual([apiKey.id]);
});

it('stops at the largest number a column can hold', async () => {
  const { key, apiKey } = await auth.newKey();
  await auth.database.owner.apiKey.update({
    where: { workspaceId_id: { workspaceId: auth.workspaceId, id: apiKey.id } },
    data: { requestCount: 2_147_483_647 },
  });
  await auth.enter({ xApiKey: key });
  await auth.usage.flush();
  expect((await readKey(apiKey.id)).requestCount).toBe(2_147_483_647);
});
