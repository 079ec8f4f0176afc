import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storeSecret } from '../../src/auth/create-key.js';
import { newKeySecret } from '../../src/auth/key-format.js';
import { newId } from '../../src/platform/ids.js';
import { type StatementWatch, watchStatements } from '../graphql/statements.js';
import type { Client } from '../support/client.js';
import { startHarness } from '../support/harness.js';
import { plantEffect } from '../support/plant.js';
import { type Shop, startShop } from './shop.js';

interface Use {
  readonly requestCount: number;
  readonly lastUsedAt: string | null;
  readonly seenInBrowserAt: string | null;
  readonly scopeUse: readonly { scope: string; requestCount: number; lastUsedAt: string | null }[];
  readonly secrets: readonly {
    id: string;
    start: string;
    requestCount: number;
    lastUsedAt: string | null;
    retiresAt: string | null;
  }[];
}
type KeyClient = Client & { readonly keyId: string };

const fields = `requestCount lastUsedAt seenInBrowserAt scopeUse { scope requestCount lastUsedAt }
  secrets { id start createdAt retiresAt requestCount lastUsedAt }`;

let shop: Shop;
let reader: KeyClient;
let watch: StatementWatch;
beforeAll(async () => {
  watch = watchStatements({ all: true });
  shop = await startShop();
  const { workspaceId } = shop.place;
  await shop.database.owner.workspace.update({ where: { id: workspaceId }, data: { plan: 'scale' } });
  reader = await shop.key('api_keys:read');
});
afterAll(async () => {
  watch?.stop();
  await shop?.stop();
});

async function useOf({ keyId }: { readonly keyId: string }): Promise<Use> {
  const { apiKey } = await reader.data<{ apiKey: Use }>(`query K($id: ID!) { apiKey(id: $id) { ${fields} } }`, {
    id: keyId,
  });
  return apiKey;
}

/** Its use once so many requests, and uses of scopes, were written; that takes a second at most. */
async function settled(key: { readonly keyId: string }, requests: number, uses = 0): Promise<Use> {
  let use = await useOf(key);
  for (let tries = 0; tries < 120 && (use.requestCount < requests || usesOf(use) < uses); tries++) {
    await delay(25);
    use = await useOf(key);
  }
  return use;
}

const usesOf = ({ scopeUse }: Use) => scopeUse.reduce((sum, { requestCount }) => sum + requestCount, 0);

const numbers = ({ scopeUse }: Use) =>
  Object.fromEntries(scopeUse.map(({ scope, requestCount }) => [scope, requestCount]));

const contacts = '{ contacts { totalCount } }';

