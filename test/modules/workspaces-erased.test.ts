// When the time of grace is over nothing is left of a workspace, and nothing of any other has changed: by the database's own
// account of which tables have a workspace.
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { forgetCaptured } from '../../src/connectors/capture/capture.js';
import { asSystem } from '../../src/guard/as-system.js';
import { ownedTables } from '../../src/guard/erase.js';
import { type ErasureDeps, endDeletedWorkspaces } from '../../src/modules/workspaces/workspaces.jobs.js';
import { newId } from '../../src/platform/ids.js';
import { fillWorkspace, type Place, placeOf } from '../db/two-workspaces.js';
import { type Engine, openEngine } from '../effects/fixture.js';

let engine: Engine;
let deps: ErasureDeps;
let dataDir: string;
beforeAll(async () => {
  engine = await openEngine();
  dataDir = await mkdtemp(join(tmpdir(), 'sallyport-erased-'));
  await mkdir(join(dataDir, 'outbox'));
  deps = {
    ...engine.worker,
    log: { ...engine.worker.log, info: (_, text) => engine.logged.push(text) },
    forgetCaptured: (ids) => forgetCaptured(dataDir, ids),
  };
});
afterAll(async () => {
  await engine?.database.close();
  await rm(dataDir, { recursive: true, force: true });
});

const MANY = 1_300;
let count = 0;
let gone: Place;
let neighbour: string;
/** A full workspace whose time is over, with more rows than one transaction takes, and a neighbour in its organization. */
beforeEach(async () => {
  engine.logged.length = 0;
  count += 1;
  gone = placeOf(`gone${count}`);
  neighbour = newId('wsp');
  const { owner } = engine.database;
  const { workspaceId, organizationId } = gone;
  await fillWorkspace(engine.database, `gone${count}`);
  await fillWorkspace(engine.database, `stays${count}`);
  await owner.workspace.create({ data: { id: neighbour, organizationId, name: 'Neighbour' } });
  await owner.contact.createMany({
    data: Array.from({ length: MANY }, (_, index) => ({ workspaceId, id: newId('ctc'), name: `Contact ${index}` })),
  });
  const first = await owner.effect.findFirstOrThrow({ where: { workspaceId } });
  await owner.effect.updateMany({ where: { workspaceId }, data: { status: 'FAILED' } });
  const again = { ...first, payload: {}, rule: {}, result: undefined, failure: undefined, status: 'FAILED' } as const;
  // Each amends the one before it, so no row of the table may go before those that follow it.
  let amendsId = first.id;
  for (const id of ['a', 'b', 'c']) {
    await owner.effect.create({ data: { ...again, id: `eff_${id}${count}`, amendsId } as never });
    amendsId = `eff_${id}${count}`;
  }
  await putJob(workspaceId);
  await putJob(neighbour);
  for (const name of [`${first.id}.eml`, `eff_a${count}.json`, `other${count}.eml`]) {
    await writeFile(join(dataDir, 'outbox', name), 'captured');
  }
  await end(gone, new Date(Date.now() - 1_000));
});

const end = ({ workspaceId: id }: Pick<Place, 'workspaceId'>, eraseAt: Date) =>
  engine.database.owner.workspace.update({
    where: { id },
    data: { status: 'DELETED', deletedAt: new Date(), eraseAt },
  });
const putJob = (workspaceId: string) =>
  engine.database.executeAsOwner(
    `SELECT sallyport_enqueue('effect.perform', jsonb_build_object('workspaceId', $1::text))`,
    [workspaceId],
  );

