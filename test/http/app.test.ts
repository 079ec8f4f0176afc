// The door of the product itself: the audits, the paths that answer, and who is let in by which credential.
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { buildClientSchema, getIntrospectionQuery, type IntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { printSdl } from '../../src/graphql/print.js';
import { newId } from '../../src/platform/ids.js';
import type { GraphqlError } from '../support/client.js';
import { type Harness, OWNER, startHarness } from '../support/harness.js';
import { declareAudits } from './graphql-over-http.js';

let app: Harness;
beforeAll(async () => {
  app = await startHarness();
});
afterAll(() => app?.stop());

describe('GraphQL over HTTP', () => declareAudits(() => `${app.url}/graphql`));

const get = (path: string, headers: Record<string, string> = {}) => fetch(`${app.url}${path}`, { headers });

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly data: Record<string, unknown> | null;
  readonly error: GraphqlError | undefined;
}

/** Headers as they go over the wire, also the same one twice, and any body. */
function send(headers: readonly (readonly [string, string])[], body = '{"query":"{ me { kind } }"}'): Promise<Answer> {
  const raw = [
    ...[
      ['Content-Type', 'application/json'],
      ['Host', new URL(app.url).host],
      ['Content-Length', String(Buffer.byteLength(body))],
    ],
    ...headers,
  ];
  return new Promise((resolve, reject) => {
    const req = request(`${app.url}/graphql`, { method: 'POST', headers: raw.flat() }, (res) => {
      let text = '';
      res.on('data', (part: Buffer) => {
        text += part.toString();
      });
      res.on('end', () => {
        const { data = null, errors } = JSON.parse(text) as { data?: Answer['data']; errors?: GraphqlError[] };
        resolve({ status: res.statusCode ?? 0, headers: res.headers, data, error: errors?.[0] });
      });
    });
    req.on('error', reject);
    req.end(body);
  });
}

describe('GET /schema.graphql', () => {
  it('is the printed schema, public, and sent once to whoever keeps its tag', async () => {
    const first = await get('/schema.graphql');
    expect(first.status).toBe(200);
    expect(first.headers.get('content-type')).toMatch(/^text\/plain|^application\/graphql/);
    const text = await first.text();
    expect(text).toBe(printSdl(app.app.schema));
    expect(text).toContain('@requiresScopes(scopes: [["contacts:read"]])');
    const etag = first.headers.get('etag') ?? '';
    expect(etag).not.toBe('');
    for (const tag of [etag, `W/${etag}`, '*', `"other", ${etag}`]) {
      const again = await get('/schema.graphql', { 'if-none-match': tag });
      expect([again.status, await again.text()]).toEqual([304, '']);
    }
    expect((await get('/schema.graphql', { 'if-none-match': '"other"' })).status).toBe(200);
  });
});

describe('the health paths', () => {
  it('say that the process lives, and that database, migrations and queue are ready', async () => {
    const live = await get('/healthz');
    expect(live.status).toBe(200);
    const ready = await get('/readyz');
    expect(ready.status).toBe(200);
    expect(await ready.text()).toMatch(/database[\s\S]*migrations[\s\S]*queue/);
  });

  it('count requests, operations and effects by status, and name no workspace, key or person', async () => {
    const { key } = await app.createKey({ kind: 'ACCOUNT', scopes: ['contacts:read'] });
    await app.as({ key }).data('{ contacts { totalCount } }');
    await app.as({ key }).refused('{ agents { totalCount } }');
    const metrics = await get('/metrics');
    expect(metrics.status).toBe(200);
    const text = await metrics.text();
    expect(text).toMatch(/http_requests_total\{[^}]*route="\/graphql"[^}]*\} \d+/);
    expect(text).toMatch(/outcome="ok"/);
    expect(text).toMatch(/outcome="FORBIDDEN"/);
    expect(text).not.toMatch(/wsp_|key_|usr_|sp_acct_|halberd/i);
  });

  it('are the only ones besides the API: everything else does not exist', async () => {
    for (const path of [
      '/',
      '/console',
      '/graphql/',
      '/api/auth/sign-up/email',
      '/.env',
      '/hooks/unknown',
      '/schema',
    ]) {
      const response = await get(path);
      expect([path, response.status]).toEqual([path, 404]);
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    }
  });
});

