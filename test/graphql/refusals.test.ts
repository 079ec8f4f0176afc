import { parse } from 'graphql';
import { createYoga } from 'graphql-yoga';
import { beforeEach, describe, expect, it } from 'vitest';
import { preflight, refusalsOf } from '../../src/graphql/preflight/preflight.js';
import { requirementsOf, VISITS_MAX } from '../../src/graphql/preflight/requirements.js';
import type { Scope } from '../../src/guard/scopes.js';
import { answerOf } from '../../src/http/masking.js';
import { createLogger } from '../../src/platform/logger.js';
import { smallSchema } from './small-schema.js';
import { type Answer, asPlugin, contextOf, principalWith, speaker } from './speak.js';

const { schema, ran } = smallSchema();
beforeEach(() => {
  ran.length = 0;
});

const ask = speaker(schema, 'on');
const holding = (...scopes: Scope[]) => contextOf(principalWith(scopes));
const codes = ({ errors = [] }: Answer) => [...new Set(errors.map(({ extensions }) => extensions.code))];
const effects = { ruleHolding: async () => null };

describe('a refused operation', () => {
  it('executes nothing of it, not even what is allowed', async () => {
    const answer = await ask('{ me version contact { name } }', holding());
    expect(ran).toEqual([]);
    expect(answer.data).toBeUndefined();
    const mutation =
      'mutation { a: renameContact(input: { name: "x" }) { name } b: resetEverything { effect { id } } }';
    await ask(mutation, contextOf(principalWith(['contacts:write']), { effects } as never));
    expect(ran).toEqual([]);
  });

  it('says what is required in one sentence, where, and of which fields', async () => {
    const { errors } = await ask('{ me\n  people: contact { name secret } }', holding('agents:read'));
    expect(errors).toEqual([
      {
        message: 'Insufficient permissions. Required scope: contacts:read',
        path: ['people'],
        locations: [{ line: 2, column: 3 }],
        extensions: {
          code: 'FORBIDDEN',
          requiredScopes: ['calls:detail', 'contacts:read'],
          missingScopes: ['calls:detail', 'contacts:read'],
          refusedFields: ['Contact.name', 'Contact.secret', 'Query.contact'],
        },
      },
      {
        message: 'Insufficient permissions. Required scopes: contacts:read and calls:detail',
        path: ['people', 'secret'],
        locations: [{ line: 2, column: 26 }],
        extensions: {
          code: 'FORBIDDEN',
          requiredScopes: ['contacts:read', 'calls:detail'],
          missingScopes: ['contacts:read', 'calls:detail'],
        },
      },
    ]);
  });

  it('names alternatives, and the fewest scopes that would do', async () => {
    const { errors } = await ask('{ report }', holding('contacts:read'));
    expect(errors?.[0]?.message).toBe('Insufficient permissions. Required scopes: analytics:read, or results:read');
    expect(errors?.[0]?.extensions).toMatchObject({
      requiredScopes: ['analytics:read', 'results:read'],
      missingScopes: ['analytics:read'],
    });
  });

  it('names the role', async () => {
    const { errors } = await ask('{ members contact { name } }', holding());
    expect(errors?.map(({ message }) => message)).toEqual([
      'Insufficient permissions. Required role: ADMIN',
      'Insufficient permissions. Required scope: contacts:read',
    ]);
    expect(errors?.[0]?.extensions).toEqual({
      code: 'FORBIDDEN',
      requiredRole: 'ADMIN',
      requiredScopes: ['contacts:read'],
      missingScopes: ['contacts:read'],
      refusedFields: ['Contact.name', 'Query.contact', 'Query.members'],
    });
  });

  it('has at most ten errors, the first of which speaks of all fields', async () => {
    const query = `{ ${Array.from({ length: 14 }, (_, index) => `c${index}: contact { name }`).join(' ')} report }`;
    const { errors } = await ask(query, holding());
    expect(errors).toHaveLength(10);
    expect(errors?.[0]?.extensions.refusedFields).toEqual(['Contact.name', 'Query.contact', 'Query.report']);
    expect(errors?.[9]?.path).toEqual(['c9']);
  });

  it('is answered with 403, or 401 without a credential, for both media types', () => {
    const log = createLogger({ level: 'silent', secretPatterns: [] });
    const statusOf = (query: string, principal: Parameters<typeof contextOf>[0]) => {
      const errors = refusalsOf({ schema, document: parse(query), principal, introspection: 'open' });
      const media = ['application/graphql-response+json', 'application/json'] as const;
      return media.map((mediaType) => answerOf({ errors }, mediaType, { requestId: 'r', log }).status);
    };
    expect(statusOf('{ contact { name } }', principalWith([]))).toEqual([403, 403]);
    expect(statusOf('{ contact { name } }', null)).toEqual([401, 401]);
    expect(
      statusOf('mutation { renameContact(input: { name: "*" }) { name } }', principalWith(['contacts:write'])),
    ).toEqual([400, 400]);
  });
});

