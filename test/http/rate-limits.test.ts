// Each limit over HTTP, with plans small enough to be used up and a clock that the test moves.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Client } from '../support/client.js';
import { type Harness, type Place, startHarness } from '../support/harness.js';

const PLANS = {
  free: { rpm: 5, rpd: 12, costMax: 300, costPerSecond: 50 },
  pro: { rpm: 1_000, rpd: 8 },
  scale: { rpm: 1_000, rpd: 100_000, costMax: 300, costPerSecond: 50 },
};

const ME = '{ me { kind } }';
// 1 + 100 + 200 points, of which the request pays 100.
const DEAR = '{ contacts(first: 100) { nodes { conversations(first: 2) { nodes { id } } } } }';

let now = 0;
let harness: Harness;
beforeAll(async () => {
  harness = await startHarness({
    clock: { now: () => new Date(now) },
    env: { PLAN_LIMITS: JSON.stringify(PLANS), KEY_BRAND: 'sp' },
    addressLimits: { guesses: 10, anonymous: 20 },
  });
});
afterAll(() => harness?.stop());

// Each test has a day of its own, and a workspace; ten seconds into a minute at noon.
let day = 0;
let place: Place;
beforeEach(async () => {
  day += 1;
  now = Date.UTC(2031, 0, day, 12, 0, 10);
  place = await harness.addPlace(`Shop${day}`);
});

async function keyOf(request: { scopes?: string[]; rpm?: number; rpd?: number } = {}, at = place): Promise<Client> {
  const { key } = await harness.createKey({ kind: 'ACCOUNT', workspaceId: at.workspaceId, ...request });
  return harness.as({ key });
}

const onPlan = (plan: 'pro' | 'scale') =>
  harness.database.owner.workspace.updateMany({ where: { id: place.workspaceId }, data: { plan } });

const limitHeaders = ({ headers }: { headers: Headers }) =>
  ['ratelimit-policy', 'ratelimit', 'retry-after'].map((name) => headers.get(name));

async function statuses(client: Client, times: number, query = ME): Promise<number[]> {
  const found: number[] = [];
  for (let time = 0; time < times; time += 1) found.push((await client.ask(query)).status);
  return found;
}

