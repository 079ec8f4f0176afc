import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HookCall } from '../../src/http/hooks.js';
import { CodedError, ConfigurationError } from '../../src/platform/errors.js';
import { startTestServer, type TestServer } from './test-server.js';

const calls: HookCall[] = [];
const seen: Request[] = [];
let server: TestServer;

beforeAll(async () => {
  server = await startTestServer({
    config: {
      host: '127.0.0.1',
      port: 0,
      publicUrl: 'https://api.example.com',
      allowedOrigins: ['https://app.example.com'],
      trustProxy: 1,
    },
    readiness: { database: async () => undefined },
    effectsByStatus: async () => ({ QUEUED: 3 }),
    hooks: new Map([
      [
        'shared-sms',
        async (call: HookCall) => {
          calls.push(call);
          if (call.headers['x-signature'] !== 'right')
            throw new CodedError('FORBIDDEN', 'The signature does not match.');
          return { status: 202, body: { received: call.body.length } };
        },
      ],
    ]),
    signIn: async (request) => {
      seen.push(request);
      const headers = new Headers({ 'content-type': 'application/json' });
      headers.append('set-cookie', 'a=1; HttpOnly');
      headers.append('set-cookie', 'b=2; HttpOnly');
      return new Response(JSON.stringify({ echo: await request.text() }), { status: 201, headers });
    },
  });
});
afterAll(() => server.door.drain(1_000));

const json = async (response: Response) => (await response.json()) as Record<string, unknown>;

describe('paths', () => {
  it('/schema.graphql is the schema, for all, by its tag', async () => {
    const first = await server.get('/schema.graphql');
    expect(first.status).toBe(200);
    expect(first.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    expect(await first.text()).toContain('type Query');
    const etag = first.headers.get('etag') ?? '';
    for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      expect((await server.get('/schema.graphql', { 'if-none-match': tag })).status).toBe(304);
    }
    expect((await server.get('/schema.graphql', { 'if-none-match': '"other"' })).status).toBe(200);
  });

  it.each([
    '/',
    '/graphq',
    '/graphql/x',
    '/hooks/',
    '/hooks/unknown',
    '/hooks/a/b',
    '/api/other',
    '//graphql',
    '/../graphql2',
  ])('%s is a 404 in JSON', async (path) => {
    const response = await fetch(`${server.url}${path}`, { method: 'POST' });
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await json(response)).toMatchObject({ errors: [{ extensions: { code: 'NOT_FOUND' } }] });
  });

  it.each(['/schema.graphql', '/healthz', '/readyz', '/metrics'])('%s is for reading', async (path) => {
    expect((await fetch(`${server.url}${path}`, { method: 'HEAD' })).status).toBe(200);
    expect((await fetch(`${server.url}${path}`, { method: 'POST' })).status).toBe(405);
  });

  it('are found in a request line that holds the whole URL', async () => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    socket.end(
      'GET http://localhost/graphql?query=%7Bhello%7D HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
    );
    let text = '';
    for await (const part of socket) text += String(part);
    expect(text).toContain('{"data":{"hello":"hello you"}}');
  });

  it('behind https say so', async () => {
    expect((await server.get('/healthz')).headers.get('strict-transport-security')).toBe('max-age=31536000');
  });
});

describe('/hooks/:id', () => {
  const call = (id: string, headers: Record<string, string>, method = 'POST') =>
    fetch(`${server.url}/hooks/${id}`, { method, headers, ...(method === 'POST' ? { body: '{"a" : 1}' } : {}) });

  it('gives the receiver the bytes as they came, and who sent them', async () => {
    const response = await call('shared-sms', { 'x-signature': 'right', 'x-forwarded-for': '198.51.100.7' });
    expect([response.status, await json(response)]).toEqual([202, { received: 9 }]);
    expect(calls.at(-1)?.body.toString()).toBe('{"a" : 1}');
    expect(calls.at(-1)?.facts.ip).toBe('198.51.100.7');
  });

  it('sends the receiver’s refusal, and takes POST alone', async () => {
    expect((await call('shared-sms', {})).status).toBe(403);
    expect((await call('shared-sms', {}, 'GET')).status).toBe(405);
  });
});

describe('/api/auth', () => {
  it('is answered by the handler, cookies and all, with the address judged here', async () => {
    const response = await fetch(`${server.url}/api/auth/sign-in?x=1`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-forwarded-for': '1.2.3.4, 198.51.100.7',
        'x-real-ip': '9.9.9.9',
        cookie: 'c=3',
      },
      body: '{"email":"a@example.com"}',
    });
    expect([response.status, await json(response)]).toEqual([201, { echo: '{"email":"a@example.com"}' }]);
    expect(response.headers.getSetCookie()).toEqual(['a=1; HttpOnly', 'b=2; HttpOnly']);
    expect(response.headers.get('cache-control')).toBe('no-store');
    const request = seen.at(-1);
    expect(request?.url).toBe('https://api.example.com/api/auth/sign-in?x=1');
    expect(request?.headers.get('x-forwarded-for')).toBe('198.51.100.7');
    expect(request?.headers.get('x-real-ip')).toBeNull();
    expect(request?.headers.get('cookie')).toBe('c=3');
  });

  it('keeps to the body limit and to listed origins', async () => {
    const large = await fetch(`${server.url}/api/auth/x`, { method: 'POST', body: 'x'.repeat(1_048_577) });
    expect(large.status).toBe(413);
    const from = (origin: string) => server.get('/api/auth/session', { origin });
    expect((await from('https://app.example.com')).headers.get('access-control-allow-origin')).toBe(
      'https://app.example.com',
    );
    expect((await from('https://evil.example.net')).headers.has('access-control-allow-origin')).toBe(false);
  });

  it('does not exist without a handler', async () => {
    const other = await startTestServer();
    expect((await other.get('/api/auth/session')).status).toBe(404);
    await other.door.drain(1_000);
  });
});

