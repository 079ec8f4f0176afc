import { GraphQLError } from 'graphql';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerOf, ERRORS_MAX, STATUS_OF_CODE } from '../../src/http/masking.js';
import { isDatabaseUnreachable } from '../../src/http/unreachable.js';
import { CodedError, type ErrorCode } from '../../src/platform/errors.js';
import { GRAPHQL_RESPONSE, startTestServer, type TestServer } from './test-server.js';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.door.drain(1_000));

interface Body {
  data?: unknown;
  errors?: { message: string; path?: unknown; locations?: unknown; extensions: Record<string, unknown> }[];
}

async function ask(query: string, accept = GRAPHQL_RESPONSE, variables?: object) {
  const response = await server.post({ query, variables }, { accept });
  const body = (await response.json()) as Body;
  return { response, status: response.status, body, error: body.errors?.[0] };
}

const BOTH = [GRAPHQL_RESPONSE, 'application/json'];

describe('a refusal that a resolver wrote', () => {
  it('keeps its sentence, code and data, with path, location and request id', async () => {
    const { status, error, body, response } = await ask('{ hello fail(how: "coded") }');
    expect(status).toBe(200);
    expect(body.data).toEqual({ hello: 'hello you', fail: null });
    expect(error).toEqual({
      message: 'The name is too long.',
      path: ['fail'],
      locations: [{ line: 1, column: 9 }],
      extensions: { code: 'BAD_USER_INPUT', field: 'name', requestId: response.headers.get('x-request-id') },
    });
  });

  it('is found inside a GraphQLError that wraps it', async () => {
    const { error } = await ask('{ fail(how: "wrapped") }');
    expect(error?.message).toBe('The wrapped cause.');
    expect(error?.extensions.code).toBe('BAD_USER_INPUT');
  });

  it.each(BOTH)('sets the status only when data is null (%s)', async (accept) => {
    expect((await ask('{ fail(how: "forbidden") }', accept)).status).toBe(200);
    expect((await ask('{ failHard(how: "forbidden") }', accept)).status).toBe(403);
    expect((await ask('{ failHard(how: "coded") }', accept)).status).toBe(200);
    expect((await ask('{ failHard(how: "limited") }', accept)).status).toBe(429);
    expect((await ask('{ failHard(how: "defect") }', accept)).status).toBe(500);
  });

  it('asks for a credential without an error attribute when none was sent', async () => {
    const { status, response } = await ask('{ failHard(how: "missing") }', 'application/json');
    expect(status).toBe(401);
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="sallyport"');
    const partial = await ask('{ fail(how: "missing") }');
    expect(partial.status).toBe(200);
    expect(partial.response.headers.has('www-authenticate')).toBe(false);
  });

  it('tells when to come back', async () => {
    const { response } = await ask('{ failHard(how: "limited") }');
    expect(response.headers.get('retry-after')).toBe('2');
    expect(response.headers.get('ratelimit')).toBe('"default";r=0;t=2');
    expect(response.headers.get('ratelimit-policy')).toBe('"default";q=30;w=60');
  });
});

describe('a defect', () => {
  it.each(['defect', 'graphql', 'text'])('leaves as one masked sentence, and whole in the log (%s)', async (how) => {
    const { error, response, body } = await ask(`{ fail(how: "${how}") }`);
    expect(error?.extensions).toEqual({
      code: 'INTERNAL_SERVER_ERROR',
      requestId: response.headers.get('x-request-id'),
    });
    expect(error?.path).toEqual(['fail']);
    expect(JSON.stringify(body)).not.toMatch(/\/home|SELECT|stack|originalError/);
    const line = server
      .logged()
      .split('\n')
      .find((one) => one.includes(String(error?.extensions.requestId)) && one.includes('masked'));
    expect(line).toContain('/home/me');
  });

  it.each(['database', 'prisma', 'adapter'])('of the database is an outage (%s)', async (how) => {
    const { status, error, body, response } = await ask(`{ failHard(how: "${how}") }`);
    expect(status).toBe(503);
    expect(error?.extensions.code).toBe('SERVICE_UNAVAILABLE');
    expect(response.headers.get('retry-after')).toBe('5');
    expect(JSON.stringify(body)).not.toContain('10.0.0.1');
  });

  it('while authenticating is masked as well', async () => {
    const response = await server.post({ query: '{ hello }' }, { 'x-api-key': 'down' });
    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain('ECONNREFUSED');
  });

  it('in a stream is masked in its event', async () => {
    const response = await server.post({ query: 'subscription { broken }' }, { accept: 'text/event-stream' });
    const text = await response.text();
    expect(text).toContain('{"data":{"broken":1}}');
    expect(text).toContain('INTERNAL_SERVER_ERROR');
    expect(text).not.toContain('SELECT');
  });
});

