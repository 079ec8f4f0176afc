// The sallyport under fire: server processes on one PostgreSQL, a mail server that counts, and everything asked at once or
// killed half-way. `npm test` runs each a few times; `npm run chaos` as often as a promise should have been tried.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Database } from '../../src/db/database.js';
import { openServer } from '../../src/db/server.js';
import { newId } from '../../src/platform/ids.js';
import { buildOnce, openPlace, type Place, type Served } from '../cli/sallyport.js';
import { type Client, createClientFor } from '../support/client.js';
import { createTestDatabase } from '../support/database.js';
import { type FakeSmtp, startFakeSmtp } from '../support/fake-smtp.js';

vi.setConfig({ testTimeout: 1_500_000, hookTimeout: 180_000 });

const isFull = process.env.CHAOS === 'full';
const times = (few: number, many: number): number => (isFull ? many : few);

let place: Place;
let database: Database;
let mail: FakeSmtp;
let drop: () => Promise<void>;
let workspaceId: string;
let conversationId: string;
let servers: Served[] = [];
let owner: Client[] = [];

beforeAll(async () => {
  await buildOnce();
  mail = await startFakeSmtp();
  const made = await createTestDatabase({ isEmpty: true });
  drop = made.drop;
  place = openPlace({
    DATABASE_URL: made.url,
    SALLYPORT_SECRET: Buffer.alloc(32, 7).toString('base64'),
    SMTP_URL: mail.url,
    LOG_LEVEL: 'silent',
  });
  await place.json(['migrate']);
  const password = 'correct horse battery staple';
  const person = ['--email', 'olive@example.com', '--password', password, '--credits', '100000'];
  ({ workspaceId } = await place.json<{ workspaceId: string }>([
    ...['bootstrap', '--org', 'Halberd', '--workspace', 'Shop'],
    ...person,
  ]));
  database = await openServer({ databaseUrl: made.url, warn: () => undefined });
  await database.owner.workspace.update({ where: { id: workspaceId }, data: { plan: 'scale' } });
  conversationId = await fill();
  servers = [await place.serve(), await place.serve()];
  owner = await Promise.all(servers.map((served) => signIn(served.url, password)));
}, 180_000);
afterAll(async () => {
  await Promise.all(servers.map((served) => served.stop()));
  await database?.close();
  place?.remove();
  await drop?.();
  await mail?.close();
});
afterEach(async () => {
  mail.behave('accept');
  mail.received.length = 0;
});

async function fill(): Promise<string> {
  const ids = { agent: newId('agt'), contact: newId('ctc'), inbox: newId('inb'), conversation: newId('cnv') };
  const { owner: db } = database;
  await db.agent.create({ data: { workspaceId, id: ids.agent, name: 'Robin', instructions: 'Be brief.' } });
  await db.contact.create({ data: { workspaceId, id: ids.contact, name: 'Amelia', email: 'amelia@example.com' } });
  await db.inbox.create({ data: { workspaceId, id: ids.inbox, channel: 'EMAIL', address: 'shop@example.com' } });
  const conversation = { channel: 'EMAIL', contactId: ids.contact, inboxId: ids.inbox } as const;
  await db.conversation.create({ data: { workspaceId, id: ids.conversation, ...conversation } });
  return ids.conversation;
}