describe('health', () => {
  it('is alive and ready', async () => {
    expect(await json(await server.get('/healthz'))).toEqual({ status: 'ok' });
    expect(await json(await server.get('/readyz'))).toEqual({ status: 'ready', checks: { database: 'ok' } });
  });

  it('says which part is missing, not why, and stays alive', async () => {
    const other = await startTestServer({
      readiness: {
        database: async () => undefined,
        queue: async () => {
          throw new Error('password authentication failed for user "x"');
        },
      },
    });
    const response = await other.get('/readyz');
    expect([response.status, await json(response)]).toEqual([
      503,
      { status: 'unavailable', checks: { database: 'ok', queue: 'failed' } },
    ]);
    expect(other.logged()).toContain('password authentication failed');
    expect((await other.get('/healthz')).status).toBe(200);
    await other.door.drain(1_000);
  });
});

describe('/metrics', () => {
  it('counts requests by route, operations by outcome, and effects by status', async () => {
    await server.post({ query: '{ hello }' });
    await server.post({ query: '{ fail(how: "coded") }' });
    await server.post({ query: 'mutation { count(by: 0) }' });
    await server.get(`/some/path/nobody/${Math.random()}`);
    const text = await (await server.get('/metrics')).text();
    expect(text).toMatch(/sallyport_http_requests_total\{method="POST",route="\/graphql",status="200"\} \d+/);
    expect(text).toMatch(/sallyport_http_requests_total\{method="GET",route="none",status="404"\} \d+/);
    expect(text).toMatch(/sallyport_graphql_operations_total\{type="query",outcome="ok"\} \d+/);
    expect(text).toMatch(/sallyport_graphql_operations_total\{type="query",outcome="BAD_USER_INPUT"\} 1/);
    expect(text).toMatch(/sallyport_graphql_operations_total\{type="mutation",outcome="ok"\} \d+/);
    expect(text).toContain('sallyport_effects{status="QUEUED"} 3');
    expect(text).toMatch(/sallyport_http_request_duration_seconds_count\{route="\/graphql"\} \d+/);
    expect(text).not.toContain('nobody');
  });
});

describe('the life of the server', () => {
  it('refuses a busy port in one line with the remedy', async () => {
    const port = Number(new URL(server.url).port);
    const config = { host: '127.0.0.1', port, publicUrl: null, allowedOrigins: [], trustProxy: 0 };
    const failure: unknown = await startTestServer({ config }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigurationError);
    expect(String(failure)).toMatch(new RegExp(`PORT ${port} on 127.0.0.1 is already in use: .*set PORT`));
  });

  it('names a host that is not of this machine', async () => {
    const config = { host: '192.0.2.1', port: 0, publicUrl: null, allowedOrigins: [], trustProxy: 0 };
    const failure: unknown = await startTestServer({ config }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigurationError);
    expect(String(failure)).toContain('HOST 192.0.2.1');
  });

  it.each([
    ['headers', 'POST /graphql HTTP/1.1\r\nHost: x\r\n'],
    ['bodies', 'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{'],
  ])('hangs up on slow %s', async (_what, begun) => {
    const slow = await startTestServer({ timeouts: { headersMs: 200, requestMs: 300, checkEveryMs: 50 } });
    const socket = connect(Number(new URL(slow.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(begun);
    socket.resume();
    const startedAt = performance.now();
    await once(socket, 'close');
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    await slow.door.drain(1_000);
  });

  it('drains: the request in progress is answered, idle connections and new ones are not kept', async () => {
    const other = await startTestServer();
    await other.post({ query: '{ hello }' });
    const answer = other.post({ query: '{ slow(ms: 300) }' });
    await delay(100);
    const startedAt = performance.now();
    const drained = other.door.drain(10_000);
    await expect(other.get('/healthz')).rejects.toThrow();
    expect(await json(await answer)).toEqual({ data: { slow: 'done' } });
    await drained;
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });

  it('drains without waiting for connections that never asked anything', async () => {
    const other = await startTestServer();
    const socket = connect(Number(new URL(other.url).port), '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    await delay(50);
    const startedAt = performance.now();
    await other.door.drain(10_000);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  });

  it('drains within the bound: what does not end is cut', async () => {
    const other = await startTestServer();
    const answer = other.post({ query: '{ slow(ms: 5000) }' }).catch((error: unknown) => error);
    await delay(100);
    const startedAt = performance.now();
    await other.door.drain(200);
    expect(performance.now() - startedAt).toBeLessThan(1_500);
    expect(await answer).toBeInstanceOf(Error);
    await other.door.drain(200);
  });
});
