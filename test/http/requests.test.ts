import { request } from 'node:http';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BODY_BYTES_MAX } from '../../src/http/body.js';
import { counted, startTestServer, type TestServer } from './test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.door.drain(1_000));

interface Body {
  data?: Record<string, unknown>;
  errors?: { message: string; extensions: Record<string, unknown> }[];
}

const read = async (response: Response) => {
  const body = (await response.json()) as Body;
  return { status: response.status, code: body.errors?.[0]?.extensions.code, error: body.errors?.[0], body };
};

/** Sends a body in pieces without saying how long it will be; resolves with the status. */
function sendChunks(chunks: number, bytesEach: number): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const req = request(server.graphql, { method: 'POST', headers: { 'content-type': 'application/json' } }, (res) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (part: string) => {
        text += part;
      });
      res.on('end', () => resolve({ status: res.statusCode ?? 0, text }));
    });
    req.on('error', reject);
    const piece = 'x'.repeat(bytesEach);
    for (let sent = 0; sent < chunks; sent += 1) req.write(piece);
    req.end();
  });
}

describe('the body', () => {
  it('may have 1 MiB and not a byte more, by Content-Length', async () => {
    const frame = JSON.stringify({ query: '{ hello }', extensions: { pad: '' } }).length;
    const at = (bytes: number) => ({ query: '{ hello }', extensions: { pad: 'x'.repeat(bytes - frame) } });
    expect((await server.post(at(BODY_BYTES_MAX))).status).toBe(200);
    const { status, code, error } = await read(await server.post(at(BODY_BYTES_MAX + 1)));
    expect([status, code]).toEqual([413, 'BAD_USER_INPUT']);
    expect(error?.extensions).toMatchObject({ reason: 'PAYLOAD_TOO_LARGE', bytesMax: BODY_BYTES_MAX });
    expect(error?.extensions.requestId).toBeTypeOf('string');
  });

  it('is counted as it comes when no length is given', async () => {
    const { status, text } = await sendChunks(40, 64 * 1024);
    expect(status).toBe(413);
    expect(text).toContain('PAYLOAD_TOO_LARGE');
    expect((await server.post({ query: '{ hello }' })).status).toBe(200);
  });

  it('is not echoed when it is not JSON', async () => {
    const response = await server.post('{"query": sp_acct_secret}');
    const text = await response.text();
    expect(response.status).toBe(400);
    expect(text).not.toContain('sp_acct_secret');
    expect(text).toContain('not valid JSON');
    const url = await server.get('/graphql?query={hello}&variables=sp_acct_secret');
    expect(url.status).toBe(400);
    expect(await url.text()).not.toContain('sp_acct_secret');
  });

  it.each([
    ['application/x-www-form-urlencoded', 'query=mutation{count(by:1)}'],
    [
      'multipart/form-data; boundary=x',
      '--x\r\nContent-Disposition: form-data; name="operations"\r\n\r\n{"query":"mutation{count(by:1)}"}\r\n--x--',
    ],
    ['text/plain', '{"query":"mutation{count(by:1)}"}'],
    ['application/graphql', 'mutation{count(by:1)}'],
    ['application/json; charset=utf-16', '{"query":"mutation{count(by:1)}"}'],
  ])('of type %s is refused with 415, and nothing runs', async (type, body) => {
    const before = counted.total;
    const { status, code, error } = await read(await server.post(body, { 'content-type': type }));
    expect([status, code, error?.extensions.reason]).toEqual([415, 'BAD_USER_INPUT', 'UNSUPPORTED_MEDIA_TYPE']);
    expect(counted.total).toBe(before);
  });

  it('is not unpacked', async () => {
    const body = gzipSync(JSON.stringify({ query: '{ hello }' }));
    const response = await fetch(server.graphql, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
      body: new Uint8Array(body),
    });
    expect(response.status).toBe(415);
  });

  it('holds one operation, not a batch', async () => {
    const { status, code } = await read(await server.post([{ query: '{ hello }' }]));
    expect([status, code]).toEqual([400, 'BAD_USER_INPUT']);
  });

  it('may hold what we do not know', async () => {
    expect((await server.post({ query: '{ hello }', doc_id: 1 })).status).toBe(200);
  });
});

