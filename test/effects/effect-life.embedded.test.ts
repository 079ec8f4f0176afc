// The life of an effect and its money: the real services on a real database, beside a model of one page. Whatever order
// things happen in, the two agree, no status is reached by a move that the contract does not name, and no credit is lost.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { Principal } from '../../src/auth/principal.js';
import { newId } from '../../src/platform/ids.js';
import * as steps from './effect-commands.js';
import { Model } from './effect-model.js';
import { type Engine, openEngine } from './fixture.js';

vi.setConfig({ testTimeout: 1_500_000 });

/** `npm run chaos` tries as often as a promise should have been tried. */
const runs = process.env.CHAOS === 'full' ? 300 : 16;

let engine: Engine;
let people: Record<'owner' | 'admin' | 'second' | 'member', Principal>;
const agentId = newId('agt');
beforeAll(async () => {
  engine = await openEngine();
  people = {
    owner: await engine.person('OWNER'),
    admin: await engine.person('ADMIN'),
    second: await engine.person('ADMIN'),
    member: await engine.person('MEMBER'),
  };
  const { workspaceId } = engine;
  await engine.database.owner.agent.create({ data: { workspaceId, id: agentId, name: 'Robin', instructions: 'Go.' } });
});
afterAll(() => engine?.database.close());

/** Written out by hand from the contract, each by its two events. */
const MOVES = new Set([
  ...['awaiting_approval queued', 'awaiting_approval rejected', 'awaiting_approval expired'],
  ...['awaiting_approval cancelled', 'queued performing', 'queued cancelled', 'queued failed', 'performing queued'],
  ...['performing succeeded', 'performing failed', 'performing uncertain', 'uncertain succeeded', 'uncertain failed'],
]);

const reached = new Set<string>();

async function begin(): Promise<{ model: Model; real: steps.Real }> {
  const { database, state } = engine;
  await database.executeAsOwner(
    'TRUNCATE effect, effect_decision, effect_execution, effect_pause, ledger_entry, credit_account, event CASCADE',
  );
  await database.executeAsOwner('DELETE FROM pgboss.job');
  const none = { spendCapCredits: null, spendCapPeriod: null };
  await database.owner.workspace.updateMany({ data: { mode: 'LIVE', ...none } });
  await database.owner.agent.updateMany({ data: { spentCredits: 0, reservedCredits: 0, ...none } });
  const askers = {
    keyOne: await engine.key(),
    keyTwo: await engine.key(),
    agentKey: await engine.key({ kind: 'AGENT', agentId, scopes: ['agent:trigger'] }),
    ...{ owner: people.owner, member: people.member },
  };
  const now = Date.now();
  Object.assign(state, { now: new Date(now), rules: steps.rulesOf(askers) });
  engine.calls.length = 0;
  const model = new Model(now);
  const real = { engine, askers, deciders: people, agentId, effectIds: [], pauseIds: [] };
  await steps.addCredits(20).run(model, real);
  return { model, real };
}

async function play(commands: Iterable<fc.AsyncCommand<Model, steps.Real>>): Promise<void> {
  const { model, real } = await begin();
  await fc.asyncModelRun(() => ({ model, real }), commands);
  const events = await engine.database.owner.event.findMany({ orderBy: [{ createdAt: 'asc' }, { id: 'asc' }] });
  for (const id of real.effectIds) {
    const life = events.filter((event) => event.subjectId === id).map(({ type }) => type.replace('effect.', ''));
    expect(['awaiting_approval', 'queued']).toContain(life[0]);
    for (const [n, next] of life.slice(1).entries()) expect(MOVES).toContain(`${life[n]} ${next}`);
  }
  for (const what of model.seen) reached.add(what);
}

it('goes as the model says, step by step, through every status and every refusal', async () => {
  const { propose, approve, perform, crash, confirm, reject, cancel, amend, settle, pass, pause, resume, cap } = steps;
  await play([
    ...[propose('member', 2), perform(0, 'not-sent', false), perform(0, 'not-sent', false), perform(0, 'ok', false)],
    ...[propose('keyOne', 3), approve(1, 'admin'), crash(1, false), settle(1, 'SUCCEEDED'), settle(1, 'FAILED')],
    ...[propose('keyTwo', 2), approve(2, 'admin'), approve(2, 'admin'), approve(2, 'second'), crash(2, true)],
    ...[perform(2, 'unknown', false), settle(2, 'FAILED')],
    ...[propose('owner', 4), approve(3, 'admin'), approve(3, 'owner'), confirm(3), perform(3, 'refused', false)],
    ...[propose('keyOne', 1), reject(4, 'second'), cancel(4, true), propose('keyOne', 1), pass(80)],
    ...[propose('keyOne', 2), amend(6, 'admin', 5), approve(7, 'admin'), approve(7, 'second'), cancel(7, false)],
    ...[propose('keyOne', 6), propose('keyOne', 6), propose('keyOne', 6), cancel(8, true), cancel(9, true)],
    ...[cap('keyTwo', { credits: 1, period: 'DAY' }), propose('keyTwo', 2), approve(10, 'admin'), approve(10, 'owner')],
    ...[cap('keyTwo', { credits: 2, period: 'DAY' }), approve(10, 'owner'), pause({ asker: null, kind: null })],
    ...[perform(10, 'ok', false), resume(), cap('workspace', { credits: 0, period: 'LIFETIME' })],
    ...[perform(10, 'ok', false), cap('workspace', { credits: null, period: 'LIFETIME' }), propose('agentKey', 2)],
    ...[steps.rehearse(true), perform(11, 'ok', false), propose('agentKey', 2), perform(12, 'ok', false)],
    ...[steps.rehearse(false), steps.dayTurns(), propose('keyTwo', 2), steps.revoke('keyTwo'), pass(1)],
  ]);
  const everything = ['SUCCEEDED', 'FAILED', 'UNCERTAIN', 'REJECTED', 'EXPIRED', 'CANCELLED', 'parked', 'CONFLICT'];
  expect([...reached].sort()).toEqual(
    [...everything, 'FORBIDDEN', 'SPEND_CAP_EXCEEDED', 'INSUFFICIENT_CREDITS'].sort(),
  );
});

it('goes as the model says, whatever happens in whatever order', async () => {
  await fc.assert(fc.asyncProperty(fc.commands(steps.anySteps, { maxCommands: 80, size: 'max' }), play), {
    numRuns: runs,
    endOnFailure: process.env.CI !== undefined,
  });
});
