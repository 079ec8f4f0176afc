import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mailedToken, openBrowser } from '../support/browser.js';
import type { Client } from '../support/client.js';
import type { Place } from '../support/harness.js';
import { type Shop, startShop, unknownId } from './shop.js';

const update = `mutation U($id: ID!, $role: Role!) { updateMember(input: { id: $id, role: $role }) { member { id role } } }`;
const remove = 'mutation R($id: ID!) { removeMember(input: { id: $id }) { removedId } }';
const transfer = `mutation T($id: ID!) { transferOwnership(input: { memberId: $id }) {
  member { id role } previousOwner { role } } }`;
const invite = `mutation I($email: String!, $role: Role!) {
  inviteMember(input: { email: $email, role: $role }) { invitation { id email role status } } }`;
const revoke = 'mutation V($id: ID!) { revokeInvitation(input: { id: $id }) { invitation { status } } }';

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
}, 120_000);
afterAll(() => shop?.stop());

async function person(role: 'MEMBER' | 'ADMIN' | 'OWNER', place?: Place) {
  const made = await shop.addPerson(role, place);
  const { id } = await shop.database.owner.member.findFirstOrThrow({ where: { userId: made.userId } });
  const client = await shop.signIn(made);
  return { ...made, memberId: id, client };
}

const roleOf = async (client: Client) => (await client.data<{ me: { role: string } }>('{ me { role } }')).me.role;

let sent = 0;
const address = () => `guest-${++sent}@guests.example`;
type Invited = { inviteMember: { invitation: { id: string; status: string } } };
const invited = async (client: Client, role: string, email = address()) => {
  const { inviteMember } = await client.data<Invited>(invite, { email, role });
  const { id } = inviteMember.invitation;
  // Its mail leaves an entry of its own, a moment later.
  const sent = { action: 'mail.send', subjectId: id };
  await expect.poll(() => shop.database.owner.auditEntry.count({ where: sent }), { timeout: 10_000 }).toBe(1);
  return { id, email };
};

describe('does', () => {
  it('show everybody of the organization to its people', async () => {
    const { client, memberId, email } = await person('MEMBER');
    const { members, member } = await client.data<{
      members: { nodes: { id: string }[]; totalCount: number };
      member: object;
    }>(
      `query M($id: ID!) { members(first: 100) { totalCount nodes { id name email role createdAt user { kind id name } } }
        member(id: $id) { email role } }`,
      { id: memberId },
    );
    expect(members.nodes.map(({ id }) => id)).toContain(memberId);
    expect(members.totalCount).toBe(
      await shop.database.owner.member.count({ where: { organizationId: shop.place.organizationId } }),
    );
    expect(member).toEqual({ email, role: 'MEMBER' });
  });

  it('give a role that holds from the very next request on', async () => {
    const { client, memberId } = await person('ADMIN');
    expect(await roleOf(client)).toBe('ADMIN');
    await shop.owner.data(update, { id: memberId, role: 'MEMBER' });
    expect(await roleOf(client)).toBe('MEMBER');
    expect(await client.refused(invite, { email: address(), role: 'MEMBER' })).toMatchObject({
      status: 403,
      extensions: { code: 'FORBIDDEN', requiredRole: 'ADMIN' },
    });
  });

  it('close the workspace to a removed member at once, and let the keys that member made live on', async () => {
    const { client, memberId, userId } = await person('ADMIN');
    const key = await shop.key('contacts:read');
    await shop.database.owner.apiKey.updateMany({ where: { id: key.keyId }, data: { createdById: userId } });
    await shop.owner.data(remove, { id: memberId });
    expect(await client.refused('{ me { role } }')).toMatchObject({ extensions: { code: 'FORBIDDEN' } });
    expect((await key.ask('{ me { kind } }')).errors).toEqual([]);
  });

  it('hand the organization over, whose owner then is an administrator', async () => {
    const [owner, heir] = [await person('OWNER'), await person('MEMBER')];
    const { transferOwnership } = await owner.client.data<{ transferOwnership: object }>(transfer, {
      id: heir.memberId,
    });
    expect(transferOwnership).toEqual({
      member: { id: heir.memberId, role: 'OWNER' },
      previousOwner: { role: 'ADMIN' },
    });
    expect([await roleOf(owner.client), await roleOf(heir.client)]).toEqual(['ADMIN', 'OWNER']);
  });

  it('mail an invitation that makes a new person a member, signed in', async () => {
    const { email, id } = await invited(shop.owner, 'ADMIN');
    const token = await mailedToken(shop.dataDir, email);
    const browser = openBrowser(shop.url);
    const joined = await browser.post('/accept-invitation', { token, name: 'Gus Guest', password: 'a good password' });
    expect(joined, JSON.stringify(joined.body)).toMatchObject({ status: 200, body: { role: 'ADMIN' } });
    expect(await roleOf(browser.client())).toBe('ADMIN');
    const { invitation } = await shop.owner.data<{ invitation: object }>(
      'query I($id: ID!) { invitation(id: $id) { status email } }',
      { id },
    );
    expect(invitation).toEqual({ status: 'ACCEPTED', email });
    const again = await openBrowser(shop.url).post('/accept-invitation', {
      token,
      name: 'X',
      password: 'a good password',
    });
    expect(again).toMatchObject({ status: 400, body: { code: 'BAD_USER_INPUT', field: 'token' } });
  });

  it('let somebody who is signed in join with the invited address, under a new session token', async () => {
    const guest = await person('MEMBER', shop.elsewhere);
    const { id } = await invited(shop.owner, 'MEMBER', guest.email);
    const token = await mailedToken(shop.dataDir, guest.email);
    const anonymous = await openBrowser(shop.url).post('/accept-invitation', {
      token,
      name: 'X',
      password: 'a good password',
    });
    expect(anonymous).toMatchObject({ status: 409 });
    const stranger = openBrowser(shop.url);
    await stranger.post('/sign-in/email', await person('MEMBER'));
    expect(await stranger.post('/accept-invitation', { token })).toMatchObject({ status: 403 });
    const browser = openBrowser(shop.url);
    await browser.post('/sign-in/email', { email: guest.email, password: guest.password });
    const before = browser.client(shop.elsewhere.workspaceId);
    expect((await browser.post('/accept-invitation', { token })).status).toBe(200);
    expect(await roleOf(browser.client(shop.place.workspaceId))).toBe('MEMBER');
    expect(await before.refused('{ me { role } }')).toMatchObject({ status: 401 });
    expect(await shop.lastEntry('invitation.accept')).toMatchObject({ subjectId: id, actorId: guest.userId });
  });
});

