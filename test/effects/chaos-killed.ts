// Processes that are killed, or freeze, at any moment of the life of an effect: nothing is lost, nothing is done twice, and
// what nobody can tell is shown as such within a minute of a restart. `npm test` kills a dozen; `npm run chaos` two hundred
// for each kind of provider.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { effectLimits } from '../../src/effects/limits.js';
import type { Served } from '../cli/sallyport.js';
import {
  type Arena,
  type Asked,
  approve,
  type Call,
  expectLedgerRight,
  openArena,
  type Provider,
  report,
  send,
  settled,
  times,
} from './chaos-arena.js';

const EACH_RUN = 3;
/** A process is killed at the latest so long after it is there, whatever it did. */
const KILLED_WITHIN_MS = 8_000;
const FROZEN = 'This one froze.';
/** However safe a repeat is, what kills its worker is not tried for ever; after so many deaths it is shown as UNCERTAIN. */
const ATTEMPTS_MAX = effectLimits.retryDelaysMs.length + 1;

/** The tests, with a provider that takes our key or with one that does not. */
export function killedAndFrozen(open: () => Promise<Provider>): void {
  vi.setConfig({ testTimeout: 3_000_000, hookTimeout: 180_000 });
  let arena: Arena;
  /** Takes requests and works no jobs, so that every attempt is that of a process that will be killed. */
  let calm: Served;
  let frozen: { readonly worker: Served; readonly effect: Asked };
  let key: { readonly id: string; readonly key: string };
  beforeAll(async () => {
    arena = await openArena(await open());
    calm = await arena.serve(['serve', '--no-jobs']);
    key = await arena.createKey();
    frozen = await freeze();
  });
  afterAll(() => arena?.close());

  /** Stops a worker behind its call, before it has the answer. */
  async function freeze(): Promise<typeof frozen> {
    const worker = await arena.serve(['worker'], { LOG_LEVEL: 'warn' });
    const called = new Promise<void>((resolve) => {
      arena.provider.whenCalled(({ text }) => {
        if (!text.includes(FROZEN)) return 0;
        process.kill(worker.pid as number, 'SIGSTOP');
        resolve();
        return 1;
      });
    });
    const { data } = await send(arena, arena.keyAt(calm, (await arena.createKey()).key), { body: FROZEN });
    const { effect } = data.sendMessage;
    await approve(arena.ownerAt(calm), effect);
    await called;
    return { worker, effect };
  }

  /** One effect from its request to its approval, each asked of either server, and again of the calm one when it died. */
  async function live(doomed: Served, idempotencyKey: string): Promise<string> {
    const either = () => (Math.random() < 0.5 ? doomed : calm);
    const effect = await untilAnswered([either(), calm], async (server) => {
      const { data, errors } = await send(arena, arena.keyAt(server, key.key), {
        body: idempotencyKey,
        idempotencyKey,
      });
      expect(errors).toEqual([]);
      return data.sendMessage.effect;
    });
    await untilAnswered([either(), calm], async (server) => {
      const { errors } = await approve(arena.ownerAt(server), effect);
      // Already done by the server that died before it could say so.
      expect(errors.filter(({ extensions }) => extensions.code !== 'CONFLICT')).toEqual([]);
    });
    return effect.id;
  }

  it('loses nothing and does nothing twice, however often a process is killed', async () => {
    const asked = new Map<string, string>();
    const runs = times(6, 200);
    // The first is killed behind its call and before its answer, so that there always is one of which nobody can tell.
    const struck = await arena.serve();
    arena.provider.whenCalled(({ text }) => {
      if (!text.includes('run 0')) return 0;
      process.kill(struck.pid as number, 'SIGKILL');
      return 1;
    });
    asked.set('run 0', await live(struck, 'run 0'));
    await struck.stop();
    let next = arena.serve();
    for (let run = 1; run < runs; run++) {
      const doomed = await next;
      next = arena.serve();
      const moment = momentToKill();
      const names = Array.from({ length: EACH_RUN }, (_, n) => `run ${run}, ${n}`);
      const lives = Promise.all(names.map((name) => live(doomed, name)));
      await moment;
      process.kill(doomed.pid as number, 'SIGKILL');
      for (const [n, id] of (await lives).entries()) asked.set(names[n] ?? '', id);
      await expectLedgerRight(arena);
    }
    arena.provider.whenCalled(null);
    process.kill((await next).pid as number, 'SIGKILL');

    const restartedAt = Date.now();
    const restarted = await arena.serve();
    const statuses = await settled(arena, key.id, 60_000);
    const seconds = (Date.now() - restartedAt) / 1_000;
    expect(seconds).toBeLessThan(60);
    await expectEachOnce(asked, statuses, seconds, runs);
    await restarted.stop();
  });

  /**
   * Any moment of the life of an effect, on a machine of whatever speed: some milliseconds after the first, second or a
   * later call of the provider, before or behind its answer; or, one time in four, soon after it was asked for anything.
   */
  function momentToKill(): Promise<unknown> {
    if (Math.random() < 0.25) return sleep(Math.random() * 500);
    let callsToCome = 1 + Math.floor(Math.random() * EACH_RUN);
    const called = new Promise<void>((resolve) => {
      arena.provider.whenCalled(() => {
        callsToCome--;
        if (callsToCome === 0) resolve();
        return Math.floor(Math.random() * 60);
      });
    });
    const soonAfter = called.then(() => sleep(Math.random() * 120));
    return Promise.race([soonAfter, sleep(KILLED_WITHIN_MS)]);
  }

  async function expectEachOnce(
    asked: ReadonlyMap<string, string>,
    statuses: Readonly<Record<string, number>>,
    seconds: number,
    runs: number,
  ): Promise<void> {
    const effects = await arena.database.owner.effect.findMany({ where: { apiKeyId: key.id } });
    // Asked under its own idempotency key, whichever server died over it: one effect each, and no other.
    expect(effects.map(({ id }) => id).sort()).toEqual([...asked.values()].sort());
    const callsOf = new Map<string, Call[]>();
    for (const call of arena.provider.calls())
      callsOf.set(call.effectId, [...(callsOf.get(call.effectId) ?? []), call]);
    const acts = (id: string) => (callsOf.get(id) ?? []).filter(({ acted }) => acted).length;
    for (const { id, status } of effects) {
      if (status === 'SUCCEEDED') expect([id, acts(id)]).toEqual([id, 1]);
      else expect(acts(id)).toBeLessThanOrEqual(1);
      if (!arena.provider.takesKey) expect((callsOf.get(id) ?? []).length).toBeLessThanOrEqual(1);
    }
    const { SUCCEEDED = 0, UNCERTAIN = 0, ...others } = statuses;
    expect(others).toEqual({});
    const deaths = await arena.database.owner.effectExecution.findMany({
      where: { outcome: 'lost', effectId: { in: [...asked.values()] } },
    });
    const lost = deaths.length;
    const repeated = [...asked.values()].filter((id) => (callsOf.get(id) ?? []).length > 1).length;
    // Kills that strike nothing prove nothing.
    expect(lost).toBeGreaterThanOrEqual(Math.max(1, Math.floor(runs / 10)));
    if (arena.provider.takesKey) {
      for (const { id, status } of effects) {
        const died = deaths.filter(({ effectId }) => effectId === id).length;
        expect([id, status]).toEqual([id, died < ATTEMPTS_MAX ? 'SUCCEEDED' : 'UNCERTAIN']);
      }
      expect(SUCCEEDED).toBeGreaterThan(UNCERTAIN);
      expect(repeated).toBeGreaterThan(0);
    } else {
      expect(UNCERTAIN).toBe(lost);
    }
    const account = await arena.database.owner.apiKey.findFirstOrThrow({ where: { id: key.id } });
    expect([account.spentCredits, account.reservedCredits]).toEqual([SUCCEEDED, UNCERTAIN]);
    await expectLedgerRight(arena);
    report(
      `${arena.provider.takesKey ? 'takes our key' : 'takes no key'}: ${runs} kills, ${asked.size} effects, ${SUCCEEDED} SUCCEEDED, ` +
        `${UNCERTAIN} UNCERTAIN, ${lost} attempts lost, ${repeated} asked again of the provider, 0 lost, 0 twice, ` +
        `all settled or shown ${seconds.toFixed(1)} s after the restart`,
    );
  }

  it('does not believe the late result of a worker that froze past its lease', async () => {
    const { effect, worker } = frozen;
    const read = () => arena.database.owner.effect.findFirstOrThrow({ where: { id: effect.id } });
    const calls = () => arena.provider.calls().filter(({ effectId }) => effectId === effect.id);
    // Others found it out long ago, while processes were killed.
    const before = await read();
    const outcomes = async () => {
      const where = { effectId: effect.id };
      const executions = await arena.database.owner.effectExecution.findMany({ where, orderBy: { attempt: 'asc' } });
      return executions.map(({ outcome }) => outcome);
    };
    const known = await outcomes();
    const isDone = arena.provider.takesKey && known.at(-1) === 'done';
    expect(before).toMatchObject(
      isDone ? { status: 'SUCCEEDED', chargedCredits: 1 } : { status: 'UNCERTAIN', chargedCredits: 0 },
    );
    // Where a repeat is safe it is given up on after that many deaths only.
    const deaths = isDone ? known.slice(0, -1) : known;
    expect(new Set(deaths)).toEqual(new Set(['lost']));
    if (!isDone) expect(deaths).toHaveLength(arena.provider.takesKey ? ATTEMPTS_MAX : 1);
    const callsBefore = calls().length;
    process.kill(worker.pid as number, 'SIGCONT');
    await sleep(2_000);
    expect((await worker.stop()).stderr).toContain('a late result was not believed');
    expect(await read()).toEqual(before);
    expect(calls()).toHaveLength(callsBefore);
    expect(calls().filter(({ acted }) => acted)).toHaveLength(1);
    expect(await outcomes()).toEqual(known);
    await expectLedgerRight(arena);
  });
}

/** Asks each server in turn until one answers. */
async function untilAnswered<T>(servers: readonly Served[], ask: (server: Served) => Promise<T>): Promise<T> {
  for (const [n, server] of servers.entries()) {
    try {
      return await ask(server);
    } catch (error) {
      // Only a connection that broke, or an answer that was cut off, is asked again.
      const isBroken = error instanceof TypeError || error instanceof SyntaxError;
      if (!isBroken || n === servers.length - 1) throw error;
    }
  }
  throw new Error('No server was named.');
}
