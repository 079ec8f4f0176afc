import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SESSION_COOKIE } from '../../src/auth/credentials.js';
import { startTestServer, type TestServer } from './test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.door.drain(1_000));

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: {
    data?: { principal: string | null };
    errors?: { message: string; extensions: Record<string, unknown> }[];
  };
}

/** Headers as they go over the wire, also the same one twice. */
function send(headers: readonly [string, string][], body = '{"query":"{ principal }"}'): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const raw = [
      'Content-Type',
      'application/json',
      'Host',
      'localhost',
      'Content-Length',
      String(body.length),
      ...headers.flat(),
    ];
    const req = request(server.graphql, { method: 'POST', headers: raw }, (res) => {
      let text = '';
      res.on('data', (part: Buffer) => {
        text += part.toString();
      });
      res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body: JSON.parse(text) }));
    });
    req.on('error', reject);
    req.end(body);
  });
}

const session = (value: string): [string, string] => ['Cookie', `other=1; ${SESSION_COOKIE}=${value}`];

describe('a credential', () => {
  it.each<[string, [string, string][], string | null]>([
    ['as a bearer', [['Authorization', 'Bearer good1']], 'Bearer good1'],
    ['whatever the case of the scheme', [['AUTHORIZATION', 'bearer good1']], 'bearer good1'],
    ['as an API key', [['X-API-Key', 'good1']], 'good1'],
    [
      'the same in both headers',
      [
        ['Authorization', 'Bearer good1'],
        ['X-API-Key', 'good1'],
      ],
      'good1',
    ],
    [
      'the same twice',
      [
        ['X-API-Key', 'good1'],
        ['x-api-key', 'good1'],
      ],
      'good1',
    ],
    ['none', [], null],
    ['a cookie that is no session of ours', [['Cookie', 'theme=dark; sallyport.session=1']], null],
    [
      'a foreign cookie beside a key',
      [
        ['Cookie', 'theme=dark'],
        ['X-API-Key', 'good1'],
      ],
      'good1',
    ],
  ])('is taken %s', async (_name, headers, principal) => {
    const { status, body } = await send(headers);
    expect(status).toBe(200);
    const sent = body.data?.principal ?? null;
    expect(sent?.replace(/^Bearer /i, '') ?? null).toBe(principal?.replace(/^Bearer /i, '') ?? null);
  });

  it('of a person is the session cookie', async () => {
    const { body } = await send([session('good')]);
    expect(body.data?.principal).toContain(`${SESSION_COOKIE}=good`);
  });

  it.each<[string, [string, string][]]>([
    [
      'different keys in the two headers',
      [
        ['Authorization', 'Bearer good1'],
        ['X-API-Key', 'good2'],
      ],
    ],
    [
      'a basic login and a key',
      [
        ['Authorization', 'Basic abc'],
        ['X-API-Key', 'good1'],
      ],
    ],
    [
      'two bearers',
      [
        ['Authorization', 'Bearer good1'],
        ['Authorization', 'Bearer good2'],
      ],
    ],
    [
      'two API keys',
      [
        ['X-API-Key', 'good1'],
        ['X-API-Key', 'good2'],
      ],
    ],
    ['a key and a session', [['X-API-Key', 'good1'], session('good')]],
    ['a bearer and a session', [['Authorization', 'Bearer good1'], session('good')]],
    ['two workspaces', [session('good'), ['X-Workspace-Id', 'wsp_1'], ['X-Workspace-Id', 'wsp_2']]],
  ])('is ambiguous: %s', async (_name, headers) => {
    const { status, body } = await send(headers);
    expect([status, body.errors?.[0]?.extensions.code]).toEqual([400, 'AMBIGUOUS_CREDENTIALS']);
    expect(JSON.stringify(body)).not.toContain('good');
  });

  it.each<[string, [string, string][]]>([
    ['another scheme', [['Authorization', 'Basic dTpw']]],
    ['no scheme', [['Authorization', 'good1']]],
    ['a scheme alone', [['Authorization', 'Bearer']]],
    ['a scheme and a blank', [['Authorization', 'Bearer ']]],
    ['two words', [['Authorization', 'Bearer good1 good1']]],
    ['an empty header', [['Authorization', '']]],
    ['an empty API key', [['X-API-Key', '']]],
  ])('is malformed: %s', async (_name, headers) => {
    const { status, body, headers: sent } = await send(headers);
    expect([status, body.errors?.[0]?.extensions]).toMatchObject([
      401,
      { code: 'UNAUTHENTICATED', reason: 'MALFORMED' },
    ]);
    expect(sent['www-authenticate']).toMatch(
      /^Bearer realm="sallyport", error="invalid_token", error_description="[^"]+"$/,
    );
  });

  it('that is bad is answered before the body is parsed', async () => {
    const { status, body, headers } = await send([['X-API-Key', 'bad1']], '{ this is no JSON');
    expect([status, body.errors?.[0]?.extensions]).toMatchObject([401, { code: 'UNAUTHENTICATED', reason: 'UNKNOWN' }]);
    expect(headers['www-authenticate']).toContain('This key is not known.');
    expect((await send([['X-API-Key', 'good1']], '{ this is no JSON')).status).toBe(400);
  });

  it('that is bad is 401 for both media types', async () => {
    for (const accept of ['application/json', 'application/graphql-response+json', '*/*']) {
      expect(
        (
          await send([
            ['X-API-Key', 'bad1'],
            ['Accept', accept],
          ])
        ).status,
      ).toBe(401);
    }
  });
});
