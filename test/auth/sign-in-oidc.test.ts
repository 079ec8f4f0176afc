import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newId } from '../../src/platform/ids.js';
import { type Browser, openBrowser } from '../support/browser.js';
import { type FakeIdentity, startFakeIdentity } from '../support/fake-identity.js';
import { type Harness, startHarness } from '../support/harness.js';

let identity: FakeIdentity;
let harness: Harness;
const envOf = (provider: FakeIdentity) => ({
  OIDC_ISSUER: provider.issuer,
  OIDC_CLIENT_ID: provider.clientId,
  OIDC_CLIENT_SECRET: provider.clientSecret,
});
beforeAll(async () => {
  identity = await startFakeIdentity();
  harness = await startHarness({ env: envOf(identity) });
}, 120_000);
afterAll(async () => {
  await harness?.stop();
  await identity?.stop();
});
beforeEach(() => {
  identity.lies = {};
  identity.forges = false;
});

/** As far as the provider sends the browser back to. */
async function comeBack(browser: Browser): Promise<string> {
  const begun = await browser.post('/sign-in/oidc');
  expect(begun.status, JSON.stringify(begun.body)).toBe(200);
  const back = await openBrowser(harness.url).get(String(begun.body.url));
  return back.headers.get('location') ?? '';
}

async function signIn(browser = openBrowser(harness.url)) {
  return { browser, answer: await browser.get(await comeBack(browser)) };
}

const role = async (browser: Browser) =>
  (await browser.client().data<{ me: { role: string } }>('{ me { role } }')).me.role;
const sessions = () => harness.database.owner.session.count();

async function invited(email: string): Promise<void> {
  const { organizationId, userId } = harness.place;
  await harness.database.owner.invitation.create({
    data: {
      organizationId,
      id: newId('inv'),
      email,
      role: 'ADMIN',
      invitedById: userId,
      expiresAt: new Date(Date.now() + 60_000),
    },
  });
}

describe('an outside identity', () => {
  it('signs a member in, whose address it has verified, and leaves its entry in the trail', async () => {
    const { email, userId } = await harness.addPerson('ADMIN');
    identity.persona = { sub: userId, email: email.toUpperCase() };
    const { browser, answer } = await signIn();
    expect(answer).toMatchObject({ status: 302 });
    expect(answer.headers.get('location')).toBe(`${harness.url}/console`);
    expect(await role(browser)).toBe('ADMIN');
    const entry = await harness.database.owner.auditEntry.findFirst({ where: { actorId: userId } });
    expect(entry).toMatchObject({ action: 'session.create', details: { method: 'oidc' } });
    // Known by what the provider calls the person from now on.
    identity.persona = { sub: userId, email: 'renamed@example.com' };
    expect((await signIn()).answer.status).toBe(302);
  });

  it('brings in whoever holds an open invitation for the address, once', async () => {
    const email = `${newId('usr')}@example.com`;
    await invited(email);
    identity.persona = { sub: email, email, name: 'Ina Vited' };
    const { browser } = await signIn();
    expect(await role(browser)).toBe('ADMIN');
    const member = await harness.database.owner.member.findFirstOrThrow({ where: { email } });
    expect(member.name).toBe('Ina Vited');
    await harness.database.owner.member.deleteMany({ where: { email } });
    expect((await signIn()).answer.status).toBe(403);
  });

  it('is refused where nobody knows the address, and makes no person', async () => {
    const before = [await sessions(), await harness.database.owner.user.count()];
    identity.persona = { sub: 'stranger', email: 'stranger@example.com' };
    const { browser, answer } = await signIn();
    expect(answer).toMatchObject({ status: 403, body: { code: 'FORBIDDEN', requestId: expect.any(String) } });
    expect((await browser.client().refused('{ me { kind } }')).extensions.reason).toBe('MISSING');
    expect([await sessions(), await harness.database.owner.user.count()]).toEqual(before);
  });

  it('is not linked to somebody who never proved to read the address', async () => {
    const { email, userId } = await harness.addPerson('OWNER');
    await harness.database.owner.user.update({ where: { id: userId }, data: { emailVerified: false } });
    identity.persona = { sub: userId, email };
    expect((await signIn()).answer.status).toBe(403);
    expect(await harness.database.owner.account.count({ where: { userId, providerId: 'oidc' } })).toBe(0);
  });
});

describe('refuses', () => {
  it.each([
    ['an address that is not verified', { email_verified: false }],
    ['an address that is verified in words only', { email_verified: 'true' }],
    ['a token for somebody else', { aud: 'another client' }],
    ['a token of somebody else', { iss: 'https://evil.example' }],
    ['another nonce', { nonce: 'another' }],
    ['no nonce', { nonce: undefined }],
    ['a token that is over', { exp: Math.floor(Date.now() / 1_000) - 3_600 }],
  ])('%s', async (_name, lies) => {
    const { email, userId } = await harness.addPerson('ADMIN');
    identity.persona = { sub: userId, email };
    identity.lies = lies;
    const before = await sessions();
    const { answer } = await signIn();
    expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect(await sessions()).toBe(before);
    identity.lies = {};
    expect((await signIn()).answer.status).toBe(302);
  });

  it('a token that the provider did not sign', async () => {
    const { email, userId } = await harness.addPerson('ADMIN');
    identity.persona = { sub: userId, email };
    identity.forges = true;
    expect((await signIn()).answer.status).toBe(403);
  });

  it('another state, no state, another browser, and a second time', async () => {
    const { email, userId } = await harness.addPerson('ADMIN');
    identity.persona = { sub: userId, email };
    const browser = openBrowser(harness.url);
    const back = new URL(await comeBack(browser));
    const other = new URL(back);
    other.searchParams.set('state', 'another');
    const none = new URL(back);
    none.searchParams.delete('state');
    const before = identity.given();
    expect((await browser.get(other.href)).status).toBe(403);
    expect((await browser.get(none.href)).status).toBe(403);
    expect((await openBrowser(harness.url).get(back.href)).status).toBe(403);
    expect(identity.given()).toBe(before);
    expect((await browser.get(back.href)).status).toBe(302);
    expect((await browser.get(back.href)).status).toBe(403);
  });

  it('everything where no provider is configured, as if the routes were not there', async () => {
    const bare = await startHarness({ works: false });
    try {
      expect(await openBrowser(bare.url).post('/sign-in/oidc')).toMatchObject({
        status: 404,
        body: { code: 'NOT_FOUND' },
      });
      expect((await openBrowser(bare.url).get('/oidc/callback?code=x&state=y')).status).toBe(404);
    } finally {
      await bare.stop();
    }
  });
});

it('says so while the provider does not answer, and recovers', async () => {
  const late = await startFakeIdentity();
  await late.stop();
  const place = await startHarness({ works: false, env: envOf(late) });
  try {
    const answer = await openBrowser(place.url).post('/sign-in/oidc');
    expect(answer).toMatchObject({ status: 503, body: { code: 'SERVICE_UNAVAILABLE' } });
  } finally {
    await place.stop();
  }
});