async function signIn(url: string, password: string): Promise<Client> {
  const response = await fetch(`${url}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: url },
    body: JSON.stringify({ email: 'olive@example.com', password }),
  });
  const cookie = response.headers.getSetCookie().map((line) => line.split(';')[0]);
  return createClientFor(url)({ cookie: cookie.join('; '), workspaceId });
}

const client = (server: number, key: string): Client => createClientFor(servers[server]?.url ?? '')({ key });
const createKey = (...flags: string[]) =>
  place.json<{ id: string; key: string }>([
    ...['keys', 'create', '--workspace', workspaceId, '--kind', 'account', '--name', 'k', '--scopes', 'messages:send'],
    ...flags,
  ]);

const sending = `mutation S($input: SendMessageInput!) { sendMessage(input: $input) { effect { id status seal } } }`;
const send = (from: Client, more: object = {}) =>
  from.ask<{ sendMessage: { effect: { id: string; status: string; seal: string } } }>(sending, {
    input: { conversationId, body: 'It arrives tomorrow.', ...more },
  });

async function letKeysSend(): Promise<void> {
  const input = { requirement: 'NONE', reason: 'Under fire.', when: { kinds: ['message.send'] } };
  await owner[0]?.data(
    'mutation C($input: CreateApprovalRuleInput!) { createApprovalRule(input: $input) { approvalRule { id } } }',
    {
      input,
    },
  );
}

/** The account is the sum of its lines, whenever one looks, and every line's key and agent agree. */
async function expectLedgerRight(): Promise<void> {
  const { rows } = await database.executeAsOwner(`SELECT a.balance_credits, a.reserved_credits,
      (SELECT COALESCE(sum(balance_delta), 0)::int FROM ledger_entry l WHERE l.workspace_id = a.workspace_id) AS balance,
      (SELECT COALESCE(sum(reserved_delta), 0)::int FROM ledger_entry l WHERE l.workspace_id = a.workspace_id) AS reserved
    FROM credit_account a`);
  for (const row of rows) expect([row.balance, row.reserved]).toEqual([row.balance_credits, row.reserved_credits]);
}

const statusesOf = async (keyId: string): Promise<Readonly<Record<string, number>>> => {
  const { rows } = await database.executeAsOwner(
    'SELECT status::text, count(*)::int AS n FROM effect WHERE api_key_id = $1 GROUP BY 1',
    [keyId],
  );
  return Object.fromEntries(rows.map(({ status, n }) => [String(status), Number(n)]));
};

async function settled(keyId: string, withinMs: number): Promise<Readonly<Record<string, number>>> {
  const end = Date.now() + withinMs;
  for (;;) {
    await expectLedgerRight();
    const statuses = await statusesOf(keyId);
    const { QUEUED = 0, PERFORMING = 0 } = statuses;
    if (QUEUED + PERFORMING === 0 || Date.now() > end) return statuses;
    await sleep(100);
  }
}

describe('money', () => {
  beforeAll(letKeysSend);

  it('a hundred sends at once at a cap of ten, on two processes: exactly ten leave', async () => {
    for (let run = 0; run < times(2, 20); run++) {
      mail.received.length = 0;
      const { id, key } = await createKey('--spend-cap', '10');
      const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => send(client(n % 2, key))));
      const codes = answers.map(({ errors }) => errors[0]?.extensions.code ?? 'ASKED');
      expect(codes.filter((code) => code === 'ASKED')).toHaveLength(10);
      expect(codes.filter((code) => code === 'SPEND_CAP_EXCEEDED')).toHaveLength(90);
      expect(await settled(id, 60_000)).toEqual({ SUCCEEDED: 10 });
      expect(mail.received).toHaveLength(10);
    }
  });

  it('fifty equal requests under one idempotency key: one effect, fifty equal answers', async () => {
    for (let run = 0; run < times(2, 10); run++) {
      const { id, key } = await createKey();
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, n) => send(client(n % 2, key), { idempotencyKey: `once-${run}` })),
      );
      expect(new Set(answers.map(({ data }) => data.sendMessage.effect.id)).size).toBe(1);
      expect(await settled(id, 60_000)).toEqual({ SUCCEEDED: 1 });
    }
  });
});

describe('decisions', () => {
  it('twenty-five approvals against twenty-five rejections at once: one winner, whom the others name', async () => {
    for (let run = 0; run < times(2, 20); run++) {
      const { key } = await createKey();
      await database.owner.approvalRule.updateMany({ data: { requirement: 'ONE', version: { increment: 1 } } });
      await database.owner.approvalRule.deleteMany({});
      const { data } = await send(client(0, key));
      const { id: effectId, seal } = data.sendMessage.effect;
      const approve = `mutation A($effectId: ID!, $seal: String!) {
        approveEffect(input: { effectId: $effectId, seal: $seal }) { effect { status } } }`;
      const reject =
        'mutation R($effectId: ID!) { rejectEffect(input: { effectId: $effectId }) { effect { status } } }';
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, n) => {
          const person = owner[n % 4 < 2 ? 0 : 1] as Client;
          return n % 2 === 0 ? person.ask(approve, { effectId, seal }) : person.ask(reject, { effectId });
        }),
      );
      const won = answers.filter(({ errors }) => errors.length === 0);
      expect(won).toHaveLength(1);
      for (const { errors } of answers.filter((answer) => answer !== won[0])) {
        expect(errors[0]?.extensions).toMatchObject({ code: 'CONFLICT' });
      }
      const effect = await database.owner.effect.findUniqueOrThrow({
        where: { workspaceId_id: { workspaceId, id: effectId } },
      });
      const decisions = await database.owner.effectDecision.findMany({ where: { effectId } });
      expect(decisions.map(({ verdict }) => verdict)).toEqual([effect.status === 'REJECTED' ? 'REJECTED' : 'APPROVED']);
      await expectLedgerRight();
    }
  });
});

describe('a process killed at any moment', () => {
  beforeAll(letKeysSend);

  it('loses nothing and sends nothing twice: what nobody can tell is UNCERTAIN', async () => {
    const sent: string[] = [];
    const { id, key } = await createKey();
    for (let run = 0; run < times(4, 200); run++) {
      const worker = await place.serve(['worker']);
      const body = `Run ${run}.`;
      const asked = Promise.all([send(client(0, key), { body }), send(client(1, key), { body })]);
      await sleep(Math.random() * 250);
      process.kill(worker.pid as number, 'SIGKILL');
      for (const { data } of await asked) sent.push(data.sendMessage.effect.id);
      await expectLedgerRight();
    }
    const statuses = await settled(id, 60_000);
    const { SUCCEEDED = 0, UNCERTAIN = 0, ...others } = statuses;
    expect(others).toEqual({});
    expect(SUCCEEDED + UNCERTAIN).toBe(sent.length);
    // What an earlier test had approved may arrive as late as now.
    const texts = mail.received.flatMap(({ text }) => /Run \d+\./.exec(text)?.[0] ?? []);
    // Two effects a run: more than two mails of one run would be something sent twice.
    for (const text of new Set(texts)) expect(texts.filter((one) => one === text).length).toBeLessThanOrEqual(2);
    expect(texts.length).toBeGreaterThanOrEqual(SUCCEEDED);
    expect(texts.length).toBeLessThanOrEqual(SUCCEEDED + UNCERTAIN);
    await expectLedgerRight();
  });
});
