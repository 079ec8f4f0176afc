import { beforeEach, describe, expect, it } from 'vitest';
import type { Scope } from '../../src/guard/scopes.js';
import { agentId, contactId, smallSchema } from './small-schema.js';
import { type Answer, contextOf, principalWith, speaker } from './speak.js';

const { schema, ran } = smallSchema();
beforeEach(() => {
  ran.length = 0;
});

const walls = [
  ['preflight', speaker(schema, 'on')],
  ['the second wall alone', speaker(schema, 'off')],
] as const;
const holding = (...scopes: Scope[]) => contextOf(principalWith(scopes));
const codes = ({ errors = [] }: Answer) => [...new Set(errors.map(({ extensions }) => extensions.code))];

describe.each(walls)('%s', (wall, askWall) => {
  it.each<[string, string, Scope[], string | null]>([
    ['a field whose scope is held', '{ contact { name } }', ['contacts:read'], null],
    ['a field whose scope is missing', '{ contact { name } }', ['agents:read'], 'FORBIDDEN'],
    ['a field deep inside', '{ contact { agent { name } } }', ['contacts:read'], 'FORBIDDEN'],
    ['a field that takes two scopes', '{ contact { secret } }', ['contacts:read'], 'FORBIDDEN'],
    ['both of two scopes', '{ contact { secret } }', ['contacts:read', 'calls:detail'], null],
    ['one of two alternatives', '{ agents { name } }', ['agent:config:read'], null],
    [
      'an id by the write scope',
      `mutation { createContact(input: { name: "x" }) { contact { id } } }`,
      ['contacts:write'],
      null,
    ],
    [
      'more than an id by the write scope',
      `mutation { createContact(input: { name: "x" }) { contact { name } } }`,
      ['contacts:write'],
      'FORBIDDEN',
    ],
    ['a role that a key has not', '{ members }', ['contacts:read'], 'FORBIDDEN'],
    ['a field for every credential', '{ me }', [], null],
    ['an alias', '{ a: contact { b: name } }', [], 'FORBIDDEN'],
    ['a fragment', 'query { ...F } fragment F on Query { contact { name } }', [], 'FORBIDDEN'],
    ['an inline fragment', '{ ... on Query { ... { contact { name } } } }', [], 'FORBIDDEN'],
    ['a member of a union', '{ search { ... on Contact { name } } }', ['agents:read'], 'FORBIDDEN'],
    ['only the members that are asked for', '{ search { __typename ... on Agent { name } } }', ['agents:read'], null],
    ['an interface over a union', '{ search { ... on Named { name } } }', ['agents:read'], 'FORBIDDEN'],
    ['an interface field, by the fields of all its objects', '{ named { name } }', ['agents:read'], 'FORBIDDEN'],
    ['an interface field, all of whose objects are held', '{ named { name } }', ['agents:read', 'contacts:read'], null],
    [
      'a node of a held type',
      `{ node(id: "${contactId}") { id ... on Contact { name } ... on Agent { contacts { totalCount } } } }`,
      ['contacts:read'],
      null,
    ],
    ['a node of another type', `{ node(id: "${agentId}") { id } }`, ['contacts:read'], 'FORBIDDEN'],
    [
      'a node without a selection of its own',
      `{ node(id: "${agentId}") { __typename } }`,
      ['contacts:read'],
      'FORBIDDEN',
    ],
    ['a node by the write scope', `{ node(id: "${contactId}") { id } }`, ['contacts:write'], null],
    [
      'more of a node by the write scope',
      `{ node(id: "${contactId}") { ... on Contact { name } } }`,
      ['contacts:write'],
      'FORBIDDEN',
    ],
    [
      'nodes of two types, one of them held',
      `{ nodes(ids: ["${contactId}", "${agentId}"]) { id } }`,
      ['contacts:read'],
      'FORBIDDEN',
    ],
    ['a list of one id', `{ nodes(ids: "${contactId}") { id } }`, ['contacts:read'], null],
    ['a node whose id names nothing', '{ node(id: "nonsense") { id ... on Contact { name } } }', [], null],
    ['an argument that does not narrow', '{ report }', ['results:read'], null],
    ['an argument that narrows', '{ report(detail: FULL) }', ['results:read'], 'FORBIDDEN'],
    ['an argument that narrows, held', '{ report(detail: FULL) }', ['analytics:read', 'calls:detail'], null],
    ['a field skipped by the text', '{ me contact @skip(if: true) { name } }', [], null],
    ['a field not included by the text', '{ me contact @include(if: false) { name } }', [], null],
    ['a field included by the text', '{ me contact @include(if: true) { name } }', [], 'FORBIDDEN'],
    [
      'a fragment skipped by the text',
      '{ me ...F @skip(if: true) } fragment F on Query { contact { name } }',
      [],
      null,
    ],
    ['introspection', '{ __schema { queryType { name } } __type(name: "Contact") { name } }', [], null],
  ])('%s', async (_case, query, scopes, code) => {
    const context = contextOf(principalWith(scopes), { effects, clock } as never);
    const answer = await askWall(query, context);
    expect(codes(answer)).toEqual(code === null ? [] : [code]);
    // What preflight refuses is not executed at all; else the second wall would have answered in its stead.
    if (wall === 'preflight' && code !== null) expect(answer.data).toBeUndefined();
  });

  it('judges by the values of variables', async () => {
    const query = `query ($with: Boolean!, $without: Boolean = true, $id: ID!, $detail: Detail) {
      me contact @include(if: $with) { name } agents @skip(if: $without) { name }
      node(id: $id) { __typename } report(detail: $detail) @include(if: $with) }`;
    const verdict = async (variables: object, ...scopes: Scope[]) =>
      codes(await askWall(query, holding(...scopes), variables));
    const node = { id: 'nonsense' };
    expect(await verdict({ with: false, ...node })).toEqual([]);
    expect(await verdict({ with: true, ...node })).toEqual(['FORBIDDEN']);
    expect(await verdict({ with: true, ...node }, 'contacts:read', 'results:read')).toEqual([]);
    expect(await verdict({ with: true, detail: 'FULL', ...node }, 'contacts:read', 'results:read')).toEqual([
      'FORBIDDEN',
    ]);
    expect(await verdict({ with: false, without: false, ...node })).toEqual(['FORBIDDEN']);
    expect(await verdict({ with: false, id: contactId })).toEqual(['FORBIDDEN']);
    expect(await verdict({ with: false, id: contactId }, 'contacts:read')).toEqual([]);
    expect(await verdict({ with: false, ...node })).toEqual([]);
  });

  it('refuses a mode by its value, wherever it stands', async () => {
    const context = () => contextOf(principalWith(['agent:trigger']), { effects, clock } as never);
    const literal = (mode: string) => `mutation { triggerAgent(input: { mode: ${mode}, text: "x" }) { status } }`;
    expect(codes(await askWall(literal('CHAT'), context()))).toEqual([]);
    expect(codes(await askWall(literal('VOICE'), context()))).toEqual(['FORBIDDEN']);
    const whole = 'mutation ($input: TriggerAgentInput!) { triggerAgent(input: $input) { status } }';
    expect(codes(await askWall(whole, context(), { input: { mode: 'CHAT', text: '' } }))).toEqual([]);
    expect(codes(await askWall(whole, context(), { input: { mode: 'VOICE', text: '' } }))).toEqual(['FORBIDDEN']);
    const part = 'mutation ($mode: Mode = VOICE) { triggerAgent(input: { mode: $mode, text: "" }) { status } }';
    expect(codes(await askWall(part, context()))).toEqual(['FORBIDDEN']);
    expect(codes(await askWall(part, context(), { mode: 'CHAT' }))).toEqual([]);
  });

  it('gives a role what those below it have', async () => {
    expect(codes(await askWall('{ members }', contextOf(principalWith([], 'MEMBER'))))).toEqual(['FORBIDDEN']);
    expect(codes(await askWall('{ members }', contextOf(principalWith([], 'ADMIN'))))).toEqual([]);
    expect(codes(await askWall('{ members }', contextOf(principalWith([], 'OWNER'))))).toEqual([]);
  });

  it('gives a request without a credential what is public, and UNAUTHENTICATED for the rest', async () => {
    expect(await askWall('{ version }', contextOf(null))).toEqual({ status: 200, data: { version: '1' } });
    for (const query of ['{ me }', '{ members }', '{ contact { name } }', '{ version me }']) {
      const answer = await askWall(query, contextOf(null));
      expect(answer.errors?.[0]?.extensions).toEqual({ code: 'UNAUTHENTICATED', reason: 'MISSING' });
    }
  });
});

const effects = {
  claim: async () => ({ first: true }),
  ruleHolding: async () => null,
  propose: async () => ({ id: 'eff_1', status: 'QUEUED' }),
};
const clock = { now: () => new Date() };