describe('refuses', () => {
  it('whatever concerns an owner to whoever is none', async () => {
    const [admin, owner, member] = [await person('ADMIN'), await person('OWNER'), await person('MEMBER')];
    const { id } = await invited(owner.client, 'OWNER');
    for (const [document, variables] of [
      [update, { id: owner.memberId, role: 'MEMBER' }],
      [update, { id: member.memberId, role: 'OWNER' }],
      [update, { id: admin.memberId, role: 'OWNER' }],
      [remove, { id: owner.memberId }],
      [transfer, { id: member.memberId }],
      [invite, { email: address(), role: 'OWNER' }],
      [revoke, { id }],
    ] as const) {
      const refused = await shop.writesNothing(() => admin.client.refused(document, variables));
      expect(refused.extensions, document).toMatchObject({ code: 'FORBIDDEN', requiredRole: 'OWNER' });
    }
  });

  it('to take the last owner away, by any way', async () => {
    const lone = await shop.addPlace('Lone');
    const client = await shop.signIn(lone);
    const { id } = await shop.database.owner.member.findFirstOrThrow({ where: { userId: lone.userId } });
    for (const [document, variables] of [
      [update, { id, role: 'ADMIN' }],
      [remove, { id }],
    ] as const) {
      const refused = await shop.writesNothing(() => client.refused(document, variables));
      expect(refused.extensions.code).toBe('CONFLICT');
    }
    expect((await client.refused(transfer, { id })).extensions.code).toBe('BAD_USER_INPUT');
  });

  it('one of two owners who demote each other at the same time', async () => {
    for (let round = 0; round < 5; round++) {
      const place = await shop.addPlace(`Pair${round}`);
      const first = await shop.signIn(place);
      const second = await person('OWNER', place);
      const mine = await shop.database.owner.member.findFirstOrThrow({ where: { userId: place.userId } });
      const answers = await Promise.all([
        first.ask(update, { id: second.memberId, role: 'MEMBER' }),
        second.client.ask(update, { id: mine.id, role: 'MEMBER' }),
      ]);
      expect(answers.filter(({ errors }) => errors.length === 0)).toHaveLength(1);
      const { organizationId } = place;
      expect(await shop.database.owner.member.count({ where: { organizationId, role: 'OWNER' } })).toBe(1);
    }
  });

  it('one of two owners who both step down at the same time', async () => {
    for (let round = 0; round < 5; round++) {
      const place = await shop.addPlace(`Step${round}`);
      const second = await person('OWNER', place);
      const mine = await shop.database.owner.member.findFirstOrThrow({ where: { userId: place.userId } });
      const answers = await Promise.all([
        (await shop.signIn(place)).ask(update, { id: mine.id, role: 'MEMBER' }),
        second.client.ask(remove, { id: second.memberId }),
      ]);
      const codes = answers.map(({ errors: [error] }) => error?.extensions.code ?? 'DONE').sort();
      expect(codes).toEqual(['CONFLICT', 'DONE']);
    }
  });

  it('an address that is none, a member’s, or invited already; and one invitation too many', async () => {
    const member = await person('MEMBER');
    const open = await invited(shop.owner, 'MEMBER');
    for (const [email, code] of [
      ['nobody', 'BAD_USER_INPUT'],
      ['', 'BAD_USER_INPUT'],
      [`${'x'.repeat(300)}@example.com`, 'BAD_USER_INPUT'],
      ['a@example.com\r\nBcc: b@example.com', 'BAD_USER_INPUT'],
      [member.email, 'CONFLICT'],
      [open.email.toUpperCase(), 'CONFLICT'],
    ]) {
      const refused = await shop.writesNothing(() => shop.owner.refused(invite, { email, role: 'MEMBER' }));
      expect(refused.extensions.code, String(email)).toBe(code);
      if (code === 'BAD_USER_INPUT') expect(refused.extensions.field).toBe('input.email');
    }
  });

  it('an invitation that was revoked, and that of an inviter who may not invite any more', async () => {
    const admin = await person('ADMIN');
    const [first, second] = [await invited(admin.client, 'MEMBER'), await invited(admin.client, 'MEMBER')];
    const tokens = [await mailedToken(shop.dataDir, first.email), await mailedToken(shop.dataDir, second.email)];
    await shop.owner.data(revoke, { id: first.id });
    await shop.owner.data(update, { id: admin.memberId, role: 'MEMBER' });
    for (const token of tokens) {
      const late = await openBrowser(shop.url).post('/accept-invitation', {
        token,
        name: 'X',
        password: 'a good password',
      });
      expect(late).toMatchObject({ status: 400, body: { field: 'token' } });
    }
  });

  it('a key, whatever it holds', async () => {
    const key = await shop.key('*:read', 'audit:read');
    for (const text of ['{ members { nodes { id } } }', '{ invitations { nodes { id } } }', '{ mySessions { id } }']) {
      expect(await key.refused(text)).toMatchObject({ status: 403, extensions: { code: 'FORBIDDEN' } });
    }
  });
});

