import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownersAudit } from '../../src/app.js';
import { createKey } from '../../src/auth/create-key.js';
import type { ApiKey, Workspace } from '../../src/generated/prisma/client.js';
import { newId } from '../../src/platform/ids.js';
import { type Shop, startShop } from '../modules/shop.js';

let shop: Shop;
beforeAll(async () => {
  shop = await startShop({ works: false, env: { KEY_BRAND: 'acme', SECURITY_CONTACT: 'security@example.com' } });
});
afterAll(() => shop?.stop());

const change = ({ keyId }: { keyId: string }, data: Partial<ApiKey>) =>
  shop.database.owner.apiKey.update({
    where: { workspaceId_id: { workspaceId: shop.place.workspaceId, id: keyId } },
    data,
  });

const reading = '{ contacts(first: 1) { nodes { id name } } }';
const writing = 'mutation W($id: ID!) { updateContact(input: { id: $id, company: "Halberd" }) { contact { id } } }';

describe('a key', () => {
  it('outlives the membership of whoever made it, at the ceiling of a member', async () => {
    const maker = await shop.addPerson('OWNER');
    const desk = { database: shop.database, brand: 'acme', audit: ownersAudit };
    const by = { actor: { kind: 'SESSION', id: maker.userId }, allowedBy: 'OWNER', requestId: newId('req'), ip: null };
    const { workspaceId, organizationId } = shop.place;
    const request = { workspaceId, kind: 'ACCOUNT', name: 'Deploy', scopes: ['contacts:read', '*:read'] } as const;
    const made = await createKey(desk, request, by as Parameters<typeof createKey>[2]);
    expect(made.apiKey.createdById).toBe(maker.userId);
    const client = shop.as({ key: made.key });
    const asked = 'query { me { role effectiveScopes } contacts(first: 1) { nodes { id } } }';
    const before = await client.data<{ me: { role: null; effectiveScopes: readonly string[] } }>(asked);
    expect(before.me.role).toBeNull();
    expect(before.me.effectiveScopes).not.toContain('audit:read');
    // What only an administrator may, its maker's role does not lend.
    const decided = await client.refused('mutation { rejectEffect(input: { effectId: "x" }) { effect { id } } }');
    expect(decided).toMatchObject({ status: 403, extensions: { code: 'FORBIDDEN', requiredRole: 'ADMIN' } });
    const membership = { organizationId_userId: { organizationId, userId: maker.userId } };
    await shop.database.owner.member.update({ where: membership, data: { role: 'MEMBER' } });
    expect(await client.data(asked)).toEqual(before);
    await shop.database.owner.member.delete({ where: membership });
    expect(await client.data(asked)).toEqual(before);
    await shop.database.owner.user.delete({ where: { id: maker.userId } });
    expect(await client.data(asked)).toEqual(before);
  });

  it('is known by the brand of this server alone', async () => {
    const { key } = await shop.createKey({ kind: 'ACCOUNT' });
    expect(key).toMatch(/^acme_acct_/);
    const format = await fetch(`${shop.url}/.well-known/sallyport-key-format`);
    expect(await format.json()).toMatchObject({
      brand: 'acme',
      kinds: [{ prefix: 'acme_acct_' }, { prefix: 'acme_agt_' }],
    });
    expect(await (await fetch(`${shop.url}/.well-known/security.txt`)).text()).toContain('mailto:security@example.com');
  });
});

describe('no verdict outlives what it was made from', () => {
  const status = async (client: Awaited<ReturnType<Shop['key']>>, document: string) =>
    (await client.ask(document, { id: shop.ids.contactId })).status;

  it('when the scopes of a key change between two requests with one document', async () => {
    const client = await shop.key('contacts:read', 'contacts:write');
    for (let round = 0; round < 5; round++) {
      expect([await status(client, reading), await status(client, writing)]).toEqual([200, 200]);
      await change(client, { scopes: ['contacts:read'] });
      expect([await status(client, reading), await status(client, writing)]).toEqual([200, 403]);
      await change(client, { scopes: ['agents:read'] });
      expect([await status(client, reading), await status(client, writing)]).toEqual([403, 403]);
      await change(client, { scopes: ['contacts:read', 'contacts:write'] });
    }
  });

  it('when keys of different scopes send one document by turns', async () => {
    const [reader, writer] = [await shop.key('contacts:read'), await shop.key('contacts:write')];
    for (let round = 0; round < 20; round++) {
      expect([await status(reader, reading), await status(writer, reading)]).toEqual([200, 403]);
      expect([await status(reader, writing), await status(writer, writing)]).toEqual([403, 200]);
    }
  });

  it('when the workspace takes writing away and gives it back', async () => {
    const client = await shop.key('contacts:read', 'contacts:write');
    const policy = (data: Partial<Workspace>) =>
      shop.database.owner.workspace.update({ where: { id: shop.place.workspaceId }, data });
    for (let round = 0; round < 3; round++) {
      expect([await status(client, reading), await status(client, writing)]).toEqual([200, 200]);
      await policy({ keysReadOnly: true });
      expect([await status(client, reading), await status(client, writing)]).toEqual([200, 403]);
      await policy({ keysReadOnly: false });
    }
  });

  it('when a person gains and loses a role', async () => {
    const person = await shop.addPerson('MEMBER');
    const client = await shop.signIn(person);
    const { organizationId } = shop.place;
    const become = (role: 'MEMBER' | 'ADMIN') =>
      shop.database.owner.member.update({
        where: { organizationId_userId: { organizationId, userId: person.userId } },
        data: { role },
      });
    const trail = '{ auditEntries(first: 1) { nodes { id } } }';
    for (let round = 0; round < 3; round++) {
      expect((await client.ask(trail)).status).toBe(403);
      await become('ADMIN');
      expect((await client.ask(trail)).status).toBe(200);
      await become('MEMBER');
    }
  });
});
