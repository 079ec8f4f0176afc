import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { senderOf } from '../../src/effects/people-mail.js';
import { openBrowser } from '../support/browser.js';
import { type FakeSmtp, startFakeSmtp } from '../support/fake-smtp.js';
import { type Harness, startHarness } from '../support/harness.js';

let smtp: FakeSmtp;
let harness: Harness;
beforeAll(async () => {
  smtp = await startFakeSmtp();
  const env = { SMTP_URL: smtp.url, SMTP_FROM: 'Halberd <hello@halberd.example>', SHARED_PROVIDERS: 'off' };
  harness = await startHarness({ env });
}, 120_000);
afterAll(async () => {
  await harness?.stop();
  await smtp?.close();
});
afterEach(() => smtp.behave('accept'));

async function askForReset() {
  const person = await harness.addPerson('MEMBER');
  await openBrowser(harness.url).post('/request-password-reset', { email: person.email });
  return person;
}

const entryOf = (userId: string) =>
  harness.database.owner.auditEntry.findFirst({ where: { action: 'mail.send', subjectId: userId } });
const mailsTo = (email: string) => smtp.received.filter(({ to }) => to.includes(email));

describe('mail to our own people', () => {
  it('goes by the server’s own account, whatever workspaces may use, and leaves its entry', async () => {
    const { email, userId } = await askForReset();
    await expect.poll(() => entryOf(userId), { timeout: 10_000 }).not.toBeNull();
    const [mail] = mailsTo(email);
    expect(mail?.from).toBe('hello@halberd.example');
    expect(mail?.text).toContain('Subject: Set a new password');
    expect(mail?.text).toContain(`${harness.url}/console/reset-password?`);
    expect(await entryOf(userId)).toMatchObject({
      outcome: 'DONE',
      actorKind: 'SYSTEM',
      details: { kind: 'password-reset', status: 'sent' },
    });
  });

  it('that is refused for good is not tried again, and the trail says so', async () => {
    smtp.behave({ at: 'RCPT', code: 550 });
    const { email, userId } = await askForReset();
    await expect.poll(() => entryOf(userId), { timeout: 10_000 }).not.toBeNull();
    expect(await entryOf(userId)).toMatchObject({ outcome: 'REFUSED', details: { status: 'refused' } });
    expect(mailsTo(email)).toEqual([]);
    const { rows } = await harness.database.executeAsOwner(
      `SELECT DISTINCT state::text FROM pgboss.job WHERE name = 'people.mail'`,
    );
    expect(rows).toEqual([{ state: 'completed' }]);
  });

  it('of which nobody can tell whether it left is not sent twice', async () => {
    smtp.behave('drop-after-data');
    const { email, userId } = await askForReset();
    await expect.poll(() => entryOf(userId), { timeout: 10_000 }).not.toBeNull();
    expect(await entryOf(userId)).toMatchObject({ details: { status: 'unknown' } });
    expect(mailsTo(email)).toHaveLength(1);
  });

  it('that was put off is sent once the mail server takes it', { timeout: 60_000 }, async () => {
    smtp.behave({ at: 'MAIL', code: 451 });
    const { email, userId } = await askForReset();
    const putOff = () =>
      harness.database.executeAsOwner(`SELECT id FROM pgboss.job WHERE name = 'people.mail' AND state = 'retry'`);
    await expect.poll(async () => (await putOff()).rows.length, { timeout: 10_000 }).toBe(1);
    expect(await entryOf(userId)).toBeNull();
    smtp.behave('accept');
    await expect.poll(() => mailsTo(email).length, { timeout: 50_000 }).toBe(1);
  });
});

describe('the sender', () => {
  it.each([
    ['hello@example.com', null, 'hello@example.com', 'Sallyport'],
    ['Halberd Cycles <hello@example.com>', null, 'hello@example.com', 'Halberd Cycles'],
    ['<hello@example.com>', null, 'hello@example.com', null],
    [null, 'https://api.example.com', 'no-reply@api.example.com', 'Sallyport'],
    [null, 'http://127.0.0.1:4000', 'no-reply@localhost', 'Sallyport'],
    [null, 'http://[::1]:4000', 'no-reply@localhost', 'Sallyport'],
    [null, null, 'no-reply@localhost', 'Sallyport'],
  ])('of SMTP_FROM %j at %j is %s', (from, publicUrl, address, name) => {
    expect(senderOf(from, publicUrl)).toEqual({ address, name });
  });
});
