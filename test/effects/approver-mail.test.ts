// Whoever may decide is told by mail, of everything at once, once before it waits too long, and never of what they may not know.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { PersonMail } from '../../src/auth/mail-port.js';
import type { ApprovalRule } from '../../src/effects/approval-policy.js';
import {
  giveBackApproverMail,
  type ToldRequest,
  takeApproverMail,
  tellApprovers,
} from '../../src/effects/approver-mail.js';
import { approverMailText } from '../../src/effects/approver-mail-text.js';
import { enqueuePeopleMail } from '../../src/effects/people-mail.js';
import { asSystem, type SystemDb } from '../../src/guard/as-system.js';
import { approval, type Sent, type Shop, sending, startShop } from '../modules/shop.js';
import type { Client } from '../support/client.js';
import { type FakeSmtp, startFakeSmtp } from '../support/fake-smtp.js';

const ownersOnly: ApprovalRule = {
  id: 'owners',
  version: 1,
  when: { kinds: ['agent.trigger'] },
  requirement: 'ONE',
  approvers: ['OWNER'],
  reason: 'For the test.',
};
const two: ApprovalRule = { ...ownersOnly, id: 'two', when: { kinds: ['contact.create'] }, requirement: 'TWO' };

type MailId = { readonly mailId: string };

let smtp: FakeSmtp;
let shop: Shop;
let admin: Client & { email: string; userId: string };
let asking: Client & { keyId: string };
beforeAll(async () => {
  smtp = await startFakeSmtp();
  shop = await startShop({
    rules: [ownersOnly, { ...two, approvers: ['ADMIN', 'OWNER'] }],
    env: { SMTP_URL: smtp.url, SMTP_FROM: 'Halberd <hello@halberd.example>', SHARED_PROVIDERS: 'off' },
  });
  const person = await shop.addPerson('ADMIN');
  await shop.addPerson('MEMBER');
  admin = { ...(await shop.signIn(person)), ...person };
  asking = await shop.key('messages:send', 'agents:trigger', 'contacts:write');
});
afterAll(async () => {
  await shop?.stop();
  await smtp?.close();
});

const owner = 'olive@halberd.example';
/** As a worker does by the clock, at another time if need be. */
const tell = (atHour = 0, more: object = {}) =>
  tellApprovers({
    database: shop.database,
    clock: { now: () => new Date(Date.now() + atHour * 3_600_000) },
    enqueueMail: enqueuePeopleMail,
    log: { error: (facts) => expect(facts).toBeNull() },
    ...{ tellAfterMs: 0, ...more },
  });
const mailsTo = (email: string) =>
  smtp.received.filter(({ to }) => to.includes(email)).map(({ text }) => unfolded(text));
const unfolded = (text: string) =>
  text
    .replace(/=\r?\n/g, '')
    .replace(/=3D/g, '=')
    .replace(/\r\n/g, '\n');
/** No mail is on its way any more. */
const settled = () =>
  expect
    .poll(
      async () => {
        const { rows } = await shop.database.executeAsOwner(
          `SELECT count(*)::int AS open FROM pgboss.job WHERE name = 'people.mail' AND state NOT IN ('completed', 'failed')`,
        );
        return rows[0]?.open;
      },
      { timeout: 20_000 },
    )
    .toBe(0);
const send = async (body = 'Confidential words.') =>
  (await asking.data<Sent>(sending, { input: { conversationId: shop.ids.conversationId, body, subject: 'Hidden' } }))
    .sendMessage.effect;

beforeEach(async () => {
  await settled();
  smtp.behave('accept');
  // Each test begins with nothing that waits, and nobody told.
  await shop.database.owner.effect.updateMany({ where: { status: 'AWAITING_APPROVAL' }, data: { status: 'EXPIRED' } });
  await shop.database.owner.approvalNotice.deleteMany();
  smtp.received.length = 0;
});

