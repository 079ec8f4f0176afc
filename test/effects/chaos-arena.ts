// Where the sallyport comes under fire: server processes of the built product on one PostgreSQL, a provider that logs every
// call, a workspace with a contact to write to, and what tests of every kind of fire ask of them.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Database } from '../../src/db/database.js';
import { openServer } from '../../src/db/server.js';
import { newId } from '../../src/platform/ids.js';
import { buildOnce, openPlace, type Place, type Served } from '../cli/sallyport.js';
import { type Client, createClientFor } from '../support/client.js';
import { createTestDatabase } from '../support/database.js';
import { startFakeProvider } from '../support/fake-provider.js';
import { startFakeSmtp } from '../support/fake-smtp.js';
import { buildKeyed } from '../support/keyed-build.js';

export const isFull = process.env.CHAOS === 'full';
/** As often as `npm test` can bear, or as a promise should have been tried. */
export const times = (few: number, many: number): number => (isFull ? many : few);

/** What reached the provider, in order. */
export interface Call {
  readonly effectId: string;
  readonly text: string;
  /** The provider did something by it; a repeat under a key that it takes does nothing. */
  readonly acted: boolean;
}

export interface Provider {
  readonly takesKey: boolean;
  /** Where it is, for the server. */
  readonly env: Readonly<Record<string, string>>;
  calls(): readonly Call[];
  /** Called with each call before it is answered, which is then put off by as many milliseconds. */
  whenCalled(hook: ((call: Call) => number) | null): void;
  close(): Promise<void>;
}

/** Takes no key: a mail server, by the product's own connector. An e-mail names its effect in its Message-ID. */
export async function mailProvider(): Promise<Provider> {
  const smtp = await startFakeSmtp();
  const callOf = ({ text }: { text: string }): Call => {
    const effectId = /^Message-ID: <(eff_[0-9a-z]+)@/im.exec(text)?.[1] ?? 'no effect';
    return { effectId, text, acted: true };
  };
  return {
    takesKey: false,
    env: { SMTP_URL: smtp.url },
    calls: () => smtp.received.map(callOf),
    whenCalled: (hook) => smtp.whenReceived(hook === null ? null : (mail) => hook(callOf(mail))),
    close: () => smtp.close(),
  };
}

/** Takes our key: by the connector of a build that differs from the product in nothing else. */
export async function keyedProvider(): Promise<Provider> {
  const provider = await startFakeProvider();
  const callOf = ({ key, body, acted }: { key: string; body: string; acted: boolean }): Call => ({
    effectId: key,
    text: body,
    acted,
  });
  return {
    takesKey: true,
    env: { MODEL_URL: provider.url },
    calls: () => provider.calls.map(callOf),
    whenCalled: (hook) => provider.whenCalled(hook === null ? null : (call) => hook(callOf(call))),
    close: () => provider.close(),
  };
}

export interface Asked {
  readonly id: string;
  readonly status: string;
  readonly seal: string;
  readonly payload: object;
}

export interface Arena {
  readonly provider: Provider;
  readonly database: Database;
  readonly workspaceId: string;
  readonly conversationId: string;
  serve(args?: readonly string[], env?: Readonly<Record<string, string>>): Promise<Served>;
  /** The owner, signed in, at one of the servers. */
  ownerAt(server: Served): Client;
  keyAt(server: Served, key: string): Client;
  createKey(more?: object): Promise<{ id: string; key: string }>;
  /** What this key asks to be sent leaves without a decision. */
  letSend(keyId: string): Promise<void>;
  close(): Promise<void>;
}

const password = 'correct horse battery staple';

/** The first server of `serve` must be there before keys are made. */
export async function openArena(provider: Provider): Promise<Arena> {
  await buildOnce();
  const keyed = provider.takesKey ? await buildKeyed() : null;
  const { url: databaseUrl, drop } = await createTestDatabase();
  const unlimited = { rpm: 1_000_000, rpd: 100_000_000, costMax: 100_000_000, costPerSecond: 100_000_000 };
  const settings = {
    DATABASE_URL: databaseUrl,
    SALLYPORT_SECRET: Buffer.alloc(32, 7).toString('base64'),
    LOG_LEVEL: 'silent',
    PLAN_LIMITS: JSON.stringify({ free: unlimited }),
    ...provider.env,
  };
  const place: Place = openPlace(settings, ...(keyed === null ? [] : [keyed.program]));
  const person = ['--email', 'olive@example.com', '--password', password, '--credits', '100000'];
  const { workspaceId } = await place.json<{ workspaceId: string }>([
    ...['bootstrap', '--org', 'Halberd', '--workspace', 'Shop'],
    ...person,
  ]);
  const database = await openServer({ databaseUrl, warn: () => undefined });
  const conversationId = await fill(database, workspaceId);
  let cookie = '';
  let first: Client | null = null;
  const clientOf = (server: Served) => createClientFor(server.url)({ cookie, workspaceId });
  const owner = (): Client => {
    if (first === null) throw new Error('No server was started yet.');
    return first;
  };
  return {
    ...{ provider, database, workspaceId, conversationId },
    async serve(args = ['serve'], env = {}) {
      const served = await place.serve(args, env);
      if (served.url !== '' && first === null) {
        cookie = await signIn(served.url);
        first = clientOf(served);
      }
      return served;
    },
    ownerAt: clientOf,
    keyAt: ({ url }, key) => createClientFor(url)({ key }),
    async createKey(more = {}) {
      const input = { kind: 'ACCOUNT', name: 'k', scopes: ['messages:send'], ...more };
      const { createApiKey } = await owner().data<{ createApiKey: { key: string; apiKey: { id: string } } }>(
        'mutation K($input: CreateApiKeyInput!) { createApiKey(input: $input) { key apiKey { id } } }',
        { input },
      );
      return { id: createApiKey.apiKey.id, key: createApiKey.key };
    },
    async letSend(keyId) {
      const input = { requirement: 'NONE', reason: 'Under fire.', when: { apiKeyIds: [keyId] } };
      await owner().data(
        'mutation C($input: CreateApprovalRuleInput!) { createApprovalRule(input: $input) { approvalRule { id } } }',
        { input },
      );
    },
    async close() {
      place.remove();
      await database.close();
      await drop();
      await provider.close();
      keyed?.remove();
    },
  };
}

