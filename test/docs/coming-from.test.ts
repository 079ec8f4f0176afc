import { readFileSync } from 'node:fs';
import { buildSchema, parse, validate } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KEY_CHECKSUM_LENGTH, KEY_RANDOM_LENGTH } from '../../src/auth/key-format.js';
import { NEVER_GRANTABLE, parseScope, verbFirst } from '../../src/guard/scope-grammar.js';
import type { Client } from '../support/client.js';
import { type Harness, startHarness } from '../support/harness.js';
import { isCoordinate, stands } from './coordinates.js';
import { type Example, readPage, spansOf } from './page.js';

const page = readPage('docs/coming-from.md');
const schema = buildSchema(readFileSync('schema.graphql', 'utf8'));

const only = (cell: string): string => spansOf(cell)[0]?.text ?? cell;

describe('what the page names', () => {
  const coordinates = page.spans.filter(({ text }) => isCoordinate(text));

  it('stands in the schema', () => {
    expect(coordinates.length).toBeGreaterThan(100);
    const missing = coordinates.filter(({ text, isLater }) => !isLater && !stands(schema, text));
    expect(missing.map(({ text }) => text)).toEqual([]);
  });

  it('is marked as later only as long as it is not there', () => {
    const landed = coordinates.filter(({ text, isLater }) => isLater && stands(schema, text));
    expect(landed.map(({ text }) => text)).toEqual([]);
  });

  it('is looked at: a name that never stood anywhere would be found', () => {
    for (const coordinate of ['Query.nothing', 'Query.me(x:)', 'ApiKeyStatus.GONE', '@nothing', 'Nothing.id']) {
      expect([isCoordinate(coordinate), stands(schema, coordinate)]).toEqual([true, false]);
    }
  });

  it('has the lengths of the format', () => {
    expect(page.text).toContain(`${KEY_RANDOM_LENGTH} characters and a checksum of ${KEY_CHECKSUM_LENGTH}`);
  });
});

describe('scopes', () => {
  const tables = page.tables.filter(({ head: [first] }) => first === 'Scope there' || first === 'Area there');
  const rows = tables.flatMap(({ part, rows }) => rows.map(([there = '', here = '']) => ({ part, there, here })));

  it('are all there, by document', () => {
    const counts = new Map<string, number>();
    for (const { part } of rows) counts.set(part, (counts.get(part) ?? 0) + 1);
    expect(Object.fromEntries(counts)).toEqual({ Vagle: 5, Agoralia: 11, CustomAgents: 30 });
  });

  it.each(rows)('of $part: $there is read as $here', ({ there, here }) => {
    const [typed, named] = [only(there), only(here)];
    if (named === 'refused') {
      expect(parseScope(typed)).toMatchObject({ ok: false });
      expect(parseScope(verbFirst(typed))).toMatchObject({ ok: false });
      return;
    }
    expect(parseScope(named)).toMatchObject({ ok: true, canonical: named });
    expect(parseScope(verbFirst(named))).toMatchObject({ ok: true, canonical: named });
    // An area is a word for several things there; only a scope can be typed in.
    if (there.startsWith('`')) expect(parseScope(typed)).toMatchObject({ ok: true, canonical: named });
  });

  it('are scopes wherever else the page names them', () => {
    const named = page.spans.map(({ text }) => text).filter((text) => /^[a-z_*]+(:[a-z_*]+)+$/.test(text));
    expect(named.length).toBeGreaterThan(80);
    for (const text of named) expect(parseScope(text).ok || NEVER_GRANTABLE.has(rightWay(text)), text).toBe(true);
  });
  const rightWay = (text: string): string => (NEVER_GRANTABLE.has(text) ? text : verbFirst(text));
});

describe('examples', () => {
  let harness: Harness;
  const captured = new Map<string, string>();
  beforeAll(async () => {
    harness = await startHarness({ works: false, env: { PLAN_LIMITS: '{}' } });
    await harness.database.owner.workspace.update({
      where: { id: harness.place.workspaceId },
      data: { name: 'My Workspace', plan: 'pro' },
    });
  });
  afterAll(() => harness?.stop());

  const whoAsks = async ({ scopes }: Example): Promise<Client> =>
    scopes === null ? harness.signIn() : harness.as(await harness.createKey({ kind: 'ACCOUNT', scopes }));

  it('are as many as there are documents with examples, and one runs today of each that can', () => {
    expect(page.examples.length).toBeGreaterThanOrEqual(5);
    expect(page.examples.filter(({ isLater }) => !isLater).length).toBeGreaterThanOrEqual(2);
  });

  it.each(page.examples)('answer what the page says: $document', async (example) => {
    const isValid = validate(schema, parse(example.document)).length === 0;
    expect(isValid).toBe(!example.isLater);
    if (example.isLater) return;
    const client = await whoAsks(example);
    const document = example.document.replace(/"(\w+_…)"/g, (_, name) => JSON.stringify(captured.get(name)));
    const { status, text } = await client.ask(document);
    expect(status, text).toBe(example.status);
    const answer = JSON.parse(text) as object;
    expect(answer).toMatchObject(matching(example.answer) as object);
    capture(example.answer, answer);
  });

  /** `x…` stands for any text that begins with x, and is remembered for the examples below. */
  function matching(shown: unknown): unknown {
    if (typeof shown === 'string' && shown.endsWith('…')) {
      return expect.stringMatching(new RegExp(`^${shown.slice(0, -1)}\\S+$`));
    }
    if (Array.isArray(shown)) return shown.map(matching);
    if (typeof shown !== 'object' || shown === null) return shown;
    return Object.fromEntries(Object.entries(shown).map(([name, value]) => [name, matching(value)]));
  }

  function capture(shown: unknown, given: unknown): void {
    if (typeof shown === 'string' && shown.endsWith('…')) captured.set(shown, String(given));
    if (typeof shown !== 'object' || shown === null) return;
    for (const [name, value] of Object.entries(shown)) capture(value, (given as Record<string, unknown>)[name]);
  }
});
