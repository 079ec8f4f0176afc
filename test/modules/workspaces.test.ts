import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ruleAt } from '../../src/graphql/field-access.js';
import { newId } from '../../src/platform/ids.js';
import type { Client } from '../support/client.js';
import { type Shop, startShop } from './shop.js';

let shop: Shop;
let admin: Client;
let adminId: string;
let owner: Client;
beforeAll(async () => {
  // Wide enough for everything that is asked here, and narrower on the free plan.
  const wide = { rpm: 100_000, rpd: 1_000_000 };
  const free = { rpm: 3_000, rpd: 30_000 };
  shop = await startShop({ env: { PLAN_LIMITS: JSON.stringify({ free, pro: wide, scale: wide }) } });
  admin = await enter('ADMIN', (userId) => {
    adminId = userId;
  });
  owner = shop.as({ cookie: shop.owner.headers.cookie ?? '', workspaceId: shop.place.workspaceId });
});
afterAll(() => shop?.stop());

/** A person who says which workspace is meant, since others come to be here. */
const enter = async (role: 'MEMBER' | 'ADMIN', told: (userId: string) => void = () => {}): Promise<Client> => {
  const person = await shop.addPerson(role);
  told(person.userId);
  const { headers } = await shop.signIn(person);
  return shop.as({ cookie: headers.cookie ?? '', workspaceId: shop.place.workspaceId });
};
const workspace = () => shop.database.owner.workspace.findUniqueOrThrow({ where: { id: shop.place.workspaceId } });
const secondFactor = (twoFactorEnabled: boolean) =>
  shop.database.owner.user.update({ where: { id: adminId }, data: { twoFactorEnabled } });
const update = `mutation Update($input: UpdateWorkspaceInput!) {
  updateWorkspace(input: $input) { workspace { name plan explicitSpendScopes keysReadOnly keyLifeDaysMax keyRotationDaysMax requireFreshAuth } }
}`;
const unruled = {
  name: 'Shop',
  plan: 'free',
  explicitSpendScopes: false,
  keysReadOnly: false,
  keyLifeDaysMax: null,
  keyRotationDaysMax: null,
  requireFreshAuth: false,
} as const;
beforeEach(async () => {
  await shop.database.owner.workspace.update({ where: { id: shop.place.workspaceId }, data: unruled });
});

