// The door of the real app: what every client of GraphQL over HTTP relies on, against the real schema.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { printSdl } from '../../src/graphql/print.js';
import { newId } from '../../src/platform/ids.js';
import { type Harness, startHarness } from '../support/harness.js';
import { declareAudits } from './graphql-over-http.js';

describe('the app over HTTP', () => {
  let harness: Harness;
  beforeAll(async () => {
    harness = await startHarness();
  });
  afterAll(() => harness?.stop());

  describe('passes the audits of GraphQL over HTTP', () => declareAudits(() => `${harness.url}/graphql`));

  it('shows its schema to everybody, and says when it has not changed', async () => {
    const response = await fetch(`${harness.url}/schema.graphql`);
    expect(await response.text()).toBe(printSdl(harness.app.schema));
    const etag = response.headers.get('etag') ?? '';
    const again = await fetch(`${harness.url}/schema.graphql`, { headers: { 'if-none-match': etag } });
    expect([etag === '', again.status, await again.text()]).toEqual([false, 304, '']);
  });

  it('answers health and metrics', async () => {
    expect((await fetch(`${harness.url}/healthz`)).status).toBe(200);
    const ready = await fetch(`${harness.url}/readyz`);
    expect(await ready.json()).toEqual({ status: 'ready', checks: { database: 'ok', migrations: 'ok', queue: 'ok' } });
    expect(await (await fetch(`${harness.url}/metrics`)).text()).toContain('sallyport_graphql_operations_total');
  });

  it('offers GraphiQL to a browser without any address outside', async () => {
    const page = await (await fetch(`${harness.url}/graphql`, { headers: { accept: 'text/html' } })).text();
    expect(page).toContain('graphiql');
    expect(page).not.toMatch(/(?:src|href)=["']https?:/);
  });

  it('lets anybody introspect, and nobody read', async () => {
    const nobody = harness.as(null);
    expect((await nobody.ask('{ __schema { queryType { name } } }')).status).toBe(200);
    const refused = await nobody.refused('{ me { kind } }');
    expect([refused.status, refused.extensions]).toMatchObject([401, { code: 'UNAUTHENTICATED', reason: 'MISSING' }]);
  });

  it('refuses a bad key before it reads the body', async () => {
    const response = await fetch(`${harness.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: 'Bearer sp_acct_nothing' },
      body: '{ broken',
    });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toContain('Bearer');
    expect(await response.json()).toMatchObject({
      errors: [{ extensions: { code: 'UNAUTHENTICATED', reason: 'MALFORMED' } }],
    });
  });

  it('refuses two different credentials, and takes one that is sent twice', async () => {
    const [one, other] = [await harness.createKey({ kind: 'ACCOUNT' }), await harness.createKey({ kind: 'ACCOUNT' })];
    const ask = (first: string, second: string) =>
      fetch(`${harness.url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${first}`, 'x-api-key': second },
        body: JSON.stringify({ query: '{ me { kind } }' }),
      });
    const refused = await ask(one.key, other.key);
    expect([refused.status, await refused.json()]).toMatchObject([
      400,
      { errors: [{ extensions: { code: 'AMBIGUOUS_CREDENTIALS' } }] },
    ]);
    expect((await ask(one.key, one.key)).status).toBe(200);
  });

  it('asks a person with several workspaces which one, and does not tell a foreign one from an unknown one', async () => {
    const { organizationId } = harness.place;
    const second = newId('wsp');
    await harness.database.owner.workspace.create({ data: { id: second, organizationId, name: 'Second' } });
    const elsewhere = await harness.addPlace('Elsewhere');
    const owner = await harness.signIn();
    const cookie = owner.headers['cookie'] ?? '';
    const which = await owner.refused('{ me { kind } }');
    expect(which.extensions).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(JSON.stringify(which.extensions)).toContain(second);
    const { me } = await harness
      .as({ cookie, workspaceId: second })
      .data<{ me: { workspace: { id: string } } }>('{ me { workspace { id } } }');
    expect(me.workspace.id).toBe(second);
    const [foreign, unknown] = [
      await harness.as({ cookie, workspaceId: elsewhere.workspaceId }).refused('{ me { kind } }'),
      await harness.as({ cookie, workspaceId: newId('wsp') }).refused('{ me { kind } }'),
    ];
    expect({ ...foreign.extensions, requestId: '' }).toEqual({ ...unknown.extensions, requestId: '' });
    expect([foreign.message, foreign.status]).toEqual([unknown.message, unknown.status]);
  });
});

describe('INTROSPECTION=keys', () => {
  it('closes introspection to whoever has no credential', async () => {
    const harness = await startHarness({ env: { INTROSPECTION: 'keys' } });
    try {
      expect((await harness.as(null).refused('{ __schema { queryType { name } } }')).status).toBe(401);
      const { key } = await harness.createKey({ kind: 'ACCOUNT' });
      expect((await harness.as({ key }).ask('{ __schema { queryType { name } } }')).status).toBe(200);
    } finally {
      await harness.stop();
    }
  });
});
