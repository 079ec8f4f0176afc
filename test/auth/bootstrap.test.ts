import { afterAll, beforeAll, expect, it } from 'vitest';
import { bootstrap } from '../../src/auth/bootstrap.js';
import { type AuthFixture, audit, dumpTables, openAuthFixture, PASSWORD, refusalOf } from './fixture.js';

let auth: AuthFixture;
beforeAll(async () => {
  auth = await openAuthFixture();
}, 120_000);
afterAll(() => auth.close());

const request = { org: 'Globex', workspace: 'Sales', email: ' Hank@Globex.example ', password: PASSWORD };

it('makes an owner, an organization, a workspace with its credits, and the entries that tell of them', async () => {
  const { owner } = auth.database;
  const made = await bootstrap({ database: auth.database, audit }, { ...request, credits: 250 });
  expect(await owner.user.findUniqueOrThrow({ where: { id: made.userId } })).toMatchObject({
    email: 'hank@globex.example',
    name: 'hank',
  });
  expect(await owner.member.findMany({ where: { userId: made.userId } })).toMatchObject([
    { organizationId: made.organizationId, role: 'OWNER', email: 'hank@globex.example' },
  ]);
  const { workspaceId } = made;
  expect(await owner.creditAccount.findUniqueOrThrow({ where: { workspaceId } })).toMatchObject({
    balanceCredits: 250,
    reservedCredits: 0,
  });
  expect(await owner.ledgerEntry.findMany({ where: { workspaceId } })).toMatchObject([
    { kind: 'TOP_UP', balanceDelta: 250, reservedDelta: 0 },
  ]);
  const entries = await owner.auditEntry.findMany({ where: { workspaceId }, orderBy: { id: 'asc' } });
  expect(entries.map((entry) => entry.action)).toEqual([
    'organization.create',
    'member.create',
    'workspace.create',
    'creditAccount.topUp',
  ]);
});

it('run twice changes nothing and answers the same, whatever the password', async () => {
  const desk = { database: auth.database, audit };
  const first = await bootstrap(desk, request);
  const before = await dumpTables(auth.database);
  expect(await bootstrap(desk, request)).toEqual(first);
  expect(await bootstrap(desk, { ...request, password: 'another password', credits: 5 })).toEqual(first);
  expect(await dumpTables(auth.database)).toEqual(before);
});

it('run twice at once makes one of each', async () => {
  const desk = { database: auth.database, audit };
  const twice = { ...request, org: 'Initech', email: 'bill@initech.example' };
  const [one, other] = await Promise.all([bootstrap(desk, twice), bootstrap(desk, twice)]);
  expect(one).toEqual(other);
  expect(await auth.database.owner.organization.count({ where: { name: 'Initech' } })).toBe(1);
});

it('adds a workspace to an organization that the person owns', async () => {
  const desk = { database: auth.database, audit };
  const first = await bootstrap(desk, request);
  const second = await bootstrap(desk, { ...request, workspace: 'Support' });
  expect(second).toMatchObject({ organizationId: first.organizationId, userId: first.userId });
  expect(second.workspaceId).not.toBe(first.workspaceId);
});

it.each([
  ['--email', { email: 'hank' }],
  ['--email', { email: '' }],
  ['--password', { password: 'seven77' }],
  ['--password', { password: 'x'.repeat(129) }],
  ['--org', { org: ' ' }],
  ['--workspace', { workspace: 'x'.repeat(101) }],
  ['--credits', { credits: -1 }],
  ['--credits', { credits: 1.5 }],
])('refuses a bad %s by its name: %j', async (flag, bad) => {
  const before = await dumpTables(auth.database);
  const refusal = await refusalOf(bootstrap({ database: auth.database, audit }, { ...request, org: 'New', ...bad }));
  expect(refusal).toMatchObject({ code: 'BAD_USER_INPUT', data: { field: flag } });
  expect(refusal.message).toContain(flag);
  expect(await dumpTables(auth.database)).toEqual(before);
});

it('leaves nothing behind when the audit trail cannot be written', async () => {
  const before = await dumpTables(auth.database);
  const failing = { database: auth.database, audit: () => Promise.reject(new Error('no trail')) };
  await expect(bootstrap(failing, { ...request, org: 'Hooli', email: 'gavin@hooli.example' })).rejects.toThrow(
    'no trail',
  );
  expect(await dumpTables(auth.database)).toEqual(before);
});
