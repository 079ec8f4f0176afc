import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { storeSecret } from '../../src/auth/create-key.js';
import { newKeySecret } from '../../src/auth/key-format.js';
import type { ApiKey, Workspace } from '../../src/generated/prisma/client.js';
import { newId } from '../../src/platform/ids.js';
import { type Shop, startShop } from '../modules/shop.js';
import type { Client } from '../support/client.js';
import type { Harness, Place } from '../support/harness.js';
import { type Stream, subscribe } from '../support/stream.js';

let shop: Shop;
let place: Place & { readonly email: string; readonly password: string };
beforeAll(async () => {
  shop = await startShop({ works: false, env: { TRUST_PROXY: '1' } });
});
afterAll(() => shop?.stop());
// What befalls a workspace must not befall the next test.
beforeEach(async () => {
  place = await shop.addPlace(`Place${newId('wsp').slice(-8)}`);
});

const watch = (client: Client, from: string | null = null): Promise<Stream<unknown>> =>
  subscribe(client, 'subscription { effectUpdated { id } }', {}, from);

/** Open, judged for the first time and waiting. */
async function open(client: Client, from: string | null = null): Promise<Stream<unknown>> {
  const stream = await watch(client, from);
  expect(stream.status).toBe(200);
  await delay(150);
  expect(stream.isOver()).toBe(false);
  return stream;
}

async function endsWithin(milliseconds: number, stream: Stream<unknown>): Promise<void> {
  await Promise.race([stream.ended, delay(milliseconds)]);
  expect(stream.isOver()).toBe(true);
}

async function newKey(request: Partial<Parameters<Harness['createKey']>[0]> = {}) {
  const { id, key } = await shop.createKey({ kind: 'ACCOUNT', workspaceId: place.workspaceId, ...request });
  return { ...shop.as({ key }), keyId: id };
}

const change = ({ keyId }: { keyId: string }, data: Partial<ApiKey>) =>
  shop.database.owner.apiKey.update({ where: { workspaceId_id: { workspaceId: place.workspaceId, id: keyId } }, data });
const changeWorkspace = (data: Partial<Workspace>) =>
  shop.database.owner.workspace.update({ where: { id: place.workspaceId }, data });
const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000);

describe('a stream of a key ends within a second', () => {
  it.each([
    ['was revoked', { status: 'REVOKED', revokedAt: new Date() }],
    ['was deleted', { deletedAt: new Date() }],
    ['was suspended', { status: 'SUSPENDED' }],
    ['was narrowed', { scopes: ['contacts:read'] }],
    ['was made to expire before now', { expiresAt: ago(1) }],
    ['may be used from other addresses only', { allowedIps: ['203.0.113.0/24'] }],
  ] as const)('after it %s', async (_, data) => {
    const client = await newKey({ scopes: ['contacts:read', 'agents:read'] });
    const stream = await open(client);
    await change(client, data as Partial<ApiKey>);
    await endsWithin(1_000, stream);
  });

  it('after its hour has come by the time of the database, and not before', async () => {
    const client = await newKey();
    const { rows } = await shop.database.executeAsOwner(
      `UPDATE api_key SET expires_at = now() + interval '1500 milliseconds' WHERE id = $1 RETURNING expires_at`,
      [client.keyId],
    );
    expect(rows).toHaveLength(1);
    const stream = await open(client);
    await delay(800);
    expect(stream.isOver()).toBe(false);
    await endsWithin(1_500, stream);
  });

  it('after the grace of the secret it was opened with, while the new secret goes on', async () => {
    const client = await newKey();
    const next = newKeySecret('ACCOUNT', 'sp');
    const { workspaceId } = place;
    const { hash, start } = next;
    await shop.database.owner.$transaction((db) => storeSecret(db, { workspaceId, keyId: client.keyId, hash, start }));
    const old = await open(client);
    const renewed = await open(shop.as({ key: next.key }));
    await shop.database.executeAsOwner(
      `UPDATE api_key_secret SET retires_at = now() + interval '700 milliseconds' WHERE key_id = $1 AND hash <> $2`,
      [client.keyId, hash],
    );
    await delay(300);
    expect(old.isOver()).toBe(false);
    await endsWithin(1_400, old);
    expect(renewed.isOver()).toBe(false);
    renewed.close();
  });

  it.each([
    ['was suspended', { status: 'SUSPENDED' }],
    ['was deleted', { status: 'DELETED' }],
    ['lets its keys read only', { keysReadOnly: true }],
    ['takes spending out of wildcards', { explicitSpendScopes: true }],
  ] as const)('after its workspace %s', async (_, data) => {
    const stream = await open(await newKey({ scopes: ['agents:*'] }));
    await changeWorkspace(data);
    await endsWithin(1_000, stream);
  });

  it('after it was bound to another agent', async () => {
    const agent = (id: string) => ({ workspaceId: place.workspaceId, id, name: 'Robin', instructions: 'Be brief.' });
    const [one, other] = [newId('agt'), newId('agt')];
    await shop.database.owner.agent.createMany({ data: [agent(one), agent(other)] });
    const client = await newKey({ kind: 'AGENT', agentId: one });
    const stream = await open(client);
    await change(client, { agentId: other });
    await endsWithin(1_000, stream);
  });
});