describe('methods', () => {
  it('GET runs queries and no mutation', async () => {
    const query = await server.get(
      `/graphql?query=${encodeURIComponent('query($name: String) { hello(name: $name) }')}&variables=${encodeURIComponent('{"name":"you & me"}')}`,
    );
    expect(await query.json()).toEqual({ data: { hello: 'hello you & me' } });
    const before = counted.total;
    const response = await server.get('/graphql?query=mutation{count(by:1)}');
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
    const named = await server.get(
      `/graphql?operationName=B&query=${encodeURIComponent('query A { hello } mutation B { count(by: 1) }')}`,
    );
    expect(named.status).toBe(405);
    expect(counted.total).toBe(before);
  });

  it.each(['PUT', 'DELETE', 'PATCH'])('%s is 405 with a coded error', async (method) => {
    const response = await fetch(server.graphql, { method });
    expect(response.headers.get('allow')).toBe('GET, POST');
    expect((await read(response)).error?.extensions).toMatchObject({
      code: 'BAD_USER_INPUT',
      reason: 'METHOD_NOT_ALLOWED',
    });
    expect(response.status).toBe(405);
  });
});

describe('the answer', () => {
  it('that the caller cannot read is refused before anything runs', async () => {
    const before = counted.total;
    const { status, error } = await read(
      await server.post({ query: 'mutation { count(by: 1) }' }, { accept: 'text/csv' }),
    );
    expect([status, error?.extensions.reason]).toEqual([406, 'NOT_ACCEPTABLE']);
    expect(counted.total).toBe(before);
  });

  it.each([
    ['application/json', 'application/json'],
    ['application/graphql-response+json', 'application/graphql-response+json'],
    ['application/graphql-response+json; charset=utf-8, application/json;q=0.9', 'application/graphql-response+json'],
    ['application/json, application/graphql-response+json', 'application/json'],
    ['multipart/mixed, application/json', 'application/json'],
    ['application/*', 'application/json'],
    ['*/*', 'application/json'],
  ])('to Accept: %s is %s', async (accept, type) => {
    const response = await server.post({ query: '{ hello }' }, { accept });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(`${type}; charset=utf-8`);
  });

  it('carries headers that keep browsers from guessing, framing and storing', async () => {
    const { headers } = await server.post({ query: '{ hello }' });
    expect(Object.fromEntries(headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'cache-control': 'no-store',
    });
    expect(headers.has('strict-transport-security')).toBe(false);
  });
});

describe('the request id', () => {
  it.each(['req-1', 'Root=1-67891233-abcdef012345678912345678', 'a'.repeat(64)])(
    'is the caller’s when harmless: %s',
    async (id) => {
      const response = await server.post({ query: '{ fail(how: "coded") }' }, { 'x-request-id': id });
      expect(response.headers.get('x-request-id')).toBe(id);
      expect((await read(response)).error?.extensions.requestId).toBe(id);
    },
  );

  it.each(['a'.repeat(65), 'two words', '<script>', '"quoted"', ''])('is made here otherwise: %s', async (id) => {
    const response = await server.post({ query: '{ fail(how: "coded") }' }, { 'x-request-id': id });
    const given = response.headers.get('x-request-id');
    expect(given).toMatch(/^[0-9a-f-]{36}$/);
    expect((await read(response)).error?.extensions.requestId).toBe(given);
  });

  it('is in every refusal, also where nothing answers', async () => {
    const { body } = await read(await server.get('/nowhere', { 'x-request-id': 'lost' }));
    expect(body.errors?.[0]?.extensions).toEqual({ code: 'NOT_FOUND', reason: 'UNKNOWN_PATH', requestId: 'lost' });
  });
});

describe('the context', () => {
  it('keeps its getters: a part that nobody asks for is never made', async () => {
    const { body } = await read(await server.post({ query: '{ contextKeys }' }));
    expect(body.errors).toBeUndefined();
    expect(body.data?.contextKeys).toEqual(expect.arrayContaining(['who', 'facts', 'world']));
  });
});
