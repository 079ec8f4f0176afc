import { hashPassword, verifyPassword } from 'better-auth/crypto';
import { organization } from 'better-auth/plugins/organization';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ANSWERED_BY_US, DISABLED_PATHS } from '../../src/auth/people.js';
import type { SignIn } from '../../src/auth/sign-in.js';
import { isId, newId } from '../../src/platform/ids.js';
import { type AuthFixture, EMAIL, ORIGIN, openAuthFixture, PASSWORD, SECRETS } from './fixture.js';

let auth: AuthFixture;
let signIn: SignIn;
beforeAll(async () => {
  auth = await openAuthFixture();
  signIn = auth.signIn();
}, 120_000);
afterAll(() => auth.close());
afterEach(async () => {
  await signIn.settled();
  await auth.database.owner.auditEntry.deleteMany({ where: { action: { startsWith: 'session.' } } });
});

/** As http/ hands a request on: with the address and the id that it judged. */
const send = (request: Request, facts: { ip?: string; requestId?: string } = {}, door = signIn) => {
  request.headers.set('x-forwarded-for', facts.ip ?? '192.0.2.44');
  request.headers.set('x-request-id', facts.requestId ?? newId('req'));
  return door.handle(request);
};

const post = (body: unknown, headers: Record<string, string> = {}, path = '/sign-in/email') =>
  new Request(`${ORIGIN}/api/auth${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

const enter = (password = PASSWORD, email = EMAIL, door = signIn) => send(post({ email, password }), {}, door);

/** The session cookie as a browser sends it back. */
const cookieOf = (response: Response): string =>
  response.headers
    .getSetCookie()
    .map((line) => line.split(';')[0] ?? '')
    .find((pair) => pair.includes('session_token=')) ?? '';

const entries = () =>
  auth.database.owner.auditEntry.findMany({ where: { action: { startsWith: 'session.' } }, orderBy: { id: 'asc' } });

describe('signing in', () => {
  it('opens the door with a cookie that scripts and other sites cannot use', async () => {
    const response = await enter();
    expect(response.status).toBe(200);
    const line = response.headers.getSetCookie().find((cookie) => cookie.startsWith('sallyport.session_token='));
    expect(line).toMatch(/; HttpOnly/i);
    expect(line).toMatch(/; SameSite=Lax/i);
    expect(line).toMatch(/; Path=\//i);
    expect(line).not.toMatch(/; Secure|; Domain/i);
    expect(await auth.enter({ cookie: cookieOf(response) })).toMatchObject({
      kind: 'SESSION',
      id: auth.userId,
      workspaceId: auth.workspaceId,
      role: 'OWNER',
    });
  });

  it('over https asks for a Secure cookie with its prefix', async () => {
    const secure = auth.signIn({ publicUrl: () => 'https://sallyport.example.com' });
    const response = await enter(PASSWORD, EMAIL, secure);
    const line = response.headers.getSetCookie().find((cookie) => cookie.includes('session_token='));
    expect(line).toMatch(/^__Host-sallyport\.session_token=.*; Secure/i);
    expect(await auth.enter({ cookie: cookieOf(response) })).toMatchObject({ id: auth.userId });
    const origin = 'https://sallyport.example.com';
    const change = { currentPassword: PASSWORD, newPassword: PASSWORD };
    const cookie = cookieOf(response);
    const changed = await send(post(change, { cookie, origin }, '/change-password'), {}, secure);
    const asked = await send(
      post({ password: PASSWORD }, { cookie: cookieOf(changed), origin }, '/sign-out'),
      {},
      secure,
    );
    const lines = [response, changed, asked].flatMap(({ headers }) => headers.getSetCookie());
    expect(lines.length).toBeGreaterThan(2);
    for (const each of lines) {
      expect(each).toMatch(/^__Host-sallyport\./);
      for (const part of [/; Path=\/(;|$)/i, /; HttpOnly/i, /; SameSite=Lax/i, /; Secure/i]) expect(each).toMatch(part);
      expect(each).not.toMatch(/; Domain/i);
    }
  });

  it('makes rows with our ids and the address of the client, whatever header the client sent', async () => {
    await send(post({ email: EMAIL, password: PASSWORD }, { 'x-sallyport-client-ip': '6.6.6.6' }), {
      ip: '192.0.2.77',
      requestId: 'req-77',
    });
    const session = await auth.database.owner.session.findFirstOrThrow({ orderBy: { id: 'desc' } });
    expect(isId(session.id, 'ses')).toBe(true);
    expect(session.ipAddress).toBe('192.0.2.77');
  });

  it('works whatever the case of the address', async () => {
    expect((await enter(PASSWORD, EMAIL.toUpperCase())).status).toBe(200);
  });

  it('answers a known and an unknown address alike', async () => {
    const [known, unknown] = [await enter('wrong password'), await enter('wrong password', 'nobody@example.com')];
    expect(known.status).toBe(401);
    expect(unknown.status).toBe(401);
    expect(await known.text()).toBe(await unknown.text());
    expect([...known.headers.keys()]).toEqual([...unknown.headers.keys()]);
    expect(cookieOf(known)).toBe('');
  });

  it('does the same work for a known address, an unknown one, and a person without a password', async () => {
    const { database } = auth;
    const email = `${newId('usr')}@example.com`;
    await database.owner.user.create({ data: { id: newId('usr'), name: 'No Password', email } });
    let hashed = 0;
    const counted = auth.signIn({
      hashing: {
        hash: async (password) => {
          hashed += 1;
          return hashPassword(password);
        },
        verify: async (asked) => {
          hashed += 1;
          return verifyPassword(asked);
        },
      },
    });
    for (const address of [EMAIL, 'nobody@example.com', email]) {
      hashed = 0;
      expect((await enter('wrong password', address, counted)).status).toBe(401);
      expect(hashed, address).toBe(1);
    }
    await counted.settled();
  });

  it('is held to a number of attempts per account from one address, whether anybody has it or not', async () => {
    const door = auth.signIn();
    for (const email of [EMAIL, 'nobody@example.com']) {
      const guess = (ip: string) => send(post({ email, password: 'wrong password' }), { ip }, door);
      const statuses = [];
      for (let n = 0; n < 11; n++) statuses.push((await guess('203.0.113.20')).status);
      expect(statuses).toEqual([...Array.from({ length: 10 }, () => 401), 429]);
      expect((await send(post({ email: EMAIL, password: PASSWORD }), { ip: '203.0.113.21' }, door)).status).toBe(200);
    }
    await door.settled();
  });

  it('is held to a number of attempts per address', async () => {
    const strict = auth.signIn({ signInAttemptsMax: 2 });
    const from = (ip: string) => send(post({ email: EMAIL, password: 'wrong password' }), { ip }, strict);
    expect((await from('203.0.113.5')).status).toBe(401);
    expect((await from('203.0.113.5')).status).toBe(401);
    const held = await from('203.0.113.5');
    expect(held.status).toBe(429);
    expect(Number(held.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await from('203.0.113.6')).status).toBe(401);
    await strict.settled();
  });
});

describe('the audit trail', () => {
  it('tells of a sign-in in each workspace the person can act in', async () => {
    await auth.database.owner.workspace.create({
      data: { id: newId('wsp'), organizationId: auth.organizationId, name: 'Second' },
    });
    const response = await send(post({ email: EMAIL, password: PASSWORD }), {
      ip: '192.0.2.44',
      requestId: 'req-sign-in',
    });
    expect(response.status).toBe(200);
    const told = await entries();
    expect(told).toHaveLength(2);
    for (const entry of told) {
      expect(entry).toMatchObject({
        action: 'session.create',
        outcome: 'DONE',
        actorKind: 'SESSION',
        actorId: auth.userId,
        requestId: 'req-sign-in',
        ip: '192.0.2.44',
      });
      expect(isId(entry.subjectId, 'ses')).toBe(true);
    }
    await auth.database.owner.auditEntry.deleteMany({ where: { action: 'session.create' } });
    await auth.database.owner.workspace.deleteMany({ where: { name: 'Second' } });
  });

  it('tells of a refused sign-in of a known address, and of nothing for an unknown one', async () => {
    await enter('wrong password');
    await enter('wrong password', 'nobody@example.com');
    await signIn.settled();
    const told = await entries();
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({
      action: 'session.refused',
      outcome: 'REFUSED',
      actorKind: 'SYSTEM',
      subjectId: auth.userId,
      workspaceId: auth.workspaceId,
    });
    expect(JSON.stringify(told)).not.toContain('wrong password');
  });

  it('that cannot be written takes the session back', async () => {
    const before = await auth.database.owner.session.count();
    const broken = auth.signIn({ audit: () => Promise.reject(new Error('no trail')) });
    await expect(enter(PASSWORD, EMAIL, broken)).rejects.toThrow('no trail');
    expect(await auth.database.owner.session.count()).toBe(before);
  });
});

describe('a signed-in browser', () => {
  it('can ask who it is, and sign out for good', async () => {
    const cookie = cookieOf(await enter());
    const ask = () => send(new Request(`${ORIGIN}/api/auth/get-session`, { headers: { cookie } }));
    expect(await (await ask()).json()).toMatchObject({ user: { id: auth.userId, email: EMAIL } });
    const out = await send(post('', { cookie, origin: ORIGIN }, '/sign-out'));
    expect(out.status).toBe(200);
    expect(await (await ask()).json()).toBeNull();
    await expect(auth.enter({ cookie })).rejects.toMatchObject({ data: { reason: 'UNKNOWN' } });
  });

  it('stays signed in when the secret is rotated', async () => {
    const cookie = cookieOf(await enter());
    const rotated = auth.signIn({ secrets: ['c'.repeat(43), ...SECRETS] });
    const response = await send(new Request(`${ORIGIN}/api/auth/get-session`, { headers: { cookie } }), {}, rotated);
    expect(await response.json()).toMatchObject({ user: { id: auth.userId } });
  });
});

describe('a request of another site', () => {
  it.each([
    [ORIGIN, 200],
    ['http://localhost:4000', 200],
    ['http://localhost:4001', 403],
    ['https://console.example.com', 200],
    ['https://evil.example', 403],
    ['https://console.example.com.evil.example', 403],
    ['null', 403],
  ])('from the origin %s is answered %i', async (origin, status) => {
    const response = await send(post({ email: EMAIL, password: PASSWORD }, { origin }));
    expect(response.status).toBe(status);
  });

  it('cannot sign a browser out', async () => {
    const cookie = cookieOf(await enter());
    const out = await send(post('', { cookie, origin: 'https://evil.example' }, '/sign-out'));
    expect(out.status).toBe(403);
    expect(await auth.enter({ cookie })).not.toBeNull();
  });
});

describe('everything else at /api/auth', () => {
  it.each([
    ...DISABLED_PATHS.filter((path) => !ANSWERED_BY_US.includes(path)),
    '',
    '/',
    '/sign-in',
    '/sign-in/email/',
    '//sign-in/email',
    '/../auth/sign-up/email',
  ])('answers 404 at %j', async (path) => {
    for (const method of ['GET', 'POST']) {
      const init = method === 'GET' ? {} : { method, body: '{}', headers: { 'content-type': 'application/json' } };
      const response = await send(new Request(`${ORIGIN}/api/auth${path}`, init));
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ code: 'NOT_FOUND' });
    }
  });

  it('is no route of better-auth’s organizations either, which are not used', async () => {
    const paths = Object.values(organization().endpoints).map(({ path }) => path);
    expect(paths.length).toBeGreaterThan(20);
    for (const path of paths) {
      for (const method of ['GET', 'POST']) {
        const init = method === 'GET' ? {} : { method, body: '{}', headers: { 'content-type': 'application/json' } };
        expect((await send(new Request(`${ORIGIN}/api/auth${path}`, init))).status, path).toBe(404);
      }
    }
  });

  it('makes no user, not even for an allowed origin', async () => {
    const before = await auth.database.owner.user.count();
    await send(post({ email: 'new@example.com', password: PASSWORD, name: 'New' }, {}, '/sign-up/email'));
    expect(await auth.database.owner.user.count()).toBe(before);
  });

  it('refuses what is not a small JSON object with two texts', async () => {
    const status = async (request: Request) => (await send(request)).status;
    const form = new URLSearchParams({ email: EMAIL, password: PASSWORD });
    expect(await status(new Request(`${ORIGIN}/api/auth/sign-in/email`, { method: 'POST', body: form }))).toBe(415);
    expect(await status(post('{'))).toBe(400);
    expect(await status(post('null'))).toBe(400);
    expect(await status(post({ email: EMAIL }))).toBe(400);
    expect(await status(post({ email: [EMAIL], password: PASSWORD }))).toBe(400);
    expect(await status(post({ email: 'not an address', password: PASSWORD }))).toBe(400);
    expect(await status(post({ email: EMAIL, password: 'x'.repeat(20_000) }))).toBe(413);
    expect(await status(new Request(`${ORIGIN}/api/auth/sign-in/email`))).toBe(405);
  });
});
