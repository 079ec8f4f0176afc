import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mailedToken, mailsTo, openBrowser } from '../support/browser.js';
import { type Harness, startHarness } from '../support/harness.js';

let harness: Harness;
beforeAll(async () => {
  harness = await startHarness();
}, 120_000);
afterAll(() => harness?.stop());

const NEW = 'a brand new password';
const person = () => harness.addPerson('MEMBER');
const enter = async (who: { email: string; password: string }) => {
  const browser = openBrowser(harness.url);
  const answer = await browser.post('/sign-in/email', who);
  return { browser, status: answer.status };
};
const trailOf = (userId: string) =>
  harness.database.owner.auditEntry.findMany({ where: { subjectId: userId }, orderBy: { id: 'asc' } });
const isIn = async (browser: ReturnType<typeof openBrowser>) =>
  (await browser.client().ask('{ me { kind } }')).errors.length === 0;

describe('changing a password', () => {
  it('takes the current one, ends every other session, and puts this one under a new token', async () => {
    const who = await person();
    const [{ browser }, other] = [await enter(who), await enter(who)];
    const before = browser.client();
    const refused = await browser.post('/change-password', { currentPassword: 'not this', newPassword: NEW });
    expect(refused).toMatchObject({ status: 403, body: { code: 'FORBIDDEN', reason: 'WRONG_PASSWORD' } });
    expect(refused.body.requestId).toEqual(expect.any(String));
    expect(await isIn(other.browser)).toBe(true);
    const changed = await browser.post('/change-password', { currentPassword: who.password, newPassword: NEW });
    expect(changed.status).toBe(200);
    expect(await isIn(browser)).toBe(true);
    expect(await isIn(other.browser)).toBe(false);
    expect(await before.refused('{ me { kind } }')).toMatchObject({ extensions: { reason: 'UNKNOWN' } });
    expect((await enter(who)).status).toBe(401);
    expect((await enter({ ...who, password: NEW })).status).toBe(200);
    expect(await trailOf(who.userId)).toMatchObject(
      expect.arrayContaining([expect.objectContaining({ action: 'password.change', details: { sessionsEnded: 1 } })]),
    );
  });

  it('of two at once lets one through', async () => {
    const who = await person();
    const browsers = [(await enter(who)).browser, (await enter(who)).browser];
    const answers = await Promise.all(
      browsers.map((browser, index) =>
        browser.post('/change-password', { currentPassword: who.password, newPassword: `${NEW} ${index}` }),
      ),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('takes a session, and a password that is long enough', async () => {
    const body = { currentPassword: 'x', newPassword: NEW };
    expect(await openBrowser(harness.url).post('/change-password', body)).toMatchObject({ status: 401 });
    const who = await person();
    const { browser } = await enter(who);
    const short = { currentPassword: who.password, newPassword: 'short' };
    expect(await browser.post('/change-password', short)).toMatchObject({
      status: 400,
      body: { field: 'newPassword' },
    });
    expect(await browser.post('/change-password', {})).toMatchObject({
      status: 400,
      body: { field: 'currentPassword' },
    });
  });

  it('is not for a page of another origin', async () => {
    const { browser } = await enter(await person());
    const response = await fetch(`${harness.url}/api/auth/change-password`, {
      method: 'POST',
      headers: { cookie: browser.cookie(), origin: 'https://evil.example', 'content-type': 'application/json' },
      body: JSON.stringify({ currentPassword: 'x', newPassword: NEW }),
    });
    expect(response.status).toBe(403);
    expect(await response.json()).toMatchObject({ reason: 'CSRF' });
  });
});

describe('a reset', () => {
  it('by mail sets a new password once, ends all sessions and signs nobody in', async () => {
    const who = await person();
    const { browser } = await enter(who);
    await browser.post('/request-password-reset', { email: who.email.toUpperCase() });
    const token = await mailedToken(harness.dataDir, who.email);
    const stranger = openBrowser(harness.url);
    expect(await stranger.post('/reset-password', { token, newPassword: 'short' })).toMatchObject({ status: 400 });
    expect((await stranger.post('/reset-password', { token, newPassword: NEW })).status).toBe(200);
    expect(stranger.cookie()).toBe('');
    expect(await isIn(browser)).toBe(false);
    expect((await enter({ ...who, password: NEW })).status).toBe(200);
    const again = await stranger.post('/reset-password', { token, newPassword: `${NEW}!` });
    expect(again).toMatchObject({ status: 400, body: { field: 'token' } });
    const actions = (await trailOf(who.userId)).map(({ action }) => action);
    expect(actions).toEqual(expect.arrayContaining(['mail.send', 'password.reset']));
  });

  it('is asked for alike, in answer and in work, whether anybody has the address or not', async () => {
    const who = await person();
    const ask = async (email: string) => {
      const before = await jobs();
      const answer = await openBrowser(harness.url).post('/request-password-reset', { email });
      return { answer: [answer.status, answer.body], enqueued: (await jobs()) - before };
    };
    const [known, unknown] = [await ask(who.email), await ask('nobody@example.com')];
    expect(known).toEqual(unknown);
    expect(known.enqueued).toBe(1);
    await mailedToken(harness.dataDir, who.email);
    expect(await mailsTo(harness.dataDir, 'nobody@example.com')).toEqual([]);
  });

  it('sends one mail a minute, however often it is asked for', async () => {
    const who = await person();
    for (let n = 0; n < 4; n++) await openBrowser(harness.url).post('/request-password-reset', { email: who.email });
    await mailedToken(harness.dataDir, who.email);
    await expect.poll(waitingJobs, { timeout: 10_000 }).toBe(0);
    expect(await mailsTo(harness.dataDir, who.email)).toHaveLength(1);
  });

  it('is no longer good an hour later, or after the password was changed', async () => {
    const [late, changed] = [await person(), await person()];
    for (const { email } of [late, changed]) await openBrowser(harness.url).post('/request-password-reset', { email });
    const tokens = [await mailedToken(harness.dataDir, late.email), await mailedToken(harness.dataDir, changed.email)];
    await harness.database.executeAsOwner(
      `UPDATE verification SET expires_at = now() - interval '1 second' WHERE value LIKE $1`,
      [`${late.userId}%`],
    );
    const { browser } = await enter(changed);
    await browser.post('/change-password', { currentPassword: changed.password, newPassword: NEW });
    for (const token of [...tokens, 'x'.repeat(43), '', "' OR 1=1 --"]) {
      const answer = await openBrowser(harness.url).post('/reset-password', { token, newPassword: NEW });
      expect(answer).toMatchObject({ status: 400, body: { code: 'BAD_USER_INPUT', field: 'token' } });
    }
  });

  it('leaves its token in no row and no log of the queue', async () => {
    const who = await person();
    await openBrowser(harness.url).post('/request-password-reset', { email: who.email });
    const token = await mailedToken(harness.dataDir, who.email);
    const { rows } = await harness.database.executeAsOwner(
      'SELECT (SELECT string_agg(j::text, chr(10)) FROM pgboss.job j) AS jobs, (SELECT string_agg(v::text, chr(10)) FROM verification v) AS kept',
    );
    expect(rows[0]?.kept).toEqual(expect.stringContaining('password-reset:'));
    expect(JSON.stringify(rows)).not.toContain(token);
  });
});

describe('an address', () => {
  it('is verified by who reads it', async () => {
    const who = await person();
    await harness.database.owner.user.update({ where: { id: who.userId }, data: { emailVerified: false } });
    const { browser } = await enter(who);
    expect((await openBrowser(harness.url).post('/send-verification-email')).status).toBe(401);
    expect((await browser.post('/send-verification-email')).status).toBe(200);
    const token = await mailedToken(harness.dataDir, who.email);
    expect((await openBrowser(harness.url).post('/verify-email', { token })).status).toBe(200);
    const { emailVerified } = await harness.database.owner.user.findUniqueOrThrow({ where: { id: who.userId } });
    expect(emailVerified).toBe(true);
    expect((await trailOf(who.userId)).map(({ action }) => action)).toContain('email.verify');
    expect((await openBrowser(harness.url).post('/verify-email', { token })).status).toBe(400);
  });

  it('is not verified by a token that was made for something else', async () => {
    const who = await person();
    await openBrowser(harness.url).post('/request-password-reset', { email: who.email });
    const token = await mailedToken(harness.dataDir, who.email);
    expect((await openBrowser(harness.url).post('/verify-email', { token })).status).toBe(400);
    expect((await openBrowser(harness.url).post('/accept-invitation', { token })).status).toBe(400);
    expect((await openBrowser(harness.url).post('/reset-password', { token, newPassword: NEW })).status).toBe(200);
  });
});

async function jobs(): Promise<number> {
  const { rows } = await harness.database.executeAsOwner(
    `SELECT count(*)::int AS n FROM pgboss.job WHERE name = 'people.mail'`,
  );
  return Number(rows[0]?.n);
}

async function waitingJobs(): Promise<number> {
  const { rows } = await harness.database.executeAsOwner(
    `SELECT count(*)::int AS n FROM pgboss.job WHERE name = 'people.mail' AND state < 'completed'`,
  );
  return Number(rows[0]?.n);
}
