// How often the sealer runs, by a clock that the test turns.
import { afterEach, expect, it, vi } from 'vitest';
import { startSealer } from '../../src/audit/sealer.js';
import { systemClock } from '../../src/platform/clock.js';
import { newId } from '../../src/platform/ids.js';
import { auditKeyFromSeed } from '../../src/platform/secrets.js';

afterEach(() => vi.useRealTimers());

it('a workspace in which something is written all the time is looked at once a second', async () => {
  vi.useFakeTimers();
  const workspaceId = newId('wsp');
  let note: (id: string) => void = () => undefined;
  let looks = 0;
  const database = {
    executeAsOwner: async (_: string, values?: readonly unknown[]) => {
      if (values?.[0] !== workspaceId) return { rows: [] };
      looks += 1;
      // The next is committed while this one is looked for. Bounded, so that a run which takes it in ends after all.
      if (looks < 1_000) note(workspaceId);
      return { rows: [] };
    },
    listen: async (_: string, onPayload: (payload: string) => void) => {
      note = onPayload;
      return async () => undefined;
    },
  };
  const key = auditKeyFromSeed(Buffer.alloc(32, 7));
  const sealer = await startSealer({ database, key, clock: systemClock, log: { error: () => undefined } });
  await vi.advanceTimersByTimeAsync(10_000);
  note(workspaceId);
  await vi.advanceTimersByTimeAsync(260);
  expect(looks).toBe(1);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(looks).toBe(6);
  await sealer.stop();
});
