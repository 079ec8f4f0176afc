// Files of version 1, from before organizations had trails, are verified as ever. This one was written by the code of then,
// with a key that was thrown away.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ExportLine } from '../../src/audit/export-lines.js';
import { signHead } from '../../src/audit/links.js';
import type { ProblemKind } from '../../src/audit/problem.js';
import { auditKeySet, publicKeysOf } from '../../src/audit/public-keys.js';
import { verifyExport } from '../../src/audit/read-export.js';
import { auditKeyFromSeed } from '../../src/platform/secrets.js';

const lines = readFileSync(new URL('./export-version-1.jsonl', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n');
const x = 'XTJSdpTkLN4iMio7YN_swwN6F0ntvsuE5gua50HkDQ0';
const [shop, other] = ['wsp_01kc1v8q6rf5d8y3w2m9xhzt4a', 'wsp_01kc1v8q6sfvcb1n7kq4e0rj6b'];

const own = publicKeysOf(x);
const verify = (text: readonly string[], outside: Parameters<typeof verifyExport>[2] = [], keys = own) =>
  verifyExport(
    (async function* () {
      yield* text;
    })(),
    keys,
    outside,
  );
const problemsOf = async (text: readonly string[], ...rest: [Parameters<typeof verifyExport>[2]?, typeof own?]) =>
  (await verify(text, ...rest)).trails.flatMap(({ owner, verified }) =>
    verified.problems.map(({ kind, seq }) => [owner.workspaceId, kind, seq]),
  );

const at = (seq: number): number =>
  lines.findIndex((text) => {
    const line = JSON.parse(text) as ExportLine;
    return line.line === 'entry' && line.seq === seq;
  });
/** The lines with some of them, found by their place in the first chain, made others. */
const edited = (seq: number, edit: (text: string) => string[]): string[] =>
  lines.flatMap((text, index) => (index === at(seq) ? edit(text) : [text]));
const withHead = (change: (head: Record<string, unknown>) => object): string[] => {
  const [head = '', ...rest] = lines;
  return [JSON.stringify(change(JSON.parse(head) as Record<string, unknown>)), ...rest];
};

describe('a file of version 1', () => {
  it('verifies, trail by trail, with the time it says it was written', async () => {
    expect((JSON.parse(lines[0] ?? '') as { version: number }).version).toBe(1);
    const { exportedAt, trails } = await verify(lines);
    expect(exportedAt).toBe('2026-11-25T09:30:07.301Z');
    expect(trails).toEqual([
      { owner: { workspaceId: shop }, verified: { ok: true, entries: 7, linked: 6, tail: 1, problems: [] } },
      { owner: { workspaceId: other }, verified: { ok: true, entries: 2, linked: 2, tail: 0, problems: [] } },
    ]);
  });

  it('is not asked for trails of organizations, which it never held, but for any workspace that is vouched for', async () => {
    const key = auditKeyFromSeed(Buffer.alloc(32, 1));
    const keys = new Map([...own, ...publicKeysOf(JSON.stringify(auditKeySet([key])))]);
    const facts = { seq: 1, hash: '0'.repeat(64), createdAt: new Date('2026-11-25T09:00:00Z') };
    expect(await problemsOf(lines, [signHead({ organizationId: 'org_1', ...facts }, key)], keys)).toEqual([]);
    expect(await problemsOf(lines, [signHead({ workspaceId: 'wsp_gone', ...facts }, key)], keys)).toEqual([
      ['wsp_gone', 'removed', null],
    ]);
  });

  const tampered: readonly (readonly [string, () => string[], string, ProblemKind, number | null])[] = [
    ['an entry edited', () => edited(4, (text) => [text.replace('"comment"', '"remark"')]), shop, 'edited', 4],
    ['an entry removed', () => edited(4, () => []), shop, 'removed', 4],
    [
      'an entry emptied',
      () => edited(2, (text) => [text.replace(/"entry":\{.*\}\}$/, '"entry":null}')]),
      shop,
      'removed',
      2,
    ],
    ['an entry put in', () => edited(4, (text) => [lines[at(3)] ?? '', text]), shop, 'inserted', 3],
    ['its last entry cut off', () => edited(6, () => []), shop, 'truncated', 6],
    ['its tail cut off', () => lines.filter((text) => !text.startsWith('{"line":"tail"')), shop, 'truncated', 6],
    [
      'a trail taken out',
      () => lines.filter((text) => !text.includes(other) || text === lines[0]),
      other,
      'removed',
      null,
    ],
    [
      'a trail taken out of its head as well',
      () =>
        withHead(({ heads, ...head }) => ({ ...head, workspaceIds: [shop], heads: (heads as object[]).slice(0, 1) })),
      shop,
      'bad-signature',
      null,
    ],
    [
      'another date',
      () => withHead((head) => ({ ...head, exportedAt: '2026-11-25T08:00:00.000Z' })),
      shop,
      'bad-signature',
      null,
    ],
    [
      'one organization named as all that was asked for',
      () => withHead((head) => ({ ...head, organizationId: 'org_1' })),
      shop,
      'bad-signature',
      null,
    ],
    [
      'the number of a later version',
      () => withHead((head) => ({ ...head, version: 2, organizationId: null, organizationIds: [] })),
      shop,
      'bad-signature',
      null,
    ],
  ];

  it.each(tampered)('with %s is found out, at its place', async (_title, tamper, ...problem) => {
    expect(await problemsOf(tamper())).toContainEqual(problem);
  });

  it('is vouched for by its own key alone', async () => {
    const keys = publicKeysOf(JSON.stringify(auditKeySet([auditKeyFromSeed(Buffer.alloc(32, 1))])));
    expect(await problemsOf(lines, [], keys)).toContainEqual([shop, 'unknown-key', null]);
  });
});
