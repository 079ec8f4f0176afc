import { afterAll, beforeAll, expect, it } from 'vitest';
import { bySystem, keyTransaction } from '../../src/auth/create-key.js';
import { revokeKey } from '../../src/auth/keys.js';
import { rotateKeyIn } from '../../src/auth/rotate-key.js';
import { asSystem } from '../../src/guard/as-system.js';
import type { CodedError } from '../../src/platform/errors.js';
import { type AuthFixture, openAuthFixture } from './fixture.js';

let auth: AuthFixture;
beforeAll(async () => {
  auth = await openAuthFixture();
}, 120_000);
afterAll(() => auth.close());

const rotate = (id: string, askedAt = performance.now()) =>
  asSystem(auth.database, 'rotate a key for a test', (db) =>
    rotateKeyIn(keyTransaction(auth.desk, db, auth.workspaceId, bySystem()), {
      id,
      graceSeconds: 3_600,
      askedAtMs: askedAt,
    }),
  );

it('has one successor when twenty were asked for at once', async () => {
  const { apiKey } = await auth.newKey();
  const askedAt = performance.now();
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => rotate(apiKey.id, askedAt)));
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  const codes = outcomes.flatMap((one) => (one.status === 'rejected' ? [(one.reason as CodedError).code] : []));
  expect(codes).toEqual(Array(19).fill('CONFLICT'));
  expect(await auth.database.owner.apiKeySecret.count({ where: { keyId: apiKey.id } })).toBe(2);
  await rotate(apiKey.id);
  const live = { keyId: apiKey.id, OR: [{ retiresAt: null }, { retiresAt: { gt: new Date() } }] };
  expect(await auth.database.owner.apiKeySecret.count({ where: live })).toBe(2);
  expect(await auth.database.owner.apiKeySecretUse.count({ where: live })).toBe(2);
});

it('is refused once the key was revoked, and writes nothing', async () => {
  const { apiKey } = await auth.newKey();
  await revokeKey(auth.desk, { id: apiKey.id });
  await expect(rotate(apiKey.id)).rejects.toMatchObject({ code: 'CONFLICT', data: { status: 'REVOKED' } });
  expect(await auth.database.owner.apiKeySecret.count({ where: { keyId: apiKey.id } })).toBe(1);
});
