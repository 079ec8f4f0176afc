import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bootstrap } from '../../src/auth/bootstrap.js';
import { sealSessionCookie } from '../../src/auth/session-cookie.js';
import { newId } from '../../src/platform/ids.js';
import { type AuthFixture, openAuthFixture, PASSWORD, refusalOf, SECRETS } from './fixture.js';

let auth: AuthFixture;
let userId: string;
let cookie: string;
beforeAll(async () => {
  auth = await openAuthFixture();
}, 120_000);
afterAll(() => auth.close());

const cookieFor = async (person: string, expiresAt = new Date(Date.now() + 3_600_000)) => {
  const token = newId('ses');
  await auth.database.owner.session.create({ data: { id: newId('ses'), token, userId: person, expiresAt } });
  return `sallyport.session_token=${sealSessionCookie(token, SECRETS[0] ?? '')}`;
};

const newUser = async () => {
  const id = newId('usr');
  await auth.database.owner.user.create({ data: { id, name: 'Pat', email: `${id}@example.com` } });
  return id;
};

const join = (organizationId: string, person: string, role: 'MEMBER' | 'ADMIN' | 'OWNER') =>
  auth.database.owner.member.create({
    data: { organizationId, id: newId('mbr'), userId: person, role, name: 'Pat', email: 'pat@example.com' },
  });

beforeEach(async () => {
  userId = await newUser();
  cookie = await cookieFor(userId);
});

describe('a person', () => {
  it('with one workspace acts in it, by one statement', async () => {
    await join(auth.organizationId, userId, 'MEMBER');
    auth.calls.length = 0;
    const principal = await auth.enter({ cookie });
    expect(auth.calls).toHaveLength(1);
    expect(principal).toMatchObject({
      kind: 'SESSION',
      id: userId,
      organizationId: auth.organizationId,
      workspaceId: auth.workspaceId,
      role: 'MEMBER',
      apiKeyId: null,
      agentId: null,
    });
    expect(principal?.effectiveScopes.has('messages:send')).toBe(true);
    expect(principal?.effectiveScopes.has('audit:read')).toBe(false);
    expect(principal?.effectiveScopes.has('agent:config:read')).toBe(false);
  });

  it('has the role of the very moment', async () => {
    await join(auth.organizationId, userId, 'ADMIN');
    expect(await auth.enter({ cookie })).toMatchObject({ role: 'ADMIN' });
    const roles = auth.database.owner.member;
    await roles.updateMany({ where: { userId }, data: { role: 'MEMBER' } });
    expect(await auth.enter({ cookie })).toMatchObject({ role: 'MEMBER' });
    await roles.deleteMany({ where: { userId } });
    expect((await refusalOf(auth.enter({ cookie }))).code).toBe('FORBIDDEN');
  });

  it('with several workspaces names one, and has the role of its organization', async () => {
    const other = await bootstrap(auth.desk, {
      org: 'Umbrella',
      workspace: 'Lab',
      email: 'owner@umbrella.example',
      password: PASSWORD,
    });
    await join(auth.organizationId, userId, 'MEMBER');
    await join(other.organizationId, userId, 'ADMIN');
    const refusal = await refusalOf(auth.enter({ cookie }));
    expect(refusal.code).toBe('BAD_USER_INPUT');
    expect(refusal.data.workspaces).toEqual([
      { id: auth.workspaceId, name: 'Main' },
      { id: other.workspaceId, name: 'Lab' },
    ]);
    const enter = (workspaceId: string) => auth.enter({ cookie, workspaceId });
    expect(await enter(auth.workspaceId)).toMatchObject({ workspaceId: auth.workspaceId, role: 'MEMBER' });
    expect(await enter(other.workspaceId)).toMatchObject({
      workspaceId: other.workspaceId,
      organizationId: other.organizationId,
      role: 'ADMIN',
    });
  });

  it('gets the same answer for a foreign workspace and for one that never was', async () => {
    const foreign = await bootstrap(auth.desk, {
      org: 'Cyberdyne',
      workspace: 'Secret',
      email: 'owner@cyberdyne.example',
      password: PASSWORD,
    });
    await join(auth.organizationId, userId, 'OWNER');
    const answers = [];
    for (const workspaceId of [foreign.workspaceId, newId('wsp'), 'wsp_x', '', "' OR 1=1"]) {
      const { code, message, data } = await refusalOf(auth.enter({ cookie, workspaceId }));
      answers.push(JSON.stringify({ code, message, data }));
    }
    expect(answers[0]).toContain('NOT_FOUND');
    expect(new Set(answers).size).toBe(1);
  });

  it.each([
    ['SUSPENDED', ['ADMIN', 'OWNER'], ['MEMBER']],
    ['DELETED', ['OWNER'], ['MEMBER', 'ADMIN']],
  ] as const)('enters a workspace that is %s only as %s, who can take that back', async (status, letIn, refused) => {
    const set = (to: 'ACTIVE' | typeof status) =>
      auth.database.owner.workspace.update({ where: { id: auth.workspaceId }, data: { status: to } });
    await set(status);
    for (const role of refused) {
      await join(auth.organizationId, userId, role);
      expect((await refusalOf(auth.enter({ cookie }))).data).toEqual({ reason: 'SUSPENDED', subject: 'workspace' });
      await auth.database.owner.member.deleteMany({ where: { userId } });
    }
    for (const role of letIn) {
      await join(auth.organizationId, userId, role);
      expect(await auth.enter({ cookie })).toMatchObject({ role, workspaceStatus: status });
      await auth.database.owner.member.deleteMany({ where: { userId } });
    }
    await set('ACTIVE');
  });
});

describe('a session is refused', () => {
  it('as EXPIRED after its time', async () => {
    const old = await cookieFor(userId, new Date(Date.now() - 1_000));
    expect((await refusalOf(auth.enter({ cookie: old }))).data).toEqual({ reason: 'EXPIRED' });
  });

  it('as UNKNOWN when it is not in the database', async () => {
    const gone = `sallyport.session_token=${sealSessionCookie('gone', SECRETS[0] ?? '')}`;
    expect((await refusalOf(auth.enter({ cookie: gone }))).data).toEqual({ reason: 'UNKNOWN' });
  });

  it('as MALFORMED without a database call when we did not sign it', async () => {
    auth.calls.length = 0;
    const forged = `sallyport.session_token=${sealSessionCookie('token', 'another secret')}`;
    for (const bad of [forged, 'sallyport.session_token=', 'sallyport.session_token=%E0%A4%A', `${cookie}x`]) {
      expect((await refusalOf(auth.enter({ cookie: bad }))).data).toEqual({ reason: 'MALFORMED' });
    }
    expect(auth.calls).toEqual([]);
  });

  it('never when another cookie is all there is', async () => {
    expect(await auth.enter({ cookie: 'theme=dark' })).toBeNull();
  });
});