describe('requests per minute', () => {
  it('are told on every answer, and refused with 429 when they are used up', async () => {
    const client = await keyOf();
    const first = await client.ask(ME);
    expect(limitHeaders(first)).toEqual(['"default";q=5;w=60, "day";q=12;w=86400', '"default";r=4;t=50', null]);
    expect(await statuses(client, 4)).toEqual([200, 200, 200, 200]);
    now += 20_500;
    const refused = await client.ask(ME);
    expect(refused.status).toBe(429);
    expect(limitHeaders(refused)).toEqual(['"default";q=5;w=60', '"default";r=0;t=30', '30']);
    expect(refused.errors).toEqual([
      {
        message: 'The plan of this workspace allows 5 requests a minute. Try again in 30 s.',
        extensions: {
          code: 'RATE_LIMITED',
          requestId: expect.any(String),
          limit: 'default',
          of: 'WORKSPACE',
          quota: 5,
          windowSeconds: 60,
          remaining: 0,
          retryAfterSeconds: 30,
          resetAt: new Date(Date.UTC(2031, 0, day, 12, 1)).toISOString(),
        },
      },
    ]);
  });

  it('begin anew with the UTC minute, not a millisecond before', async () => {
    const client = await keyOf();
    await statuses(client, 5);
    now = Date.UTC(2031, 0, day, 12, 0, 59, 999);
    expect(await statuses(client, 1)).toEqual([429]);
    now += 1;
    expect(await statuses(client, 1)).toEqual([200]);
  });

  it('bound all keys and people of a workspace together, and nobody else', async () => {
    const [one, other, elsewhere] = [await keyOf(), await keyOf(), await keyOf({}, harness.place)];
    const person = await harness.signIn(place as Place & { email: string; password: string });
    expect(await statuses(one, 2)).toEqual([200, 200]);
    expect(await statuses(other, 2)).toEqual([200, 200]);
    expect(await statuses(person, 2)).toEqual([200, 429]);
    expect(await statuses(one, 1)).toEqual([429]);
    expect(await statuses(elsewhere, 1)).toEqual([200]);
  });

  it('count what is refused for a scope, a bad document or a bad body, but not what a limit refuses', async () => {
    const client = await keyOf();
    expect(await statuses(client, 1, '{ contacts { nodes { id } } webhookEndpoints }')).toEqual([400]);
    expect(await statuses(client, 1, '{ auditEntries { nodes { id } } }')).toEqual([403]);
    expect(await statuses(client, 1, '{')).toEqual([400]);
    expect((await fetch(`${harness.url}/graphql`, { method: 'POST', headers: client.headers, body: 'x' })).status).toBe(
      415,
    );
    expect(await statuses(client, 3)).toEqual([200, 429, 429]);
    now += 60_000;
    // Seven requests, two of them refused by the minute: five of the day's twelve are gone.
    expect((await client.ask('{ rateLimit { day { used } } }')).data).toEqual({ rateLimit: { day: { used: 6 } } });
  });

  it('run nothing when they refuse', async () => {
    const client = await keyOf({ scopes: ['contacts:write'] });
    await statuses(client, 5);
    const create = 'mutation { createContact(input: { name: "Late" }) { contact { id } } }';
    expect(await statuses(client, 1, create)).toEqual([429]);
    const where = { workspaceId: place.workspaceId };
    expect(await harness.database.owner.contact.count({ where })).toBe(0);
    now += 60_000;
    expect(await statuses(client, 1, create)).toEqual([200]);
    expect(await harness.database.owner.contact.count({ where })).toBe(1);
  });

  it('are refused alike for both media types, by GET and for a subscription', async () => {
    const client = await keyOf();
    await statuses(client, 5);
    const url = `${harness.url}/graphql`;
    const stream = 'subscription { effectUpdated { id } }';
    const asked: [string, string, RequestInit][] = [
      ['application/json', url, { method: 'POST', body: JSON.stringify({ query: ME }) }],
      ['application/graphql-response+json', `${url}?query=${encodeURIComponent(ME)}`, {}],
      ['text/event-stream', url, { method: 'POST', body: JSON.stringify({ query: stream }) }],
      ['text/event-stream', `${url}?query=${encodeURIComponent(stream)}`, {}],
    ];
    for (const [accept, to, init] of asked) {
      const headers = { ...client.headers, accept, 'content-type': 'application/json' };
      const answer = await fetch(to, { ...init, headers });
      expect([answer.status, ...limitHeaders(answer)], accept).toEqual([
        429,
        '"default";q=5;w=60',
        '"default";r=0;t=50',
        '50',
      ]);
      expect(await answer.json()).toMatchObject({ errors: [{ extensions: { code: 'RATE_LIMITED' } }] });
    }
  });

  it('of a key may be lower than the plan, and then leave the rest to the others', async () => {
    const [slow, other] = [await keyOf({ rpm: 2 }), await keyOf()];
    expect((await slow.ask('{ me { rateLimits { rpm rpd } } }')).data).toEqual({
      me: { rateLimits: { rpm: 2, rpd: 12 } },
    });
    expect(await statuses(slow, 2)).toEqual([200, 429]);
    expect((await slow.ask(ME)).errors[0]?.extensions).toMatchObject({ limit: 'default', of: 'KEY', quota: 2 });
    expect(await statuses(other, 4)).toEqual([200, 200, 200, 429]);
    expect((await other.ask(ME)).errors[0]?.extensions).toMatchObject({ of: 'WORKSPACE', quota: 5 });
  });
});

describe('requests per day', () => {
  it('are refused until the UTC day ends, and told once they are the nearer limit', async () => {
    await onPlan('pro');
    const client = await keyOf();
    const first = await client.ask(ME);
    const seconds = 12 * 3_600 - 10;
    expect(limitHeaders(first)).toEqual(['"default";q=1000;w=60, "day";q=8;w=86400', `"day";r=7;t=${seconds}`, null]);
    await statuses(client, 7);
    now += 60_000;
    const refused = await client.ask(ME);
    expect([refused.status, ...limitHeaders(refused)]).toEqual([
      429,
      '"day";q=8;w=86400',
      `"day";r=0;t=${seconds - 60}`,
      String(seconds - 60),
    ]);
    expect(refused.errors[0]?.extensions).toMatchObject({ limit: 'day', of: 'WORKSPACE' });
    now = Date.UTC(2031, 0, day + 1);
    expect(await statuses(client, 1)).toEqual([200]);
    day += 1;
  });
});

