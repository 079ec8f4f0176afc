import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SECURE_SESSION_COOKIE, SESSION_COOKIE } from '../../src/auth/credentials.js';
import { counted, startTestServer, type TestServer } from './test-server.js';

const LISTED = 'https://app.example.com';
const OURS = 'https://api.example.com';
const EVIL = 'https://evil.example.net';

let server: TestServer;
let closed: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    config: {
      host: '127.0.0.1',
      port: 0,
      publicUrl: OURS,
      allowedOrigins: [LISTED, 'https://b.example.com'],
      trustProxy: 0,
    },
  });
  closed = await startTestServer();
});
afterAll(() => Promise.all([server.door.drain(1_000), closed.door.drain(1_000)]));

const cookie = `${SESSION_COOKIE}=good`;
const query = { query: '{ principal }' };
const cors = (response: Response): string[] =>
  [...response.headers.keys()].filter((name) => name.startsWith('access-control-'));

describe('CORS', () => {
  it('lets a listed origin read, with credentials, and names no other', async () => {
    const { headers } = await server.post(query, { origin: LISTED });
    expect(headers.get('access-control-allow-origin')).toBe(LISTED);
    expect(headers.get('access-control-allow-credentials')).toBe('true');
    expect(headers.get('access-control-expose-headers')).toContain('X-Request-Id');
    expect(headers.get('vary')).toContain('Origin');
  });

  it.each([
    EVIL,
    'null',
    'https://app.example.com.evil.net',
    'http://app.example.com',
    'https://app.example.com:444',
    '*',
  ])('is closed for %s, also on refusals and preflights', async (origin) => {
    expect(cors(await server.post(query, { origin }))).toEqual([]);
    expect(cors(await server.post(query, { origin, 'x-api-key': 'bad' }))).toEqual([]);
    const preflight = await fetch(server.graphql, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'x-api-key' },
    });
    expect(preflight.status).toBe(204);
    expect(cors(preflight)).toEqual([]);
  });

  it('is closed for everybody when nobody is listed', async () => {
    expect(cors(await closed.post(query, { origin: LISTED }))).toEqual([]);
    expect(cors(await fetch(closed.graphql, { method: 'OPTIONS', headers: { origin: LISTED } }))).toEqual([]);
  });

  it('answers the preflight of a listed origin, and lets it read a refusal', async () => {
    const { status, headers } = await fetch(server.graphql, {
      method: 'OPTIONS',
      headers: { origin: LISTED, 'access-control-request-method': 'POST' },
    });
    expect(status).toBe(204);
    expect(headers.get('access-control-allow-origin')).toBe(LISTED);
    expect(headers.get('access-control-allow-methods')).toBe('GET, POST');
    expect(headers.get('access-control-allow-headers')).toContain('X-Workspace-Id');
    expect(
      (await server.post(query, { origin: LISTED, 'x-api-key': 'bad' })).headers.get('access-control-allow-origin'),
    ).toBe(LISTED);
  });
});

describe('a request with a session cookie', () => {
  const refused = async (response: Response): Promise<void> => {
    const body = (await response.json()) as { errors: { extensions: unknown }[] };
    expect([response.status, body.errors[0]?.extensions]).toMatchObject([403, { code: 'FORBIDDEN', reason: 'CSRF' }]);
  };

  it.each([SESSION_COOKIE, SECURE_SESSION_COOKIE])(
    'runs as JSON from no page, our own or a listed one (%s)',
    async (name) => {
      for (const origin of [undefined, OURS, LISTED, server.url]) {
        const response = await server.post(query, {
          cookie: `${name}=good`,
          ...(origin === undefined ? {} : { origin }),
        });
        expect(response.status).toBe(200);
      }
    },
  );

  it.each([EVIL, 'null'])('from %s is refused, and nothing runs', async (origin) => {
    const before = counted.total;
    await refused(await server.post({ query: 'mutation { count(by: 1) }' }, { cookie, origin }));
    expect(counted.total).toBe(before);
  });

  it.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'application/jsonx'])(
    'that a form could send is refused: %s',
    async (type) => refused(await server.post(query, { cookie, 'content-type': type })),
  );

  it('by GET needs a header that no link can set', async () => {
    await refused(await server.get('/graphql?query={principal}', { cookie }));
    expect((await server.get('/graphql?query={principal}', { cookie, 'x-sallyport-csrf': '1' })).status).toBe(200);
    expect((await server.get('/graphql?query={principal}', { cookie: 'theme=dark' })).status).toBe(200);
  });
});

describe('a request with a key', () => {
  it('runs from any page, which then cannot read the answer', async () => {
    const response = await server.post(query, { origin: EVIL, 'x-api-key': 'good1' });
    expect(response.status).toBe(200);
    expect(cors(response)).toEqual([]);
  });
});