/** Of every table that has a workspace by the information schema, and the queue: how many rows are ours, and the rest as text. */
async function tables({ workspaceId }: Place): Promise<Record<string, { own: number; others: string }>> {
  const { executeAsOwner } = engine.database;
  const { rows } = await executeAsOwner(`SELECT c.table_name AS name FROM information_schema.columns c
    JOIN information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name
    WHERE c.table_schema = 'public' AND c.column_name = 'workspace_id' AND t.table_type = 'BASE TABLE'`);
  const owners = new Map(rows.map(({ name }) => [`"${name}"`, 'workspace_id']));
  owners.set('workspace', 'id').set('pgboss.job', `data->>'workspaceId'`).set('pgboss.archive', `data->>'workspaceId'`);
  const found: Record<string, { own: number; others: string }> = {};
  for (const [name, owner] of owners) {
    const {
      rows: [row],
    } = await executeAsOwner(
      `SELECT count(*) FILTER (WHERE ${owner} = $1)::int AS own,
        COALESCE(string_agg(x::text, E'\\n' ORDER BY x::text) FILTER (WHERE ${owner} IS DISTINCT FROM $1), '') AS others
      FROM ${name} x`,
      [workspaceId],
    );
    found[name] = { own: Number(row?.own), others: String(row?.others) };
  }
  return found;
}

type Tables = Awaited<ReturnType<typeof tables>>;

/** Nothing of the workspace is left; of others there is one thing more, the entry that says so. */
function expectErased(before: Tables, after: Tables): void {
  for (const [name, { own, others }] of Object.entries(after)) {
    expect(own, name).toBe(0);
    if (name === '"audit_entry"') {
      const known = new Set(before[name]?.others.split('\n'));
      const entries = others.split('\n').filter((line) => !known.has(line));
      expect(entries).toHaveLength(1);
      expect(entries[0]).toMatch(new RegExp(`^\\(${neighbour},.*workspace\\.erase.*${gone.workspaceId}`));
    } else expect(others, name).toBe(before[name]?.others);
  }
}

describe('a deleted workspace whose time is over', () => {
  it('leaves no row in any table, and changes nothing of others', async () => {
    const before = await tables(gone);
    for (const [name, { own, others }] of Object.entries(before)) {
      if (name === 'pgboss.archive') continue;
      expect(own, name).toBeGreaterThan(0);
      expect(others, name).not.toBe('');
    }
    expect(await endDeletedWorkspaces(deps)).toEqual([gone.workspaceId]);
    expectErased(before, await tables(gone));
    expect(engine.logged).toEqual(['a deleted workspace was erased']);
    const { owner } = engine.database;
    expect(await owner.organization.count({ where: { id: gone.organizationId } })).toBe(1);
    expect(await owner.member.count({ where: { organizationId: gone.organizationId } })).toBe(1);
    // Once more there is nothing to do.
    expect(await endDeletedWorkspaces(deps)).toEqual([]);
  });

  it('takes its captured files along, and no others', async () => {
    await endDeletedWorkspaces(deps);
    expect((await readdir(join(dataDir, 'outbox'))).filter((name) => name.includes(`${count}.`))).toEqual([
      `other${count}.eml`,
    ]);
  });

  it('is erased once, whichever of two processes comes first', async () => {
    const before = await tables(gone);
    const [one, other] = await Promise.all([endDeletedWorkspaces(deps), endDeletedWorkspaces(deps)]);
    expect([...one, ...other]).toEqual([gone.workspaceId]);
    expectErased(before, await tables(gone));
  });

  it('is erased to the end by the next turn, wherever the first was cut off', async () => {
    const before = await tables(gone);
    let cutOff = 0;
    for (let transactions = 2; ; transactions++) {
      const erased = await endDeletedWorkspaces({ ...deps, database: breakingAfter(transactions) }).catch(() => []);
      if (erased.length > 0) break;
      cutOff += 1;
    }
    // Files, the order of tables, and more than one step that erases.
    expect(cutOff).toBeGreaterThan(4);
    expectErased(before, await tables(gone));
  });

  it('keeps all its rows while its files cannot be removed', async () => {
    const before = await tables(gone);
    const stuck = () => Promise.reject(new Error('The disk is gone.'));
    expect(await endDeletedWorkspaces({ ...deps, forgetCaptured: stuck })).toEqual([]);
    expect(await tables(gone)).toEqual(before);
    expect(engine.logged).toEqual(['a deleted workspace could not be erased; the next turn goes on']);
    expect(await endDeletedWorkspaces(deps)).toEqual([gone.workspaceId]);
  });
});