describe('does', () => {
  it('tell every ADMIN and OWNER of all that waits by one mail, and a MEMBER of nothing', async () => {
    const [one, other] = [await send(), await send()];
    expect(await tell()).toBe(2);
    await settled();
    expect(smtp.received.map(({ to }) => to[0]).sort()).toEqual([owner, admin.email].sort());
    for (const email of [owner, admin.email]) {
      const [mail = ''] = mailsTo(email);
      expect(mail).toContain('Subject: 2 requests wait for your decision in Shop');
      expect(mail).toContain('message.send, asked for by test in Shop: 1 credit');
      expect(mail).toMatch(/expires at \d{4}-\d\d-\d\d \d\d:\d\d UTC/);
      for (const { id } of [one, other]) {
        expect(mail).toContain(`${shop.url}/console/approvals/${id}?workspace=${shop.place.workspaceId}`);
      }
      expect(mail).not.toMatch(/Confidential|Hidden|Amelia|amelia|Order 4211/);
      expect(mail).not.toContain(one.seal);
      expect(mail).not.toMatch(/token=/);
    }
    const entries = await shop.trail('mail.send');
    expect(entries.at(-1)).toMatchObject({ actorKind: 'SYSTEM', details: { kind: 'approvals', status: 'sent' } });
  });

  it('wait until the first of them has waited a while, and then take along those that came since', async () => {
    const first = await send();
    expect(await tell(0, { tellAfterMs: 60_000 })).toBe(0);
    await shop.database.owner.effect.updateMany({
      where: { id: first.id },
      data: { createdAt: new Date(Date.now() - 61_000) },
    });
    await send();
    expect(await tell(0, { tellAfterMs: 60_000 })).toBe(2);
    await settled();
    expect(mailsTo(owner)).toEqual([expect.stringContaining('2 requests wait')]);
  });

  it('tell once, however many workers ask at once and however often', async () => {
    await send();
    const told = await Promise.all(Array.from({ length: 6 }, () => tell()));
    expect(told.reduce((sum, one) => sum + one, 0)).toBe(2);
    expect(await tell(0, { tellQuietMs: 0 })).toBe(0);
    await settled();
    expect(mailsTo(owner)).toHaveLength(1);
  });

  it('leave a person in peace for ten minutes, and then tell what came since', async () => {
    await send();
    await tell();
    for (let n = 0; n < 5; n++) await send();
    expect(await tell()).toBe(0);
    expect(await tell(9 / 60)).toBe(0);
    expect(await tell(11 / 60)).toBe(2);
    await settled();
    expect(mailsTo(owner)).toEqual([
      expect.stringContaining('A request waits for your decision'),
      expect.stringContaining('5 requests wait for your decision'),
    ]);
  });

  it('tell once more in the last quarter of its time, and never after', async () => {
    await send();
    await tell();
    expect(await tell(53)).toBe(0);
    expect(await tell(55)).toBe(2);
    expect(await tell(56)).toBe(0);
    expect(await tell(71)).toBe(0);
    await settled();
    expect(mailsTo(owner)).toEqual([
      expect.not.stringContaining('expires soon'),
      expect.stringContaining('expires soon, at'),
    ]);
    expect(await shop.database.owner.approvalNotice.count()).toBe(4);
  });

  it('tell once of what is first seen in its last hours', async () => {
    await send();
    expect(await tell(60)).toBe(2);
    expect(await tell(61)).toBe(0);
  });

  it('count the others where there are more than a mail should list', async () => {
    await Promise.all(Array.from({ length: 23 }, () => send()));
    await tell();
    await settled();
    const [mail = ''] = mailsTo(owner);
    expect(mail).toContain('23 requests wait');
    expect(mail.match(/console\/approvals\/eff_/g)).toHaveLength(20);
    expect(mail).toContain(`And 3 more: ${shop.url}/console/approvals`);
  });

  it('send what the mail server put off as soon as it takes it, once', { timeout: 60_000 }, async () => {
    smtp.behave({ at: 'MAIL', code: 451 });
    await send();
    await tell();
    const putOff = () =>
      shop.database.executeAsOwner(`SELECT id FROM pgboss.job WHERE name = 'people.mail' AND state = 'retry'`);
    await expect.poll(async () => (await putOff()).rows.length, { timeout: 10_000 }).toBe(2);
    smtp.behave('accept');
    await expect.poll(() => smtp.received.length, { timeout: 50_000 }).toBe(2);
    await settled();
    expect(mailsTo(owner)).toHaveLength(1);
  });
});