describe('input that can be judged beforehand', () => {
  const rename =
    'mutation ($name: String!) { a: renameContact(input: { name: "fine" }) { name } b: renameContact(input: { name: $name }) { name } }';

  it('is judged before anything runs', async () => {
    const context = contextOf(principalWith(['contacts:write']), { effects } as never);
    const answer = await ask(rename, context, { name: 'a*' });
    expect(answer.errors).toMatchObject([
      { message: 'name: no stars.', path: ['b'], extensions: { code: 'BAD_USER_INPUT', field: 'input.name' } },
    ]);
    expect(ran).toEqual([]);
    expect((await ask(rename, context, { name: 'a' })).data).toEqual({ a: { name: 'fine' }, b: { name: 'a' } });
  });

  it('is not judged for those who may not ask, nor where the field is skipped', async () => {
    expect(codes(await ask(rename, holding(), { name: 'a*' }))).toEqual(['FORBIDDEN']);
    const skipped = 'mutation ($skip: Boolean!) { renameContact(input: { name: "*" }) @skip(if: $skip) { name } }';
    const context = contextOf(principalWith(['contacts:write']), { effects } as never);
    expect(codes(await ask(skipped, context, { skip: true }))).toEqual([]);
    expect(codes(await ask(skipped, context, { skip: false }))).toEqual(['BAD_USER_INPUT']);
  });

  it('leaves variables that do not fit to the executor, which runs nothing', async () => {
    const answer = await ask(rename, contextOf(principalWith([])), { name: 7 });
    expect(answer.errors?.[0]?.message).toContain('$name');
    expect(ran).toEqual([]);
  });
});

describe('a subscription', () => {
  const query = 'subscription { contactChanged }';
  const listen = async (mode: 'on' | 'off', principal: Parameters<typeof contextOf>[0]) => {
    const yoga = createYoga({
      schema,
      context: () => contextOf(principal),
      plugins: [asPlugin(preflight({ introspection: 'open', preflight: mode }))],
      logging: false,
    });
    const response = await yoga.fetch('http://test/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: JSON.stringify({ query }),
    });
    return response.text();
  };

  it.each(['on', 'off'] as const)('is not opened without its scope (preflight %s)', async (mode) => {
    expect(await listen(mode, principalWith(['contacts:read']))).toContain('"contactChanged":"Ada"');
    expect(ran).toEqual(['contactChanged']);
    ran.length = 0;
    const refused = await listen(mode, principalWith(['agents:read']));
    expect(refused).not.toContain('Ada');
    expect(refused).toContain('"errors"');
    expect(await listen(mode, null)).not.toContain('Ada');
    expect(ran).toEqual([]);
  });
});