async function fill({ owner: db }: Database, workspaceId: string): Promise<string> {
  const ids = { contact: newId('ctc'), inbox: newId('inb'), conversation: newId('cnv') };
  await db.contact.create({ data: { workspaceId, id: ids.contact, name: 'Amelia', email: 'amelia@example.com' } });
  await db.inbox.create({ data: { workspaceId, id: ids.inbox, channel: 'EMAIL', address: 'shop@example.com' } });
  const conversation = { channel: 'EMAIL', contactId: ids.contact, inboxId: ids.inbox } as const;
  await db.conversation.create({ data: { workspaceId, id: ids.conversation, ...conversation } });
  return ids.conversation;
}

async function signIn(url: string): Promise<string> {
  const response = await fetch(`${url}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: url },
    body: JSON.stringify({ email: 'olive@example.com', password }),
  });
  return response.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
}

const sending = `mutation S($input: SendMessageInput!) {
  sendMessage(input: $input) { effect { id status seal price payload } } }`;
export const send = ({ conversationId }: Arena, from: Client, more: object = {}) =>
  from.ask<{ sendMessage: { effect: Asked } }>(sending, {
    input: { conversationId, body: 'It arrives tomorrow.', ...more },
  });

const approving = `mutation A($effectId: ID!, $seal: String!) {
  approveEffect(input: { effectId: $effectId, seal: $seal }) { effect { status } } }`;
export const approve = (owner: Client, { id, seal }: Asked) => owner.ask(approving, { effectId: id, seal });

const rejecting = 'mutation R($effectId: ID!) { rejectEffect(input: { effectId: $effectId }) { effect { status } } }';
export const reject = (owner: Client, { id }: Asked) => owner.ask(rejecting, { effectId: id });

/** The account, every key and every agent are the sum of their lines, whenever one looks. */
export async function expectLedgerRight({ database, workspaceId }: Arena): Promise<void> {
  const lines = (of: string) =>
    `(SELECT COALESCE(sum(${of}), 0)::int FROM ledger_entry l WHERE l.workspace_id = p.workspace_id`;
  const { rows } = await database.executeAsOwner(
    `SELECT 'account' AS of, p.balance_credits AS balance, p.reserved_credits AS reserved, p.spent_credits AS spent,
        ${lines('balance_delta')}) AS balance_lines, ${lines('reserved_delta')}) AS reserved_lines,
        ${lines('-balance_delta')} AND kind = 'CHARGE') AS spent_lines
      FROM credit_account p WHERE p.workspace_id = $1
    UNION ALL SELECT p.id, 0, p.reserved_credits, p.spent_credits, 0, ${lines('reserved_delta')} AND api_key_id = p.id),
        ${lines('-balance_delta')} AND api_key_id = p.id) FROM api_key p WHERE p.workspace_id = $1`,
    [workspaceId],
  );
  expect(rows.some(({ of }) => of === 'account')).toBe(true);
  for (const row of rows) {
    expect([row.balance_lines, row.reserved_lines, row.spent_lines]).toEqual([row.balance, row.reserved, row.spent]);
    expect(Number(row.reserved)).toBeGreaterThanOrEqual(0);
  }
}

/** Looks at the ledger again and again while something runs. @returns how often it looked */
export async function whileLedgerIsRight<T>(arena: Arena, run: Promise<T>): Promise<T> {
  let isDone = false;
  const watched = run.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    await expectLedgerRight(arena);
    await Promise.race([sleep(20), watched.catch(() => undefined)]);
  }
  return watched;
}

export const statusesOf = async ({ database }: Arena, keyId: string): Promise<Readonly<Record<string, number>>> => {
  const { rows } = await database.executeAsOwner(
    'SELECT status::text, count(*)::int AS n FROM effect WHERE api_key_id = $1 GROUP BY 1',
    [keyId],
  );
  return Object.fromEntries(rows.map(({ status, n }) => [String(status), Number(n)]));
};

/** Waits until nothing of the key is queued or on its way, and looks at the ledger as often as it asks. */
export async function settled(
  arena: Arena,
  keyId: string,
  withinMs: number,
): Promise<Readonly<Record<string, number>>> {
  const end = Date.now() + withinMs;
  for (;;) {
    await expectLedgerRight(arena);
    const statuses = await statusesOf(arena, keyId);
    const { QUEUED = 0, PERFORMING = 0 } = statuses;
    if (QUEUED + PERFORMING === 0 || Date.now() > end) return statuses;
    await sleep(100);
  }
}

/** Figures of a full run, for whoever reads its output. */
export const report = (line: string): void => {
  if (isFull) process.stderr.write(`chaos: ${line}\n`);
};
