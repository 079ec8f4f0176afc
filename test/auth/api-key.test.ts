import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CREDENTIAL_CHANNEL } from '../../src/auth/credential-notice.js';
import { newKeySecret } from '../../src/auth/key-format.js';
import { revokeKey } from '../../src/auth/keys.js';
import { type AuthFixture, BRAND, dumpTables, openAuthFixture, refusalOf } from './fixture.js';

let auth: AuthFixture;
beforeAll(async () => {
  auth = await openAuthFixture();
}, 120_000);
afterAll(() => auth.close());

const hour = 3_600_000;
const past = () => new Date(Date.now() - hour);
const rowOf = (id: string) => ({ workspaceId_id: { workspaceId: auth.workspaceId, id } });

describe('a request without a credential', () => {
  it('is anonymous and asks the database nothing', async () => {
    auth.calls.length = 0;
    expect(await auth.enter({})).toBeNull();
    expect(auth.calls).toEqual([]);
  });
});

describe('an API key', () => {
  it('names its principal, by either header or both', async () => {
    const { key, apiKey } = await auth.newKey({ scopes: ['messages:*', 'contacts:read'], rpm: 7 });
    auth.calls.length = 0;
    const principal = await auth.enter({ authorization: `Bearer ${key}` });
    expect(auth.calls).toEqual(['find_key']);
    expect(principal).toMatchObject({
      kind: 'ACCOUNT_KEY',
      id: apiKey.id,
      apiKeyId: apiKey.id,
      organizationId: auth.organizationId,
      workspaceId: auth.workspaceId,
      scopes: ['contacts:read', 'messages:*'],
      role: null,
      agentId: null,
      plan: 'free',
      limits: { rpm: 7, rpd: null },
    });
    expect([...(principal?.effectiveScopes ?? [])].sort()).toEqual([
      'contacts:read',
      'messages:read',
      'messages:send',
      'messages:write',
    ]);
    expect(await auth.enter({ xApiKey: key })).toEqual(principal);
    expect(await auth.enter({ authorization: `bearer   ${key}`, xApiKey: key })).toEqual(principal);
  });

  it('of an agent carries that agent and agent scopes only', async () => {
    const { key } = await auth.newKey({ kind: 'AGENT', agentId: auth.agentId });
    expect(await auth.enter({ xApiKey: key })).toMatchObject({
      kind: 'AGENT_KEY',
      agentId: auth.agentId,
      effectiveScopes: new Set(['agent:activity:read', 'agent:config:read', 'agent:conversations:read']),
    });
  });

  it('shares its verdict key with keys of equal scopes, and with no others', async () => {
    const enter = async (scopes: string[]) =>
      (await auth.enter({ xApiKey: (await auth.newKey({ scopes })).key }))?.verdictKey;
    const one = await enter(['contacts:read', 'agents:read']);
    expect(await enter(['read:agents', 'read:contacts'])).toBe(one);
    expect(await enter(['contacts:read'])).not.toBe(one);
  });
});