describe('does', () => {
  it('change what it is called and by which policies it lives, and tells a key of them', async () => {
    const rules = {
      name: 'Workshop',
      explicitSpendScopes: true,
      keysReadOnly: true,
      keyLifeDaysMax: 90,
      keyRotationDaysMax: 30,
      requireFreshAuth: true,
    };
    await secondFactor(true);
    expect(await admin.data(update, { input: rules })).toEqual({
      updateWorkspace: { workspace: { ...rules, plan: 'free' } },
    });
    const key = await shop.key('me:read');
    const told = await key.data(`{ workspace { id name status explicitSpendScopes keysReadOnly keyLifeDaysMax
      keyRotationDaysMax requireFreshAuth deletedAt eraseAt } }`);
    const { workspaceId: id } = shop.place;
    expect(told).toEqual({ workspace: { id, ...rules, status: 'ACTIVE', deletedAt: null, eraseAt: null } });
  });

  it('leave alone what is left out, and clear a number by null', async () => {
    await admin.data(update, { input: { keyLifeDaysMax: 90, keysReadOnly: true } });
    await admin.data(update, { input: { keyLifeDaysMax: null } });
    expect(await workspace()).toMatchObject({ keyLifeDaysMax: null, keysReadOnly: true, name: 'Shop' });
  });

  it('bound a key by a smaller plan at its very next request, whatever the key itself may ask', async () => {
    await owner.data(update, { input: { plan: 'pro' } });
    const { key } = await shop.createKey({ kind: 'ACCOUNT', scopes: ['me:read'], rpm: 10_000, rpd: 100_000 });
    const limits = '{ me { rateLimits { rpm rpd } workspace { plan } } }';
    const client = shop.as({ key });
    expect(await client.data(limits)).toEqual({
      me: { rateLimits: { rpm: 10_000, rpd: 100_000 }, workspace: { plan: 'pro' } },
    });
    await owner.data(update, { input: { plan: 'free' } });
    expect(await client.data(limits)).toEqual({
      me: { rateLimits: { rpm: 3_000, rpd: 30_000 }, workspace: { plan: 'free' } },
    });
  });

  it('add a workspace on the free plan without credits, once for one idempotencyKey', async () => {
    const create = `mutation Create($input: CreateWorkspaceInput!) {
      createWorkspace(input: $input) { workspace { id name plan status } }
    }`;
    type Created = { createWorkspace: { workspace: { id: string } } };
    const input = { name: ' Second ', idempotencyKey: newId('req') };
    const { createWorkspace: first } = await admin.data<Created>(create, { input });
    expect(first.workspace).toMatchObject({ name: 'Second', plan: 'free', status: 'ACTIVE' });
    expect(await admin.data(create, { input })).toEqual({ createWorkspace: first });
    const other = await admin.refused(create, { input: { ...input, name: 'Third' } });
    expect(other.extensions.code).toBe('IDEMPOTENCY_CONFLICT');
    const { id } = first.workspace;
    const { owner: db } = shop.database;
    expect(await db.workspace.findUniqueOrThrow({ where: { id } })).toMatchObject({
      organizationId: shop.place.organizationId,
    });
    expect(await db.creditAccount.findUniqueOrThrow({ where: { workspaceId: id } })).toMatchObject({
      balanceCredits: 0,
    });
    // Its own trail begins with it; the one it was made from keeps it too.
    expect(await shop.lastEntry('workspace.create')).toMatchObject({ subjectId: id, allowedBy: 'role:ADMIN' });
    const own = await db.auditEntry.findMany({ where: { workspaceId: id } });
    expect(own).toMatchObject([{ action: 'workspace.create', subjectId: id, actorKind: 'SESSION' }]);
  });
});