describe('a stream of a key goes on', () => {
  it('when what changes leaves it as good as it was', async () => {
    const client = await newKey({ scopes: ['contacts:read'] });
    const stream = await open(client, '198.51.100.7');
    await change(client, { allowedIps: ['198.51.100.0/24'] });
    await change(client, { expiresAt: new Date(Date.now() + 3_600_000), name: 'Renamed', rpm: 3 });
    await changeWorkspace({ explicitSpendScopes: true, plan: 'pro' });
    await change(await newKey(), { status: 'REVOKED' });
    await delay(400);
    expect(stream.isOver()).toBe(false);
    await change(client, { allowedIps: ['198.51.100.8'] });
    await endsWithin(1_000, stream);
  });
});

describe('a stream of a person ends within a second', () => {
  const member = () => ({ organizationId_userId: { organizationId: place.organizationId, userId: person.userId } });
  let person: { userId: string; email: string; password: string };
  let client: Client;
  let stream: Stream<unknown>;
  beforeEach(async () => {
    person = await shop.addPerson('ADMIN', place);
    client = await shop.signIn(person);
    stream = await open(client);
  });

  it('after a demotion', async () => {
    await shop.database.owner.member.update({ where: member(), data: { role: 'MEMBER' } });
    await endsWithin(1_000, stream);
  });

  it('after leaving the organization', async () => {
    await shop.database.owner.member.delete({ where: member() });
    await endsWithin(1_000, stream);
  });

  it('after signing out', async () => {
    const { url, headers } = client;
    const signedOut = await fetch(`${url}/api/auth/sign-out`, { method: 'POST', headers });
    expect(signedOut.status).toBe(200);
    await endsWithin(1_000, stream);
  });

  it('after the session was ended by somebody else, while another session of the person goes on', async () => {
    const other = await shop.signIn(person);
    const [session] = await shop.database.owner.session.findMany({
      where: { userId: person.userId },
      orderBy: { createdAt: 'asc' },
    });
    const kept = await open(other);
    await shop.database.owner.session.delete({ where: { id: session?.id ?? '' } });
    await endsWithin(1_000, stream);
    expect(kept.isOver()).toBe(false);
    kept.close();
  });

  it('after the session has expired by the time of the database', async () => {
    await shop.database.executeAsOwner(
      `UPDATE session SET expires_at = now() + interval '700 milliseconds' WHERE user_id = $1`,
      [person.userId],
    );
    await delay(300);
    expect(stream.isOver()).toBe(false);
    await endsWithin(1_400, stream);
  });

  it('after the workspace was suspended, though an administrator may come back in', async () => {
    await changeWorkspace({ status: 'SUSPENDED' });
    await endsWithin(1_000, stream);
    (await open(client)).close();
  });

  it('after the workspace was deleted', async () => {
    await changeWorkspace({ status: 'DELETED' });
    await endsWithin(1_000, stream);
    expect((await watch(client)).status).toBe(401);
  });

  it('but not when a second workspace makes it unclear which one is meant', async () => {
    const { organizationId } = place;
    const second = newId('wsp');
    await shop.database.owner.workspace.create({ data: { id: second, organizationId, name: 'Second' } });
    await changeWorkspace({ keysReadOnly: true });
    await delay(400);
    expect(stream.isOver()).toBe(false);
    stream.close();
  });
});
