import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Browser, openBrowser } from '../support/browser.js';
import { type Harness, startHarness } from '../support/harness.js';
import { codeOf } from '../support/totp.js';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
}, 120_000);
afterAll(() => harness?.stop());

async function signedIn(role: 'MEMBER' | 'ADMIN' | 'OWNER' = 'ADMIN') {
  const person = await harness.addPerson(role);
  const browser = openBrowser(harness.url);
  await browser.post('/sign-in/email', person);
  return { ...person, browser };
}

async function enrolled(role?: 'MEMBER' | 'ADMIN' | 'OWNER') {
  const person = await signedIn(role);
  const asked = await person.browser.post('/two-factor/enable', { password: person.password });
  const { totpURI, backupCodes } = asked.body as { totpURI: string; backupCodes: string[] };
  const before = person.browser.client();
  const verified = await person.browser.post('/two-factor/verify-totp', { code: codeOf(totpURI) });
  expect(verified.status, JSON.stringify(verified.body)).toBe(200);
  return { ...person, totpURI, backupCodes, before };
}

const isIn = async (browser: Browser) => (await browser.client().ask('{ me { kind } }')).errors.length === 0;
const actions = async (userId: string) =>
  (await harness.database.owner.auditEntry.findMany({ where: { actorId: userId }, orderBy: { id: 'asc' } })).map(
    ({ action }) => action,
  );
const wrong = (uri: string) => String((Number(codeOf(uri)) + 1) % 1_000_000).padStart(6, '0');

describe('a second factor', () => {
  it('counts once a first code proves the app, and puts the session under a new token', async () => {
    const { browser, before, userId } = await enrolled();
    expect(await isIn(browser)).toBe(true);
    expect(await before.refused('{ me { kind } }')).toMatchObject({ extensions: { reason: 'UNKNOWN' } });
    expect(await actions(userId)).toEqual(['session.create', 'secondFactor.enable']);
  });

  it('is a second step of signing in: the password alone opens nothing', async () => {
    const { email, password, totpURI, userId } = await enrolled();
    const browser = openBrowser(harness.url);
    const first = await browser.post('/sign-in/email', { email, password });
    expect(first).toMatchObject({ status: 200, body: { twoFactorRedirect: true } });
    expect(await isIn(browser)).toBe(false);
    expect((await browser.post('/two-factor/verify-totp', { code: wrong(totpURI) })).status).toBe(401);
    expect(await isIn(browser)).toBe(false);
    expect((await browser.post('/two-factor/verify-totp', { code: codeOf(totpURI) })).status).toBe(200);
    expect(await isIn(browser)).toBe(true);
    const last = await harness.database.owner.auditEntry.findFirst({
      where: { actorId: userId, action: 'session.create' },
      orderBy: { id: 'desc' },
    });
    expect(last?.details).toEqual({ method: 'password and totp' });
  });

  it('may be a recovery code, each once', async () => {
    const { email, password, backupCodes } = await enrolled();
    const [code = ''] = backupCodes;
    const enter = async () => {
      const browser = openBrowser(harness.url);
      await browser.post('/sign-in/email', { email, password });
      await browser.post('/two-factor/verify-backup-code', { code });
      return isIn(browser);
    };
    expect(await enter()).toBe(true);
    expect(await enter()).toBe(false);
  });

  it('is held to a few guesses, also in a session', async () => {
    const { browser, totpURI, userId } = await enrolled();
    const statuses = [];
    for (let n = 0; n < 12; n++) {
      statuses.push((await browser.post('/two-factor/verify-totp', { code: wrong(totpURI) })).status);
    }
    expect(statuses.slice(0, 10)).toEqual(Array.from({ length: 10 }, () => 401));
    expect(statuses.slice(10)).toEqual([429, 429]);
    expect(await actions(userId)).toContain('secondFactor.refused');
  });

  it('goes by password and a second factor of the last minutes, and no less', async () => {
    const { browser, password, userId } = await enrolled();
    await harness.database.owner.session.updateMany({ where: { userId }, data: { secondFactorAt: null } });
    for (const path of ['/two-factor/disable', '/two-factor/generate-backup-codes']) {
      const stale = await browser.post(path, { password });
      expect(stale).toMatchObject({ status: 403, body: { reason: 'FRESH_AUTH_REQUIRED' } });
    }
    await harness.database.owner.session.updateMany({ where: { userId }, data: { secondFactorAt: new Date() } });
    expect((await browser.post('/two-factor/disable', { password: 'not this' })).status).toBe(400);
    expect((await browser.post('/two-factor/disable', { password })).status).toBe(200);
    expect(await isIn(browser)).toBe(true);
    expect(await actions(userId)).toContain('secondFactor.disable');
  });

  it('is kept encrypted', async () => {
    const { totpURI, backupCodes, userId } = await enrolled();
    const kept = JSON.stringify(await harness.database.owner.twoFactor.findFirstOrThrow({ where: { userId } }));
    expect(kept).not.toContain(backupCodes[0]);
    expect(kept).not.toContain(new URL(totpURI).searchParams.get('secret'));
  });
});

describe('a workspace that asks for fresh authentication', () => {
  const invite =
    'mutation I($email: String!) { inviteMember(input: { email: $email, role: MEMBER }) { invitation { id } } }';
  let sent = 0;
  const ask = (browser: Browser) => browser.client().ask(invite, { email: `fresh-${++sent}@example.com` });
  const reason = async (browser: Browser) => (await ask(browser)).errors[0]?.extensions.reason;
  const require = (requireFreshAuth: boolean) =>
    harness.database.owner.workspace.update({ where: { id: harness.place.workspaceId }, data: { requireFreshAuth } });

  it('takes a second factor of the last ten minutes, by the database’s clock', async () => {
    const { browser, totpURI, userId } = await enrolled();
    await require(true);
    try {
      expect((await ask(browser)).errors).toEqual([]);
      await harness.database.executeAsOwner(
        `UPDATE session SET second_factor_at = now() - interval '10 minutes 1 second' WHERE user_id = $1`,
        [userId],
      );
      expect(await reason(browser)).toBe('FRESH_AUTH_REQUIRED');
      expect((await browser.client().ask('{ members { totalCount } }')).errors).toEqual([]);
      expect((await browser.post('/two-factor/verify-totp', { code: wrong(totpURI) })).status).toBe(401);
      expect(await reason(browser)).toBe('FRESH_AUTH_REQUIRED');
      expect((await browser.post('/two-factor/verify-totp', { code: codeOf(totpURI) })).status).toBe(200);
      expect((await ask(browser)).errors).toEqual([]);
    } finally {
      await require(false);
    }
  });

  it('refuses whoever has none, and says how to get one; approving too', async () => {
    const { browser } = await signedIn();
    expect((await ask(browser)).errors).toEqual([]);
    await require(true);
    try {
      const [error] = (await ask(browser)).errors;
      expect(error).toMatchObject({ extensions: { code: 'FORBIDDEN', reason: 'FRESH_AUTH_REQUIRED' } });
      expect(error?.message).toContain('/two-factor/enable');
      const approve = 'mutation { approveEffect(input: { effectId: "eff_x", seal: "x" }) { effect { id } } }';
      expect((await browser.client().refused(approve)).extensions.reason).toBe('FRESH_AUTH_REQUIRED');
    } finally {
      await require(false);
    }
  });
});
