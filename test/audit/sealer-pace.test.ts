// How often the sealer runs, by a clock that the test turns.
import { afterEach, expect, it, vi } from 'vitest';
import { startSealer } from '../../src/audit/sealer.js';
import { systemClock } from '../../src/platform/clock.js';
import { newId } from '../../src/platform/ids.js';
import { auditKeyFromSeed } from '../../src/platform/secrets.js';

afterEach(() => vi.useRealTimers());

const key = auditKeyFromSeed(Buffer.alloc(32, 7));
const workspaceId = newId('wsp');

/** @param look at what is not linked yet; `note` tells that something was committed */
async function start(look: (note: () => void) => Promise<void>) {
  vi.useFakeTimers();
  let note: () => void = () => undefined;
  const database = {
    executeAsOwner: async (_: string, values?: readonly unknown[]) => {
      if (values?.[0] === workspaceId) await look(note);
      return { rows: [] };
    },
    listen: async (_: string, onPayload: (payload: string) => void) => {
      note = () => onPayload(workspaceId);
      return async () => undefined;
    },
  };
  const sealer = await startSealer({ database, key, clock: systemClock, log: { error: () => undefined } });
  await vi.advanceTimersByTimeAsync(10_000);
  return { stop: () => sealer.stop(), note };
}

it('a workspace in which something is written all the time is looked at once a second', async () => {
  let looks = 0;
  const sealer = await start(async (note) => {
    looks += 1;
    // The next is committed while this one is looked for. Bounded, so that a run which takes it in ends after all.
    if (looks < 1_000) note();
  });
  sealer.note();
  await vi.advanceTimersByTimeAsync(260);
  expect(looks).toBe(1);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(looks).toBe(6);
  await sealer.stop();
});

it('a run that takes long is followed by one, after a pause, however much was noted meanwhile', async () => {
  const runs: { readonly from: number; to: number }[] = [];
  const sealer = await start(async () => {
    const run = { from: performance.now(), to: Number.NaN };
    runs.push(run);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    run.to = performance.now();
  });
  for (let noted = 0; noted < 200; noted++) {
    sealer.note();
    await vi.advanceTimersByTimeAsync(50);
  }
  await vi.advanceTimersByTimeAsync(20_000);
  expect(runs).toHaveLength(4);
  for (const [place, { from }] of runs.entries()) {
    const before = runs[place - 1];
    if (before !== undefined) expect(from - before.to).toBeGreaterThanOrEqual(250);
  }
  const stopped = sealer.stop();
  await vi.advanceTimersByTimeAsync(0);
  await stopped;
});