describe('query cost', () => {
  const costOf = async (client: Client, query: string) => {
    const { status, text } = await client.ask(query);
    return { status, cost: (JSON.parse(text) as { extensions?: { cost?: unknown } }).extensions?.cost };
  };
  const throttle = (currentlyAvailable: number) => ({
    maximumAvailable: 300,
    currentlyAvailable,
    restoreRate: 50,
  });

  it('is told on each answer to an operation of somebody known, refused ones too', async () => {
    await onPlan('scale');
    const client = await keyOf({ scopes: ['contacts:read'] });
    expect(await costOf(client, ME)).toEqual({
      status: 200,
      cost: { requested: 1, actual: 1, throttleStatus: throttle(300) },
    });
    expect(await costOf(client, '{ auditEntries(first: 7) { nodes { id } } }')).toEqual({
      status: 403,
      cost: { requested: 8, actual: 0, throttleStatus: throttle(300) },
    });
    const anonymous = await costOf(harness.as(null), '{ fieldAccess(coordinates: []) { coordinate } }');
    expect(anonymous).toEqual({ status: 200, cost: undefined });
  });

  it('gives back what an operation did not use', async () => {
    await onPlan('scale');
    const client = await keyOf({ scopes: ['contacts:*', 'messages:read'] });
    for (const name of ['Ada', 'Bo'])
      await client.data(`mutation { createContact(input: { name: "${name}" }) { contact { id } } }`);
    const { cost } = await costOf(client, DEAR);
    expect(cost).toEqual({ requested: 301, actual: 3, throttleStatus: throttle(300) });
  });

  it('refuses with 429 what is more than is left, runs nothing, and lets it in when the bucket has filled', async () => {
    await onPlan('scale');
    const client = await keyOf({ scopes: ['contacts:write'] });
    // 1 + 20 × 10 points, of which the request pays 100.
    const fields = Array.from(
      { length: 20 },
      (_, n) => `c${n}: createContact(input: { name: "C" }) { contact { id } }`,
    );
    const create = `mutation { ${fields.join(' ')} }`;
    expect([await costOf(client, create), await costOf(client, create)]).toEqual([
      { status: 200, cost: { requested: 201, actual: 201, throttleStatus: throttle(199) } },
      { status: 200, cost: { requested: 201, actual: 201, throttleStatus: throttle(98) } },
    ]);
    const refused = await client.ask(create);
    expect([refused.status, ...limitHeaders(refused)]).toEqual([429, '"cost";q=300;w=6', '"cost";r=98;t=1', '1']);
    expect(refused.errors).toHaveLength(1);
    expect(refused.errors[0]).toMatchObject({
      message: 'The operation costs up to 201 points; the workspace has 98 left at the moment. Try again in 1 s.',
      extensions: { code: 'RATE_LIMITED', limit: 'cost', of: 'WORKSPACE', requested: 201, quota: 300, remaining: 98 },
    });
    expect(await harness.database.owner.contact.count({ where: { workspaceId: place.workspaceId } })).toBe(40);
    // What is small is served all the same.
    expect(await costOf(client, ME)).toMatchObject({ status: 200, cost: { throttleStatus: throttle(98) } });
    now += 1_000;
    expect(await costOf(client, create)).toMatchObject({ status: 200, cost: { throttleStatus: throttle(47) } });
  });

  it('refuses as QUERY_TOO_COMPLEX what the bucket never holds, before anything runs', async () => {
    await onPlan('scale');
    const client = await keyOf({ scopes: ['contacts:read', 'messages:read'] });
    const refused = await client.refused(DEAR.replace('first: 2)', 'first: 4)'));
    expect(refused).toMatchObject({
      status: 400,
      message: expect.stringContaining('costs up to 501 points'),
      extensions: { code: 'QUERY_TOO_COMPLEX', limit: 'cost', found: 501, most: 400 },
    });
  });

  it('leaves small requests one after another the same to the byte', async () => {
    await onPlan('scale');
    const client = await keyOf({ scopes: ['contacts:read'] });
    const answers = [];
    for (let time = 0; time < 5; time += 1) answers.push((await client.ask('{ contacts { nodes { id } } }')).text);
    expect(new Set(answers).size).toBe(1);
  });
});

