import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Prisma } from '../../src/generated/prisma/client.js';
import { newId } from '../../src/platform/ids.js';
import { type StatementWatch, watchStatements } from '../graphql/statements.js';
import type { Client } from '../support/client.js';
import { type Harness, startHarness } from '../support/harness.js';
import { type Shop, startShop } from './shop.js';

interface Found {
  readonly totalCount: number;
  readonly nodes: readonly { readonly name: string }[];
}
interface Insights {
  readonly secretAgeDaysMax: number;
  readonly unused: Found;
  readonly expiring: Found;
  readonly old: Found;
  readonly seenInBrowser: Found;
  readonly needsRescope: Found;
  readonly withUnusedScopes: {
    readonly totalCount: number;
    readonly nodes: readonly {
      readonly apiKey: { readonly name: string };
      readonly unusedScopes: readonly string[];
      readonly sufficientScopes: readonly string[];
    }[];
  };
}

const found = '{ totalCount nodes { name } }';
const insights = `query I($unusedForDays: Int, $expiringWithinDays: Int, $olderThanDays: Int) {
  apiKeyInsights(unusedForDays: $unusedForDays, expiringWithinDays: $expiringWithinDays, olderThanDays: $olderThanDays) {
    secretAgeDaysMax unused ${found} expiring ${found} old ${found} seenInBrowser ${found} needsRescope ${found}
    withUnusedScopes { totalCount nodes { apiKey { name } unusedScopes sufficientScopes } } } }`;

let shop: Shop;
let watch: StatementWatch;
let reader: Client & { readonly keyId: string };
beforeAll(async () => {
  watch = watchStatements();
  shop = await startShop({ works: false });
  reader = await shop.key('api_keys:read');
});
afterAll(async () => {
  watch?.stop();
  await shop?.stop();
});

const inDays = (days: number): Date => new Date(Date.now() + days * 86_400_000);

interface Planted extends Partial<Omit<Prisma.ApiKeyUncheckedCreateInput, 'scopes' | 'secrets'>> {
  readonly scopes?: readonly string[];
  readonly used?: Readonly<Record<string, number>>;
  /** How old its secrets are, in days; those but the last were replaced. */
  readonly secretsMade?: readonly number[];
}

/** A key of some days ago, as if it had been used since. */
async function plant(
  name: string,
  { scopes = ['contacts:read'], used = {}, secretsMade, ...columns }: Planted,
  on: Harness = shop,
) {
  const { owner: db } = on.database;
  const place = { workspaceId: on.place.workspaceId, ...columns };
  const id = newId('key');
  await db.apiKey.create({
    data: {
      kind: 'ACCOUNT',
      keyPrefix: 'sp_acct_',
      start: 'sp_acct_0000',
      createdAt: inDays(-60),
      lastUsedAt: inDays(-1),
      ...place,
      id,
      name,
      scopes: [...scopes],
    },
  });
  const { workspaceId } = place;
  const days = secretsMade ?? [(Date.now() - new Date(columns.createdAt ?? inDays(-60)).getTime()) / 86_400_000];
  for (const [index, age] of days.entries()) {
    await db.apiKeySecretUse.create({
      data: {
        workspaceId,
        id: newId('sec'),
        keyId: id,
        start: 'sp_acct_0000',
        createdAt: inDays(-age),
        retiresAt: index === days.length - 1 ? null : inDays(-(days[index + 1] ?? 0)),
      },
    });
  }
  for (const [scope, daysAgo] of Object.entries(used)) {
    const use = { keyId: id, scope, lastUsedAt: inDays(-daysAgo), requestCount: 1 };
    await db.apiKeyScopeUse.create({ data: { workspaceId, ...use } });
  }
  return id;
}

const ask = async (variables: object = {}): Promise<Insights> =>
  (await reader.data<{ apiKeyInsights: Insights }>(insights, variables)).apiKeyInsights;
const names = ({ nodes }: Found) => nodes.map(({ name }) => name);

