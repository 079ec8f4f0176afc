// What is old may go, up to a checkpoint that is kept outside, by a cut that is signed as one. What is left verifies as
// before, here, offline and against what was kept outside; anything that goes missing otherwise is found.
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkpointsIn } from '../../src/audit/outside.js';
import { auditKeySet, publicKeysOf } from '../../src/audit/public-keys.js';
import { verifyExport } from '../../src/audit/read-export.js';
import { operations } from '../../src/cli/operations.js';
import { loadConfig } from '../../src/config.js';
import type { Client } from '../support/client.js';
import { type Harness, startHarness } from '../support/harness.js';

let folder: string;
let witness: string;
let harness: Harness;
let owner: Client;
let workspaceId: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-prune-'));
  witness = join(folder, 'witness.jsonl');
  harness = await startHarness({ works: false, env: { AUDIT_CHECKPOINTS: witness } });
  ({ workspaceId } = harness.place);
  owner = await harness.signIn();
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
const prune = (before = new Date()) =>
  operations['audit.prune'].run({ ...whose(), before: before.toISOString() }, desk());
const verify = () => operations['audit.verify'].run(whose(), desk());
const count = async (table: string, where = 'true'): Promise<number> => {
  const text = `SELECT count(*)::int AS n FROM ${table} WHERE workspace_id = $1 AND ${where}`;
  return Number((await harness.database.executeAsOwner(text, [workspaceId])).rows[0]?.n);
};
const run = (text: string) => harness.database.executeAsOwner(text, [workspaceId]);
const lastSeq = async () =>
  Number((await run('SELECT max(seq)::int AS n FROM audit_link WHERE workspace_id = $1')).rows[0]?.n);

/** Something happens, is linked and signed; and kept outside unless it says otherwise. */
async function happen(): Promise<number> {
  for (const name of ['Ada', 'Ben'])
    await owner.data('mutation ($n: String!) { createContact(input: { name: $n }) { contact { id } } }', { n: name });
  await harness.app.sealer.sealAll();
  await expect.poll(() => count('audit_checkpoint', 'kept_at IS NULL')).toBe(0);
  return lastSeq();
}

async function exported(): Promise<readonly string[]> {
  const { head, trailIds } = await operations['audit.export.begin'].run(whose(), desk());
  const lines = [head];
  for (const trailId of trailIds) {
    let page = await operations['audit.export.page'].run({ trailId, place: null }, desk());
    lines.push(...page.lines);
    while (page.next !== null) {
      page = await operations['audit.export.page'].run({ trailId, place: page.next }, desk());
      lines.push(...page.lines);
    }
  }
  return lines;
}

describe('what is old', () => {
  it('is dropped up to a checkpoint kept outside, and what is left verifies everywhere', async () => {
    const first = await happen();
    const between = new Date();
    await new Promise((resolve) => setTimeout(resolve, 20));
    const second = await happen();
    await happen();
    expect(await prune(new Date(0))).toMatchObject({ dropped: 0, trails: [{ upTo: null }] });
    const early = await prune(between);
    expect(early).toMatchObject({ dropped: first, trails: [{ workspaceId, upTo: first }] });
    expect(await prune()).toMatchObject({ trails: [{ upTo: second }] });
    expect(await count('audit_link', `seq <= ${second}`)).toBe(0);
    expect(await verify()).toMatchObject({ ok: true, problems: [] });
    // The act itself is remembered, and the chain goes on.
    expect(await count('audit_entry', `action = 'audit.prune'`)).toBe(2);
    await happen();
    expect(await verify()).toMatchObject({ ok: true, problems: [], tail: 0 });
    const outside = checkpointsIn(await readFile(witness, 'utf8'));
    expect(Math.min(...outside.filter((one) => one.workspaceId === workspaceId).map(({ seq }) => seq))).toBeLessThan(
      second,
    );
    const lines = await exported();
    const keys = publicKeysOf(JSON.stringify(auditKeySet(harness.app.secrets.auditKeys)));
    const { trails } = await verifyExport(
      (async function* () {
        yield* lines;
      })(),
      keys,
      outside,
    );
    expect(trails.flatMap(({ verified }) => verified.problems)).toEqual([]);
  });

  it('stays while no checkpoint behind it is kept outside, and its end always stays', async () => {
    await happen();
    await prune();
    await happen();
    await run('UPDATE audit_checkpoint SET kept_at = NULL WHERE workspace_id = $1 AND NOT is_cut');
    expect(await prune()).toMatchObject({ dropped: 0, trails: [{ upTo: null }] });
    await harness.database.executeAsOwner(`UPDATE audit_checkpoint SET kept_at = now()`);
    await prune();
    await prune();
    expect(await count('audit_link')).toBeGreaterThan(0);
    expect((await verify()).ok).toBe(true);
  });

  const tables = ['audit_entry', 'audit_link', 'audit_checkpoint'];
  const first = 'SELECT min(seq) FROM audit_link WHERE workspace_id = $1';
  it.each([
    ['a cut that nobody signed', `DELETE FROM audit_checkpoint WHERE workspace_id = $1 AND is_cut`, 'removed'],
    [
      'links dropped behind the cut by hand',
      `DELETE FROM audit_link WHERE workspace_id = $1 AND seq = (${first})`,
      'removed',
    ],
    ['a cut in the middle', `DELETE FROM audit_link WHERE workspace_id = $1 AND seq = (${first}) + 1`, 'removed'],
    [
      'a checkpoint that was made a cut by hand',
      `UPDATE audit_checkpoint SET is_cut = true WHERE workspace_id = $1 AND NOT is_cut`,
      'bad-signature',
    ],
    ['an entry that was edited', `UPDATE audit_entry SET ip = '192.0.2.9' WHERE workspace_id = $1`, 'edited'],
  ])('%s is found, and nothing of such a trail is dropped', async (_title, text, kind) => {
    await happen();
    await prune();
    await happen();
    expect((await verify()).ok).toBe(true);
    for (const table of tables) await harness.database.executeAsOwner(`CREATE TABLE kept_${table} AS TABLE ${table}`);
    try {
      await run(text);
      expect((await verify()).problems.map((one) => one.kind)).toContain(kind);
      await expect(prune()).rejects.toMatchObject({ code: 'CONFLICT' });
    } finally {
      for (const table of tables) {
        const columns = (
          await harness.database.executeAsOwner(
            `SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS names FROM pg_attribute
             WHERE attrelid = '${table}'::regclass AND attnum > 0 AND NOT attisdropped`,
          )
        ).rows[0]?.names;
        await harness.database.executeAsOwner(
          `DELETE FROM ${table}; INSERT INTO ${table} (${columns}) SELECT ${columns} FROM kept_${table}; DROP TABLE kept_${table}`,
        );
      }
    }
    expect((await verify()).ok).toBe(true);
  });
});
