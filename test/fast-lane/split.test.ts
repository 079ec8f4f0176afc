// A query of which some fields compile and others do not: each is answered its own way, and together byte for byte as if the
// resolvers had answered all. Where they raise something the whole answer may hang on, it is theirs.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Harness, startHarness } from '../support/harness.js';
import { type SeededWorkspace, seedWorkspace } from '../support/world.js';
import { askBoth, laneLog } from './both-ways.js';

const lanes = laneLog();
let harness: Harness;
let ours: SeededWorkspace;
let owner: Readonly<Record<string, string>>;
beforeAll(async () => {
  harness = await startHarness({ works: false, log: lanes.log });
  ours = await seedWorkspace(harness.database.owner, harness.place, 'ours');
  owner = (await harness.signIn()).headers;
});
afterAll(() => harness.stop());

interface Answer {
  readonly data?: Readonly<Record<string, unknown>> | null;
  /** Each as text; see both-ways.ts. */
  readonly errors?: readonly string[];
}

async function same(query: string, variables: object = {}, headers = owner) {
  const { post, get, lane } = await askBoth(harness.url, lanes, headers, { query, variables: variables as never });
  expect(post).toEqual(get);
  const { errors = [], ...told } = JSON.parse(post.text) as Answer;
  return { lane, ...told, paths: errors.map((error) => (JSON.parse(error) as { path?: string[] }).path) };
}

const BAD_TIMES = 'spent(by: DAY, from: "2099-01-01T00:00:00Z", to: "2020-01-01T00:00:00Z") { of }';

describe('a query of which some compiles', () => {
  it('keeps the order in which its fields were asked for, whatever they are called', async () => {
    const query = `query ($id: ID!, $with: Boolean!) {
      z: contact(id: $id) { name }
      billing { balanceCredits }
      ...More
      __proto__: agents(first: 1) { nodes { id } }
      constructor: billing @include(if: $with) { spentCredits }
      b: me { kind }
      billing { spentCredits }
    }
    fragment More on Query { __typename keys: apiKeys(first: 2) { nodes { id secrets { start } } } contacts { totalCount } }`;
    const { lane, data } = await same(query, { id: ours.rows.Contact, with: true });
    expect(lane).toBe('split');
    const names = ['z', 'billing', '__typename', 'keys', 'contacts', '__proto__', 'constructor', 'b'];
    expect(Object.keys(data ?? {})).toEqual(names);
    expect(data?.billing).toEqual({ balanceCredits: expect.any(Number), spentCredits: expect.any(Number) });
    expect(Object.keys((await same(query, { id: ours.rows.Contact, with: false })).data ?? {})).not.toContain(
      'constructor',
    );
  });

  it('costs once, for all of it', async () => {
    const query = `{ contacts(first: 100) { nodes { id } } keys: apiKeys(first: 100) { nodes { id secrets { id } } } }`;
    const { lane, ...told } = await same(query);
    expect(lane).toBe('split');
    expect(told).toMatchObject({ extensions: { cost: { requested: 201 } } });
  });

  it('tells an error of the other fields, and what was read stays', async () => {
    const query = `{ contacts { nodes { name } } none: auditEntry(id: "aud_01h455vb4pex5vsknk084sn02q") { id }
      odd: effect(id: "eff_01h455vb4pex5vsknk084sn02q") { payload } }`;
    const { lane, data, paths } = await same(query.replace(/none: .*/, ''));
    expect(lane).toBe('split');
    expect(data).toMatchObject({ contacts: { nodes: expect.any(Array) }, odd: null });
    expect(paths).toEqual([['odd']]);
    // A row that is not there where the statement looks: the whole of it is the resolvers'.
    const whole = await same(query);
    expect([whole.lane, whole.paths.length]).toEqual(['ordinary', 2]);
  });

  it('has no data where the other fields may not be null and are', async () => {
    const { lane, data, paths } = await same(`{ contacts { nodes { name } } billing { ${BAD_TIMES} } }`);
    expect([lane, data]).toEqual(['split', null]);
    expect(paths).toEqual([['billing', 'spent']]);
  });

  it('is refused whole for a scope that any of its fields lacks, before anything is read', async () => {
    const { key } = await harness.createKey({ kind: 'ACCOUNT', scopes: ['contacts:read'] });
    const { headers } = harness.as({ key });
    const refused = await same('{ contacts { nodes { id } } billing { balanceCredits } }', {}, headers);
    expect([refused.lane, refused.data]).toEqual([null, undefined]);
  });

  it('by a key that opened the door lately is run after the key was judged', async () => {
    const { id, key } = await harness.createKey({ kind: 'ACCOUNT', scopes: ['contacts:read', 'billing:read'] });
    const { headers } = harness.as({ key });
    const query = '{ contacts { nodes { id } } billing { balanceCredits } }';
    for (let turn = 0; turn < 2; turn++) expect((await same(query, {}, headers)).lane).toBe('split');
    await harness.database.owner.apiKey.updateMany({
      where: { id },
      data: { status: 'REVOKED', revokedAt: new Date() },
    });
    expect((await same(query, {}, headers)).lane).toBeNull();
  });

  it('goes whole to the resolvers where nothing that compiles reads a row', async () => {
    expect((await same('{ me { kind scopes } billing { balanceCredits } }')).lane).toBe('ordinary');
  });
});