describe('refuses', () => {
  it.each([
    ['input.name', { name: ' ' }],
    ['input.name', { name: 'x'.repeat(10_000) }],
    ['input.name', { name: 'two\nlines' }],
    ['input.name', { name: null }],
    ['input.keysReadOnly', { keysReadOnly: null }],
    ['input.explicitSpendScopes', { explicitSpendScopes: null }],
    ['input.requireFreshAuth', { requireFreshAuth: null }],
    ['input.plan', { plan: null }],
    ['input.keyLifeDaysMax', { keyLifeDaysMax: 0 }],
    ['input.keyLifeDaysMax', { keyLifeDaysMax: 3_651 }],
    ['input.keyRotationDaysMax', { keyRotationDaysMax: -1 }],
  ])('%s of %j, and writes nothing', async (field, input) => {
    const refused = await shop.writesNothing(() => admin.refused(update, { input }));
    expect(refused.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field });
    expect(refused.message).toContain(field);
  });

  it.each([' ', 'x'.repeat(101), 'two\rlines'])('to call a new workspace %j', async (name) => {
    const create = 'mutation ($name: String!) { createWorkspace(input: { name: $name }) { workspace { id } } }';
    const refused = await shop.writesNothing(() => admin.refused(create, { name }));
    expect(refused.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.name' });
  });

  it('to ask everybody for a second factor by somebody who has none and could not change it back', async () => {
    await secondFactor(false);
    const refused = await shop.writesNothing(() => admin.refused(update, { input: { requireFreshAuth: true } }));
    expect(refused.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.requireFreshAuth' });
    expect(refused.message).toContain('second factor');
    await admin.data(update, { input: { requireFreshAuth: false } });
    await secondFactor(true);
    await admin.data(update, { input: { requireFreshAuth: true } });
    expect(await workspace()).toMatchObject({ requireFreshAuth: true });
  });

  it('the plan to an ADMIN before anything is written, whatever else is asked; the schema says so', async () => {
    const refused = await shop.writesNothing(() => admin.refused(update, { input: { name: 'New', plan: 'scale' } }));
    expect(refused.status).toBe(403);
    expect(refused.extensions).toMatchObject({ code: 'FORBIDDEN', requiredRole: 'OWNER' });
    await owner.data(update, { input: { plan: 'scale' } });
    expect(await shop.lastEntry('workspace.update')).toMatchObject({
      allowedBy: 'role:OWNER',
      details: { fields: ['plan'], plan: 'scale' },
    });
    const { __type } = await admin.data<{ __type: { fields: { name: string; description: string }[] } }>(
      '{ __type(name: "Mutation") { fields { name description } } }',
    );
    const told = __type.fields.find(({ name }) => name === 'updateWorkspace')?.description;
    expect(told).toContain('Requires the role ADMIN.');
    expect(told).toContain('Where `input.plan` is scale: the role OWNER.');
  });

  it('a member and a key that holds everything a key can hold', async () => {
    const member = await enter('MEMBER');
    for (const client of [member, await shop.key('account:read', 'me:read', 'audit:read')]) {
      for (const text of [
        'mutation { updateWorkspace(input: { keysReadOnly: false }) { workspace { id } } }',
        'mutation { createWorkspace(input: { name: "Mine" }) { workspace { id } } }',
        'mutation { suspendWorkspace { workspace { id } } }',
        'mutation { resumeWorkspace { workspace { id } } }',
        'mutation { deleteWorkspace(input: { name: "Shop" }) { workspace { id } } }',
        'mutation { restoreWorkspace { workspace { id } } }',
      ]) {
        const refused = await shop.writesNothing(() => client.refused(text));
        expect([refused.extensions.code, refused.status], text).toEqual(['FORBIDDEN', 403]);
      }
    }
  });

  it('more workspaces than an organization may have', async () => {
    const { workspace: workspaces } = shop.database.owner;
    const { organizationId } = shop.place;
    const others = (await workspaces.count({ where: { organizationId } })) - 1;
    const data = Array.from({ length: 99 - others }, (_, index) => ({
      id: newId('wsp'),
      organizationId,
      name: `Number ${index}`,
    }));
    await workspaces.createMany({ data });
    const refused = await shop.writesNothing(() =>
      owner.refused('mutation { createWorkspace(input: { name: "One more" }) { workspace { id } } }'),
    );
    expect(refused.extensions.code).toBe('CONFLICT');
    await workspaces.deleteMany({ where: { id: { in: data.map(({ id }) => id) } } });
  });
});

it('what changes policies or deletion takes a fresh second factor, and what takes a stop back runs while stopped', () => {
  const { schema } = shop.app;
  const facts = (name: string) => ruleAt(schema, `Mutation.${name}`)?.mutation;
  const fresh = ['updateWorkspace', 'deleteWorkspace', 'restoreWorkspace'];
  const whileSuspended = ['createWorkspace', 'resumeWorkspace', 'deleteWorkspace', 'restoreWorkspace'];
  for (const name of new Set([...fresh, ...whileSuspended, 'suspendWorkspace'])) {
    expect([facts(name)?.fresh === true, facts(name)?.whileSuspended === true], name).toEqual([
      fresh.includes(name),
      whileSuspended.includes(name),
    ]);
  }
});

describe('records', () => {
  it('which policy became what', async () => {
    await admin.data(update, { input: { keysReadOnly: true, keyLifeDaysMax: 30, name: 'Workshop' } });
    expect(await shop.lastEntry('workspace.update')).toMatchObject({
      subjectId: shop.place.workspaceId,
      actorKind: 'SESSION',
      allowedBy: 'role:ADMIN',
      details: { fields: ['name', 'keysReadOnly', 'keyLifeDaysMax'], keysReadOnly: true, keyLifeDaysMax: 30 },
    });
    expect(JSON.stringify(await shop.lastEntry('workspace.update'))).not.toContain('Workshop');
  });
});
