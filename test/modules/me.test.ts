import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Shop, startShop } from './shop.js';

let shop: Shop;
beforeAll(async () => {
  // The plans as they are by default.
  shop = await startShop({ env: { PLAN_LIMITS: '' } });
});
afterAll(() => shop?.stop());

const whole = `{ me { kind role scopes effectiveScopes rateLimits { rpm rpd }
  organization { id name } workspace { id } agent { id }
  key { id kind name keyPrefix start scopes effectiveScopes status allowedIps createdBy { kind id name } } } }`;

describe('does', () => {
  it('tell an account key of itself without any scope for it', async () => {
    const client = await shop.key('contacts:*');
    const effective = ['contacts:read', 'contacts:write'];
    const { organizationId, workspaceId } = shop.place;
    expect(await client.data(whole.replace(' agent { id }', ''))).toEqual({
      me: {
        kind: 'ACCOUNT_KEY',
        role: null,
        scopes: ['contacts:*'],
        effectiveScopes: effective,
        rateLimits: { rpm: 30, rpd: 2_000 },
        organization: { id: organizationId, name: 'Halberd Cycles' },
        workspace: { id: workspaceId },
        key: {
          id: client.keyId,
          kind: 'ACCOUNT',
          name: 'test',
          keyPrefix: 'sp_acct_',
          start: expect.stringMatching(/^sp_acct_[0-9A-Za-z]{4}$/),
          scopes: ['contacts:*'],
          effectiveScopes: effective,
          status: 'ACTIVE',
          allowedIps: [],
          createdBy: { kind: 'SYSTEM', id: 'system', name: 'Sallyport' },
        },
      },
    });
  });

  it('tell an agent key of its agent', async () => {
    const client = await shop.agentKey(['agent:config:read']);
    expect(await client.data(whole)).toMatchObject({
      me: { kind: 'AGENT_KEY', agent: { id: shop.ids.agentId }, key: { kind: 'AGENT', keyPrefix: 'sp_agt_' } },
    });
  });

  it('tell a person of the role, and of the workspace by name and plan', async () => {
    expect(await shop.owner.data('{ me { kind role key { id } workspace { id name plan status } } }')).toEqual({
      me: {
        kind: 'SESSION',
        role: 'OWNER',
        key: null,
        workspace: { id: shop.place.workspaceId, name: 'Shop', plan: 'free', status: 'ACTIVE' },
      },
    });
  });
});

describe('refuses', () => {
  it('the name and plan of the workspace without me:read or account:read', async () => {
    const client = await shop.key('contacts:read');
    const refused = await client.refused('{ me { workspace { id name plan } } }');
    expect(refused).toMatchObject({ status: 403, extensions: { code: 'FORBIDDEN' } });
    expect(refused.message).toBe('Insufficient permissions. Required scopes: me:read, or account:read');
    for (const scope of ['me:read', 'account:read']) {
      const reader = await shop.key(scope);
      expect(await reader.data('{ me { workspace { name plan } } }')).toEqual({
        me: { workspace: { name: 'Shop', plan: 'free' } },
      });
    }
  });

  it('the agent to a key that may not read its settings', async () => {
    const client = await shop.agentKey(['agent:conversations:read']);
    expect((await client.refused('{ me { agent { name } } }')).status).toBe(403);
  });

  it('whoever sends no credential', async () => {
    const refused = await shop.as(null).refused('{ me { kind } }');
    expect(refused).toMatchObject({ status: 401, extensions: { code: 'UNAUTHENTICATED', reason: 'MISSING' } });
  });
});

describe('isolates', () => {
  it('the workspace of another organization as if it did not exist', async () => {
    const client = await shop.key('me:read');
    await shop.looksUnknown(shop.elsewhere.workspaceId, (id) =>
      client.ask('query N($id: ID!) { node(id: $id) { id ... on Workspace { name } } }', { id }),
    );
    expect(
      await client.data('query N($id: ID!) { node(id: $id) { id ... on Workspace { name } } }', {
        id: shop.place.workspaceId,
      }),
    ).toEqual({ node: { id: shop.place.workspaceId, name: 'Shop' } });
  });
});
