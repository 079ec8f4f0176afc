import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { revokeKey } from '../../src/auth/keys.js';
import { type Ask, revivePrincipal, type StoredActor } from '../../src/auth/revive.js';
import { inTenant } from '../../src/guard/guarded-db.js';
import { newId } from '../../src/platform/ids.js';
import { type AuthFixture, openAuthFixture, refusalOf } from './fixture.js';

let auth: AuthFixture;
beforeAll(async () => {
  auth = await openAuthFixture();
}, 120_000);
afterAll(() => auth.close());

const asOwner: Ask = (statement) => auth.database.owner.$queryRaw(statement);
const keyActor = (actorId: string): StoredActor => ({
  workspaceId: auth.workspaceId,
  actorKind: 'ACCOUNT_KEY',
  actorId,
});

describe('a stored actor', () => {
  it('that is a key comes back with what the key holds now', async () => {
    const { key, apiKey } = await auth.newKey({ scopes: ['messages:send', 'contacts:read'] });
    expect(await revivePrincipal(asOwner, keyActor(apiKey.id))).toEqual(await auth.enter({ xApiKey: key }));
    await auth.database.owner.apiKey.update({
      where: { workspaceId_id: { workspaceId: auth.workspaceId, id: apiKey.id } },
      data: { scopes: ['contacts:read'] },
    });
    const narrowed = await revivePrincipal(asOwner, keyActor(apiKey.id));
    expect(narrowed.effectiveScopes).toEqual(new Set(['contacts:read']));
  });

  it('comes back the same through a handle bound to its workspace', async () => {
    const { apiKey } = await auth.newKey();
    const person: StoredActor = { workspaceId: auth.workspaceId, actorKind: 'SESSION', actorId: auth.userId };
    for (const actor of [keyActor(apiKey.id), person]) {
      const tenant = { organizationId: auth.organizationId, workspaceId: auth.workspaceId, agentId: null };
      const bound = await inTenant(auth.database, tenant, (db) => revivePrincipal(db.$sql, actor));
      expect(bound).toEqual(await revivePrincipal(asOwner, actor));
    }
  });

  it('that is a person comes back with the role of now, or not at all', async () => {
    const userId = newId('usr');
    const { member } = auth.database.owner;
    await member.create({
      data: {
        organizationId: auth.organizationId,
        id: newId('mbr'),
        userId,
        role: 'ADMIN',
        name: 'P',
        email: 'p@x.example',
      },
    });
    const actor: StoredActor = { workspaceId: auth.workspaceId, actorKind: 'SESSION', actorId: userId };
    expect(await revivePrincipal(asOwner, actor)).toMatchObject({ kind: 'SESSION', id: userId, role: 'ADMIN' });
    await member.updateMany({ where: { userId }, data: { role: 'MEMBER' } });
    expect(await revivePrincipal(asOwner, actor)).toMatchObject({ role: 'MEMBER' });
    await member.deleteMany({ where: { userId } });
    expect((await refusalOf(revivePrincipal(asOwner, actor))).data).toEqual({ reason: 'REVOKED' });
  });

  it('is refused as at the door: unknown, revoked, suspended, expired', async () => {
    const { apiKey } = await auth.newKey();
    const where = { workspaceId_id: { workspaceId: auth.workspaceId, id: apiKey.id } };
    const reason = async (id = apiKey.id) => (await refusalOf(revivePrincipal(asOwner, keyActor(id)))).data.reason;
    expect(await reason(newId('key'))).toBe('UNKNOWN');
    await auth.database.owner.apiKey.update({ where, data: { expiresAt: new Date(1) } });
    expect(await reason()).toBe('EXPIRED');
    await auth.database.owner.apiKey.update({ where, data: { status: 'SUSPENDED' } });
    expect(await reason()).toBe('SUSPENDED');
    await revokeKey(auth.desk, { id: apiKey.id });
    expect(await reason()).toBe('REVOKED');
  });

  it('of another workspace is unknown', async () => {
    const { apiKey } = await auth.newKey();
    const actor = { ...keyActor(apiKey.id), workspaceId: newId('wsp') };
    expect((await refusalOf(revivePrincipal(asOwner, actor))).data).toEqual({ reason: 'UNKNOWN' });
  });
});
