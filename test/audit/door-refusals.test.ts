// What is refused to somebody who is known leaves an entry, and a flood of it leaves no more than one per kind and minute.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openRefusalLog } from '../../src/audit/refusal-log.js';
import { newKeySecret } from '../../src/auth/key-format.js';
import type { Principal } from '../../src/auth/principal.js';
import type { ApiKey } from '../../src/generated/prisma/client.js';
import { CodedError } from '../../src/platform/errors.js';
import { newId } from '../../src/platform/ids.js';
import type { Client } from '../support/client.js';
import { type Harness, type Place, startHarness } from '../support/harness.js';

const PLANS = {
  free: { rpm: 6, rpd: 1_000_000, costMax: 300, costPerSecond: 50 },
  pro: { rpm: 1_000_000, rpd: 1_000_000 },
  scale: { rpm: 1_000_000, rpd: 1_000_000 },
};
const ME = '{ me { kind } }';
// 1 + 100 + 200 points, of which the request pays 100.
const DEAR = '{ contacts(first: 100) { nodes { conversations(first: 2) { nodes { id } } } } }';

let now = Date.UTC(2031, 0, 1);
let harness: Harness;
let place: Place;
beforeAll(async () => {
  harness = await startHarness({
    clock: { now: () => new Date(now) },
    env: { PLAN_LIMITS: JSON.stringify(PLANS) },
    works: false,
  });
});
afterAll(() => harness?.stop());
beforeEach(async () => {
  now += 86_400_000;
  place = await harness.addPlace(`Shop${now}`);
});

interface Key {
  readonly id: string;
  readonly key: string;
  readonly client: Client;
}

async function newKey(request: { scopes?: string[]; allowedIps?: string[] } = {}): Promise<Key> {
  const made = await harness.createKey({ kind: 'ACCOUNT', workspaceId: place.workspaceId, ...request });
  return { ...made, client: harness.as({ key: made.key }) };
}

const change = ({ id }: Key, data: Partial<ApiKey>) =>
  harness.database.owner.apiKey.update({
    where: { workspaceId_id: { workspaceId: place.workspaceId, id } },
    data,
  });

/** What is written behind is written at once when the clock of the process says so: a second at most. */
const refusals = async (count: number) => {
  const where = { workspaceId: place.workspaceId, action: 'access.refused' };
  const found = () => harness.database.owner.auditEntry.findMany({ where, orderBy: { id: 'asc' } });
  await expect.poll(async () => (await found()).length, { timeout: 5_000 }).toBe(count);
  return found();
};

describe('a key that is known and no good', () => {
  it.each<[string, object, (key: Key) => Promise<unknown>]>([
    [
      'revoked',
      { code: 'UNAUTHENTICATED', reason: 'REVOKED' },
      (key) => change(key, { status: 'REVOKED', revokedAt: new Date() }),
    ],
    ['expired', { code: 'UNAUTHENTICATED', reason: 'EXPIRED' }, (key) => change(key, { expiresAt: new Date(0) })],
    [
      'suspended',
      { code: 'UNAUTHENTICATED', reason: 'SUSPENDED', of: 'key' },
      (key) => change(key, { status: 'SUSPENDED' }),
    ],
    ['used from elsewhere', { code: 'IP_NOT_ALLOWED' }, (key) => change(key, { allowedIps: ['192.0.2.0/24'] })],
    [
      'of a workspace that is suspended',
      { code: 'UNAUTHENTICATED', reason: 'SUSPENDED', of: 'workspace' },
      () =>
        harness.database.owner.workspace.update({ where: { id: place.workspaceId }, data: { status: 'SUSPENDED' } }),
    ],
  ])('leaves an entry: %s', async (_, details, spoil) => {
    const key = await newKey();
    await spoil(key);
    const { headers, status } = await key.client.ask(ME);
    expect([401, 403]).toContain(status);
    const [entry] = await refusals(1);
    expect(entry).toMatchObject({
      ...{ outcome: 'REFUSED', actorKind: 'ACCOUNT_KEY', actorId: key.id, apiKeyId: key.id, details },
      ...{ requestId: headers.get('x-request-id'), ip: '127.0.0.1', allowedBy: null },
    });
    expect(JSON.stringify(entry)).not.toContain(key.key);
  });

  it('leaves one entry a minute however often it is tried, and one for each kind', async () => {
    const key = await newKey();
    await change(key, { status: 'SUSPENDED' });
    for (let time = 0; time < 30; time++) await key.client.ask(ME);
    await change(key, { status: 'REVOKED' });
    for (let time = 0; time < 30; time++) await key.client.ask(ME);
    const first = await refusals(2);
    expect(first.map(({ details }) => (details as { reason: string }).reason)).toEqual(['SUSPENDED', 'REVOKED']);
    now += 60_000;
    for (let time = 0; time < 3; time++) await key.client.ask(ME);
    await refusals(3);
  });

  it('leaves nothing when it is none of ours', async () => {
    const { key } = newKeySecret('ACCOUNT', 'sp');
    const before = await harness.database.owner.auditEntry.count();
    expect((await harness.as({ key }).ask(ME)).status).toBe(401);
    expect((await harness.as({ key: 'sp_acct_nonsense' }).ask(ME)).status).toBe(401);
    expect((await harness.as(null).ask('{ contacts { totalCount } }')).status).toBe(401);
    // What is noted after them is written with them.
    const ours = await newKey();
    await change(ours, { status: 'SUSPENDED' });
    await ours.client.ask(ME);
    const [entry] = await refusals(1);
    expect(entry?.apiKeyId).toBe(ours.id);
    // The making of a key leaves one of its own.
    expect(await harness.database.owner.auditEntry.count()).toBe(before + 2);
  });
});

