// explainAccess over HTTP: what can be said with the variables at hand is said, and the rest is null with its reason.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/platform/ids.js';
import type { Client } from '../support/client.js';
import { type Harness, startHarness } from '../support/harness.js';

let harness: Harness;
let anyone: Client;
let reader: Client;
beforeAll(async () => {
  harness = await startHarness({ works: false, env: { INTROSPECTION: 'keys' } });
  anyone = harness.as(null);
  reader = harness.as({ key: (await harness.createKey({ kind: 'ACCOUNT', scopes: ['contacts:read'] })).key });
});
afterAll(() => harness?.stop());

const ASK = `query ($document: String!, $variables: JSON, $operationName: String, $scopes: [Scope!]) {
  explainAccess(document: $document, variables: $variables, operationName: $operationName, scopes: $scopes) {
    operation operationName kind scopes allowed refusal unknownReason missingVariables requiredScopes missingScopes requiredRole
    smallestSufficientSets isComplete notes cost costReason approval approvalReason price priceReason
    fields { path coordinate line column access verdict condition missingScopes }
    conditions { variables decides value }
    effects { path kind spends condition rule { id requirement approvers } approval approvalReason price priceReason }
    actions { path kind condition rule { id requirement } approval approvalReason }
  }
}`;

interface Asked {
  readonly document: string;
  readonly variables?: unknown;
  readonly operationName?: string;
  readonly scopes?: readonly string[];
}
const told = async (client: Client, asked: Asked) =>
  (await client.data<{ explainAccess: Record<string, unknown> }>(ASK, asked)).explainAccess;
const send = (client: Client, asked: Asked) => client.ask<{ explainAccess: unknown } | null>(ASK, asked);

const TRIGGER =
  'mutation ($mode: TriggerMode!, $text: String!) { fire: triggerAgent(input: { agentId: "agt_01h455vb4pex5vsknk084sn02q", mode: $mode, message: $text }) { effect { id } } }';
const CHAT = TRIGGER.replace('$mode: TriggerMode!, ', '').replace('mode: $mode', 'mode: CHAT');