describe('isolates', () => {
  it('members and invitations of another organization as if they did not exist', async () => {
    const [owner, theirs] = [await person('OWNER'), await person('MEMBER', shop.elsewhere)];
    const there = await shop.signIn(shop.elsewhere);
    const open = await invited(there, 'MEMBER');
    const { client } = owner;
    await shop.looksUnknown(theirs.memberId, (id) => client.ask(update, { id, role: 'ADMIN' }));
    await shop.looksUnknown(theirs.memberId, (id) => client.ask(remove, { id }));
    await shop.looksUnknown(theirs.memberId, (id) => client.ask(transfer, { id }));
    await shop.looksUnknown(theirs.memberId, (id) =>
      client.ask('query M($id: ID!) { member(id: $id) { email } }', { id }),
    );
    await shop.looksUnknown(open.id, (id) => client.ask(revoke, { id }));
    expect((await client.refused(remove, { id: unknownId('mbr') })).extensions.code).toBe('NOT_FOUND');
  });
});

describe('records', () => {
  it('who changed what, in the workspace where it was done, and no address', async () => {
    const { memberId } = await person('MEMBER');
    const by = { actorId: shop.place.userId, outcome: 'DONE' };
    await shop.owner.data(update, { id: memberId, role: 'ADMIN' });
    expect(await shop.lastEntry('member.update')).toMatchObject({
      ...by,
      subjectId: memberId,
      allowedBy: 'role:ADMIN',
      details: { role: 'ADMIN' },
    });
    await shop.owner.data(remove, { id: memberId });
    expect(await shop.lastEntry('member.remove')).toMatchObject({ ...by, subjectId: memberId });
    const { id, email } = await invited(shop.owner, 'MEMBER');
    expect(await shop.lastEntry('member.invite')).toMatchObject({ ...by, subjectId: id });
    await mailedToken(shop.dataDir, email);
    await expect.poll(async () => (await shop.trail('mail.send')).map(({ subjectId }) => subjectId)).toContain(id);
    const entries = await shop.database.owner.auditEntry.findMany();
    expect(JSON.stringify(entries)).not.toContain(email);
  });

  it('no token anywhere: not in the queue, not in a table', async () => {
    const { email } = await invited(shop.owner, 'MEMBER');
    const token = await mailedToken(shop.dataDir, email);
    const { rows } = await shop.database.executeAsOwner(
      'SELECT (SELECT string_agg(j::text, chr(10)) FROM pgboss.job j) AS jobs, (SELECT string_agg(v::text, chr(10)) FROM verification v) AS made',
    );
    expect(String(rows[0]?.jobs)).toContain('people.mail');
    expect(JSON.stringify(rows)).not.toContain(token);
  });
});
