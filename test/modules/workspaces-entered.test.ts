// Several workspaces: which one a request is in, where a person may work, and that nobody learns of any other.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newId } from '../../src/platform/ids.js';
import type { Client } from '../support/client.js';
import { type Shop, said, startShop } from './shop.js';

let shop: Shop;
let second: string;
/** A person of both organizations: ADMIN at ours, MEMBER elsewhere. */
let cookie: string;
let userId: string;
beforeAll(async () => {
  shop = await startShop();
  const { owner } = shop.database;
  second = newId('wsp');
  const { organizationId } = shop.place;
  await owner.workspace.create({ data: { id: second, organizationId, name: 'Second', plan: 'pro' } });
  const person = await shop.addPerson('ADMIN');
  userId = person.userId;
  const elsewhere = { organizationId: shop.elsewhere.organizationId, id: newId('mbr'), userId };
  await owner.member.create({ data: { ...elsewhere, role: 'MEMBER', name: 'Pat', email: person.email } });
  const { headers } = await shop.signIn(person);
  cookie = headers.cookie ?? '';
});
afterAll(() => shop?.stop());

const where = '{ me { workspace { id } role } }';
const entering = (workspaceId?: string): Client =>
  shop.as(workspaceId === undefined ? { cookie } : { cookie, workspaceId });
const status = (id: string, to: 'ACTIVE' | 'SUSPENDED' | 'DELETED') =>
  shop.database.owner.workspace.update({ where: { id }, data: { status: to } });

it('a person with several names one in X-Workspace-Id; without it they are listed, and only theirs', async () => {
  const { status: http, extensions } = await entering().refused(where);
  expect([http, extensions.code, extensions.field]).toEqual([400, 'BAD_USER_INPUT', 'X-Workspace-Id']);
  const listed = extensions.workspaces as { id: string; name: string }[];
  expect(listed).toEqual([
    { id: shop.place.workspaceId, name: 'Shop' },
    { id: shop.elsewhere.workspaceId, name: 'Elsewhere' },
    { id: second, name: 'Second' },
  ]);
});

it('the role is that of the organization of the workspace entered', async () => {
  expect(await entering(second).data(where)).toEqual({ me: { workspace: { id: second }, role: 'ADMIN' } });
  const { workspaceId } = shop.elsewhere;
  expect(await entering(workspaceId).data(where)).toEqual({ me: { workspace: { id: workspaceId }, role: 'MEMBER' } });
});

it('what is written in one workspace is not in the other', async () => {
  const create = 'mutation { createContact(input: { name: "Only in Second" }) { contact { id } } }';
  await entering(second).data(create);
  const count = '{ contacts(search: "Only in Second") { totalCount } }';
  expect(await entering(second).data(count)).toEqual({ contacts: { totalCount: 1 } });
  expect(await entering(shop.place.workspaceId).data(count)).toEqual({ contacts: { totalCount: 0 } });
});

it('a foreign workspace is answered as one that does not exist', async () => {
  const { owner } = shop.database;
  const organizationId = newId('org');
  const foreign = newId('wsp');
  await owner.organization.create({ data: { id: organizationId, name: 'Strangers' } });
  await owner.workspace.create({ data: { id: foreign, organizationId, name: 'Strange' } });
  const told = await entering(foreign).refused(where);
  const nothing = await entering(newId('wsp')).refused(where);
  expect(told.extensions.code).toBe('NOT_FOUND');
  expect([told.status, said(told)]).toEqual([nothing.status, said(nothing)]);
});

it('a key is in its own workspace, whatever X-Workspace-Id says', async () => {
  const { key } = await shop.createKey({ kind: 'ACCOUNT', scopes: ['me:read'] });
  for (const named of [second, shop.elsewhere.workspaceId, newId('wsp')]) {
    const response = await fetch(`${shop.url}/graphql`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'x-workspace-id': named, 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ me { workspace { id } } }' }),
    });
    expect(await response.json()).toMatchObject({ data: { me: { workspace: { id: shop.place.workspaceId } } } });
  }
});

