// Suspended, deleted, restored: what stops at once, who gets in, and what comes back.
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../support/client.js';
import { type Sent, type Shop, sending, startShop } from './shop.js';

let shop: Shop | undefined;
let admin: Client;
const open = async (works = false): Promise<Shop> => {
  await shop?.stop();
  shop = await startShop({ works });
  admin = await shop.signIn(await shop.addPerson('ADMIN'));
  return shop;
};
afterAll(() => shop?.stop());

const suspend = 'mutation { suspendWorkspace { workspace { status } } }';
const resume = 'mutation { resumeWorkspace { workspace { status } } }';
const restore = 'mutation { restoreWorkspace { workspace { status deletedAt eraseAt } } }';
const remove =
  'mutation ($name: String!) { deleteWorkspace(input: { name: $name }) { workspace { status deletedAt eraseAt } } }';
const ask = '{ me { effectiveScopes } }';
const dayMs = 86_400_000;

const account = ({ database, place }: Shop) =>
  database.owner.creditAccount.findUniqueOrThrow({ where: { workspaceId: place.workspaceId } });
const effects = async ({ database, place }: Shop) =>
  (await database.owner.effect.findMany({ where: { workspaceId: place.workspaceId } })).map(({ status }) => status);
const jobs = async ({ database, place }: Shop) =>
  (
    await database.executeAsOwner(`SELECT id FROM pgboss.job WHERE data->>'workspaceId' = $1 AND state < 'active'`, [
      place.workspaceId,
    ])
  ).rows;
const send = async (client: Client, { ids }: Shop) =>
  (await client.data<Sent>(sending, { input: { conversationId: ids.conversationId, body: 'Hello' } })).sendMessage
    .effect;

const isSuspended = async (client: Client, text = ask) => {
  const { status, extensions } = await client.refused(text);
  return [status, extensions.code, extensions.reason, extensions.subject];
};
const suspended = [401, 'UNAUTHENTICATED', 'SUSPENDED', 'workspace'];
/** Said by a mutation, after the door: its field is null, and the status that of an answer. */
const notServed = [200, ...suspended.slice(1)];
const write = 'mutation { createContact(input: { name: "Ann" }) { contact { id } } }';

describe('a suspended workspace', () => {
  let here: Shop;
  beforeEach(async () => {
    here = await open();
  });

  it('refuses its keys and members at their next request, until it is resumed', async () => {
    const key = await here.key('contacts:read');
    const member = await here.signIn(await here.addPerson('MEMBER'));
    await admin.data(suspend);
    expect(await isSuspended(key)).toEqual(suspended);
    expect(await isSuspended(member)).toEqual(suspended);
    // Whoever can take it back gets in, to read and for that.
    await admin.data('{ contacts { totalCount } }');
    expect(await isSuspended(admin, write)).toEqual(notServed);
    expect(await isSuspended(admin, suspend)).toEqual(notServed);
    expect(await admin.data(resume)).toEqual({ resumeWorkspace: { workspace: { status: 'ACTIVE' } } });
    await key.data(ask);
    await member.data(ask);
    expect(await here.lastEntry('workspace.suspend')).toMatchObject({ actorKind: 'SESSION', allowedBy: 'role:ADMIN' });
    expect(await here.lastEntry('workspace.resume')).toMatchObject({ subjectId: here.place.workspaceId });
  });

  it('lets nothing out that was queued before: it fails with the code, and its credits come back', async () => {
    const key = await here.key('messages:send');
    const { seal, id } = await send(key, here);
    const { id: byPerson } = await send(here.owner, here);
    await here.owner.data(
      'mutation ($id: ID!, $seal: String!) { approveEffect(input: { effectId: $id, seal: $seal }) { effect { id } } }',
      { id, seal },
    );
    expect(await account(here)).toMatchObject({ balanceCredits: 1_000, reservedCredits: 2 });
    await admin.data(suspend);
    await here.app.work();
    for (const effectId of [id, byPerson]) {
      for (let tries = 0; tries < 200 && (await statusOf(here, effectId)) === 'QUEUED'; tries++) await pause(25);
      expect(await statusOf(here, effectId)).toBe('FAILED');
    }
    const failed = await here.database.owner.effect.findFirstOrThrow({ where: { id } });
    expect(failed.failure).toMatchObject({ code: 'UNAUTHENTICATED' });
    expect(await account(here)).toMatchObject({ balanceCredits: 1_000, reservedCredits: 0 });
    expect(await here.outbox()).toEqual([]);
  });

  it('closes the open streams of its keys within a second', async () => {
    const key = await here.key('contacts:read');
    const stream = await fetch(`${here.url}/graphql`, {
      method: 'POST',
      headers: { ...key.headers, 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query: 'subscription { effectUpdated { id } }' }),
    });
    const ended = stream.text().then(() => Date.now());
    await pause(300);
    const at = Date.now();
    await admin.data(suspend);
    expect((await ended) - at).toBeLessThan(1_000);
  });
});