describe('of a history', () => {
  beforeAll(async () => {
    const tidy = { scopes: ['contacts:read'], used: { 'contacts:read': 1 } };
    await plant('tidy', tidy);
    await plant('wide', { scopes: ['contacts:*', 'agents:read'], used: { 'contacts:read': 2, 'agents:read': 40 } });
    await plant('wider', { scopes: ['*:read'], used: { 'contacts:read': 2, 'messages:read': 3 } });
    await plant('curious', { scopes: ['contacts:read'] });
    await plant('agent', {
      kind: 'AGENT',
      agentId: shop.ids.agentId,
      scopes: ['agent:config:read', 'agent:trigger'],
      used: { 'agent:trigger': 1 },
    });
    await plant('young', { createdAt: inDays(-5), scopes: ['contacts:*'], used: { 'contacts:read': 1 } });
    await plant('asleep', { ...tidy, lastUsedAt: inDays(-31), used: { 'contacts:read': 31 } });
    await plant('never', { ...tidy, lastUsedAt: null, used: {} });
    await plant('young and never', { lastUsedAt: null, createdAt: inDays(-5) });
    await plant('soon', { ...tidy, expiresAt: inDays(3) });
    await plant('sooner', { ...tidy, expiresAt: inDays(1) });
    await plant('later', { ...tidy, expiresAt: inDays(20) });
    await plant('old', { ...tidy, createdAt: inDays(-100) });
    await plant('renewed', { ...tidy, createdAt: inDays(-400), secretsMade: [400, 200, 10] });
    await plant('in a page', { ...tidy, seenInBrowserAt: inDays(-2) });
    await plant('in a page before', { ...tidy, secretsMade: [60, 10], seenInBrowserAt: inDays(-20) });
    await plant('imported', { scopes: ['*'], needsRescope: true, used: { 'contacts:read': 1 } });
    await plant('suspended', { ...tidy, status: 'SUSPENDED', needsRescope: true });
    const bad = { seenInBrowserAt: inDays(-1), needsRescope: true, createdAt: inDays(-400), scopes: ['contacts:*'] };
    await plant('revoked', { ...bad, status: 'REVOKED', revokedAt: inDays(-1), expiresAt: inDays(1) });
    await plant('deleted', { ...bad, deletedAt: inDays(-1), expiresAt: inDays(1) });
    await plant('expired', { ...bad, expiresAt: inDays(-1) });
    await plant('foreign', { ...bad, workspaceId: shop.elsewhere.workspaceId, expiresAt: inDays(1) });
  });

  it('tells what is unused, expiring, old, in a page, too wide, and of no key that is over or foreign', async () => {
    const told = await ask();
    expect(names(told.unused)).toEqual(['never', 'asleep']);
    expect(names(told.expiring)).toEqual(['sooner', 'soon']);
    expect(names(told.old)).toEqual(['old']);
    expect(names(told.seenInBrowser)).toEqual(['in a page']);
    expect(names(told.needsRescope).sort()).toEqual(['imported', 'suspended']);
    expect(told.secretAgeDaysMax).toBe(90);
    for (const one of [told.unused, told.expiring, told.old, told.seenInBrowser, told.needsRescope]) {
      expect(one.totalCount).toBe(one.nodes.length);
    }
  });

  it('tells which scopes were not used, and the narrower key', async () => {
    const { withUnusedScopes } = await ask();
    const byName = new Map(withUnusedScopes.nodes.map(({ apiKey, ...rest }) => [apiKey.name, rest]));
    expect([...byName.keys()].sort()).toEqual(['agent', 'curious', 'imported', 'wide', 'wider']);
    expect(withUnusedScopes.totalCount).toBe(5);
    expect(byName.get('wide')).toEqual({
      unusedScopes: ['agents:read', 'contacts:write'],
      sufficientScopes: ['contacts:read'],
    });
    expect(byName.get('curious')).toEqual({ unusedScopes: ['contacts:read'], sufficientScopes: [] });
    expect(byName.get('agent')).toEqual({
      unusedScopes: ['agent:config:read'],
      sufficientScopes: ['agent:trigger'],
    });
    expect(byName.get('wider')?.sufficientScopes).toEqual(['contacts:read', 'messages:read']);
    expect(byName.get('wider')?.unusedScopes).toContain('agents:read');
    expect(byName.get('wider')?.unusedScopes).not.toContain('audit:read');
    expect(byName.get('imported')?.unusedScopes).toContain('campaigns:start');
    const [first] = withUnusedScopes.nodes;
    expect(first?.apiKey.name).toBe('imported');
  });

  it('judges by the days it is asked for, and a null is the default', async () => {
    const told = await ask({ unusedForDays: 50, expiringWithinDays: 2, olderThanDays: 101 });
    expect(names(told.unused)).toEqual(['never']);
    expect(names(told.expiring)).toEqual(['sooner']);
    expect(names(told.old)).toEqual([]);
    const wide = told.withUnusedScopes.nodes.find(({ apiKey }) => apiKey.name === 'wide');
    expect(wide?.sufficientScopes).toEqual(['agents:read', 'contacts:read']);
    const nothing = { unusedForDays: null, expiringWithinDays: null, olderThanDays: null };
    expect(await ask(nothing)).toEqual(await ask());
  });

  it('goes by the rules of the workspace: the age for rotation wins, what is not held is not unused', async () => {
    const write = (data: Prisma.WorkspaceUpdateInput) =>
      shop.database.owner.workspace.update({ where: { id: shop.place.workspaceId }, data });
    await write({ keyRotationDaysMax: 30, explicitSpendScopes: true, keysReadOnly: true });
    const told = await ask({ olderThanDays: 3_650 });
    await write({ keyRotationDaysMax: null, explicitSpendScopes: false, keysReadOnly: false });
    expect(told.secretAgeDaysMax).toBe(30);
    expect(names(told.old)).toContain('tidy');
    expect(names(told.old)).not.toContain('renewed');
    const wide = told.withUnusedScopes.nodes.find(({ apiKey }) => apiKey.name === 'wide');
    expect(wide?.unusedScopes).toEqual(['agents:read']);
  });

  it('takes as many statements for five keys as for one', async () => {
    const whole = `query I($days: Int) { apiKeyInsights(unusedForDays: $days) { withUnusedScopes { nodes {
      apiKey { name agent { id } scopeUse { scope } secrets { start } } } } unused { nodes { agent { id } } } } }`;
    const looker = await shop.key('api_keys:read', 'agents:read');
    watch.take();
    const one = await looker.data<{ apiKeyInsights: Insights }>(whole, { days: 1 });
    const few = watch.take();
    const five = await looker.data<{ apiKeyInsights: Insights }>(whole, { days: 30 });
    const many = watch.take();
    expect(one.apiKeyInsights.withUnusedScopes.nodes.length).not.toBe(
      five.apiKeyInsights.withUnusedScopes.nodes.length,
    );
    expect(many.length, many.join('\n')).toBeLessThanOrEqual(10);
    expect(few.length, few.join('\n')).toBeLessThanOrEqual(10);
  });
});