describe('an anonymous caller', () => {
  it('may introspect the whole schema, and read what is public, and nothing else', async () => {
    const anyone = app.as(null);
    const told = await anyone.data<IntrospectionQuery>(getIntrospectionQuery());
    expect(Object.keys(buildClientSchema(told).getTypeMap())).toContain('Contact');
    expect(await anyone.data('{ fieldAccess(coordinates: ["Query.contacts"]) { access scopes } }')).toEqual({
      fieldAccess: [{ access: expect.stringContaining('contacts:read'), scopes: [['contacts:read']] }],
    });
    const refused = await anyone.refused('{ contacts { totalCount } }');
    expect(refused).toMatchObject({ status: 401, extensions: { code: 'UNAUTHENTICATED', reason: 'MISSING' } });
  });

  it('is told of syntax and unknown fields before it is told to sign in', async () => {
    const anyone = app.as(null);
    expect((await anyone.refused('{ contacts {')).extensions.code).toBe('GRAPHQL_PARSE_FAILED');
    expect((await anyone.refused('{ contacts { nonsense } }')).extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
  });

  it('may not introspect where INTROSPECTION=keys, and a key may', async () => {
    const closed = await startHarness({ env: { INTROSPECTION: 'keys' }, works: false });
    try {
      for (const query of [
        '{ __schema { queryType { name } } }',
        '{ __type(name: "Contact") { name } }',
        '{ ...F } fragment F on Query { s: __schema { queryType { name } } }',
      ]) {
        const refused = await closed.as(null).refused(query);
        expect(refused).toMatchObject({ status: 401, extensions: { code: 'UNAUTHENTICATED', reason: 'MISSING' } });
      }
      expect((await closed.as(null).ask('{ __typename }')).errors).toEqual([]);
      const { key } = await closed.createKey({ kind: 'ACCOUNT', scopes: ['contacts:read'] });
      expect(await closed.as({ key }).data('{ __schema { queryType { name } } }')).toMatchObject({
        __schema: { queryType: { name: 'Query' } },
      });
    } finally {
      await closed.stop();
    }
  });
});

describe('GraphiQL', () => {
  it('comes whole: a browser loads nothing from anywhere else', async () => {
    const response = await get('/graphql', { accept: 'text/html,*/*;q=0.8' });
    expect(response.status).toBe(200);
    const html = await response.text();
    const scripts = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)];
    expect(scripts.length).toBeGreaterThan(0);
    const page = html.replace(/<script>[\s\S]*?<\/script>/g, '').replace(/<style>[\s\S]*?<\/style>/g, '');
    expect(page).not.toMatch(/(?:src|href|action)\s*=\s*["']?(?:https?:)?\/\//i);
    expect(html).not.toMatch(/<(?:script|link|img|iframe)[^>]+(?:src|href)\s*=\s*["']?(?:https?:)?\/\//i);
    const policy = response.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/https?:|\*/);
    for (const [, script = ''] of scripts) {
      expect(policy).toContain(`'sha256-${createHash('sha256').update(script).digest('base64')}'`);
    }
  });
});

describe('a credential', () => {
  const newKey = async (scopes: string[] = ['contacts:read']) => (await app.createKey({ kind: 'ACCOUNT', scopes })).key;
  const cookie = async () => (await app.signIn()).headers.cookie ?? '';

  it('opens the door in either header, and in both when they agree', async () => {
    const key = await newKey();
    for (const headers of [
      [['Authorization', `Bearer ${key}`]],
      [['authorization', `bearer ${key}`]],
      [['X-API-Key', key]],
      [
        ['Authorization', `Bearer ${key}`],
        ['X-API-Key', key],
      ],
    ] as const) {
      expect(await send(headers)).toMatchObject({ status: 200, data: { me: { kind: 'ACCOUNT_KEY' } } });
    }
  });

  it('is ambiguous beside a different one, and then nobody is let in', async () => {
    const [one, two] = [await newKey(), await newKey()];
    for (const headers of [
      [
        ['Authorization', `Bearer ${one}`],
        ['X-API-Key', two],
      ],
      [
        ['Authorization', `Bearer ${one}`],
        ['Authorization', `Bearer ${two}`],
      ],
      [
        ['X-API-Key', one],
        ['X-API-Key', two],
      ],
      [
        ['Authorization', `Bearer ${one}`],
        ['Cookie', await cookie()],
        ['Origin', app.url],
      ],
      [
        ['X-API-Key', one],
        ['Cookie', await cookie()],
        ['Origin', app.url],
      ],
    ] as const) {
      expect(await send(headers)).toMatchObject({
        status: 400,
        error: { extensions: { code: 'AMBIGUOUS_CREDENTIALS' } },
      });
    }
  });

  it('that is no good is answered 401 before a byte of the body is parsed', async () => {
    const live = await newKey();
    const broken = ['{ this is no JSON', '{"query":"{ syntax error"}', '{"query":"{ __typename }"}', ''];
    for (const [key, reason] of [
      ['nonsense', 'MALFORMED'],
      [`${live.slice(0, -1)}${live.endsWith('A') ? 'B' : 'A'}`, 'MALFORMED'],
    ] as const) {
      for (const body of broken) {
        const answer = await send([['Authorization', `Bearer ${key}`]], body);
        expect(answer).toMatchObject({ status: 401, error: { extensions: { code: 'UNAUTHENTICATED', reason } } });
        expect(answer.headers['www-authenticate']).toMatch(/^Bearer realm="sallyport", error="invalid_token"/);
        expect(JSON.stringify(answer.error)).not.toContain(key);
      }
    }
    expect((await send([['Authorization', 'Basic dXNlcjpwYXNz']])).error?.extensions.reason).toBe('MALFORMED');
  });

  it('that was revoked is refused on the very next request, by its reason', async () => {
    const { id, key } = await app.createKey({ kind: 'ACCOUNT', scopes: ['contacts:read'] });
    expect((await send([['X-API-Key', key]])).status).toBe(200);
    await app.database.owner.apiKey.update({
      where: { workspaceId_id: { workspaceId: app.place.workspaceId, id } },
      data: { status: 'REVOKED', revokedAt: new Date() },
    });
    expect(await send([['X-API-Key', key]], 'not JSON')).toMatchObject({
      status: 401,
      error: { extensions: { code: 'UNAUTHENTICATED', reason: 'REVOKED' } },
    });
  });

  it('of a page from elsewhere is not taken from its cookie', async () => {
    const foreign = await send([
      ['Cookie', await cookie()],
      ['Origin', 'https://elsewhere.example'],
    ]);
    expect(foreign.status).toBeGreaterThanOrEqual(400);
    expect(foreign.data).toBeNull();
  });

  it('is not read from the URL', async () => {
    const key = await newKey();
    for (const name of ['api_key', 'key', 'access_token', 'apiKey']) {
      const answer = await get(`/graphql?query={me{kind}}&${name}=${key}`);
      expect(answer.status).toBe(401);
    }
  });
});

describe('a person with two workspaces', () => {
  const ask = (cookie: string, workspaceId?: string) =>
    send(
      [
        ['Cookie', cookie],
        ['Origin', app.url],
        ...(workspaceId === undefined ? [] : [['X-Workspace-Id', workspaceId] as const]),
      ],
      '{"query":"{ me { workspace { id name } } }"}',
    );

  it('names one, sees that one, and is told of both when naming none', async () => {
    const { organizationId, workspaceId } = app.place;
    const person = await app.addPerson('MEMBER');
    const cookie = (await app.signIn(person)).headers.cookie ?? '';
    expect(await ask(cookie)).toMatchObject({ status: 200, data: { me: { workspace: { id: workspaceId } } } });

    const second = newId('wsp');
    await app.database.owner.workspace.create({ data: { id: second, organizationId, name: 'Workshop' } });
    try {
      const unnamed = await ask(cookie);
      expect(unnamed).toMatchObject({
        status: 400,
        error: { extensions: { code: 'BAD_USER_INPUT', field: 'X-Workspace-Id' } },
      });
      const listed = unnamed.error?.extensions.workspaces as { id: string; name: string }[];
      expect(listed.map(({ name }) => name).sort()).toEqual(['Shop', 'Workshop']);
      for (const [id, name] of [
        [workspaceId, 'Shop'],
        [second, 'Workshop'],
      ] as const) {
        expect(await ask(cookie, id)).toMatchObject({ status: 200, data: { me: { workspace: { id, name } } } });
      }
      const elsewhere = await app.addPlace('Elsewhere');
      const foreign = await ask(cookie, elsewhere.workspaceId);
      const unknown = await ask(cookie, newId('wsp'));
      expect(foreign.error).toMatchObject({ extensions: { code: 'NOT_FOUND' } });
      expect([foreign.status, foreign.error?.message]).toEqual([unknown.status, unknown.error?.message]);
      expect(JSON.stringify(foreign.error)).not.toContain(elsewhere.workspaceId);
    } finally {
      await app.database.owner.workspace.delete({ where: { id: second } });
    }
  });

  it('does not turn the workspace of a key', async () => {
    const elsewhere = await app.addPlace('Further');
    const { key } = await app.createKey({ kind: 'ACCOUNT', scopes: ['me:read'] });
    const answer = await send(
      [
        ['X-API-Key', key],
        ['X-Workspace-Id', elsewhere.workspaceId],
      ],
      '{"query":"{ me { workspace { id } } }"}',
    );
    expect(JSON.stringify(answer)).not.toContain(elsewhere.workspaceId);
  });
});

describe('signing in', () => {
  it('gives a cookie that opens the door, and signing out ends it at once', async () => {
    const owner = await app.signIn(OWNER);
    expect(await owner.data('{ me { kind role } }')).toEqual({ me: { kind: 'SESSION', role: 'OWNER' } });
    const out = await fetch(`${app.url}/api/auth/sign-out`, {
      method: 'POST',
      headers: { ...owner.headers, 'content-type': 'application/json' },
      body: '{}',
    });
    expect(out.status).toBe(200);
    expect(await owner.refused('{ me { kind } }')).toMatchObject({ status: 401, extensions: { reason: 'UNKNOWN' } });
  });
});