describe('Query.rateLimit', () => {
  it('tells the minute, the day and the bucket', async () => {
    const client = await keyOf({ rpd: 4 });
    await client.ask(ME);
    const window = 'limit remaining used resetAt';
    const query = `{ rateLimit { ${window} cost minute { ${window} } day { ${window} }
      bucket { maximumAvailable currentlyAvailable restoreRate } } }`;
    const minute = {
      limit: 5,
      remaining: 3,
      used: 2,
      resetAt: `2031-01-${String(day).padStart(2, '0')}T12:01:00.000Z`,
    };
    const next = new Date(Date.UTC(2031, 0, day + 1)).toISOString();
    expect((await client.ask(query)).data).toEqual({
      rateLimit: {
        ...minute,
        cost: 1,
        minute,
        day: { limit: 4, remaining: 2, used: 2, resetAt: next },
        bucket: { maximumAvailable: 300, currentlyAvailable: 300, restoreRate: 50 },
      },
    });
  });

  it('is refused to nobody known and to nobody unknown', async () => {
    expect((await harness.as(null).refused('{ rateLimit { limit } }')).status).toBe(401);
  });
});

describe('an address', () => {
  const from = (key: string) => harness.as({ key });
  const malformed = () => from('sp_acct_nothing');
  const unknown = async () => {
    const { key, id } = await harness.createKey({ kind: 'ACCOUNT', workspaceId: place.workspaceId });
    await harness.database.owner.apiKeySecret.deleteMany({ where: { keyId: id } });
    return key;
  };

  it('that guesses keys is refused with 429, while good keys from it are served', async () => {
    await onPlan('scale');
    const [known, never] = [await keyOf(), await keyOf()];
    expect(await statuses(known, 1)).toEqual([200]);
    expect(await statuses(malformed(), 10)).toEqual(Array(10).fill(401));
    const refused = await malformed().ask(ME);
    expect([refused.status, ...limitHeaders(refused)]).toEqual([
      429,
      '"address";q=10;w=60',
      '"address";r=0;t=50',
      '50',
    ]);
    expect(refused.errors[0]?.extensions).toMatchObject({ code: 'RATE_LIMITED', limit: 'address' });
    expect(await statuses(from(await unknown()), 1)).toEqual([429]);
    // A key that this server has not seen before, and one that it has.
    expect(await statuses(never, 1)).toEqual([200]);
    expect(await statuses(known, 3)).toEqual([200, 200, 200]);
    now += 60_000;
    expect(await statuses(malformed(), 1)).toEqual([401]);
  });

  it('is not blamed for keys that were revoked', async () => {
    await onPlan('scale');
    const { key, id } = await harness.createKey({ kind: 'ACCOUNT', workspaceId: place.workspaceId });
    await harness.database.owner.apiKey.updateMany({
      where: { id },
      data: { status: 'REVOKED', revokedAt: new Date() },
    });
    expect(await statuses(from(key), 15)).toEqual(Array(15).fill(401));
    expect(await statuses(malformed(), 1)).toEqual([401]);
  });

  it('may ask a good deal without any credential, and no more', async () => {
    const nobody = harness.as(null);
    const query = '{ fieldAccess(coordinates: []) { coordinate } }';
    expect(await statuses(nobody, 20, query)).toEqual(Array(20).fill(200));
    const refused = await nobody.ask(query);
    expect([refused.status, ...limitHeaders(refused)]).toEqual([
      429,
      '"address";q=20;w=60',
      '"address";r=0;t=50',
      '50',
    ]);
    expect(await statuses(await keyOf(), 1)).toEqual([200]);
  });
});