describe('explainAccess', () => {
  it('tells anybody what an operation takes, field by field', async () => {
    const document = 'query Q {\n  people: contacts { nodes { name } }\n  agents { nodes { id } }\n}';
    expect(await told(anyone, { document, scopes: ['read:contacts'] })).toMatchObject({
      operation: 'query',
      operationName: 'Q',
      kind: 'ACCOUNT_KEY',
      scopes: ['contacts:read'],
      allowed: false,
      refusal: 'Insufficient permissions. Required scopes: agents:read, or agent:config:read',
      missingScopes: ['agents:read'],
      smallestSufficientSets: [['agents:read', 'contacts:read']],
      isComplete: true,
      price: 0,
      cost: 41,
      fields: [
        { path: ['people'], coordinate: 'Query.contacts', line: 2, column: 3, verdict: 'ALLOWED', missingScopes: [] },
        { path: ['people', 'nodes'] },
        { path: ['people', 'nodes', 'name'], coordinate: 'Contact.name', access: 'contacts:read', condition: null },
        { path: ['agents'], line: 3, verdict: 'REFUSED', missingScopes: ['agents:read'] },
        { path: ['agents', 'nodes'] },
        { path: ['agents', 'nodes', 'id'] },
      ],
    });
  });

  it('judges for the caller where no scopes are given, and for a request without a credential', async () => {
    const document = '{ contacts { totalCount } }';
    expect(await told(reader, { document })).toMatchObject({ allowed: true, refusal: null, kind: 'ACCOUNT_KEY' });
    const nobody = await told(anyone, { document });
    expect(nobody).toMatchObject({ allowed: false, kind: null, scopes: [], missingScopes: ['contacts:read'] });
    expect(nobody.refusal).toContain('no credential');
    const owner = await told(await harness.signIn(), {
      document: 'mutation { approveEffect(input: { effectId: "x", seal: "y" }) { effect { id } } }',
    });
    expect(owner).toMatchObject({ allowed: true, kind: 'SESSION', requiredRole: 'ADMIN', smallestSufficientSets: [] });
    expect(await told(anyone, { document: '{ fieldAccess(coordinates: []) { own } }' })).toMatchObject({
      allowed: true,
      smallestSufficientSets: [[]],
    });
  });

  it('keeps introspection for credentials where the server does', async () => {
    const document = '{ __schema { queryType { name } } }';
    expect(await told(anyone, { document })).toMatchObject({ allowed: false, fields: [{ access: 'authenticated' }] });
    expect(await told(reader, { document })).toMatchObject({ allowed: true });
  });

  it('names the variables it hangs on, and says what holds without them', async () => {
    const open = await told(anyone, { document: TRIGGER, scopes: ['agent:trigger'] });
    expect(open).toMatchObject({
      allowed: null,
      unknownReason: 'It hangs on $mode: send it in variables.',
      missingVariables: ['mode', 'text'],
      requiredScopes: null,
      missingScopes: null,
      smallestSufficientSets: null,
      conditions: [{ variables: ['mode'], value: null }],
      effects: [{ path: ['fire'], kind: 'agent.trigger', spends: true }],
      price: null,
      approval: null,
    });
    expect(open.fields).toMatchObject([{ verdict: 'UNKNOWN' }, { verdict: 'ALLOWED' }, { verdict: 'ALLOWED' }]);
    // Whatever the mode is.
    expect(await told(anyone, { document: TRIGGER, scopes: ['agents:trigger'] })).toMatchObject({ allowed: true });
    expect(await told(anyone, { document: TRIGGER, scopes: ['contacts:read'] })).toMatchObject({ allowed: false });
    // A variable beside the one that decides changes nothing.
    expect(await told(anyone, { document: CHAT, scopes: ['agent:trigger'] })).toMatchObject({
      allowed: true,
      missingVariables: ['text'],
      smallestSufficientSets: [['agents:trigger'], ['agent:trigger']],
    });
  });

  it('reads conditions, modes and the prefixes of ids as the server does', async () => {
    const voice = { document: TRIGGER, variables: { mode: 'VOICE', text: 'x' }, scopes: ['agent:trigger'] };
    expect(await told(anyone, voice)).toMatchObject({ allowed: false, missingScopes: ['agents:trigger'] });
    const node =
      'query ($id: ID!, $full: Boolean = false) { node(id: $id) { id ... on Contact @include(if: $full) { name } } }';
    const named = { document: node, variables: { id: newId('ctc') }, scopes: ['contacts:write'] };
    const short = await told(anyone, named);
    expect(short).toMatchObject({
      allowed: true,
      conditions: [{ value: 'ctc' }, { variables: ['full'], value: 'false' }],
    });
    const verdicts = short.fields as { coordinate: string; verdict: string }[];
    expect(verdicts.find(({ coordinate }) => coordinate === 'Contact.name')?.verdict).toBe('SKIPPED');
    expect(await told(anyone, { ...named, variables: { ...named.variables, full: true } })).toMatchObject({
      allowed: false,
      missingScopes: ['contacts:read'],
    });
  });

  it('says in words what no scope expresses', async () => {
    const { notes } = await told(anyone, { document: CHAT, scopes: ['agent:trigger'] });
    expect(notes).toContainEqual(expect.stringContaining('FORBIDDEN_AGENT'));
    expect((await told(anyone, { document: CHAT, scopes: ['agents:trigger'] })).notes).not.toContainEqual(
      expect.stringContaining('FORBIDDEN_AGENT'),
    );
    const own = await told(reader, { document: '{ effect(id: "eff_x") { id } }' });
    expect(own).toMatchObject({
      allowed: true,
      notes: expect.arrayContaining([expect.stringContaining('approvals:read')]),
    });
  });

  it('judges a key under the policies of the workspace of whoever asks', async () => {
    const { workspaceId: id } = harness.place;
    const asked = { document: CHAT, scopes: ['agents:*'] };
    expect(await told(reader, asked)).toMatchObject({ allowed: true });
    await harness.database.owner.workspace.update({ where: { id }, data: { explicitSpendScopes: true } });
    expect(await told(reader, asked)).toMatchObject({ allowed: false, missingScopes: ['agents:trigger'] });
    expect(await told(anyone, asked)).toMatchObject({ allowed: true });
    await harness.database.owner.workspace.update({ where: { id }, data: { explicitSpendScopes: false } });
  });

  it('gives ten-way choices in sets that are complete or said not to be', async () => {
    const spread = ['Contact', 'Agent', 'Inbox', 'Message'].map((type) => `... on ${type} { id }`).join(' ');
    const ids = ['ctc', 'agt', 'inb', 'msg'].map((prefix) => `"${newId(prefix as 'ctc')}"`).join(', ');
    const { smallestSufficientSets: sets, isComplete } = await told(anyone, {
      document: `{ nodes(ids: [${ids}]) { ${spread} } }`,
    });
    expect(isComplete).toBe(true);
    expect(sets).toHaveLength(2 ** 4);
  });

  it.each([
    ['mixed namespaces', ['contacts:read', 'agent:trigger'], 'agent:trigger'],
    ['an unknown scope', ['contacts:raed'], 'contacts:read'],
    ['what no key is granted', ['billing:write'], 'billing:write'],
    ['an empty list', [], 'at least one scope'],
  ])('refuses %s before anything runs', async (_, scopes, words) => {
    const { status, data, errors } = await send(anyone, { document: '{ me { kind } }', scopes });
    expect([status, data]).toEqual([400, null]);
    expect(errors[0]).toMatchObject({
      message: expect.stringContaining(words),
      extensions: { code: 'BAD_USER_INPUT', field: 'scopes' },
    });
  });

  it.each([
    ['a text that does not parse', { document: '{ me {' }, 'GRAPHQL_PARSE_FAILED', 'document'],
    ['an unknown field', { document: '{ nobody }' }, 'GRAPHQL_VALIDATION_FAILED', 'document'],
    [
      'an operation past a limit',
      { document: `{ ${Array.from({ length: 21 }, (_, i) => `a${i}: __typename`).join(' ')} }` },
      'QUERY_TOO_COMPLEX',
      'document',
    ],
    [
      'a text longer than one may send',
      { document: `{ me { kind } } #${'x'.repeat(65_536)}` },
      'QUERY_TOO_COMPLEX',
      'document',
    ],
    [
      'several operations and no name',
      { document: 'query A { __typename } query B { __typename }' },
      'BAD_USER_INPUT',
      'operationName',
    ],
    ['a name that is not there', { document: '{ __typename }', operationName: 'A' }, 'BAD_USER_INPUT', 'operationName'],
    ['variables that are no object', { document: '{ __typename }', variables: [1] }, 'BAD_USER_INPUT', 'variables'],
    ['variables that do not fit', { document: CHAT, variables: { text: 1 } }, 'BAD_USER_INPUT', 'variables'],
  ])('answers %s with a code and the field', async (_, asked, code, field) => {
    const { data, errors } = await send(anyone, asked);
    expect(data).toEqual({ explainAccess: null });
    expect(errors).toHaveLength(1);
    expect(errors[0]?.extensions).toMatchObject({ code, field });
  });

  it('explains no more in one request than one request may ask', async () => {
    const many = (count: number, document: (i: number) => string) =>
      `{ ${Array.from({ length: count }, (_, i) => `e${i}: explainAccess(document: ${JSON.stringify(document(i))}) { allowed }`).join(' ')} }`;
    const over = await anyone.ask(many(11, () => '{ __typename }'));
    expect(over.errors.map(({ extensions }) => extensions.code)).toEqual(['QUERY_TOO_COMPLEX']);
    const long = await anyone.ask(many(3, (i) => `{ __typename } #${i}${'x'.repeat(20_000)}`));
    expect(long.errors).toEqual([]);
    const document = (i: number) => `{ __typename } ${', '.repeat(i)} # ${'x'.repeat(30_000)}`;
    const query =
      'query ($a: String!, $b: String!, $c: String!) { a: explainAccess(document: $a) { allowed } b: explainAccess(document: $b) { allowed } c: explainAccess(document: $c) { allowed } }';
    const summed = await anyone.ask(query, { a: document(1), b: document(2), c: document(3) });
    expect(summed.errors.map(({ path, extensions }) => [path, extensions.limit])).toEqual([[['c'], 'characters']]);
  });

  it('runs nothing', async () => {
    const document = 'mutation { createContact(input: { name: "Explained" }) { contact { id } } }';
    const all = await told(await harness.signIn(), { document });
    expect(all).toMatchObject({ allowed: true, actions: [{ path: ['createContact'], kind: 'contact.create' }] });
    expect(await harness.database.owner.contact.count({ where: { name: 'Explained' } })).toBe(0);
  });
});