describe('faults of the document', () => {
  it.each([
    ['{', undefined, 'GRAPHQL_PARSE_FAILED'],
    ['{ nothing }', undefined, 'GRAPHQL_VALIDATION_FAILED'],
    ['query($ms: Int!) { slow(ms: $ms) }', { ms: 'long' }, 'BAD_USER_INPUT'],
    ['query($ms: Int!) { slow(ms: $ms) }', {}, 'BAD_USER_INPUT'],
    ['subscription($until: Int!) { ticks(until: $until) }', { until: 'x' }, 'BAD_USER_INPUT'],
  ])('are coded, 400 or, under application/json, 200: %s', async (query, variables, code) => {
    const strict = await ask(query, `${GRAPHQL_RESPONSE}, text/event-stream`, variables);
    expect([strict.status, strict.error?.extensions.code]).toEqual([400, code]);
    expect(strict.body).not.toHaveProperty('data');
    expect(strict.error?.extensions.requestId).toBe(strict.response.headers.get('x-request-id'));
    const lax = await ask(query, 'application/json, text/event-stream', variables);
    expect([lax.status, lax.error?.extensions.code]).toEqual([200, code]);
  });

  it('name the operation that was not found', async () => {
    const response = await server.post({ query: 'query A { hello } query B { hello }' });
    expect(response.status).toBe(400);
    expect(((await response.json()) as Body).errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT');
  });

  it(`are at most ${ERRORS_MAX} in one answer`, async () => {
    const { body } = await ask(`{ ${Array.from({ length: 20 }, (_, n) => `unknown${n}`).join(' ')} }`);
    expect(body.errors).toHaveLength(ERRORS_MAX);
    const executed = await ask(`{ ${Array.from({ length: 20 }, (_, n) => `f${n}: fail(how: "coded")`).join(' ')} }`);
    expect(executed.body.errors).toHaveLength(ERRORS_MAX);
  });

  it.each(BOTH)('that pass a limit are 400 for both media types (%s)', async (accept) => {
    const { status, error } = await ask(`{ ${'__typename '.repeat(21)} }`, accept);
    expect([status, error?.extensions]).toMatchObject([
      400,
      { code: 'QUERY_TOO_COMPLEX', limit: 'rootFields', found: 21 },
    ]);
  });
});

describe('the table of statuses', () => {
  const log = pino({ level: 'silent' });
  const statusOf = (code: ErrorCode, data?: null): number =>
    answerOf(
      {
        errors: [new GraphQLError('x', { originalError: new CodedError(code, 'x') })],
        ...(data === undefined ? {} : { data }),
      },
      'application/json',
      { requestId: 'r', log },
    ).status;

  it.each(Object.entries(STATUS_OF_CODE) as [ErrorCode, number][])('%s is %i before execution', (code, status) => {
    expect(statusOf(code)).toBe(status);
    expect(statusOf(code, null)).toBe(status === 400 ? 200 : status);
  });

  it('keeps what others put into extensions and adds nothing to a clean result', () => {
    const masking = { requestId: 'r', log };
    const clean = { data: { a: 1 }, extensions: { cost: 3 } };
    expect(answerOf(clean, 'application/json', masking)).toEqual({
      status: 200,
      headers: {},
      result: clean,
      code: null,
    });
    expect(answerOf({ ...clean, errors: ['thrown'] }, 'application/json', masking).result.extensions).toEqual({
      cost: 3,
    });
  });
});

describe('an unreachable database', () => {
  it.each([
    [{ code: 'ECONNRESET' }, true],
    [{ code: '57P01' }, true],
    [{ code: '08006' }, true],
    [{ code: 'P2024' }, true],
    [{ message: 'Connection terminated unexpectedly' }, true],
    [{ cause: { cause: { kind: 'ConnectionClosed' } } }, true],
    [{ errors: [{ code: 'ECONNREFUSED' }, { code: 'ECONNREFUSED' }] }, true],
    [{ code: 'P2002' }, false],
    [{ code: '23505' }, false],
    [{ message: 'Connection to reality lost' }, false],
    ['ECONNREFUSED', false],
    [null, false],
  ])('is told from other errors: %o', (error, expected) => {
    expect(isDatabaseUnreachable(error)).toBe(expected);
  });

  it('is looked for a bounded way down, also in a circle', () => {
    const circle: { cause?: unknown } = {};
    circle.cause = circle;
    expect(isDatabaseUnreachable(circle)).toBe(false);
  });
});
