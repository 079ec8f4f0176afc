// A trail that leaves the house is verified by a stranger: with the file, the public key and what was kept outside, offline.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCheckpointKeeper } from '../../src/audit/checkpoint-keeper.js';
import { type ExportLine, exportHead, lineOf } from '../../src/audit/export-lines.js';
import { exportPage, headOfChain } from '../../src/audit/export-page.js';
import { signHead } from '../../src/audit/links.js';
import { checkpointsIn } from '../../src/audit/outside.js';
import type { ProblemKind } from '../../src/audit/problem.js';
import { auditKeySet, publicKeysOf } from '../../src/audit/public-keys.js';
import { verifyExport } from '../../src/audit/read-export.js';
import { type Harness, startHarness } from '../support/harness.js';

let folder: string;
let witness: string;
let harness: Harness;
/** A whole export, a line each. */
let lines: readonly string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-export-'));
  witness = join(folder, 'witness.jsonl');
  harness = await startHarness({ works: false, env: { AUDIT_CHECKPOINTS: witness } });
  const owner = await harness.signIn();
  for (let n = 1; n <= 12; n++) {
    await owner.data(
      'mutation ($n: String!) { createContact(input: { name: $n, email: "ada@example.com" }) { contact { id } } }',
      { n: `Ada ${n}` },
    );
    if (n % 4 === 0) await harness.app.sealer.sealAll();
  }
  await owner.data('mutation { createContact(input: { name: "Last" }) { contact { id } } }');
  lines = await exported();
  await harness.app.sealer.sealAll();
});
afterAll(async () => {
  await harness.stop();
  await rm(folder, { recursive: true, force: true });
});

const key = () => harness.app.secrets.auditKeys[0];

async function exported(): Promise<readonly string[]> {
  const { workspaceId } = harness.place;
  const [key] = harness.app.secrets.auditKeys;
  const createdAt = new Date();
  const head = await headOfChain(harness.database, { workspaceId }, { key, createdAt });
  const { keys } = auditKeySet([key]);
  const whose = { workspaceId, organizationId: null, organizationIds: [], workspaceIds: [workspaceId] };
  const facts = { ...whose, exportedAt: createdAt.toISOString(), keys };
  const written = [lineOf(exportHead({ ...facts, heads: head === null ? [] : [head] }, key))];
  let page = await exportPage(harness.database, { workspaceId }, null);
  written.push(...page.lines);
  while (page.next !== null) {
    page = await exportPage(harness.database, { workspaceId }, page.next);
    written.push(...page.lines);
  }
  return written;
}

const keysOfServer = async () => {
  const response = await fetch(`${harness.url}/.well-known/sallyport-audit-keys`);
  return publicKeysOf(await response.text());
};

/** Keeping goes on behind the sealer. */
const allKept = () =>
  expect.poll(() => harness.database.owner.auditCheckpoint.count({ where: { keptAt: null } })).toBe(0);

async function* of(text: readonly string[]): AsyncGenerator<string> {
  yield* text;
}

const verify = async (text: readonly string[], outside: Parameters<typeof verifyExport>[2] = []) => {
  const { trails } = await verifyExport(of(text), await keysOfServer(), outside);
  return trails.map(({ verified: one }) => one);
};

const problemsOf = async (text: readonly string[], outside: Parameters<typeof verifyExport>[2] = []) =>
  (await verify(text, outside)).flatMap(({ problems }) => problems.map(({ kind, seq }) => [kind, seq]));

const isEntry = (text: string, seq?: number): boolean => {
  const line = JSON.parse(text) as ExportLine;
  return line.line === 'entry' && (seq === undefined || line.seq === seq);
};
const at = (seq: number): number => lines.findIndex((text) => isEntry(text, seq));
const linked = (): number => lines.filter((text) => isEntry(text)).length;