describe('onRefused', () => {
  it('is told of every refused operation before the answer leaves', async () => {
    const told: string[] = [];
    const onRefused = async (_context: unknown, errors: readonly { readonly message: string }[]) => {
      await new Promise((done) => setTimeout(done, 5));
      told.push(...errors.map(({ message }) => message));
    };
    const yoga = createYoga({
      schema,
      context: () => contextOf(principalWith([])),
      plugins: [asPlugin(preflight({ introspection: 'open', onRefused }))],
      logging: false,
    });
    const body = JSON.stringify({ query: '{ contact { name } }' });
    await yoga.fetch('http://test/graphql', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    expect(told).toEqual(['Insufficient permissions. Required scope: contacts:read']);
  });
});

describe('introspection', () => {
  const closed = speaker(schema, 'on', 'keys');
  it('is closed to those without a credential where that is set', async () => {
    for (const query of ['{ __schema { queryType { name } } }', '{ ... { __type(name: "Contact") { name } } }']) {
      expect((await closed(query, contextOf(null))).errors?.[0]?.extensions).toEqual({
        code: 'UNAUTHENTICATED',
        reason: 'MISSING',
      });
      expect(codes(await closed(query, holding()))).toEqual([]);
    }
    expect(codes(await closed('{ __typename version }', contextOf(null)))).toEqual([]);
  });
});

describe('verdicts', () => {
  it('are kept apart by operation name, scopes and values, in whatever order they come', () => {
    const document = parse(`
      query A { me }
      query B($with: Boolean!) { contact @include(if: $with) { name } }`);
    const refused = (operationName: string, scopes: Scope[], variables = {}) =>
      refusalsOf({
        schema,
        document,
        operationName,
        variables,
        principal: principalWith(scopes),
        introspection: 'open',
      }).length > 0;
    for (let round = 0; round < 3; round += 1) {
      expect(refused('A', [])).toBe(false);
      expect(refused('B', [], { with: true })).toBe(true);
      expect(refused('B', [], { with: false })).toBe(false);
      expect(refused('B', ['contacts:read'], { with: true })).toBe(false);
      expect(refused('B', ['agents:read'], { with: true })).toBe(true);
    }
  });

  it('leave an operation that is not there to the executor', async () => {
    expect(
      refusalsOf({
        schema,
        document: parse('query A { contact { name } }'),
        operationName: 'B',
        principal: null,
        introspection: 'open',
      }),
    ).toEqual([]);
    const two = 'query A { me } query B { me }';
    expect((await ask(two, holding())).errors?.[0]?.message).toContain('operation');
  });
});

describe('a document made to explode', () => {
  it('is walked in bounded time, and judged more strictly rather than less', () => {
    const depth = 40;
    const names = Array.from({ length: depth }, (_, index) => `$a${index}: Boolean!, $b${index}: Boolean!`).join(', ');
    const fragments = Array.from({ length: depth }, (_, index) =>
      index === depth - 1
        ? `fragment F${index} on Query { contact { name } }`
        : `fragment F${index} on Query { ...F${index + 1} @skip(if: $a${index}) ... @skip(if: $b${index}) { ...F${index + 1} } }`,
    );
    const document = parse(`query (${names}) { ...F0 } ${fragments.join('\n')}`);
    const started = performance.now();
    const found = requirementsOf(schema, document, null);
    expect(performance.now() - started).toBeLessThan(2000);
    expect(found?.needs.length).toBeLessThan(2 * VISITS_MAX);
    const variables = Object.fromEntries(
      Array.from(
        { length: depth },
        (_, index) =>
          [
            [`a${index}`, true],
            [`b${index}`, false],
          ] as const,
      ).flat(),
    );
    const request = { schema, document, variables, introspection: 'open' } as const;
    expect(refusalsOf({ ...request, principal: principalWith([]) })).not.toEqual([]);
    expect(refusalsOf({ ...request, principal: principalWith(['contacts:read']) })).toEqual([]);
  });

  it('ends where fragments go round in a circle', () => {
    const document = parse('{ ...A } fragment A on Query { ...B me } fragment B on Query { ...A }');
    expect(requirementsOf(schema, document, null)?.needs.map(({ rule }) => rule.coordinate)).toEqual(['Query.me']);
  });
});