describe('counts', () => {
  it('each request of many at once, those refused too, by key, by secret and by scope', async () => {
    const key = await shop.key('contacts:read', 'agents:read', 'messages:read');
    const before = Date.now();
    await Promise.all([
      ...Array.from({ length: 30 }, () => key.data(contacts)),
      ...Array.from({ length: 12 }, () => key.data('{ contacts { totalCount } agents { totalCount } }')),
      ...Array.from({ length: 8 }, () => key.refused('{ contacts { totalCount } inboxes { totalCount } }')),
      ...Array.from({ length: 3 }, () => key.ask('{ nothing }')),
      key.data('{ me { kind } }'),
    ]);
    const use = await settled(key, 54, 54);
    expect(use.requestCount).toBe(54);
    expect(numbers(use)).toEqual({ 'contacts:read': 42, 'agents:read': 12, 'messages:read': 0 });
    expect(use.secrets).toEqual([expect.objectContaining({ requestCount: 54, retiresAt: null })]);
    const [agents, , messages] = use.scopeUse;
    expect(messages?.lastUsedAt).toBeNull();
    for (const at of [use.lastUsedAt, agents?.lastUsedAt, use.secrets[0]?.lastUsedAt]) {
      expect(Date.parse(at ?? '')).toBeGreaterThanOrEqual(before - 1_000);
      expect(Date.parse(at ?? '')).toBeLessThanOrEqual(Date.now() + 1_000);
    }
  });

  it('the alternative that is held, and of two that are held the first', async () => {
    const named = '{ me { workspace { name } } }';
    const both = await shop.key('me:read', 'account:read');
    const second = await shop.key('account:read');
    for (const key of [both, second]) await key.data(named);
    expect(numbers(await settled(both, 1, 1))).toEqual({ 'me:read': 1, 'account:read': 0 });
    expect(numbers(await settled(second, 1, 1))).toEqual({ 'account:read': 1 });
  });

  it('what a wildcard holds, scope by scope, and only what was executed', async () => {
    const key = await shop.key('contacts:*', 'agents:*');
    const query = 'query Q($more: Boolean!) { contacts { totalCount } agents @include(if: $more) { totalCount } }';
    for (const more of [true, false, false]) await key.data(query, { more });
    expect(numbers(await settled(key, 3, 4))).toEqual({
      'contacts:read': 3,
      'contacts:write': 0,
      'agents:read': 1,
      'agents:write': 0,
      'agents:trigger': 0,
    });
  });

  it('no scope for input that is refused before it runs, nor for an agent that is not the key’s', async () => {
    const writer = await shop.key('contacts:write');
    await writer.refused('mutation { createContact(input: { }) { contact { id } } }');
    const other = await shop.database.owner.agent.create({
      data: {
        workspaceId: shop.place.workspaceId,
        id: newId('agt'),
        name: 'B',
        instructions: '',
      },
    });
    const agentKey = await shop.agentKey(['agent:config:read']);
    const read = 'query A($id: ID!) { agent(id: $id) { name } }';
    expect((await agentKey.refused(read, { id: other.id })).extensions.code).toBe('FORBIDDEN_AGENT');
    await agentKey.data(read, { id: shop.ids.agentId });
    expect(numbers(await settled(writer, 1))).toEqual({ 'contacts:write': 0 });
    expect(numbers(await settled(agentKey, 2, 1))).toEqual({ 'agent:config:read': 1 });
  });

  it('approvals:read when it shows the request of another, and not when it is the key’s own', async () => {
    const key = await shop.key('approvals:read');
    const { workspaceId, userId } = shop.place;
    const plant = (kind: 'SESSION' | 'ACCOUNT_KEY', id: string) =>
      plantEffect(shop.database.owner, workspaceId, { asker: { kind, id, agentId: null }, canary: 'use' });
    const own = await plant('ACCOUNT_KEY', key.keyId);
    const foreign = await plant('SESSION', userId);
    const read = 'query E($id: ID!) { effect(id: $id) { id } again: effect(id: $id) { id } }';
    await key.data(read, { id: own.id });
    expect(numbers(await settled(key, 1))).toEqual({ 'approvals:read': 0 });
    await key.data(read, { id: foreign.id });
    expect(numbers(await settled(key, 2, 1))).toEqual({ 'approvals:read': 1 });
    await firstEvent(key, 'subscription W($id: ID) { effectUpdated(id: $id) { id } }', { id: foreign.id });
    expect(numbers(await settled(key, 3, 2))).toEqual({ 'approvals:read': 2 });
  });

  it('a subscription once, with the scopes it takes', async () => {
    const key = await shop.key('messages:read', 'contacts:read');
    const { workspaceId } = shop.place;
    const asker = { kind: 'ACCOUNT_KEY', id: key.keyId, agentId: null } as const;
    const { id } = await plantEffect(shop.database.owner, workspaceId, { asker, canary: 'use' });
    const query = 'subscription W($id: ID) { effectUpdated(id: $id) { id requestedBy { kind } } }';
    await firstEvent(key, query, { id });
    expect(numbers(await settled(key, 1))).toEqual({ 'messages:read': 0, 'contacts:read': 0 });
    const refused = await shop.key('contacts:read');
    const amends = 'subscription W($id: ID) { effectUpdated(id: $id) { amends { id } } }';
    await firstEvent(refused, amends, { id }, 'FORBIDDEN');
    expect(numbers(await settled(refused, 1))).toEqual({ 'contacts:read': 0 });
    const approver = await shop.key('approvals:read');
    const { id: own } = await plantEffect(shop.database.owner, workspaceId, {
      asker: { ...asker, id: approver.keyId },
      canary: 'use',
    });
    await firstEvent(approver, amends, { id: own });
    expect(numbers(await settled(approver, 1, 1))).toEqual({ 'approvals:read': 1 });
  });

  it('each secret of a key by itself', async () => {
    const key = await shop.key('contacts:read');
    const next = newKeySecret('ACCOUNT', 'sp');
    const { owner: db } = shop.database;
    await storeSecret(db, {
      workspaceId: shop.place.workspaceId,
      keyId: key.keyId,
      hash: next.hash,
      start: next.start,
    });
    const successor = shop.as({ key: next.key });
    for (const client of [key, key, successor]) await client.data(contacts);
    const { secrets, requestCount } = await settled(key, 3);
    expect(requestCount).toBe(3);
    expect(secrets.map(({ requestCount }) => requestCount)).toEqual([1, 2]);
    expect(secrets[0]?.start).toBe(next.start);
  });

  it('nothing for a person', async () => {
    await delay(1_500);
    watch.take();
    await shop.owner.data(contacts);
    await delay(1_500);
    expect(watch.take().filter((text) => /WITH used AS/.test(text))).toEqual([]);
  });
});