describe('an exported trail', () => {
  it('verifies with the published key, its unsealed tail told apart', async () => {
    const [verified] = await verify(lines);
    expect(verified).toMatchObject({ ok: true, problems: [], linked: linked() });
    expect(linked()).toBeGreaterThan(10);
    expect((verified?.entries ?? 0) - (verified?.linked ?? 0)).toBe(verified?.tail);
  });

  it('holds no salt, and no name or address of a person', () => {
    expect(lines.join('\n')).not.toMatch(/"salt"|ada@example\.com|Ada 1/);
  });

  const kinds: readonly (readonly [string, (text: string[]) => void, ProblemKind, () => number])[] = [
    ['edited', (text) => replace(text, 5, /"actorId":"[^"]*"/, '"actorId":"usr_else"'), 'edited', () => 5],
    ['deleted', (text) => void text.splice(at(5), 1), 'removed', () => 5],
    ['emptied', (text) => replace(text, 5, /"entry":\{.*\}\}$/, '"entry":null}'), 'removed', () => 5],
    ['inserted', (text) => void text.splice(at(5), 0, text[at(4)] ?? ''), 'inserted', () => 4],
    ['swapped', (text) => swap(text, at(5), at(6)), 'reordered', () => 5],
    ['cut off', (text) => void text.splice(at(linked() - 1)), 'truncated', () => linked()],
  ];

  it.each(kinds)('that had an entry %s is found out, at its place', async (_title, tamper, kind, seq) => {
    const text = [...lines];
    tamper(text);
    expect(await problemsOf(text)).toContainEqual([kind, seq()]);
  });

  it('that was made anew with good hashes is found out by the checkpoints', async () => {
    const { chainStart, entryText, linkHash } = await import('../../src/audit/links.js');
    const { storedEntry } = await import('../../src/audit/export-lines.js');
    let before = chainStart;
    const text = lines.map((one) => {
      const line = JSON.parse(one) as ExportLine;
      if (line.line !== 'entry' || line.entry === null) return one;
      const entry = line.seq === 3 ? { ...line.entry, actorId: 'usr_else' } : line.entry;
      before = linkHash(before, line.seq, entryText(storedEntry(entry)));
      return lineOf({ ...line, entry, hash: before });
    });
    const problems = await problemsOf(text);
    expect(problems.map(([kind]) => kind)).toContain('rewritten');
    expect(problems.every(([kind]) => kind === 'rewritten')).toBe(true);
  });

  /** As whoever holds the file, and no key, would cut it: entries, checkpoints and the count at the end. */
  const cutBehind = (last: number): readonly string[] =>
    lines.flatMap((text) => {
      const line = JSON.parse(text) as ExportLine;
      if ((line.line === 'entry' || line.line === 'checkpoint') && line.seq > last) return [];
      if (line.line === 'tail') return [];
      return line.line === 'end' ? [lineOf({ ...line, linked: last, tail: 0 })] : [text];
    });
  const dated = (text: readonly string[], exportedAt: string): readonly string[] =>
    text.map((one) => one.replace(/"exportedAt":"[^"]*"/, `"exportedAt":"${exportedAt}"`));
  const withoutHeads = (text: readonly string[]): readonly string[] =>
    text.map((one) => {
      const line = JSON.parse(one) as ExportLine;
      return line.line === 'export' ? lineOf({ ...line, heads: [] }) : one;
    });

  it('that was cut off with its own checkpoints is found out by its head', async () => {
    expect(await problemsOf(cutBehind(4))).toContainEqual(['truncated', linked()]);
    expect(await problemsOf(withoutHeads(cutBehind(4)))).toContainEqual(['bad-signature', null]);
  });

  it('that was cut off, dated back and robbed of its heads is found out by checkpoints kept outside', async () => {
    await allKept();
    const outside = checkpointsIn(await readFile(witness, 'utf8'));
    const text = dated(withoutHeads(cutBehind(4)), '2020-01-01T00:00:00.000Z');
    expect(await problemsOf(text, outside)).toContainEqual(['truncated', Math.max(...outside.map(({ seq }) => seq))]);
  });

  it('is not held against what was vouched for only after it was written', async () => {
    const { workspaceId } = harness.place;
    const hash = '0'.repeat(64);
    const later = signHead({ workspaceId, seq: 1_000, hash, createdAt: new Date(Date.now() + 60_000) }, key());
    expect((await verify(lines, [later]))[0]?.ok).toBe(true);
    expect((await verify(lines, [signHead({ ...later, createdAt: new Date(0) }, key())]))[0]?.ok).toBe(false);
  });

  it('of one workspace is no trail of another', async () => {
    const text = lines.map((one) => {
      const line = JSON.parse(one) as ExportLine;
      return line.line === 'trail' ? lineOf({ line: 'trail', workspaceId: 'wsp_other' }) : one;
    });
    const kinds = (await problemsOf(text)).map(([kind]) => kind);
    expect(kinds).toContain('inserted');
    expect(kinds).toContain('removed');
  });

  it('is not vouched for by a key that somebody else made', async () => {
    const { auditKeyFromSeed } = await import('../../src/platform/secrets.js');
    const { keys } = auditKeySet([auditKeyFromSeed(Buffer.alloc(32, 1))]);
    const { trails } = await verifyExport(of(lines), publicKeysOf(keys[0]?.x ?? ''));
    expect(trails[0]?.verified.problems[0]?.kind).toBe('unknown-key');
  });

  it.each([
    ['no export', ['{"line":"trail","workspaceId":"wsp_1"}']],
    ['no JSON', ['{"line":"export","version":1,"workspaceId":null}', 'nonsense']],
  ])('is refused by name when it is %s', async (_title, text) => {
    await expect(verify(text)).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
  });
});

describe('checkpoints kept outside', () => {
  const log = { error: () => undefined };
  /** Of the workspace and of its organization. */
  const countCheckpoints = async () => {
    const { auditCheckpoint, organizationAuditCheckpoint } = harness.database.owner;
    return (await auditCheckpoint.count()) + (await organizationAuditCheckpoint.count());
  };

  it('are all there, in order, each signed', async () => {
    await expect.poll(async () => checkpointsIn(await readFile(witness, 'utf8')).length).toBe(await countCheckpoints());
    const { workspaceId } = harness.place;
    const outside = checkpointsIn(await readFile(witness, 'utf8')).filter((one) => one.workspaceId === workspaceId);
    expect(outside.length).toBeGreaterThan(3);
    expect(outside.map(({ seq }) => seq)).toEqual(outside.map(({ seq }) => seq).sort((a, b) => a - b));
    expect((await verify(lines, outside))[0]?.problems.filter(({ kind }) => kind !== 'truncated')).toEqual([]);
  });

  it('vouch again every hour for a chain that stands still', async () => {
    const before = await countCheckpoints();
    const later = { now: () => new Date(Date.now() + 2 * 3_600_000) };
    const keeper = await openCheckpointKeeper({
      database: harness.database,
      target: { file: witness },
      key: key(),
      clock: later,
      log,
    });
    await keeper.keepAll();
    await keeper.keepAll();
    await keeper.stop();
    expect(await countCheckpoints()).toBe(before + 2);
    const last = checkpointsIn(await readFile(witness, 'utf8')).at(-1);
    expect(last?.createdAt.getTime()).toBeGreaterThan(Date.now() + 3_600_000);
    expect((await verify(await exported(), checkpointsIn(await readFile(witness, 'utf8'))))[0]).toMatchObject({
      ok: true,
    });
  });

  it('of a chain that stands still are thinned out, and those outside stay', async () => {
    const { auditCheckpoint, organizationAuditCheckpoint } = harness.database.owner;
    const { workspaceId, organizationId } = harness.place;
    const start = Date.now() + 10 * 3_600_000;
    const open = (hours: number) =>
      openCheckpointKeeper({
        database: harness.database,
        target: { file: witness },
        key: key(),
        clock: { now: () => new Date(start + hours * 3_600_000) },
        log,
      });
    const signed = async (hours: number) => {
      const keeper = await open(hours);
      await keeper.keepAll();
      await keeper.stop();
    };
    for (const hours of [0, 1, 2, 3]) await signed(hours);
    const last = await auditCheckpoint.findFirstOrThrow({ where: { workspaceId }, orderBy: { createdAt: 'desc' } });
    const ofPlace = { workspaceId, seq: last.seq };
    const before = await auditCheckpoint.findMany({ where: ofPlace, orderBy: { createdAt: 'asc' } });
    const outside = checkpointsIn(await readFile(witness, 'utf8')).length;
    const others = await auditCheckpoint.count({ where: { workspaceId, seq: { not: last.seq } } });
    expect(before.length).toBeGreaterThan(3);
    // A day and more later.
    await signed(40);
    const after = await auditCheckpoint.findMany({ where: ofPlace, orderBy: { createdAt: 'asc' } });
    expect(after).toHaveLength(2);
    expect(after[0]).toEqual(before[0]);
    expect(await auditCheckpoint.count({ where: { workspaceId, seq: { not: last.seq } } })).toBe(others);
    const theirs = await organizationAuditCheckpoint.findMany({
      where: { organizationId },
      orderBy: { createdAt: 'desc' },
    });
    expect(theirs.filter(({ seq }) => seq === theirs[0]?.seq)).toHaveLength(2);
    const kept = checkpointsIn(await readFile(witness, 'utf8'));
    expect(kept).toHaveLength(outside + 2);
    expect((await verify(await exported(), kept))[0]).toMatchObject({ ok: true });
  });

  it('go to a URL, and none is lost while nobody answers there', async () => {
    const received: unknown[] = [];
    let isUp = false;
    const server: Server = createServer((req, res) => {
      const chunks: Buffer[] = [];
      req.on('data', (chunk: Buffer) => chunks.push(chunk));
      req.on('end', () => {
        if (isUp) received.push(JSON.parse(Buffer.concat(chunks).toString()));
        res.writeHead(isUp ? 204 : 503).end();
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await harness.database.owner.auditCheckpoint.updateMany({ data: { keptAt: null } });
    const waiting = await harness.database.owner.auditCheckpoint.count();
    const keeper = await openCheckpointKeeper({
      database: harness.database,
      target: { url },
      key: key(),
      clock: { now: () => new Date() },
      log,
    });
    await expect(keeper.keepAll()).rejects.toThrow('503');
    expect(await harness.database.owner.auditCheckpoint.count({ where: { keptAt: null } })).toBe(waiting);
    isUp = true;
    await keeper.keepAll();
    await keeper.stop();
    server.close();
    expect(received).toHaveLength(waiting);
    expect(checkpointsIn(received.map((one) => JSON.stringify(one)).join('\n'))).toHaveLength(waiting);
  });

  it('survive a line that a crash cut off, whatever is written behind it', async () => {
    const torn = join(folder, 'torn.jsonl');
    await writeFile(torn, '{"workspaceId":"wsp_');
    await harness.database.owner.auditCheckpoint.updateMany({ data: { keptAt: null } });
    const clock = { now: () => new Date() };
    const keeper = await openCheckpointKeeper({
      database: harness.database,
      target: { file: torn },
      key: key(),
      clock,
      log,
    });
    await keeper.keepAll();
    await keeper.stop();
    const all = await harness.database.owner.auditCheckpoint.count();
    expect(checkpointsIn(await readFile(torn, 'utf8'))).toHaveLength(all);
    expect(() => checkpointsIn('nonsense\n')).toThrow('holds none');
  });

  it('stop the start when their file cannot be written, naming the variable', async () => {
    const target = { file: join(folder, 'nowhere', 'witness.jsonl') };
    const options = { database: harness.database, target, key: key(), clock: { now: () => new Date() }, log };
    await expect(openCheckpointKeeper(options)).rejects.toThrow(/^AUDIT_CHECKPOINTS: .* cannot be written \(ENOENT\)/);
  });
});

function replace(text: string[], seq: number, what: RegExp, by: string): void {
  text[at(seq)] = (text[at(seq)] ?? '').replace(what, by);
}

function swap(text: string[], one: number, other: number): void {
  const [first, second] = [JSON.parse(text[one] ?? ''), JSON.parse(text[other] ?? '')] as [
    Extract<ExportLine, { line: 'entry' }>,
    Extract<ExportLine, { line: 'entry' }>,
  ];
  text[one] = lineOf({ ...first, entry: second.entry, entryId: second.entryId });
  text[other] = lineOf({ ...second, entry: first.entry, entryId: first.entryId });
}