describe('a deleted workspace', () => {
  let here: Shop;
  beforeEach(async () => {
    here = await open();
  });

  it('takes its name typed out, and an OWNER', async () => {
    for (const name of ['shop', 'Shop ', '', 'Elsewhere']) {
      const { extensions } = await here.writesNothing(() => here.owner.refused(remove, { name }));
      expect(extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.name' });
    }
    const { extensions } = await here.writesNothing(() => admin.refused(remove, { name: 'Shop' }));
    expect(extensions).toMatchObject({ code: 'FORBIDDEN', requiredRole: 'OWNER' });
  });

  it('stops everything at once: keys, members, what waits, what is queued, and the jobs for it', async () => {
    const key = await here.key('messages:send');
    await send(key, here);
    await send(here.owner, here);
    expect((await effects(here)).sort()).toEqual(['AWAITING_APPROVAL', 'QUEUED']);
    expect(await account(here)).toMatchObject({ reservedCredits: 2 });
    expect(await jobs(here)).toHaveLength(1);
    const before = Date.now();
    type Deleted = { deleteWorkspace: { workspace: { status: string; deletedAt: string; eraseAt: string } } };
    const { workspace } = (await here.owner.data<Deleted>(remove, { name: 'Shop' })).deleteWorkspace;
    expect(workspace.status).toBe('DELETED');
    expect(Date.parse(workspace.deletedAt)).toBeGreaterThanOrEqual(before - 5_000);
    expect(Date.parse(workspace.eraseAt) - Date.parse(workspace.deletedAt)).toBe(7 * dayMs);
    expect(await effects(here)).toEqual(['CANCELLED', 'CANCELLED']);
    expect(await account(here)).toMatchObject({ balanceCredits: 1_000, reservedCredits: 0 });
    expect(await jobs(here)).toEqual([]);
    expect(await here.trail('effect.cancel')).toHaveLength(2);
    expect(await here.lastEntry('workspace.delete')).toMatchObject({
      allowedBy: 'role:OWNER',
      subjectId: here.place.workspaceId,
      details: { eraseAt: workspace.eraseAt },
    });
    expect(await isSuspended(key)).toEqual(suspended);
    expect(await isSuspended(admin)).toEqual(suspended);
    // Its owner reads, and takes nothing further back than the deletion.
    await here.owner.data('{ contacts { totalCount } }');
    expect(await isSuspended(here.owner, write)).toEqual(notServed);
    for (const text of [resume, 'mutation { deleteWorkspace(input: { name: "Shop" }) { workspace { id } } }']) {
      expect((await here.owner.refused(text)).extensions.code, text).toBe('CONFLICT');
    }
  });

  it('comes back with its keys when it is restored in time, and not after', async () => {
    const key = await here.key('contacts:read');
    await here.owner.data(remove, { name: 'Shop' });
    expect(await isSuspended(admin, restore)).toEqual(suspended);
    expect(await here.owner.data(restore)).toEqual({
      restoreWorkspace: { workspace: { status: 'ACTIVE', deletedAt: null, eraseAt: null } },
    });
    await key.data(ask);
    await admin.data(ask);
    expect(await here.lastEntry('workspace.restore')).toMatchObject({ allowedBy: 'role:OWNER' });

    await here.owner.data(remove, { name: 'Shop' });
    const { owner } = here.database;
    await owner.workspace.update({
      where: { id: here.place.workspaceId },
      data: { eraseAt: new Date(Date.now() - 1) },
    });
    const late = await here.owner.refused(restore);
    expect(late.extensions.code).toBe('FORBIDDEN');
    expect(await isSuspended(key)).toEqual(suspended);
  });

  it('a suspended one is not restored, and may be deleted', async () => {
    await admin.data(suspend);
    expect((await here.owner.refused(restore)).extensions.code).toBe('CONFLICT');
    await here.owner.data(remove, { name: 'Shop' });
  });

  it('is remembered by another workspace of the organization; a new one can be made from the last', async () => {
    await here.owner.data(remove, { name: 'Shop' });
    type Created = { createWorkspace: { workspace: { id: string } } };
    const { createWorkspace } = await here.owner.data<Created>(
      'mutation { createWorkspace(input: { name: "Anew" }) { workspace { id } } }',
    );
    const workspaceId = createWorkspace.workspace.id;
    // Without a name the one that is served is entered; the deleted one only by name.
    expect(await here.owner.data('{ me { workspace { id } } }')).toEqual({ me: { workspace: { id: workspaceId } } });
    const old = here.as({ cookie: here.owner.headers.cookie ?? '', workspaceId: here.place.workspaceId });
    await old.data(restore);
    await old.data(remove, { name: 'Shop' });
    const told = await here.database.owner.auditEntry.findMany({
      where: { workspaceId, action: { in: ['workspace.delete', 'workspace.restore'] } },
      orderBy: { id: 'asc' },
    });
    expect(told.map(({ action, subjectId, actorId }) => [action, subjectId, actorId])).toEqual([
      ['workspace.restore', here.place.workspaceId, here.place.userId],
      ['workspace.delete', here.place.workspaceId, here.place.userId],
    ]);
  });
});

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const statusOf = async ({ database }: Shop, id: string) =>
  (await database.owner.effect.findFirstOrThrow({ where: { id } })).status;