describe('a limit', () => {
  it('of requests leaves one entry a minute, however many come', async () => {
    const key = await newKey();
    const statuses = [];
    for (let time = 0; time < 40; time++) statuses.push((await key.client.ask(ME)).status);
    expect(statuses.filter((status) => status === 429)).toHaveLength(34);
    const [entry] = await refusals(1);
    expect(entry).toMatchObject({
      ...{ apiKeyId: key.id, outcome: 'REFUSED' },
      details: { code: 'RATE_LIMITED', limit: 'default', of: 'WORKSPACE' },
    });
  });

  it('of query cost leaves an entry, by POST and by GET', async () => {
    const scopes = ['contacts:read', 'contacts:write', 'messages:read'];
    const key = await newKey({ scopes });
    // 1 + 20 × 10 points, of which the request pays 100.
    const fields = Array.from(
      { length: 20 },
      (_, n) => `c${n}: createContact(input: { name: "A" }) { contact { id } }`,
    );
    const dear = `mutation { ${fields.join(' ')} }`;
    const statuses = [];
    for (let time = 0; time < 4; time++) statuses.push((await key.client.ask(dear)).status);
    expect(statuses).toEqual([200, 200, 429, 429]);
    expect((await refusals(1))[0]).toMatchObject({ details: { code: 'RATE_LIMITED', limit: 'cost' } });
    const other = await newKey({ scopes });
    const url = `${harness.url}/graphql?query=${encodeURIComponent(DEAR)}`;
    expect((await fetch(url, { headers: other.client.headers })).status).toBe(429);
    expect((await refusals(2)).at(-1)).toMatchObject({ apiKeyId: other.id, details: { limit: 'cost' } });
  });

  it('of money leaves an entry although what was asked for left nothing', async () => {
    const { owner } = harness.database;
    const { workspaceId } = place;
    await owner.workspace.update({ where: { id: workspaceId }, data: { plan: 'pro' } });
    const { contactId, inboxId } = await reachable();
    const text = `mutation { sendMessage(input: { contactId: "${contactId}", inboxId: "${inboxId}", body: "Hello" }) { status } }`;
    const key = await newKey({ scopes: ['messages:send'] });
    await owner.creditAccount.updateMany({ where: { workspaceId }, data: { balanceCredits: 0 } });
    for (let time = 0; time < 3; time++)
      expect((await key.client.refused(text)).extensions.code).toBe('INSUFFICIENT_CREDITS');
    await owner.creditAccount.updateMany({ where: { workspaceId }, data: { balanceCredits: 100 } });
    await change(key, { spendCapCredits: 0, spendCapPeriod: 'LIFETIME' });
    for (let time = 0; time < 3; time++)
      expect((await key.client.refused(text)).extensions.code).toBe('SPEND_CAP_EXCEEDED');
    const found = await refusals(2);
    expect(found.map(({ apiKeyId, details }) => [apiKeyId, details])).toEqual([
      [key.id, { code: 'INSUFFICIENT_CREDITS', fields: ['sendMessage'] }],
      [key.id, { code: 'SPEND_CAP_EXCEEDED', of: 'key', fields: ['sendMessage'] }],
    ]);
    expect(await owner.effect.count({ where: { workspaceId } })).toBe(0);
  });

  async function reachable() {
    const { owner } = harness.database;
    const { workspaceId } = place;
    const contact = await owner.contact.create({
      data: { workspaceId, id: newId('ctc'), name: 'Ann', email: 'ann@example.com' },
    });
    const inbox = await owner.inbox.create({
      data: { workspaceId, id: newId('inb'), channel: 'EMAIL', address: 'shop@example.com' },
    });
    return { contactId: contact.id, inboxId: inbox.id };
  }
});

it('what is forbidden only once the operation runs leaves an entry', async () => {
  const person = await harness.addPerson('ADMIN', place);
  const admin = await harness.signIn(person);
  const { id } = await harness.database.owner.member.findFirstOrThrow({
    where: { organizationId: place.organizationId, role: 'OWNER' },
  });
  const refused = await admin.refused(`mutation { removeMember(input: { id: "${id}" }) { effect { id } } }`);
  expect(refused.extensions.code).toBe('FORBIDDEN');
  const [entry] = await refusals(1);
  expect(entry).toMatchObject({ actorId: person.userId, details: { code: 'FORBIDDEN', fields: ['removeMember'] } });
});

describe('the log of refusals', () => {
  const principal = (workspaceId: string, id = newId('key')): Principal =>
    ({ kind: 'ACCOUNT_KEY', id, apiKeyId: id, agentId: null, workspaceId }) as Principal;
  const error = new CodedError('UNAUTHENTICATED', 'No.', { reason: 'REVOKED' });

  it('writes nothing with the request, keeps what could not be written, and leaves out a workspace that is gone', async () => {
    let isDown = true;
    let statements = 0;
    const log = openRefusalLog(
      {
        executeAsOwner: async (text, values) => {
          statements += 1;
          if (isDown) throw new Error('down');
          return harness.database.executeAsOwner(text, values);
        },
      },
      { now: () => new Date(now) },
      () => undefined,
    );
    for (let key = 0; key < 20; key++) {
      const who = principal(key % 2 === 0 ? place.workspaceId : newId('wsp'));
      for (let time = 0; time < 100; time++) log.note(who, { id: 'req_1', ip: null }, { error, field: null });
    }
    expect(statements).toBe(0);
    await expect(log.flush()).rejects.toThrow('down');
    isDown = false;
    await log.close();
    expect(statements).toBe(2);
    expect(await refusals(10)).toHaveLength(10);
  });
});
