// Bad input, as GraphQL sends it: each answered with a code and the field, and no row written.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/platform/ids.js';
import { asking, type Made } from './api-keys-asking.js';
import { type Shop, said, startShop } from './shop.js';

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
});
afterAll(() => shop?.stop());

const account = { kind: 'ACCOUNT', name: 'CRM' };
const keys = () => shop.database.owner.apiKey.count();
const refusedWith = async (input: object) => {
  const before = await keys();
  const refused = await shop.writesNothing(() =>
    shop.owner.refused(asking.create, { input: { ...account, ...input } }),
  );
  expect(await keys()).toBe(before);
  expect(refused.extensions.code).toBe('BAD_USER_INPUT');
  return refused;
};

describe('a key is refused', () => {
  it.each<[string, object, string]>([
    ['past expiry', { expiresAt: '2020-01-01T00:00:00Z' }, 'expiresAt'],
    ['the year 9999', { expiresAt: '9999-12-31T23:59:59Z' }, 'expiresAt'],
    ['host bits', { allowedIps: ['10.0.0.1/8'] }, 'allowedIps'],
    ['a short address', { allowedIps: ['127.1'] }, 'allowedIps'],
    ['an octal address', { allowedIps: ['0177.0.0.1'] }, 'allowedIps'],
    ['a zone id', { allowedIps: ['fe80::1%eth0'] }, 'allowedIps'],
    ['an agent on an account key', { agentId: newId('agt') }, 'agentId'],
    ['no agent on an agent key', { kind: 'AGENT' }, 'agentId'],
    ['a cap on a key that cannot spend', { spendCapCredits: 5 }, 'spendCapCredits'],
    ['a period without a cap', { spendCapPeriod: 'DAY' }, 'spendCapPeriod'],
    ['a name of 10,000 characters', { name: 'x'.repeat(10_000) }, 'name'],
    ['a blank name', { name: ' ' }, 'name'],
    ['more than the plan', { rpm: 1_000_001 }, 'rpm'],
    ['no request at all', { rpd: 0 }, 'rpd'],
  ])('for %s, by its field', async (_, input, field) => {
    const { status, extensions } = await refusedWith(input);
    expect([status, extensions.field]).toEqual([200, `input.${field}`]);
  });

  it('for a time without a zone, before anything runs, by its field', async () => {
    const { status, message } = await refusedWith({ expiresAt: '2030-01-01T00:00:00' });
    expect(status).toBe(400);
    expect(message).toContain('expiresAt');
    expect(message).toContain('time zone');
  });

  it.each([
    ['an empty list', [], 'at least one scope'],
    ['an unknown scope', ['contact:read'], 'contacts:read'],
    ['one that no key may hold', ['approvals:decide'], 'approvals:decide'],
    ['the same with its verb in front', ['decide:approvals'], 'decide:approvals'],
    ['everything', ['*'], '*'],
    ['a wildcard over actions', ['*:write'], '*:write'],
    ['audit by wildcard', ['audit:*'], 'audit:*'],
    ['an agent scope', ['agent:config:read'], 'agent:config:read'],
  ])('for %s of scopes, with HTTP 400 and the scope', async (_, scopes, told) => {
    const { status, message, extensions } = await refusedWith({ scopes });
    expect([status, extensions.field]).toEqual([400, 'input.scopes']);
    expect(message).toContain(told);
  });

  it('for an account scope on an agent key, with HTTP 400', async () => {
    const refused = await refusedWith({ kind: 'AGENT', agentId: shop.ids.agentId, scopes: ['contacts:read'] });
    expect([refused.status, refused.extensions.field]).toEqual([400, 'input.scopes']);
  });

  it('for an agent of another workspace as for one that does not exist', async () => {
    const foreign = await refusedWith({ kind: 'AGENT', agentId: shop.elsewhere.ids.agentId });
    const unknown = await refusedWith({ kind: 'AGENT', agentId: newId('agt') });
    expect(said(foreign)).toEqual(said(unknown));
    expect(foreign.extensions.field).toBe('input.agentId');
  });

  it('and so is a change of one: scopes before anything runs, the rest by its field', async () => {
    const { createApiKey } = await shop.owner.data<{ createApiKey: Made }>(asking.create, { input: account });
    const { id } = createApiKey.apiKey;
    const change = (input: object) =>
      shop.writesNothing(() => shop.owner.refused(asking.update, { input: { id, ...input } }));
    expect(await change({ scopes: ['write:members'] })).toMatchObject({
      status: 400,
      extensions: { field: 'input.scopes' },
    });
    expect(await change({ scopes: [] })).toMatchObject({ status: 400, extensions: { field: 'input.scopes' } });
    expect(await change({ name: null })).toMatchObject({ extensions: { field: 'input.name' } });
    expect(await change({ expiresAt: '2020-01-01T00:00:00Z' })).toMatchObject({
      extensions: { field: 'input.expiresAt' },
    });
    expect(await change({ spendCapCredits: 1 })).toMatchObject({ extensions: { field: 'input.spendCapCredits' } });
    const rotate = (graceSeconds: number) =>
      shop.writesNothing(() => shop.owner.refused(asking.rotate, { input: { id, graceSeconds } }));
    for (const grace of [-1, 604_801]) {
      expect(await rotate(grace)).toMatchObject({
        extensions: { code: 'BAD_USER_INPUT', field: 'input.graceSeconds' },
      });
    }
  });

  it('but not for a name that another key has', async () => {
    await shop.owner.data(asking.create, { input: { ...account, name: 'Twin' } });
    await shop.owner.data(asking.create, { input: { ...account, name: 'Twin' } });
    expect(await shop.database.owner.apiKey.count({ where: { name: 'Twin' } })).toBe(2);
  });
});
