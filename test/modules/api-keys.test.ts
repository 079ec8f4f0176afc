import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownersAudit } from '../../src/app.js';
import { hashKey } from '../../src/auth/key-format.js';
import { revokeKey } from '../../src/auth/keys.js';
import type { Client } from '../support/client.js';
import { type Shop, startShop } from './shop.js';

let shop: Shop;
let reader: Client & { readonly keyId: string };
beforeAll(async () => {
  shop = await startShop();
  reader = await shop.key('api_keys:read');
});
afterAll(() => shop?.stop());

const list = `query L($status: [ApiKeyStatus!] = [ACTIVE, SUSPENDED], $kind: [ApiKeyKind!], $agentId: ID) {
  apiKeys(status: $status, kind: $kind, agentId: $agentId, first: 100) { nodes { id status } } }`;
const read = 'query R($id: ID!) { apiKey(id: $id) { id status name } }';

const where = (id: string) => ({ workspaceId_id: { workspaceId: shop.place.workspaceId, id } });
const listed = async (variables: object = {}) => {
  const { apiKeys } = await reader.data<{ apiKeys: { nodes: { id: string; status: string }[] } }>(list, variables);
  return new Map(apiKeys.nodes.map(({ id, status }) => [id, status]));
};

describe('does', () => {
  it('list the keys that open the door or may again, and the others when they are asked for', async () => {
    const active = await shop.key('contacts:read');
    const suspended = await shop.key('contacts:read');
    const expired = await shop.key('contacts:read');
    const revoked = await shop.key('contacts:read');
    const { owner: db } = shop.database;
    await db.apiKey.update({ where: where(suspended.keyId), data: { status: 'SUSPENDED' } });
    await db.apiKey.update({ where: where(expired.keyId), data: { expiresAt: new Date(Date.now() - 1_000) } });
    await revokeKey({ database: shop.database, audit: ownersAudit }, { id: revoked.keyId });

    const shown = await listed();
    expect(shown.get(active.keyId)).toBe('ACTIVE');
    expect(shown.get(suspended.keyId)).toBe('SUSPENDED');
    expect(shown.has(expired.keyId)).toBe(false);
    expect(shown.has(revoked.keyId)).toBe(false);
    expect(await listed({ status: ['EXPIRED'] })).toEqual(new Map([[expired.keyId, 'EXPIRED']]));
    expect(await listed({ status: ['REVOKED'] })).toEqual(new Map([[revoked.keyId, 'REVOKED']]));
    expect((await listed({ status: null })).size).toBeGreaterThanOrEqual(5);
    const short = await reader.data<{ apiKeys: { nodes: { id: string }[] } }>(
      '{ apiKeys(first: 100) { nodes { id } } }',
    );
    expect(short.apiKeys.nodes.map(({ id }) => id).sort()).toEqual([...shown.keys()].sort());
  });

  it('list the keys of an agent, from the root and below it', async () => {
    const own = await shop.agentKey(['agent:config:read']);
    const { agentId } = shop.ids;
    expect(await listed({ agentId })).toEqual(new Map([[own.keyId, 'ACTIVE']]));
    expect([...(await listed({ kind: ['AGENT'] })).keys()]).toEqual([own.keyId]);
    const client = await shop.key('api_keys:read', 'agents:read');
    expect(
      await client.data('query A($id: ID!) { agent(id: $id) { apiKeys { totalCount nodes { id agent { id } } } } }', {
        id: agentId,
      }),
    ).toEqual({ agent: { apiKeys: { totalCount: 1, nodes: [{ id: own.keyId, agent: { id: agentId } }] } } });
  });

  it('count its use, at most a second behind', async () => {
    const used = await shop.key('contacts:read');
    await used.data('{ contacts { totalCount } }');
    await used.refused('{ agents { totalCount } }');
    const ask = () =>
      reader.data<{ apiKey: { requestCount: number; lastUsedAt: string | null; lastUsedIp: string | null } }>(
        'query R($id: ID!) { apiKey(id: $id) { requestCount lastUsedAt lastUsedIp } }',
        { id: used.keyId },
      );
    let { apiKey } = await ask();
    for (let tries = 0; tries < 100 && apiKey.requestCount < 2; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 25));
      ({ apiKey } = await ask());
    }
    expect(apiKey).toEqual({ requestCount: 2, lastUsedAt: expect.any(String), lastUsedIp: '127.0.0.1' });
  });
});

describe('refuses', () => {
  it('a key without api_keys:read, which still knows itself', async () => {
    const client = await shop.key('*:read');
    const plain = await shop.key('contacts:read');
    expect((await client.ask('{ apiKeys { totalCount } }')).status).toBe(200);
    const refused = await plain.refused('{ apiKeys { totalCount } }');
    expect(refused).toMatchObject({ status: 403, extensions: { missingScopes: ['api_keys:read'] } });
    expect(await plain.data('{ me { key { id } } }')).toEqual({ me: { key: { id: plain.keyId } } });
  });

  it('to show a key that was deleted, anywhere', async () => {
    const gone = await shop.key('contacts:read');
    await shop.database.owner.apiKey.update({
      where: where(gone.keyId),
      data: { status: 'REVOKED', revokedAt: new Date(), deletedAt: new Date() },
    });
    expect((await listed({ status: null })).has(gone.keyId)).toBe(false);
    await shop.looksUnknown(gone.keyId, (id) => reader.ask(read, { id }));
    await shop.looksUnknown(gone.keyId, (id) => reader.ask('query N($id: ID!) { node(id: $id) { id } }', { id }));
    await shop.looksUnknown(gone.keyId, (id) =>
      reader.ask('query N($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids: [id] }),
    );
  });
});

describe('isolates', () => {
  it('a key of another workspace as if it did not exist', async () => {
    const foreign = await shop.createKey({
      kind: 'ACCOUNT',
      scopes: ['contacts:read'],
      workspaceId: shop.elsewhere.workspaceId,
    });
    await shop.looksUnknown(foreign.id, (id) => reader.ask(read, { id }));
    expect((await listed({ status: null })).has(foreign.id)).toBe(false);
    expect(await listed({ agentId: shop.elsewhere.ids.agentId })).toEqual(new Map());
  });

  it('the secret, and its hash, from every answer', async () => {
    const made = await shop.createKey({ kind: 'ACCOUNT', scopes: ['api_keys:read'] });
    const { text } = await shop
      .as(made)
      .ask('{ me { key { name start keyPrefix } } apiKeys(first: 100) { nodes { name start keyPrefix scopes } } }');
    expect(text).not.toContain(made.key);
    expect(text).not.toContain(made.key.slice(-10));
    expect(text).not.toContain(hashKey(made.key).toString('hex'));
  });
});
