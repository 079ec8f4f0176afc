// A trail is exported a page at a time, and what is old may be dropped between two pages: the file then holds a whole trail
// all the same, from before or from after, and never half of each.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExportLine } from '../../src/audit/export-lines.js';
import type { ExportPage, ExportPlace } from '../../src/audit/export-page.js';
import { checkpointsIn } from '../../src/audit/outside.js';
import { auditKeySet, publicKeysOf } from '../../src/audit/public-keys.js';
import { verifyExport } from '../../src/audit/read-export.js';
import { makeExportFile } from '../../src/cli/export-file.js';
import { operations, runOperation } from '../../src/cli/operations.js';
import { loadConfig } from '../../src/config.js';
import { newId } from '../../src/platform/ids.js';
import { type Harness, startHarness } from '../support/harness.js';

let folder: string;
let witness: string;
let harness: Harness;
let workspaceId: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-beside-'));
  witness = join(folder, 'witness.jsonl');
  harness = await startHarness({ works: false, env: { AUDIT_CHECKPOINTS: witness } });
  ({ workspaceId } = harness.place);
});
afterAll(async () => {
  await harness.stop();
  await rm(folder, { recursive: true, force: true });
});

const desk = () => ({
  config: loadConfig({ DATA_DIR: harness.dataDir, SALLYPORT_SECRET: Buffer.alloc(32, 'z').toString('base64') }),
  database: harness.database,
  auditKeys: () => harness.app.secrets.auditKeys,
});
const whose = () => ({ workspaceId, organizationId: null });
const run = (text: string, ...values: unknown[]) => harness.database.executeAsOwner(text, [workspaceId, ...values]);

/** So many entries more, all linked, signed and kept outside. */
async function happen(count: number): Promise<void> {
  await run(
    `INSERT INTO audit_entry (workspace_id, id, action, outcome, actor_kind, actor_id, request_id, details, created_at)
     SELECT $1, $2::text || lpad(n::text, 5, '0'), 'contact.create', 'DONE', 'SYSTEM', 'system', 'req_1', '{}',
       now() FROM generate_series(1, $3::int) n`,
    newId('aud'),
    count,
  );
  await harness.app.sealer.sealAll();
  const unkept = 'SELECT count(*)::int AS n FROM audit_checkpoint WHERE workspace_id = $1 AND kept_at IS NULL';
  await expect.poll(async () => (await run(unkept)).rows[0]?.n).toBe(0);
}

const prune = async (before = new Date(Date.now() + 1_000)) => {
  const { trails } = await operations['audit.prune'].run({ ...whose(), before: before.toISOString() }, desk());
  const upTo = trails[0]?.upTo ?? null;
  if (upTo === null) throw new Error('Nothing was dropped.');
  return upTo;
};

/** @param between runs before the page of this number is asked for, the first being 1 */
async function exported(between: (page: number) => Promise<unknown>) {
  const path = join(folder, newId('aud'));
  const file = await makeExportFile(path);
  const { head, trailIds } = await operations['audit.export.begin'].run(whose(), desk());
  const asked: (ExportPlace | null)[] = [];
  await file.write([head]);
  for (const trailId of trailIds) {
    await file.writeTrail(async (place) => {
      await between(asked.push(place));
      return (await runOperation('audit.export.page', { trailId, place }, desk())) as ExportPage;
    });
  }
  await file.finish();
  await file.close();
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
  expect(file.lines).toBe(lines.length);
  const { trails } = await verifyExport(
    (async function* () {
      yield* lines;
    })(),
    publicKeysOf(JSON.stringify(auditKeySet(harness.app.secrets.auditKeys))),
    checkpointsIn(await readFile(witness, 'utf8')),
  );
  const places = lines.flatMap((text) => {
    const line = JSON.parse(text) as ExportLine;
    return line.line === 'entry' ? [line.seq] : [];
  });
  return {
    problems: trails.flatMap(({ verified }) => verified.problems),
    /** How often the trail was begun. */
    begun: asked.filter((place) => place === null).length,
    first: places[0],
    last: places.at(-1),
  };
}

const on = (page: number, act: () => Promise<unknown>) => (asked: number) =>
  asked === page ? act() : Promise.resolve();

describe('an export beside which old entries are dropped', () => {
  it('before it wrote any of them holds what is left', async () => {
    await happen(600);
    await happen(2);
    let upTo = 0;
    const { first, ...rest } = await exported(
      on(2, async () => {
        upTo = await prune();
      }),
    );
    expect(rest).toMatchObject({ problems: [], begun: 2 });
    expect(first).toBe(upTo + 1);
  });

  it('when it wrote some of them takes those back', async () => {
    await happen(1_200);
    await happen(2);
    let upTo = 0;
    const { first, ...rest } = await exported(
      on(3, async () => {
        upTo = await prune();
      }),
    );
    expect(rest).toMatchObject({ problems: [], begun: 2 });
    expect(first).toBe(upTo + 1);
  });

  it('when it wrote all of them goes on', async () => {
    const before = await exported(() => Promise.resolve());
    await happen(300);
    const between = new Date();
    await new Promise((resolve) => setTimeout(resolve, 20));
    await happen(1_200);
    const { problems, begun, first } = await exported(on(3, () => prune(between)));
    expect({ problems, begun, first }).toEqual({ problems: [], begun: 1, first: before.first });
  });

  it('also behind the end that it had when it began', async () => {
    let upTo = 0;
    const before = await exported(() => Promise.resolve());
    const { first, ...rest } = await exported(
      on(2, async () => {
        await happen(600);
        await happen(2);
        upTo = await prune();
      }),
    );
    expect(upTo).toBeGreaterThan(before.last ?? 0);
    expect(rest).toMatchObject({ problems: [], begun: 2 });
    expect(first).toBe(upTo + 1);
  });
});
