// Values that no column holds as they are shown: rules in TypeScript over columns, free JSON, what the principal and its
// limits amount to. They compile, and are told as the resolvers tell them, cost included.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/platform/ids.js';
import { type Harness, startHarness } from '../support/harness.js';
import { type SeededWorkspace, seedWorkspace } from '../support/world.js';
import { askBoth, laneLog } from './both-ways.js';

const lanes = laneLog();
let harness: Harness;
let ours: SeededWorkspace;
beforeAll(async () => {
  harness = await startHarness({ works: false, log: lanes.log });
  ours = await seedWorkspace(harness.database.owner, harness.place, 'ours');
});
afterAll(() => harness.stop());

type Headers = Readonly<Record<string, string>>;

async function sameBothWays(headers: Headers, query: string) {
  const { post, get, lane } = await askBoth(harness.url, lanes, headers, { query, variables: {} });
  expect([lane, post]).toEqual(['fast', get]);
  const { data, extensions } = JSON.parse(post.text);
  return { data, cost: extensions.cost };
}

const keyOf = async (scopes: readonly string[], limits: object = {}) => {
  const { id, key } = await harness.createKey({ kind: 'ACCOUNT', scopes });
  await harness.database.owner.apiKey.updateMany({ where: { id }, data: limits });
  return { id, headers: harness.as({ key }).headers };
};

describe('the principal', () => {
  it('is told its workspace, limits and scopes by one statement', async () => {
    const { headers } = await keyOf(['me:read'], { rpm: 7, rpd: 70 });
    const { data } = await sameBothWays(headers, '{ me { workspace { name plan } rateLimits { rpm rpd } scopes } }');
    expect(data.me).toMatchObject({ rateLimits: { rpm: 7, rpd: 70 }, scopes: ['me:read'] });
  });

  it('sees its own key, an agent key as well, and a person has none', async () => {
    const query = '{ me { key { id name scopes effectiveScopes status agent { id } rpm expiresAt } } }';
    const account = await keyOf(['contacts:*', 'me:read', 'agents:read']);
    const { data } = await sameBothWays(account.headers, query);
    expect(data.me.key).toMatchObject({ id: account.id, status: 'ACTIVE' });
    expect(data.me.key.effectiveScopes).toEqual(['agents:read', 'contacts:read', 'contacts:write', 'me:read']);
    const agent = await harness.createKey({ kind: 'AGENT', agentId: ours.rows.Agent });
    const own = await sameBothWays(harness.as({ key: agent.key }).headers, query);
    expect(own.data.me.key.id).toBe(agent.id);
    const person = await sameBothWays((await harness.signIn()).headers, query);
    expect(person.data).toEqual({ me: { key: null } });
  });

  it('is told where it stands, this request and its operation counted', async () => {
    const { headers } = await keyOf(['contacts:read'], { rpm: 9 });
    const window = 'limit remaining used';
    const query = `{ rateLimit { ${window} cost minute { ${window} } bucket { maximumAvailable currentlyAvailable } }
      contacts(first: 100) { nodes { id } } more: contacts(first: 100) { nodes { id } } }`;
    const asked = async (place: number) => {
      const id = `stands-${place}`;
      const response = await fetch(`${harness.url}/graphql`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json', 'x-request-id': id },
        body: JSON.stringify({ query }),
      });
      const { data } = (await response.json()) as { data: { rateLimit: { bucket: { maximumAvailable: number } } } };
      return { lane: await lanes.laneOf(id), data, left: response.headers.get('ratelimit') };
    };
    await asked(0);
    const { lane, data, left } = await asked(1);
    const minute = { limit: 9, remaining: 7, used: 2 };
    expect(lane).toBe('fast');
    // 201 points, of which a hundred come with the request.
    const { maximumAvailable } = data.rateLimit.bucket;
    const bucket = { maximumAvailable, currentlyAvailable: maximumAvailable - 101 };
    expect(data.rateLimit).toEqual({ ...minute, cost: 201, minute, bucket });
    expect(left).toContain('r=7');
  });
});