describe('does not tell', () => {
  const toldOf = async (effectId: string) =>
    (await shop.database.owner.approvalNotice.findMany({ where: { effectId } })).map(({ userId }) => userId).sort();
  const everybody = () => [shop.place.userId, admin.userId].sort();

  it('an ADMIN of what only an OWNER decides', async () => {
    const { triggerAgent } = await asking.data<{ triggerAgent: { effect: { id: string } } }>(
      'mutation T($id: ID!) { triggerAgent(input: { agentId: $id, mode: CHAT, message: "Hi" }) { effect { id } } }',
      { id: shop.ids.agentId },
    );
    await tell();
    expect(await toldOf(triggerAgent.effect.id)).toEqual([shop.place.userId]);
  });

  it('whoever asked, amended, or has agreed already', async () => {
    const ask = 'mutation { createContact(input: { name: "Ann" }) { effect { id seal } } }';
    type Held = { createContact: { effect: { id: string; seal: string } } };
    const own = (await admin.data<Held>(ask)).createContact.effect;
    const half = (await asking.data<Held>(ask)).createContact.effect;
    await admin.data(approval, { effectId: half.id, seal: half.seal });
    const changed = await admin.data<{ amendEffect: { effect: { id: string } } }>(
      'mutation A($id: ID!) { amendEffect(input: { effectId: $id, changes: { body: "Other." } }) { effect { id } } }',
      { id: (await send()).id },
    );
    const open = (await asking.data<Held>(ask)).createContact.effect;
    await tell();
    for (const { id } of [own, half, changed.amendEffect.effect]) expect(await toldOf(id)).toEqual([shop.place.userId]);
    expect(await toldOf(open.id)).toEqual(everybody());
  });

  it('whoever made the key, where duties are separate', async () => {
    const { workspaceId } = shop.place;
    const { owner: db } = shop.database;
    await db.apiKey.updateMany({ where: { id: asking.keyId }, data: { createdById: admin.userId } });
    const effect = await send();
    try {
      await db.workspace.update({ where: { id: workspaceId }, data: { separateDuties: true } });
      await tell();
    } finally {
      await db.workspace.update({ where: { id: workspaceId }, data: { separateDuties: false } });
    }
    expect(await toldOf(effect.id)).toEqual([shop.place.userId]);
  });

  it('anybody of what waits for its own requester, but of what a cap parked', async () => {
    const { owner: db } = shop.database;
    const effect = await send();
    const rule = { ...(await db.effect.findFirstOrThrow({ where: { id: effect.id } })) }.rule as object;
    await db.effect.updateMany({
      where: { id: effect.id },
      data: { rule: { ...rule, requirement: 'CONFIRM', approvers: [] } },
    });
    await tell();
    expect(await toldOf(effect.id)).toEqual([]);
    await db.effect.updateMany({ where: { id: effect.id }, data: { reservedCredits: 0 } });
    await tell();
    expect(await toldOf(effect.id)).toEqual(everybody());
  });

  it('anybody of what was decided before the mail left, or twice after a crash', async () => {
    const [decided, open] = [await send(), await send()];
    // No worker hears of these mails, so that nobody takes them but this test.
    const mails: PersonMail[] = [];
    await tell(0, { enqueueMail: async (_db: SystemDb, mail: PersonMail) => void mails.push(mail) });
    const { mailId } = mails.find((mail) => mail.kind === 'approvals' && mail.userId === shop.place.userId) as MailId;
    const asTest = <T>(run: (db: SystemDb) => Promise<T>) => asSystem(shop.database, 'a test', run);
    const take = async () =>
      (await asTest((db) => takeApproverMail(db, { mailId, userId: shop.place.userId, now: new Date() }))).map(
        ({ effectId }) => effectId,
      );
    const giveBack = () => asTest((db) => giveBackApproverMail(db, mailId));
    expect((await take()).sort()).toEqual([decided.id, open.id].sort());
    // Taken and not given back: the process died on the way to the mail server.
    expect(await take()).toEqual([]);
    await giveBack();
    await admin.data('mutation R($id: ID!) { rejectEffect(input: { effectId: $id }) { effect { id } } }', {
      id: decided.id,
    });
    expect(await take()).toEqual([open.id]);
    await giveBack();
    await shop.database.owner.member.updateMany({ where: { userId: shop.place.userId }, data: { role: 'MEMBER' } });
    try {
      expect(await take()).toEqual([]);
    } finally {
      await shop.database.owner.member.updateMany({ where: { userId: shop.place.userId }, data: { role: 'OWNER' } });
    }
  });
});

describe('the words', () => {
  const request: ToldRequest = {
    ...{ workspaceId: 'wsp_1', workspace: 'Shop', effectId: 'eff_1', kind: 'message.send', credits: 5 },
    ...{ requester: 'CRM', expiresAt: new Date('2026-11-29T21:50:30Z'), notice: 'WAITING' },
  };

  it('keep what others named on its own line', () => {
    const { subject, body } = approverMailText(
      [
        {
          ...request,
          workspace: 'Shop\r\nBcc: all@example.com',
          requester: `CRM\n\nhttps://evil.example\u2028${'x'.repeat(200)}`,
        },
      ],
      'https://sally.example',
    );
    expect(subject).toBe('A request waits for your decision in Shop Bcc: all@example.com');
    expect(body.split('\n')[0]).toMatch(
      /^message\.send, asked for by CRM https:\/\/evil\.example x+ in Shop Bcc: all@example\.com: 5 credits$/,
    );
    expect(body.split('\n').slice(1, 3)).toEqual([
      'expires at 2026-11-29 21:50 UTC',
      'https://sally.example/console/approvals/eff_1?workspace=wsp_1',
    ]);
  });

  it('count the workspaces where there are several', () => {
    const { subject } = approverMailText(
      [request, { ...request, workspaceId: 'wsp_2', workspace: 'Other' }],
      'https://x',
    );
    expect(subject).toBe('2 requests wait for your decision in 2 workspaces');
  });
});