describe('refuses', () => {
  it.each([
    ['unusedForDays', 0],
    ['unusedForDays', -1],
    ['expiringWithinDays', 0],
    ['expiringWithinDays', 3_651],
    ['olderThanDays', 0],
    ['olderThanDays', 2_147_483_647],
  ])('%s of %i, naming it', async (field, value) => {
    const refused = await reader.refused(insights, { [field]: value });
    expect(refused.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field });
    expect(refused.message).toContain('1 to 3650');
  });

  it('a key without api_keys:read, and any agent key', async () => {
    const plain = await shop.key('contacts:read');
    expect((await plain.refused(insights)).extensions).toMatchObject({ missingScopes: ['api_keys:read'] });
    const agentKey = await shop.agentKey(['agent:config:read']);
    expect((await agentKey.refused(insights)).status).toBe(403);
  });
});

describe('is bounded', () => {
  it('to a hundred of each, and says how many there are', async () => {
    const { workspaceId } = await shop.addPlace('Crowded');
    const keys = Array.from({ length: 120 }, () => newId('key'));
    await shop.database.owner.apiKey.createMany({
      data: keys.map((id) => ({
        workspaceId,
        id,
        kind: 'ACCOUNT' as const,
        name: id,
        keyPrefix: 'sp_acct_',
        start: 'sp_acct_0000',
        scopes: ['contacts:read'],
        createdAt: inDays(-100),
        lastUsedAt: inDays(-1),
      })),
    });
    const made = await shop.createKey({ kind: 'ACCOUNT', scopes: ['api_keys:read'], workspaceId });
    const { apiKeyInsights } = await shop.as(made).data<{ apiKeyInsights: Insights }>(insights);
    for (const list of [apiKeyInsights.old, apiKeyInsights.withUnusedScopes]) {
      expect([list.totalCount, list.nodes.length]).toEqual([120, 100]);
    }
  });
});

describe('isolates', () => {
  it.each(['guard', 'rls'] as const)(
    'by the wall %s alone: what another workspace holds is not even counted',
    async (walls) => {
      const harness = await startHarness({ walls, works: false });
      try {
        const { workspaceId } = await harness.addPlace('Elsewhere');
        const all = { seenInBrowserAt: inDays(-1), needsRescope: true, createdAt: inDays(-400), expiresAt: inDays(1) };
        await plant('used', { ...all, workspaceId, scopes: ['contacts:*'], used: { 'contacts:read': 1 } }, harness);
        await plant('unused', { ...all, workspaceId, lastUsedAt: null }, harness);
        const ask = async (of: string) => {
          const made = await harness.createKey({ kind: 'ACCOUNT', scopes: ['api_keys:read'], workspaceId: of });
          const { apiKeyInsights } = await harness.as(made).data<{ apiKeyInsights: Insights }>(insights);
          const { secretAgeDaysMax: _, ...lists } = apiKeyInsights;
          return Object.fromEntries(Object.entries(lists).map(([name, { totalCount }]) => [name, totalCount]));
        };
        const theirs = { unused: 1, expiring: 2, old: 2, seenInBrowser: 2, needsRescope: 2, withUnusedScopes: 1 };
        expect(await ask(workspaceId)).toEqual(theirs);
        const none = Object.fromEntries(Object.keys(theirs).map((name) => [name, 0]));
        expect(await ask(harness.place.workspaceId)).toEqual(none);
      } finally {
        await harness.stop();
      }
    },
  );
});
