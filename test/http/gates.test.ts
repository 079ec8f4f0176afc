import { GraphQLError, print } from 'graphql';
import { afterEach, describe, expect, it } from 'vitest';
import type { Gate } from '../../src/graphql/gate.js';
import { badInput, CodedError } from '../../src/platform/errors.js';
import { counted, GRAPHQL_RESPONSE, startTestServer, type TestServer } from './test-server.js';

let server: TestServer | null = null;
afterEach(() => server?.door.drain(1_000));

interface Body {
  data?: unknown;
  errors: { path?: unknown; extensions: Record<string, unknown> }[];
}

async function refusedBy(gate: Gate, accept: string, query = 'mutation { count(by: 1) }') {
  const before = counted.total;
  server = await startTestServer({ gates: [gate] });
  const response = await server.post({ query }, { accept });
  const body = (await response.json()) as Body;
  expect(body).not.toHaveProperty('data');
  expect(counted.total).toBe(before);
  return { status: response.status, errors: body.errors };
}

const throwing =
  (error: Error): Gate =>
  () => {
    throw error;
  };

const forbidden = (): CodedError =>
  new CodedError('FORBIDDEN', 'Insufficient permissions. Required scope: agents:write', {
    requiredScopes: [['agents:write']],
    missingScopes: ['agents:write'],
  });

describe.each([GRAPHQL_RESPONSE, 'application/json'])(
  'a gate that judges the operation before it runs (%s)',
  (accept) => {
    it('refuses with 403 by throwing', async () => {
      const { status, errors } = await refusedBy(throwing(forbidden()), accept);
      expect(status).toBe(403);
      expect(errors[0]?.extensions).toMatchObject({ code: 'FORBIDDEN', missingScopes: ['agents:write'] });
    });

    it('refuses with several errors that have paths and locations, the first ten of them', async () => {
      const errors = Array.from(
        { length: 12 },
        (_, place) => new GraphQLError('x', { path: [`field${place}`], originalError: forbidden() }),
      );
      const refused = await refusedBy(async () => errors, accept);
      expect(refused.status).toBe(403);
      expect(refused.errors).toHaveLength(10);
      expect(refused.errors[3]).toMatchObject({ path: ['field3'], extensions: { code: 'FORBIDDEN' } });
    });

    it('refuses bad input with 400, a missing credential with 401, a defect with 500', async () => {
      expect((await refusedBy(throwing(badInput('No such scope.', 'input.scopes')), accept)).status).toBe(400);
      await server?.door.drain(1_000);
      const missing = new CodedError('UNAUTHENTICATED', 'This field takes a credential.', { reason: 'MISSING' });
      expect((await refusedBy(throwing(missing), accept)).status).toBe(401);
      await server?.door.drain(1_000);
      const defect = await refusedBy(throwing(new TypeError('x is not a function')), accept);
      expect([defect.status, defect.errors[0]?.extensions.code]).toEqual([500, 'INTERNAL_SERVER_ERROR']);
    });
  },
);

describe('a gate', () => {
  it('refuses a subscription before its source is opened', async () => {
    server = await startTestServer({ gates: [throwing(forbidden())] });
    const response = await server.post({ query: 'subscription { silence }' }, { accept: 'text/event-stream' });
    expect(response.status).toBe(403);
    expect(await response.text()).toContain('"code":"FORBIDDEN"');
  });

  it('runs after limits and validation, and finds the operation and the context', async () => {
    const seen: unknown[] = [];
    const gate: Gate = ({ context, document, schema }) => {
      seen.push((context as unknown as { who: string }).who, print(document), schema.getQueryType()?.name);
      return undefined;
    };
    server = await startTestServer({ gates: [gate] });
    await server.post({ query: '{ nothing }' }, { 'x-api-key': 'good1' });
    await server.post({ query: `{ ${'__typename '.repeat(30)} }` }, { 'x-api-key': 'good1' });
    expect(seen).toEqual([]);
    await server.post({ query: '{ hello }' }, { 'x-api-key': 'good1' });
    expect(seen).toEqual(['good1', '{\n  hello\n}', 'Query']);
  });
});