interface Listed {
  readonly me: { readonly workspaces: readonly { readonly id: string; readonly [field: string]: unknown }[] };
}
const whole = '{ me { workspaces { id name plan status role organization { id name } } } }';

it('me.workspaces lists exactly where the person may work, across organizations', async () => {
  const ours = { id: shop.place.organizationId, name: 'Halberd Cycles' };
  const theirs = { id: shop.elsewhere.organizationId, name: 'Elsewhere' };
  const expected = [
    { id: shop.place.workspaceId, name: 'Shop', plan: 'free', status: 'ACTIVE', role: 'ADMIN', organization: ours },
    {
      id: shop.elsewhere.workspaceId,
      name: 'Elsewhere',
      plan: 'free',
      status: 'ACTIVE',
      role: 'MEMBER',
      organization: theirs,
    },
    { id: second, name: 'Second', plan: 'pro', status: 'ACTIVE', role: 'ADMIN', organization: ours },
  ];
  // From wherever it is asked.
  for (const { id } of expected) {
    expect(await entering(id).data(whole)).toEqual({ me: { workspaces: expected } });
  }
  const idsOf = async (client: Client) =>
    (await client.data<Listed>('{ me { workspaces { id } } }')).me.workspaces.map(({ id }) => id);
  const stranger = await shop.signIn(shop.elsewhere);
  expect(await idsOf(stranger)).toEqual([shop.elsewhere.workspaceId]);
  const member = await shop.addPerson('MEMBER');
  const { headers } = await shop.signIn(member);
  const entered = shop.as({ cookie: headers.cookie ?? '', workspaceId: second });
  expect(await idsOf(entered)).toEqual([shop.place.workspaceId, second]);
});

it('me.workspaces lists a workspace that is not served to those who can take that back', async () => {
  const asked = '{ me { workspaces { id status } } }';
  const idsOf = async (client: Client) =>
    (await client.data<Listed>(asked)).me.workspaces.filter(({ id }) => id === second);
  const at = { workspaceId: shop.place.workspaceId };
  const as = async (person: { email: string; password: string }) =>
    shop.as({ cookie: (await shop.signIn(person)).headers.cookie ?? '', ...at });
  const [member, admin, owner] = [
    await as(await shop.addPerson('MEMBER')),
    entering(shop.place.workspaceId),
    shop.as({ cookie: shop.owner.headers.cookie ?? '', ...at }),
  ];
  await status(second, 'SUSPENDED');
  expect(await idsOf(member)).toEqual([]);
  expect(await idsOf(admin)).toEqual([{ id: second, status: 'SUSPENDED' }]);
  await status(second, 'DELETED');
  expect(await idsOf(admin)).toEqual([]);
  expect(await idsOf(owner)).toEqual([{ id: second, status: 'DELETED' }]);
  const past = new Date(Date.now() - 1_000);
  await shop.database.owner.workspace.update({ where: { id: second }, data: { eraseAt: past } });
  expect(await idsOf(owner)).toEqual([]);
  const gone = await shop.as({ cookie: shop.owner.headers.cookie ?? '', workspaceId: second }).refused(where);
  expect(gone.extensions.code).toBe('NOT_FOUND');
  await shop.database.owner.workspace.update({ where: { id: second }, data: { status: 'ACTIVE', eraseAt: null } });
});

it('me.workspaces is refused to keys, whatever they hold', async () => {
  const clients = [await shop.key('account:read', 'me:read'), await shop.agentKey(['agent:config:read'])];
  for (const client of clients) {
    const { extensions, status: http } = await client.refused(whole);
    expect([http, extensions.code, extensions.requiredRole]).toEqual([403, 'FORBIDDEN', 'MEMBER']);
  }
});

it('someone who leaves an organization no longer sees its workspaces', async () => {
  const { owner } = shop.database;
  await owner.member.deleteMany({ where: { userId, organizationId: shop.elsewhere.organizationId } });
  const { me } = await entering(second).data<Listed>(whole);
  expect(me.workspaces.map(({ id }) => id)).toEqual([shop.place.workspaceId, second]);
  expect(JSON.stringify(me)).not.toContain('Elsewhere');
});
