// Three servers over one Redis and one database: the limits are those of one server. Redis lost: reads go on, spending waits.
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type App, createApp } from '../../src/app.js';
import { loadConfig } from '../../src/config.js';
import { type Client, createClientFor } from '../support/client.js';
import { type Harness, startHarness } from '../support/harness.js';
import { startTestRedis, type TestRedis } from '../support/redis.js';

const PLANS = { free: { rpm: 30, rpd: 10_000, costMax: 1_000, costPerSecond: 1 }, pro: { rpm: 100_000, rpd: 100_000 } };

let redis: TestRedis;
let harness: Harness;
const others: App[] = [];
let urls: string[] = [];
let now = Date.UTC(2031, 0, 1, 12, 0, 10);
const clock = { now: () => new Date(now) };

beforeAll(async () => {
  redis = await startTestRedis();
  const env = { PLAN_LIMITS: JSON.stringify(PLANS), REDIS_URL: redis.url };
  harness = await startHarness({ clock, env, works: false });
  const { database, dataDir } = harness;
  urls = [harness.url];
  for (let place = 0; place < 2; place += 1) {
    const config = loadConfig({ DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: process.env.TEST_LOG ?? 'fatal', ...env });
    const app = await createApp({ config, database, clock });
    others.push(app);
    urls.push(await app.listen());
  }
});
afterAll(async () => {
  for (const app of others) await app.stop(1_000);
  await harness?.stop();
  await redis?.stop();
});

/** The same new key at each server, in a new workspace of this plan. */
async function keyAtEach(name: string, plan: 'free' | 'pro', scopes: string[]): Promise<Client[]> {
  now += 60_000;
  const { workspaceId } = await harness.addPlace(name);
  await harness.database.owner.workspace.updateMany({ where: { id: workspaceId }, data: { plan } });
  const { key } = await harness.createKey({ kind: 'ACCOUNT', workspaceId, scopes });
  return urls.map((url) => createClientFor(url)({ key }));
}

const ME = '{ me { kind } }';
const statusesOf = async (clients: readonly Client[], each: number, query = ME) =>
  (await Promise.all(clients.flatMap((client) => Array.from({ length: each }, () => client.ask(query))))).map(
    ({ status }) => status,
  );
const at = <T>(list: readonly T[], place: number): T => list[place] as T;

describe('three servers', () => {
  it('let in together exactly what one may', async () => {
    const clients = await keyAtEach('Together', 'free', ['contacts:read']);
    const statuses = await statusesOf(clients, 15);
    expect(statuses.filter((status) => status === 200)).toHaveLength(30);
    expect(statuses.filter((status) => status === 429)).toHaveLength(15);
    now += 60_000;
    expect(await statusesOf(clients, 1)).toEqual([200, 200, 200]);
  });

  it('draw on one bucket', async () => {
    const clients = await keyAtEach('Bucket', 'free', ['contacts:write']);
    const fields = Array.from(
      { length: 20 },
      (_, n) => `c${n}: createContact(input: { name: "C" }) { contact { id } }`,
    );
    const left: unknown[] = [];
    for (const client of clients) {
      const { text } = await client.ask(`mutation { ${fields.join(' ')} }`);
      left.push(JSON.parse(text).extensions.cost.throttleStatus.currentlyAvailable);
    }
    expect(left).toEqual([899, 798, 697]);
  });
});

describe('a key that opened the door lately', () => {
  it('is looked up by the statement of its read, read for nothing at a limit, and refused once it is revoked', async () => {
    const [client] = await keyAtEach('Lately', 'free', ['contacts:read']);
    const sent = vi.spyOn(harness.database, 'shortQuery');
    const asked = async () => {
      sent.mockClear();
      const status = (await client?.ask(ME))?.status;
      return { status, statements: sent.mock.calls.map(([name]) => (name === 'find_key' ? name : 'read')) };
    };
    expect(await asked()).toEqual({ status: 200, statements: ['find_key', 'read'] });
    expect(await asked()).toEqual({ status: 200, statements: ['read'] });
    for (let time = 2; time < 30; time += 1) await asked();
    expect(await asked()).toEqual({ status: 429, statements: ['find_key'] });
    now += 60_000;
    const { owner } = harness.database;
    const { id: workspaceId } = await owner.workspace.findFirstOrThrow({ where: { name: 'Lately' } });
    await owner.apiKey.updateMany({
      where: { workspaceId },
      data: { status: 'REVOKED', revokedAt: new Date() },
    });
    expect((await asked()).status).toBe(401);
    sent.mockRestore();
  });
});

describe.each(['cut', 'hang'] as const)('while Redis is lost (%s)', (how) => {
  it('reads go on at each server by itself, spending is refused, and all is well again by itself', async () => {
    const scopes = ['agents:read', 'agents:write', 'agents:trigger'];
    const clients = await keyAtEach(`Lost${how}`, 'free', scopes);
    const made = await at(clients, 0).data<{ createAgent: { agent: { id: string } } }>(
      'mutation { createAgent(input: { name: "Bot", instructions: "Answer." }) { agent { id } } }',
    );
    const spend = `mutation { triggerAgent(input: { agentId: "${made.createAgent.agent.id}", mode: CHAT, message: "Hi" }) { status } }`;
    const hidden = `mutation { ...Spending } fragment Spending on Mutation { t: triggerAgent(input: { agentId: "${made.createAgent.agent.id}", mode: CHAT, message: "Hi" }) { status } }`;
    expect((await at(clients, 1).ask(spend)).errors).toEqual([]);
    await redis[how]();
    const startedAt = performance.now();
    expect(await statusesOf(clients, 1)).toEqual([200, 200, 200]);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    for (const query of [spend, hidden]) {
      const refused = await at(clients, 1).ask(query);
      expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
      expect(refused.errors[0]?.extensions.code).toBe('SERVICE_UNAVAILABLE');
    }
    const where = {
      workspaceId: (
        await harness.database.owner.agent.findFirstOrThrow({ where: { name: 'Bot' }, orderBy: { createdAt: 'desc' } })
      ).workspaceId,
    };
    expect(await harness.database.owner.effect.count({ where })).toBe(1);
    // What only changes our own rows goes on.
    const update = `mutation { updateAgent(input: { id: "${made.createAgent.agent.id}", name: "Bot" }) { agent { id } } }`;
    expect((await at(clients, 2).ask(update)).errors).toEqual([]);
    // Each still bounds what it is asked, by itself.
    const alone = await statusesOf([at(clients, 0)], 40);
    expect(alone.filter((status) => status === 200).length).toBeLessThanOrEqual(30);
    expect(alone).toContain(429);
    await redis.mend();
    await expect
      .poll(async () => (await at(clients, 1).ask(spend)).status, { timeout: 15_000, interval: 300 })
      .toBe(200);
  });
});
