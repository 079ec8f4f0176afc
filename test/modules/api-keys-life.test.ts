import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../support/client.js';
import { asking, type Made } from './api-keys-asking.js';
import { type Sent, type Shop, sending, startShop } from './shop.js';

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
});
afterAll(() => shop?.stop());

const ask = async (mutation: keyof typeof asking, input: object, client: Client = shop.owner): Promise<Made> => {
  const data = await client.data<Record<string, Made>>(asking[mutation], { input });
  return Object.values(data)[0] as Made;
};
const made = (input: object = {}): Promise<Made> => ask('create', { kind: 'ACCOUNT', name: 'CRM', ...input });
const refused = (mutation: keyof typeof asking, input: object) => shop.owner.refused(asking[mutation], { input });
const reason = async (key: string): Promise<unknown> => {
  const { status, errors } = await shop.as({ key }).ask('{ me { kind } }');
  return status === 200 ? 'LET IN' : errors[0]?.extensions.reason;
};
const row = (id: string) => ({ workspaceId_id: { workspaceId: shop.place.workspaceId, id } });
const policies = (data: object) =>
  shop.database.owner.workspace.update({ where: { id: shop.place.workspaceId }, data });

describe('makes', () => {
  it('a key that opens the door, with the defaults of its kind, told in the trail without its secret', async () => {
    const { apiKey, key, warnings } = await made();
    expect(apiKey).toMatchObject({ status: 'ACTIVE', scopes: ['account:read', 'agents:read', 'contacts:read'] });
    expect(warnings).toEqual([]);
    expect(await reason(key)).toBe('LET IN');
    const entry = await shop.lastEntry('apiKey.create');
    expect(entry).toMatchObject({ subjectId: apiKey.id, actorId: shop.place.userId, allowedBy: 'role:ADMIN' });
    expect(JSON.stringify(entry)).not.toContain(key);
    const agent = await made({ kind: 'AGENT', agentId: shop.ids.agentId });
    expect(agent.apiKey.scopes).toEqual(['agent:activity:read', 'agent:config:read', 'agent:conversations:read']);
  });

  it('warnings by name of what a wildcard brings, unless the workspace leaves spending out of wildcards', async () => {
    expect((await made({ scopes: ['campaigns:*'] })).warnings).toEqual([expect.stringContaining('campaigns:start')]);
    await policies({ explicitSpendScopes: true });
    const { apiKey, warnings } = await made({ scopes: ['campaigns:*'] });
    await policies({ explicitSpendScopes: false });
    expect(warnings).toEqual([]);
    expect(apiKey.effectiveScopes).not.toContain('campaigns:start');
    expect(apiKey.effectiveScopes).toContain('campaigns:write');
  });

  it('audit:read by name, and a warning where keys only read', async () => {
    await policies({ keysReadOnly: true });
    const { apiKey, warnings } = await made({ scopes: ['audit:read', 'contacts:write'] });
    await policies({ keysReadOnly: false });
    expect(apiKey.effectiveScopes).toEqual(['audit:read']);
    expect(warnings).toEqual([expect.stringContaining('contacts:write')]);
  });

  it('the longest life that the workspace allows, and refuses a longer one', async () => {
    await policies({ keyLifeDaysMax: 30 });
    const { apiKey, warnings } = await made();
    const longer = await refused('create', {
      ...{ kind: 'ACCOUNT', name: 'Long' },
      expiresAt: new Date(Date.now() + 31 * 86_400_000).toISOString(),
    });
    const cleared = await refused('update', { id: apiKey.id, expiresAt: '2090-01-01T00:00:00Z' });
    await policies({ keyLifeDaysMax: null });
    expect(Date.parse(apiKey.expiresAt ?? '') - Date.now()).toBeGreaterThan(29 * 86_400_000);
    expect(Date.parse(apiKey.expiresAt ?? '') - Date.now()).toBeLessThan(30 * 86_400_000 + 60_000);
    expect(warnings).toEqual([expect.stringContaining('30 days')]);
    for (const refusal of [longer, cleared]) {
      expect(refusal.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.expiresAt' });
    }
  });
});

describe('rotates', () => {
  it('under the same id, with a grace for the secret before, and at most two alive', async () => {
    const first = await made();
    const { id } = first.apiKey;
    const second = await ask('rotate', { id });
    expect(second.apiKey.id).toBe(id);
    const grace = Date.parse(second.rotationGraceUntil ?? '') - Date.now();
    expect(Math.abs(grace - 86_400_000)).toBeLessThan(60_000);
    expect([await reason(first.key), await reason(second.key)]).toEqual(['LET IN', 'LET IN']);
    const third = await ask('rotate', { id, graceSeconds: 60 });
    expect([await reason(first.key), await reason(second.key), await reason(third.key)]).toEqual([
      ...['ROTATED', 'LET IN', 'LET IN'],
    ]);
    const fourth = await ask('rotate', { id, graceSeconds: 0 });
    expect(fourth.rotationGraceUntil).toBeNull();
    expect([await reason(second.key), await reason(third.key), await reason(fourth.key)]).toEqual([
      ...['ROTATED', 'ROTATED', 'LET IN'],
    ]);
    expect((await shop.trail('apiKey.rotate')).filter(({ subjectId }) => subjectId === id)).toHaveLength(3);
  });

  it('never past the expiry', async () => {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const { apiKey } = await made({ expiresAt });
    expect((await ask('rotate', { id: apiKey.id, graceSeconds: 86_400 })).rotationGraceUntil).toBe(expiresAt);
  });

  it('one after the other when twenty ask, in one line of successors with two alive', async () => {
    const { apiKey, key } = await made();
    const answers = await Promise.all(
      Array.from({ length: 20 }, () =>
        shop.owner.ask<{ rotateApiKey: Made | null }>(asking.rotate, { input: { id: apiKey.id } }),
      ),
    );
    const successors = answers.flatMap(({ data }) => data?.rotateApiKey?.key ?? []);
    const codes = answers.flatMap(({ errors }) => errors.map(({ extensions }) => extensions.code));
    expect(codes).toEqual(Array(20 - successors.length).fill('CONFLICT'));
    const said = await Promise.all([key, ...successors].map(reason));
    expect(said.filter((one) => one === 'LET IN')).toHaveLength(2);
    expect(said.filter((one) => one === 'ROTATED')).toHaveLength(successors.length - 1);
    const secrets = await shop.database.owner.apiKeySecret.findMany({ where: { keyId: apiKey.id } });
    expect(secrets.filter(({ retiresAt }) => retiresAt === null)).toHaveLength(1);
  });
});

describe('changes', () => {
  it('name, addresses, limits and cap, and clears what is null', async () => {
    const { apiKey } = await made({ scopes: ['messages:send'], spendCapCredits: 5 });
    const { id } = apiKey;
    const patch = {
      name: 'New',
      allowedIps: ['127.0.0.0/8'],
      rpm: 3,
      rpd: 40,
      spendCapCredits: 9,
      spendCapPeriod: 'DAY',
    };
    expect((await ask('update', { id, ...patch })).apiKey).toMatchObject(patch);
    const cleared = { spendCapCredits: null, rpm: null, allowedIps: null };
    expect((await ask('update', { id, ...cleared })).apiKey).toMatchObject({
      ...{ name: 'New', rpd: 40, rpm: null, allowedIps: [], spendCapCredits: null, spendCapPeriod: null },
    });
    expect((await shop.lastEntry('apiKey.update')).details).toMatchObject({
      fields: ['spendCapCredits', 'rpm', 'allowedIps'].sort(),
    });
  });

  it('scopes to fewer, and refuses more with the scope and the reason', async () => {
    const { apiKey, key } = await made({ scopes: ['contacts:*', 'agents:read'] });
    const { id } = apiKey;
    expect((await ask('update', { id, scopes: ['read:contacts'] })).apiKey.scopes).toEqual(['contacts:read']);
    expect((await shop.as({ key }).refused('{ agents { totalCount } }')).extensions.code).toBe('FORBIDDEN');
    for (const scope of ['contacts:write', 'contacts:*', '*:read', 'audit:read']) {
      const { message, extensions } = await shop.writesNothing(() =>
        refused('update', { id, scopes: ['contacts:read', scope] }),
      );
      expect(extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.scopes' });
      expect(message).toContain(scope);
      expect(message).toContain('narrow');
    }
  });

  it('no spending scope out of a wildcard that does not hold it', async () => {
    const { apiKey } = await made({ scopes: ['campaigns:*'] });
    await policies({ explicitSpendScopes: true });
    const { message } = await refused('update', { id: apiKey.id, scopes: ['campaigns:start'] });
    await policies({ explicitSpendScopes: false });
    expect(message).toContain('campaigns:start');
    expect((await ask('update', { id: apiKey.id, scopes: ['campaigns:start'] })).apiKey.scopes).toEqual([
      'campaigns:start',
    ]);
  });
});

describe('ends', () => {
  it('for a while or for good, on the very next request', async () => {
    const { apiKey, key } = await made();
    const { id } = apiKey;
    expect((await ask('suspend', { id })).apiKey.status).toBe('SUSPENDED');
    expect(await reason(key)).toBe('SUSPENDED');
    await ask('suspend', { id });
    // Each time that it is asked for leaves an entry.
    expect((await shop.trail('apiKey.suspend')).filter(({ subjectId }) => subjectId === id)).toHaveLength(2);
    expect((await ask('resume', { id })).apiKey.status).toBe('ACTIVE');
    expect(await reason(key)).toBe('LET IN');
    const rotated = await ask('rotate', { id });
    expect((await ask('revoke', { id })).apiKey.status).toBe('REVOKED');
    expect([await reason(key), await reason(rotated.key)]).toEqual(['REVOKED', 'REVOKED']);
  });

  it('never again: what is expired or revoked is not extended, rotated or resumed', async () => {
    const revoked = (await made()).apiKey.id;
    await ask('revoke', { id: revoked });
    const expired = (await made()).apiKey.id;
    await shop.database.owner.apiKey.update({ where: row(expired), data: { expiresAt: new Date(Date.now() - 1_000) } });
    for (const [id, status] of [
      [revoked, 'REVOKED'],
      [expired, 'EXPIRED'],
    ]) {
      const expiresAt = '2030-01-01T00:00:00Z';
      for (const [mutation, input] of [
        ['rotate', {}],
        ['resume', {}],
        ['suspend', {}],
        ['update', { expiresAt }],
      ] as const) {
        const { extensions } = await shop.writesNothing(() => refused(mutation, { id, ...input }));
        expect(extensions).toMatchObject({ code: 'CONFLICT', status });
      }
    }
  });

  it('with what it asked for and waits, and its credits', async () => {
    const { apiKey, key } = await made({ scopes: ['messages:send'] });
    const { workspaceId } = shop.place;
    await shop.database.owner.creditAccount.update({ where: { workspaceId }, data: { balanceCredits: 100 } });
    const message = { conversationId: shop.ids.conversationId, body: 'Hello' };
    const { sendMessage } = await shop.as({ key }).data<Sent>(sending, { input: message });
    expect(sendMessage.status).toBe('AWAITING_APPROVAL');
    const reserved = async () =>
      (await shop.database.owner.creditAccount.findUniqueOrThrow({ where: { workspaceId } })).reservedCredits;
    expect(await reserved()).toBe(1);
    await ask('revoke', { id: apiKey.id });
    expect(await shop.ends(sendMessage.effect.id)).toMatchObject({ status: 'CANCELLED', charged: 0 });
    expect(await reserved()).toBe(0);
    expect(await shop.lastEntry('effect.cancel')).toMatchObject({ effectId: sendMessage.effect.id });
  });

  it('by itself, with what waits; a person has no key to revoke', async () => {
    const { apiKey, key } = await made({ scopes: ['messages:send'] });
    const message = { conversationId: shop.ids.conversationId, body: 'Hello' };
    const { sendMessage } = await shop.as({ key }).data<Sent>(sending, { input: message });
    expect(await shop.as({ key }).data(asking.revokeSelf)).toEqual({ revokeSelf: { revokedId: apiKey.id } });
    expect(await reason(key)).toBe('REVOKED');
    expect(await shop.ends(sendMessage.effect.id)).toMatchObject({ status: 'CANCELLED' });
    expect(await shop.lastEntry('apiKey.revoke')).toMatchObject({ actorId: apiKey.id, subjectId: apiKey.id });
    expect((await shop.owner.refused(asking.revokeSelf)).extensions.code).toBe('FORBIDDEN');
  });

  it('in no list once it is deleted, its secret still REVOKED', async () => {
    const { apiKey, key } = await made();
    expect(await ask('delete', { id: apiKey.id })).toMatchObject({ deletedId: apiKey.id, effect: null });
    expect((await shop.trail('apiKey.revoke')).map(({ subjectId }) => subjectId)).toContain(apiKey.id);
    expect(await shop.lastEntry('apiKey.delete')).toMatchObject({ subjectId: apiKey.id });
    expect(await reason(key)).toBe('REVOKED');
    const { apiKeys } = await shop.owner.data<{ apiKeys: { nodes: { id: string }[] } }>(
      '{ apiKeys(status: null, first: 100) { nodes { id } } }',
    );
    expect(apiKeys.nodes.map(({ id }) => id)).not.toContain(apiKey.id);
    expect((await refused('revoke', { id: apiKey.id })).extensions.code).toBe('NOT_FOUND');
  });
});

describe('refuses', () => {
  it('every key and every member, whatever they hold', async () => {
    const key = await shop.key('*:read', 'contacts:*', 'audit:read');
    const member = await shop.signIn(await shop.addPerson('MEMBER'));
    const { apiKey } = await made();
    const { id } = apiKey;
    const inputs = { create: { kind: 'ACCOUNT', name: 'No' }, update: { id, name: 'No' } } as Record<string, object>;
    for (const client of [key, member]) {
      for (const mutation of ['create', 'rotate', 'update', 'suspend', 'resume', 'revoke', 'delete'] as const) {
        const refusal = await shop.writesNothing(() =>
          client.refused(asking[mutation], { input: inputs[mutation] ?? { id } }),
        );
        expect(refusal).toMatchObject({ status: 403, extensions: { code: 'FORBIDDEN', requiredRole: 'ADMIN' } });
      }
    }
  });
});
