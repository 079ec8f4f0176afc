import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootstrap } from '../../src/auth/bootstrap.js';
import { createKey } from '../../src/auth/create-key.js';
import type { KeyRequest } from '../../src/auth/key-request.js';
import { listKeys, revokeKey } from '../../src/auth/keys.js';
import { newId } from '../../src/platform/ids.js';
import { type AuthFixture, audit, openAuthFixture, PASSWORD, refusalOf } from './fixture.js';

let auth: AuthFixture;
let foreignWorkspaceId: string;
let foreignAgentId: string;
beforeAll(async () => {
  auth = await openAuthFixture();
  const other = await bootstrap(auth.desk, {
    org: 'Other',
    workspace: 'Theirs',
    email: 'other@example.com',
    password: PASSWORD,
  });
  foreignWorkspaceId = other.workspaceId;
  foreignAgentId = newId('agt');
  await auth.database.owner.agent.create({
    data: { workspaceId: foreignWorkspaceId, id: foreignAgentId, name: 'Eve', instructions: '' },
  });
}, 120_000);
afterAll(() => auth.close());

const counts = async () => ({
  keys: await auth.database.owner.apiKey.count(),
  secrets: await auth.database.owner.apiKeySecret.count(),
  entries: await auth.database.owner.auditEntry.count(),
});

describe('createKey', () => {
  it('stores a key, its hash and its audit entry', async () => {
    const { apiKey, key, warnings } = await auth.newKey({ name: 'CRM', scopes: ['campaigns:*'] });
    expect(key.startsWith('sp_acct_')).toBe(true);
    expect(apiKey).toMatchObject({
      name: 'CRM',
      kind: 'ACCOUNT',
      status: 'ACTIVE',
      createdById: null,
      keyPrefix: 'sp_acct_',
    });
    expect(warnings).toEqual([expect.stringContaining('campaigns:start')]);
    const entry = await auth.database.owner.auditEntry.findFirstOrThrow({ where: { subjectId: apiKey.id } });
    expect(entry).toMatchObject({
      action: 'apiKey.create',
      outcome: 'DONE',
      actorKind: 'SYSTEM',
      workspaceId: auth.workspaceId,
      details: { kind: 'ACCOUNT', scopes: ['campaigns:*'], start: apiKey.start },
    });
  });

  it('remembers the person who made it', async () => {
    const { apiKey } = await createKey(
      auth.desk,
      { workspaceId: auth.workspaceId, kind: 'ACCOUNT', name: 'By hand' },
      { actor: { kind: 'SESSION', id: auth.userId }, allowedBy: 'role:ADMIN', requestId: 'req-1', ip: '192.0.2.9' },
    );
    expect(apiKey.createdById).toBe(auth.userId);
    const entry = await auth.database.owner.auditEntry.findFirstOrThrow({ where: { subjectId: apiKey.id } });
    expect(entry).toMatchObject({
      actorKind: 'SESSION',
      actorId: auth.userId,
      allowedBy: 'role:ADMIN',
      requestId: 'req-1',
      ip: '192.0.2.9',
    });
  });

  it.each<[string, () => Partial<KeyRequest> & { workspaceId?: string }, string]>([
    ['an unknown workspace', () => ({ workspaceId: newId('wsp') }), 'workspaceId'],
    ['a malformed workspace id', () => ({ workspaceId: 'main' }), 'workspaceId'],
    ['an unknown agent', () => ({ kind: 'AGENT', agentId: newId('agt') }), 'agentId'],
    ['an agent of another workspace', () => ({ kind: 'AGENT', agentId: foreignAgentId }), 'agentId'],
    ['an unknown scope', () => ({ scopes: ['everything:read'] }), 'scopes'],
    ['an expiry in the past by the database', () => ({ expiresAt: new Date(Date.now() - 1_000) }), 'expiresAt'],
    ['a limit above the plan', () => ({ rpm: 10_000 }), 'rpm'],
  ])('refuses %s, and writes nothing', async (_, request, field) => {
    const before = await counts();
    const refusal = await refusalOf(
      createKey(auth.desk, { workspaceId: auth.workspaceId, kind: 'ACCOUNT', name: 'Test', ...request() }),
    );
    expect(refusal.code).toBe('BAD_USER_INPUT');
    expect(refusal.data).toEqual({ field });
    expect(await counts()).toEqual(before);
  });

  it('answers for a foreign agent as for an unknown one', async () => {
    const ask = (agentId: string) => refusalOf(auth.newKey({ kind: 'AGENT', agentId }));
    const [foreign, unknown] = [await ask(foreignAgentId), await ask(newId('agt'))];
    expect(foreign.message).toBe(unknown.message);
    expect(foreign.data).toEqual(unknown.data);
  });

  it('leaves no key behind when its audit entry cannot be written', async () => {
    const before = await counts();
    const failing = { ...auth.desk, audit: () => Promise.reject(new Error('no trail')) };
    await expect(createKey(failing, { workspaceId: auth.workspaceId, kind: 'ACCOUNT', name: 'Test' })).rejects.toThrow(
      'no trail',
    );
    expect(await counts()).toEqual(before);
  });
});

describe('listKeys', () => {
  it('shows live keys of the workspace, newest first, revoked ones when asked, deleted ones never', async () => {
    const place = await bootstrap(auth.desk, {
      org: 'Acme',
      workspace: 'Listing',
      email: 'owner@example.com',
      password: PASSWORD,
    });
    const make = async (name: string) =>
      (await createKey(auth.desk, { workspaceId: place.workspaceId, kind: 'ACCOUNT', name })).apiKey;
    const [first, second, third, fourth] = [await make('1'), await make('2'), await make('3'), await make('4')];
    const row = (id: string) => ({ workspaceId_id: { workspaceId: place.workspaceId, id } });
    await revokeKey(auth.desk, { id: second.id });
    await auth.database.owner.apiKey.update({ where: row(third.id), data: { deletedAt: new Date() } });
    await auth.database.owner.apiKey.update({ where: row(fourth.id), data: { expiresAt: new Date(1) } });
    const listed = await listKeys(auth.desk, { workspaceId: place.workspaceId });
    expect(listed.map((key) => [key.name, key.status])).toEqual([
      ['4', 'EXPIRED'],
      ['1', 'ACTIVE'],
    ]);
    const all = await listKeys(auth.desk, { workspaceId: place.workspaceId, withRevoked: true });
    expect(all.map((key) => key.name)).toEqual(['4', '2', '1']);
    expect(first.workspaceId).toBe(place.workspaceId);
  });
});

describe('revokeKey', () => {
  it('knows no key of another workspace', async () => {
    const { apiKey } = await auth.newKey();
    const refusal = await refusalOf(
      revokeKey({ database: auth.database, audit }, { id: apiKey.id, workspaceId: foreignWorkspaceId }),
    );
    expect(refusal.code).toBe('NOT_FOUND');
  });
});
