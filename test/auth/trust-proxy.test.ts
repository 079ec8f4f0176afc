import { afterAll, describe, expect, it } from 'vitest';
import { type Harness, startHarness } from '../support/harness.js';

const harnesses = new Map<number, Harness>();
afterAll(async () => {
  for (const harness of harnesses.values()) await harness.stop();
});
async function behind(proxies: number): Promise<Harness> {
  const known = harnesses.get(proxies);
  const harness = known ?? (await startHarness({ works: false, env: { TRUST_PROXY: String(proxies) } }));
  harnesses.set(proxies, harness);
  return harness;
}

/** What a key with this list is answered, for a request with this header that comes from the loopback. */
async function answered(proxies: number, allowedIps: readonly string[], forwardedFor: string | null) {
  const harness = await behind(proxies);
  const { key } = await harness.createKey({ kind: 'ACCOUNT', allowedIps });
  const response = await fetch(`${harness.url}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-api-key': key,
      ...(forwardedFor === null ? {} : { 'x-forwarded-for': forwardedFor }),
    },
    body: JSON.stringify({ query: '{ me { kind } }' }),
  });
  const { errors = [] } = (await response.json()) as { errors?: { extensions: { code: string } }[] };
  return errors[0]?.extensions.code ?? response.status;
}

const CLIENT = ['198.51.100.7'];
const LOOPBACK = ['127.0.0.1'];

describe.each([
  // Without a proxy the header is anybody's, and only the peer counts.
  [0, CLIENT, '198.51.100.7', 'IP_NOT_ALLOWED'],
  [0, CLIENT, null, 'IP_NOT_ALLOWED'],
  [0, LOOPBACK, '198.51.100.7', 200],
  [0, ['::ffff:127.0.0.0/104'], null, 200],
  [0, ['::1'], null, 'IP_NOT_ALLOWED'],
  // One proxy: the last entry is what it saw, and what stands before is what the client claims.
  [1, CLIENT, '198.51.100.7', 200],
  [1, CLIENT, '203.0.113.9', 'IP_NOT_ALLOWED'],
  [1, CLIENT, '203.0.113.9, 198.51.100.7', 200],
  [1, CLIENT, '198.51.100.7, 203.0.113.9', 'IP_NOT_ALLOWED'],
  [1, CLIENT, '::ffff:198.51.100.7', 200],
  [1, CLIENT, '198.51.100.7:54321', 200],
  [1, ['2001:db8::/32'], '[2001:db8::7]:443', 200],
  [1, ['2001:db8::/32'], '2001:DB8:0::1%eth0', 200],
  [1, CLIENT, '198.51.100.0x7', 'IP_NOT_ALLOWED'],
  [1, CLIENT, '198.51.100.07', 'IP_NOT_ALLOWED'],
  [1, CLIENT, 'garbage', 'IP_NOT_ALLOWED'],
  [1, LOOPBACK, 'garbage', 200],
  [1, CLIENT, '198.51.100.7, garbage', 'IP_NOT_ALLOWED'],
  // The proxy was passed by: nobody vouches for anything but the peer.
  [1, LOOPBACK, null, 200],
  [1, CLIENT, '', 'IP_NOT_ALLOWED'],
  // Two proxies: the last entry is the first proxy, the one before it is the client.
  [2, CLIENT, '198.51.100.7, 192.0.2.1', 200],
  [2, CLIENT, '203.0.113.9, 198.51.100.7, 192.0.2.1', 200],
  [2, CLIENT, '198.51.100.7, 203.0.113.9, 192.0.2.1', 'IP_NOT_ALLOWED'],
  [2, CLIENT, '192.0.2.1, 198.51.100.7', 'IP_NOT_ALLOWED'],
  [2, ['192.0.2.1'], '198.51.100.7, 192.0.2.1', 'IP_NOT_ALLOWED'],
  [2, CLIENT, 'garbage, 192.0.2.1', 'IP_NOT_ALLOWED'],
  [2, CLIENT, ' 198.51.100.7 ,192.0.2.1 ', 200],
] as const)('behind %i proxies, a key for %j', (proxies, allowed, forwardedFor, expected) => {
  it(`is answered ${expected} for X-Forwarded-For: ${forwardedFor ?? '(none)'}`, async () => {
    expect(await answered(proxies, allowed, forwardedFor)).toBe(expected);
  });
});

it('a chain shorter than the proxies says who is nearest, and never lets the list be passed by', async () => {
  expect(await answered(2, CLIENT, '203.0.113.9')).toBe('IP_NOT_ALLOWED');
  expect(await answered(2, CLIENT, null)).toBe('IP_NOT_ALLOWED');
  expect(await answered(2, LOOPBACK, null)).toBe(200);
});

it('a header that comes twice is one chain', async () => {
  const harness = await behind(1);
  const { key } = await harness.createKey({ kind: 'ACCOUNT', allowedIps: CLIENT });
  const headers = new Headers({ 'content-type': 'application/json', 'x-api-key': key });
  headers.append('x-forwarded-for', '198.51.100.7');
  headers.append('x-forwarded-for', '203.0.113.9');
  const body = JSON.stringify({ query: '{ me { kind } }' });
  expect((await fetch(`${harness.url}/graphql`, { method: 'POST', headers, body })).status).toBe(403);
});
