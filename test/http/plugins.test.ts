import { GraphQLError, type GraphQLSchema } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { afterEach, describe, expect, it } from 'vitest';
import type { Call } from '../../src/http/graphql.js';
import { badInput, CodedError } from '../../src/platform/errors.js';
import { counted, GRAPHQL_RESPONSE, startTestServer, type TestServer } from './test-server.js';

let server: TestServer | null = null;
afterEach(() => server?.door.drain(1_000));

interface Body {
  data?: unknown;
  errors: { path?: unknown; extensions: Record<string, unknown> }[];
}

async function refusedBy(plugin: Plugin, accept: string, query = 'mutation { count(by: 1) }') {
  const before = counted.total;
  server = await startTestServer({ plugins: [plugin] });
  const response = await server.post({ query }, { accept });
  const body = (await response.json()) as Body;
  expect(body).not.toHaveProperty('data');
  expect(counted.total).toBe(before);
  return { status: response.status, errors: body.errors };
}

const throwing = (error: Error): Plugin => ({
  onExecute() {
    throw error;
  },
});

const forbidden = (): CodedError =>
  new CodedError('FORBIDDEN', 'Insufficient permissions. Required scope: agents:write', {
    requiredScopes: [['agents:write']],
    missingScopes: ['agents:write'],
  });

describe.each([GRAPHQL_RESPONSE, 'application/json'])(
  'a plugin that judges the operation before it runs (%s)',
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
      const plugin: Plugin = { onExecute: ({ setResultAndStopExecution }) => setResultAndStopExecution({ errors }) };
      const refused = await refusedBy(plugin, accept);
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

describe('a plugin', () => {
  it('refuses a subscription before its source is opened', async () => {
    const plugin: Plugin = {
      onSubscribe() {
        throw forbidden();
      },
    };
    server = await startTestServer({ plugins: [plugin] });
    const response = await server.post({ query: 'subscription { silence }' }, { accept: 'text/event-stream' });
    expect(response.status).toBe(403);
    expect(await response.text()).toContain('"code":"FORBIDDEN"');
  });

  it('runs after limits and validation, and finds the call and the context', async () => {
    const seen: unknown[] = [];
    const plugin: Plugin = {
      onExecute({ args }) {
        const context = args.contextValue as unknown as { call: Call; who: string };
        seen.push(context.who, context.call.params.query, (args.schema as GraphQLSchema).getQueryType()?.name);
      },
    };
    server = await startTestServer({ plugins: [plugin] });
    await server.post({ query: '{ nothing }' }, { 'x-api-key': 'good1' });
    await server.post({ query: `{ ${'__typename '.repeat(30)} }` }, { 'x-api-key': 'good1' });
    expect(seen).toEqual([]);
    await server.post({ query: '{ hello }' }, { 'x-api-key': 'good1' });
    expect(seen).toEqual(['good1', '{ hello }', 'Query']);
  });
});