describe('a rule over columns', () => {
  it('shows of each key whether it opens the door and what it holds now, under the policies of now', async () => {
    const { owner } = harness.database;
    const { headers } = await harness.signIn();
    const [first] = await owner.apiKey.findMany({ where: { workspaceId: ours.workspaceId, kind: 'ACCOUNT' }, take: 1 });
    const kinds = [
      { expiresAt: new Date(0) },
      { expiresAt: new Date(8e15) },
      { status: 'SUSPENDED', expiresAt: new Date(0) },
      { status: 'REVOKED', revokedAt: new Date(), expiresAt: new Date(0) },
      { status: 'SUSPENDED', scopes: ['contacts:*', 'messages:*'] },
    ];
    const made = kinds.map((one) => ({ ...first, expiresAt: null, ...one, id: newId('key') }));
    await owner.apiKey.createMany({ data: made as never });
    const query = `{ apiKeys(first: 100, status: [ACTIVE, SUSPENDED, EXPIRED, REVOKED]) {
      nodes { id status effectiveScopes agent { name } } } }`;
    const shown = async () => (await sameBothWays(headers, query)).data.apiKeys.nodes;
    const before = await shown();
    const of = (nodes: readonly { id: string }[], place: number) => nodes.find(({ id }) => id === made[place]?.id);
    expect([0, 1, 2, 3].map((place) => of(before, place))).toMatchObject([
      { status: 'EXPIRED' },
      { status: 'ACTIVE' },
      { status: 'EXPIRED' },
      { status: 'REVOKED' },
    ]);
    expect(of(before, 4)).toMatchObject({ effectiveScopes: expect.arrayContaining(['messages:send']) });
    const policy = (data: object) => owner.workspace.update({ where: { id: ours.workspaceId }, data });
    await policy({ keysReadOnly: true, explicitSpendScopes: true });
    expect(of(await shown(), 4)).toMatchObject({ effectiveScopes: ['contacts:read', 'messages:read'] });
    await policy({ keysReadOnly: false, explicitSpendScopes: false });
  });

  it('shows rules, verdicts and failures part by part', async () => {
    const { headers } = await harness.signIn();
    await harness.database.owner.effect.updateMany({
      where: { id: ours.rows.Effect },
      data: { failure: { code: 'BOUNCED', message: 'No such "address".', internal: 'hidden' } },
    });
    const { data } = await sameBothWays(
      headers,
      `{ effects(first: 100) { nodes { __typename id failure { __typename message code } rule { id approvers why: reason atCap } } }
        approvalRules { nodes { approvers when { ...C } } } invitations { nodes { status } } }
      fragment C on ApprovalConditions { act kinds principalKinds creditsAtLeast isFirstContact channels }`,
    );
    const failed = data.effects.nodes.find(({ id }: { id: string }) => id === ours.rows.Effect);
    expect(failed.failure).toEqual({ __typename: 'EffectFailure', message: 'No such "address".', code: 'BOUNCED' });
    expect(data.approvalRules.nodes).not.toEqual([]);
    expect(data.invitations.nodes).not.toEqual([]);
  });

  it('leaves to the resolvers what it cannot be made of', async () => {
    const { headers } = await harness.signIn();
    await harness.database.owner.effect.updateMany({ where: { id: ours.rows.otherEffect }, data: { failure: 'odd' } });
    const query = `{ effect(id: "${ours.rows.otherEffect}") { id failure { code } } }`;
    const { post, get, lane } = await askBoth(harness.url, lanes, headers, { query, variables: {} });
    expect([lane, post.text]).toEqual(['ordinary', get.text]);
    expect(JSON.parse(post.text)).toMatchObject({ data: { effect: { failure: null } }, errors: [expect.anything()] });
  });
});

describe('free JSON', () => {
  it.each([
    ['numbers as JavaScript writes them', '{"a":1.0,"b":1e3,"c":12345678901234567890,"d":-0.0}'],
    ['names in the order of JavaScript', '{"bb":1,"a":2,"10":3,"9":4,"__proto__":{"x":1}}'],
    ['what must be escaped, and what must not', '"\\u0001\\u001f\\u001e \\"\\\\ / \\u2028 🚲"'],
    ['what is empty', '[{},[],"",null,false,0]'],
  ])('is told byte for byte: %s', async (_title, json) => {
    const { headers } = await harness.signIn();
    await harness.database.executeAsOwner('UPDATE effect SET result = $2::jsonb WHERE id = $1', [
      ours.rows.Effect,
      json,
    ]);
    await sameBothWays(headers, `{ effect(id: "${ours.rows.Effect}") { result } effects { nodes { result } } }`);
  });

  it('costs what its objects in lists cost', async () => {
    const { headers } = await harness.signIn();
    const query = '{ effects(first: 100) { nodes { result } } }';
    const set = (result: object) =>
      harness.database.owner.effect.updateMany({ where: { id: ours.rows.Effect }, data: { result } });
    await set({});
    const before = await sameBothWays(headers, query);
    await set({ parts: [{}, { more: [{}, 1] }] });
    const after = await sameBothWays(headers, query);
    expect(after.cost.actual).toBe(before.cost.actual + 3);
  });

  it('of an audit entry is told, and none of it to whom the trail is not open', async () => {
    const { headers } = await harness.signIn();
    const { data } = await sameBothWays(headers, '{ auditEntries(first: 100) { nodes { details action } } }');
    expect(data.auditEntries.nodes).not.toEqual([]);
    const reader = await keyOf(['*:read']);
    const query = '{ auditEntries { nodes { details } } }';
    const { post, lane } = await askBoth(harness.url, lanes, reader.headers, { query, variables: {} });
    expect([post.status, lane]).toEqual([403, null]);
  });
});