describe('a page in a browser', () => {
  const ask = async ({ url, headers }: Client, more: Record<string, string>) => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json', ...more },
      body: JSON.stringify({ query: contacts }),
    });
    expect(response.status).toBe(200);
  };

  it.each<[string, Record<string, string>]>([
    ['Origin', { origin: 'https://shop.example' }],
    ['the Origin of a page without one', { origin: 'null' }],
    ['Sec-Fetch-Site: cross-site', { 'sec-fetch-site': 'cross-site' }],
    ['Sec-Fetch-Site: same-origin', { 'sec-fetch-site': 'same-origin' }],
  ])('is told by %s, and not forgotten by what follows', async (_name, headers) => {
    const key = await shop.key('contacts:read');
    await ask(key, headers);
    await ask(key, {});
    const { seenInBrowserAt } = await settled(key, 2);
    expect(Math.abs(Date.now() - Date.parse(seenInBrowserAt ?? ''))).toBeLessThan(10_000);
  });

  it.each<[string, Record<string, string>]>([
    ['a program of Node, which sends Sec-Fetch-Mode', { 'sec-fetch-mode': 'cors' }],
    ['what a person typed in', { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }],
    ['a name like one', { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0' }],
  ])('is not %s', async (_name, headers) => {
    const key = await shop.key('contacts:read');
    await ask(key, headers);
    expect(await settled(key, 1)).toMatchObject({ requestCount: 1, seenInBrowserAt: null });
  });
});

describe('shows', () => {
  it('a key its own use without any scope for it, and never a secret', async () => {
    const key = await shop.key('contacts:read');
    await key.data(contacts);
    await settled(key, 1, 1);
    const { me } = await key.data<{ me: { key: Use } }>(`{ me { key { ${fields} } } }`);
    expect(me.key).toMatchObject({
      requestCount: 1,
      seenInBrowserAt: null,
      scopeUse: [{ scope: 'contacts:read', requestCount: 1, lastUsedAt: expect.any(String) }],
      secrets: [{ requestCount: 1, start: expect.stringMatching(/^sp_acct_.{4}$/), retiresAt: null }],
    });
    const stored = await shop.database.owner.apiKeySecret.findFirstOrThrow({ where: { keyId: key.keyId } });
    const answer = await key.ask(`{ me { key { ${fields} } } }`);
    expect(answer.text).not.toContain(Buffer.from(stored.hash).toString('hex'));
    expect(answer.text).not.toContain(key.headers.authorization?.slice(-20));
  });

  it('what a key holds under the policies of its workspace', async () => {
    const key = await shop.key('contacts:*');
    const { workspaceId } = shop.place;
    const write = (keysReadOnly: boolean) =>
      shop.database.owner.workspace.update({ where: { id: workspaceId }, data: { keysReadOnly } });
    await write(true);
    expect(Object.keys(numbers(await useOf(key)))).toEqual(['contacts:read']);
    await write(false);
    expect(Object.keys(numbers(await useOf(key)))).toEqual(['contacts:read', 'contacts:write']);
  });
});

it('a request writes nothing itself, and what it counted follows within a second, one statement for each table', async () => {
  const keys = [await shop.key('contacts:read'), await shop.key('contacts:read')];
  await delay(1_500);
  watch.take();
  await Promise.all(keys.map((key) => key.data(contacts)));
  const [now, isEarly] = [watch.take(), Date.now()];
  expect(now.filter((text) => /find_key/.test(text))).toHaveLength(2);
  // Workers look for jobs whenever they like.
  const ofRequests = now.filter((text) => !text.includes('pgboss.'));
  expect(ofRequests.filter((text) => /\b(INSERT|UPDATE|DELETE|MERGE)\b/i.test(text))).toEqual([]);
  const written: string[] = [];
  while (written.length < 3 && Date.now() - isEarly < 5_000) {
    await delay(20);
    written.push(...watch.take().filter((text) => /WITH used AS/.test(text)));
  }
  expect(Date.now() - isEarly).toBeLessThan(2_000);
  expect(
    written.map((text) => /(?:UPDATE|INSERT INTO) (\w+)/.exec(text.replace(/FOR NO KEY UPDATE/, ''))?.[1]),
  ).toEqual(['api_key_scope_use', 'api_key_secret_use', 'api_key']);
});

it('loses nothing when the server stops', async () => {
  const harness = await startHarness();
  try {
    const made = await harness.createKey({ kind: 'ACCOUNT', scopes: ['contacts:read'] });
    const client = harness.as(made);
    await Promise.all(Array.from({ length: 10 }, () => client.data(contacts)));
    await harness.app.stop(5_000);
    const { owner: db } = harness.database;
    const where = { keyId: made.id };
    expect((await db.apiKey.findFirstOrThrow({ where: { id: made.id } })).requestCount).toBe(10);
    expect((await db.apiKeySecretUse.findFirstOrThrow({ where })).requestCount).toBe(10);
    expect((await db.apiKeyScopeUse.findFirstOrThrow({ where })).requestCount).toBe(10);
  } finally {
    await harness.stop();
  }
});

/** Opens a stream, reads its first event, and leaves. */
async function firstEvent({ url, headers }: Client, query: string, variables: object, code?: string): Promise<void> {
  const controller = new AbortController();
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query, variables }),
    signal: controller.signal,
  });
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk as Uint8Array).toString();
    if (text.includes('"data"') || text.includes('"errors"')) break;
  }
  controller.abort();
  if (code === undefined) expect(text).not.toContain('"errors"');
  else expect(text).toContain(`"code":"${code}"`);
}