describe('a bad key is refused', () => {
  it('as MALFORMED without a database call', async () => {
    const { key } = newKeySecret('ACCOUNT', BRAND);
    const swapped = key.slice(0, -1) + (key.endsWith('0') ? '1' : '0');
    auth.calls.length = 0;
    for (const xApiKey of [
      '',
      'x',
      swapped,
      `${key}x`,
      key.slice(0, -1),
      key.replace('sp_', 'xx_'),
      `${key}, ${key}`,
    ]) {
      const refusal = await refusalOf(auth.enter({ xApiKey }));
      expect(refusal).toMatchObject({ code: 'UNAUTHENTICATED', data: { reason: 'MALFORMED' } });
      expect(xApiKey === '' || !refusal.message.includes(xApiKey)).toBe(true);
    }
    for (const authorization of ['', 'Bearer', 'Bearer ', `Basic ${key}`, key, `Bearer ${key} ${key}`]) {
      expect((await refusalOf(auth.enter({ authorization }))).data).toEqual({ reason: 'MALFORMED' });
    }
    expect(auth.calls).toEqual([]);
  });

  it('as UNKNOWN when it is well-formed but nobody’s', async () => {
    const { key } = newKeySecret('AGENT', BRAND);
    expect((await refusalOf(auth.enter({ xApiKey: key }))).data).toEqual({ reason: 'UNKNOWN' });
  });

  it('as REVOKED on the very next request, and every process is told', async () => {
    const { key, apiKey } = await auth.newKey();
    const told: string[] = [];
    // Whoever begins to listen after the notice does not hear of it.
    await auth.database.listen(CREDENTIAL_CHANNEL, (id) => told.push(id));
    expect(await auth.enter({ xApiKey: key })).not.toBeNull();
    const revoked = await revokeKey(auth.desk, { id: apiKey.id });
    expect(revoked.status).toBe('REVOKED');
    expect((await refusalOf(auth.enter({ xApiKey: key }))).data).toEqual({ reason: 'REVOKED' });
    await expect.poll(() => told).toContain(apiKey.id);
    expect(await revokeKey(auth.desk, { id: apiKey.id, workspaceId: auth.workspaceId })).toEqual(revoked);
    const entries = await auth.database.owner.auditEntry.findMany({ where: { subjectId: apiKey.id } });
    // Also the second time, which changed nothing, leaves its entry.
    expect(entries.map((entry) => entry.action).sort()).toEqual(['apiKey.create', 'apiKey.revoke', 'apiKey.revoke']);
  });

  it('as REVOKED when it was deleted', async () => {
    const { key, apiKey } = await auth.newKey();
    await auth.database.owner.apiKey.update({ where: rowOf(apiKey.id), data: { deletedAt: past() } });
    expect((await refusalOf(auth.enter({ xApiKey: key }))).data).toEqual({ reason: 'REVOKED' });
  });

  it('as ROTATED once its grace is over, not before', async () => {
    const { key, apiKey } = await auth.newKey();
    const retire = (retiresAt: Date) =>
      auth.database.owner.apiKeySecret.updateMany({ where: { keyId: apiKey.id }, data: { retiresAt } });
    await retire(new Date(Date.now() + hour));
    expect(await auth.enter({ xApiKey: key })).not.toBeNull();
    await retire(past());
    expect((await refusalOf(auth.enter({ xApiKey: key }))).data).toEqual({ reason: 'ROTATED' });
  });

  it('as SUSPENDED while it is, and works again when resumed', async () => {
    const { key, apiKey } = await auth.newKey();
    const set = (status: 'ACTIVE' | 'SUSPENDED') =>
      auth.database.owner.apiKey.update({ where: rowOf(apiKey.id), data: { status } });
    await set('SUSPENDED');
    expect((await refusalOf(auth.enter({ xApiKey: key }))).data).toEqual({ reason: 'SUSPENDED', subject: 'key' });
    await set('ACTIVE');
    expect(await auth.enter({ xApiKey: key })).not.toBeNull();
  });

  it('as SUSPENDED with its workspace', async () => {
    const { key } = await auth.newKey();
    const set = (status: 'ACTIVE' | 'SUSPENDED') =>
      auth.database.owner.workspace.update({ where: { id: auth.workspaceId }, data: { status } });
    await set('SUSPENDED');
    expect((await refusalOf(auth.enter({ xApiKey: key }))).data).toEqual({ reason: 'SUSPENDED', subject: 'workspace' });
    await set('ACTIVE');
  });

  it('as EXPIRED by the database’s clock', async () => {
    const { key, apiKey } = await auth.newKey({ expiresAt: new Date(Date.now() + hour) });
    expect(await auth.enter({ xApiKey: key })).not.toBeNull();
    await auth.database.owner.apiKey.update({ where: rowOf(apiKey.id), data: { expiresAt: past() } });
    expect((await refusalOf(auth.enter({ xApiKey: key }))).data).toEqual({ reason: 'EXPIRED' });
  });

  it('for what can never be undone first', async () => {
    const { key, apiKey } = await auth.newKey();
    const { owner } = auth.database;
    const reason = async () => (await refusalOf(auth.enter({ xApiKey: key }))).data.reason;
    await owner.apiKey.update({ where: rowOf(apiKey.id), data: { expiresAt: past() } });
    expect(await reason()).toBe('EXPIRED');
    await owner.apiKey.update({ where: rowOf(apiKey.id), data: { status: 'SUSPENDED' } });
    expect(await reason()).toBe('SUSPENDED');
    await owner.apiKeySecret.updateMany({ where: { keyId: apiKey.id }, data: { retiresAt: past() } });
    expect(await reason()).toBe('ROTATED');
    await owner.apiKey.update({ where: rowOf(apiKey.id), data: { revokedAt: past() } });
    expect(await reason()).toBe('REVOKED');
  });

  it('as IP_NOT_ALLOWED from elsewhere', async () => {
    const { key } = await auth.newKey({ allowedIps: ['10.0.0.0/8', '2001:db8::/32'] });
    for (const ip of ['10.9.8.7', '::ffff:10.9.8.7', '2001:db8::1']) {
      expect(await auth.enter({ xApiKey: key, ip })).not.toBeNull();
    }
    for (const ip of ['11.0.0.1', '2001:db9::1', null]) {
      expect((await refusalOf(auth.enter({ xApiKey: key, ip }))).code).toBe('IP_NOT_ALLOWED');
    }
  });

  it('as AMBIGUOUS_CREDENTIALS beside another credential', async () => {
    const one = (await auth.newKey()).key;
    const other = (await auth.newKey()).key;
    auth.calls.length = 0;
    const both = [
      auth.enter({ authorization: `Bearer ${one}`, xApiKey: other }),
      auth.enter({ xApiKey: one, cookie: 'sallyport.session_token=x' }),
    ];
    for (const attempt of both) expect((await refusalOf(attempt)).code).toBe('AMBIGUOUS_CREDENTIALS');
    expect(auth.calls).toEqual([]);
  });
});

describe('the secret', () => {
  it('is nowhere in the database, and its hash in one place only', async () => {
    const { key, apiKey } = await auth.newKey({ kind: 'AGENT', agentId: auth.agentId, name: 'Canary' });
    await auth.enter({ xApiKey: key, userAgent: `client (${key})` });
    await auth.usage.flush();
    const { hash } = await auth.database.owner.apiKeySecret.findFirstOrThrow({ where: { keyId: apiKey.id } });
    const hashHex = Buffer.from(hash).toString('hex');
    const random = key.slice(apiKey.start.length);
    const dump = await dumpTables(auth.database);
    expect(dump.size).toBeGreaterThan(15);
    expect(dump.get('api_key')).toContain('Canary');
    for (const [table, text] of dump) {
      expect(text.includes(random), table).toBe(false);
      expect(text.includes(hashHex), table).toBe(table === 'api_key_secret');
    }
    expect(apiKey.start).toBe(key.slice(0, apiKey.keyPrefix.length + 4));
  });
});
