// A POST is answered without Yoga; whatever is asked, nobody can tell.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GRAPHQL_RESPONSE, startTestServer, type TestServer } from './test-server.js';

let direct: TestServer;
let ordinary: TestServer;
beforeAll(async () => {
  direct = await startTestServer();
  ordinary = await startTestServer({ fastLane: 'off' });
});
afterAll(() => Promise.all([direct.door.drain(1_000), ordinary.door.drain(1_000)]));

const ASKED: readonly (readonly [string, unknown])[] = [
  ['a query', { query: '{ hello }' }],
  ['a query with variables', { query: 'query ($if: Boolean!) { hello @include(if: $if) }', variables: { if: false } }],
  ['a mutation', { query: 'mutation { count(by: 0) }' }],
  ['one of two operations', { query: 'query A { hello } query B { a: hello }', operationName: 'B' }],
  ['two operations and no name', { query: 'query A { hello } query B { hello }' }],
  ['an operation that is not there', { query: 'query A { hello }', operationName: 'B' }],
  ['a fragment alone', { query: 'fragment F on Query { hello }' }],
  ['a syntax error', { query: '{ hello' }],
  ['an empty text', { query: '' }],
  ['an unknown field', { query: '{ nothing nobody }' }],
  ['too many aliases', { query: `{ ${Array.from({ length: 31 }, (_, place) => `a${place}: hello`).join(' ')} }` }],
  [
    'a variable of the wrong type',
    { query: 'query ($if: Boolean!) { hello @include(if: $if) }', variables: { if: 1 } },
  ],
  ['a missing variable', { query: 'query ($if: Boolean!) { hello @include(if: $if) }' }],
  ...['coded', 'forbidden', 'missing', 'limited', 'wrapped', 'defect', 'graphql', 'database'].flatMap(
    (how): [string, unknown][] => [
      [`a field that fails (${how})`, { query: `{ hello fail(how: "${how}") }` }],
      [`a field that fails and takes all with it (${how})`, { query: `{ failHard(how: "${how}") }` }],
    ],
  ),
  ['no query', { variables: {} }],
  ['a list', [{ query: '{ hello }' }]],
  ['a text that is no JSON', '{'],
  ['a subscription', { query: 'subscription { ticks(until: 1) }' }],
];

const ACCEPTED = [GRAPHQL_RESPONSE, 'application/json', '*/*', 'application/json, text/event-stream'];

const asked = async (server: TestServer, body: unknown, accept: string) => {
  const response = await server.post(body, { accept, 'x-request-id': 'same', 'x-api-key': 'good' });
  const { status, headers } = response;
  const shown = ['content-type', 'cache-control', 'x-content-type-options', 'content-security-policy', 'allow'];
  return { status, text: await response.text(), headers: shown.map((name) => headers.get(name)) };
};

describe.each(ASKED)('%s', (_title, body) => {
  it.each(ACCEPTED)('is answered as Yoga answers it (%s)', async (accept) => {
    expect(await asked(direct, body, accept)).toEqual(await asked(ordinary, body, accept));
  });
});

it('answers a repeated document as the first one', async () => {
  for (const [, body] of ASKED) {
    const first = await asked(direct, body, GRAPHQL_RESPONSE);
    expect(await asked(direct, body, GRAPHQL_RESPONSE)).toEqual(first);
  }
});

it('says in the log which way was taken', async () => {
  await direct.post({ query: '{ hello }' }, { 'x-request-id': 'which-way' });
  await expect.poll(() => direct.logged()).toMatch(/"requestId":"which-way"[^\n]*"lane":"ordinary"/);
});