it('nothing is erased before its time, nor what is only suspended', async () => {
  await end(gone, new Date(Date.now() + 60_000));
  const before = await tables(gone);
  expect(await endDeletedWorkspaces(deps)).toEqual([]);
  const past = { eraseAt: new Date(Date.now() - 1_000) };
  const where = { id: gone.workspaceId };
  await engine.database.owner.workspace.update({ where, data: { ...past, status: 'SUSPENDED' } });
  expect(await endDeletedWorkspaces(deps)).toEqual([]);
  const { workspace: _, ...rest } = await tables(gone);
  expect(before).toMatchObject(rest);
});

it('a last workspace leaves its organization and its members behind', async () => {
  const { owner } = engine.database;
  await owner.workspace.delete({ where: { id: neighbour } });
  expect(await endDeletedWorkspaces(deps)).toEqual([gone.workspaceId]);
  expect(await owner.workspace.count({ where: { organizationId: gone.organizationId } })).toBe(0);
  expect(await owner.member.count({ where: { organizationId: gone.organizationId } })).toBe(1);
});

it('what still waits in a deleted workspace is cancelled, and its credits come back', async () => {
  await end(gone, new Date(Date.now() + 60_000));
  await engine.addCredits(10);
  const waiting = await engine.propose(await engine.key());
  const queued = await engine.propose(await engine.person('OWNER'));
  expect([waiting.status, queued.status]).toEqual(['AWAITING_APPROVAL', 'QUEUED']);
  expect(await engine.account()).toMatchObject({ reservedCredits: 2 });
  await endDeletedWorkspaces(deps);
  expect((await engine.read(queued)).status).toBe('QUEUED');
  await end(engine, new Date(Date.now() + 60_000));
  await endDeletedWorkspaces(deps);
  for (const effect of [waiting, queued]) {
    expect(await engine.read(effect)).toMatchObject({
      status: 'CANCELLED',
      failure: { code: 'CANCELLED', message: 'Its workspace was deleted.' },
    });
    expect((await engine.audited(effect)).at(-1)).toMatchObject({ action: 'effect.cancel', actorKind: 'SYSTEM' });
  }
  expect(await engine.account()).toMatchObject({ reservedCredits: 0 });
});

it('tables go in an order in which no row is left that another refers to', async () => {
  const names = (await asSystem(engine.database, 'read the order of tables', ownedTables)).map(({ name }) => name);
  const { rows } =
    await engine.database.executeAsOwner(`SELECT DISTINCT child.relname AS child, parent.relname AS parent
    FROM pg_constraint f JOIN pg_class child ON child.oid = f.conrelid JOIN pg_class parent ON parent.oid = f.confrelid
    WHERE f.contype = 'f' AND child.relname <> parent.relname`);
  const among = rows.filter(({ child, parent }) => names.includes(String(child)) && names.includes(String(parent)));
  expect(among.length).toBeGreaterThan(5);
  for (const { child, parent } of among) {
    expect(names.indexOf(String(child)), `${child} before ${parent}`).toBeLessThan(names.indexOf(String(parent)));
  }
});

/** The database of a process that dies after so many transactions. */
function breakingAfter(transactions: number): ErasureDeps['database'] {
  let left = transactions;
  const { owner, transact } = engine.database;
  const dying = new Proxy(owner, {
    get(target, property) {
      const value = Reflect.get(target, property);
      if (property !== '$transaction') return value;
      return (...args: unknown[]) => {
        left -= 1;
        if (left < 0) return Promise.reject(new Error('The process died.'));
        return (value as (...given: unknown[]) => unknown).apply(target, args);
      };
    },
  });
  return { owner: dying, transact };
}
