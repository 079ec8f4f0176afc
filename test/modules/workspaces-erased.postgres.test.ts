// Two processes and one workspace: whoever holds it, to restore or to erase it, is not run over by anybody else.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ErasureDeps, endDeletedWorkspaces } from '../../src/modules/workspaces/workspaces.jobs.js';
import { fillWorkspace, placeOf } from '../db/two-workspaces.js';
import { type Engine, openEngine } from '../effects/fixture.js';

let engine: Engine;
let deps: ErasureDeps;
const { workspaceId: id } = placeOf('held');
beforeAll(async () => {
  engine = await openEngine();
  deps = {
    ...engine.worker,
    log: { ...engine.worker.log, info: (_, text) => engine.logged.push(text) },
    forgetCaptured: async () => {},
  };
  await fillWorkspace(engine.database, 'held');
  await engine.database.owner.effect.updateMany({ where: { workspaceId: id }, data: { status: 'FAILED' } });
  const over = new Date(Date.now() - 1_000);
  await engine.database.owner.workspace.update({ where: { id }, data: { status: 'DELETED', eraseAt: over } });
});
afterAll(() => engine?.database.close());

it('a workspace that another process holds is left alone without waiting, and erased when it is let go', async () => {
  const { owner } = engine.database;
  await owner.$transaction(async (other) => {
    await other.$queryRaw`SELECT id FROM workspace WHERE id = ${id} FOR NO KEY UPDATE`;
    expect(await endDeletedWorkspaces(deps)).toEqual([]);
    expect(await owner.agent.count({ where: { workspaceId: id } })).toBe(2);
    expect(await owner.apiKeySecret.count({ where: { workspaceId: id } })).toBe(1);
  });
  expect(engine.logged).toEqual([]);
  expect(await endDeletedWorkspaces(deps)).toEqual([id]);
  expect(await owner.workspace.count({ where: { id } })).toBe(0);
});
