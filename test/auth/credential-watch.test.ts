import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Admission } from '../../src/auth/admission.js';
import { type Entrance, openCredentialWatch } from '../../src/auth/credential-watch.js';
import type { Principal } from '../../src/auth/principal.js';
import { unauthenticated } from '../../src/auth/refusals.js';

const principal = { id: 'key_1', workspaceId: 'wsp_1', sessionId: null, verdictKey: 'a' } as Principal;
const entrance = { principal, credentials: { workspaceId: null } } as Entrance;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A watch on one stream, whose notices never arrive. */
async function watching(judge: () => Promise<Admission | null>) {
  const unlistened = vi.fn(async () => undefined);
  const asked = vi.fn(judge);
  const watch = await openCredentialWatch({ listen: async () => unlistened }, asked);
  const end = vi.fn();
  const watched = watch.watch(entrance, end);
  return { watch, watched, end, asked };
}

it('ends a stream when its time is up, not before, and not because a clock runs ahead', async () => {
  let endsInMs = 10_000;
  const { watched, end, asked } = await watching(async () => {
    if (endsInMs <= 0) throw unauthenticated('EXPIRED', 'Over.');
    return { principal, secretId: null, endsInMs };
  });
  expect(await watched.isGood()).toBe(true);
  await vi.advanceTimersByTimeAsync(9_990);
  expect(asked).toHaveBeenCalledTimes(1);
  endsInMs = 5;
  await vi.advanceTimersByTimeAsync(10);
  expect(asked).toHaveBeenCalledTimes(2);
  expect(end).not.toHaveBeenCalled();
  endsInMs = 0;
  await vi.advanceTimersByTimeAsync(5);
  expect(end).toHaveBeenCalledTimes(1);
});

it('finds out within half a minute what no notice told', async () => {
  let isRevoked = false;
  const { watched, end } = await watching(async () => {
    if (isRevoked) throw unauthenticated('REVOKED', 'Over.');
    return { principal, secretId: null, endsInMs: null };
  });
  expect(await watched.isGood()).toBe(true);
  await vi.advanceTimersByTimeAsync(95_000);
  expect(end).not.toHaveBeenCalled();
  isRevoked = true;
  await vi.advanceTimersByTimeAsync(30_000);
  expect(end).toHaveBeenCalledTimes(1);
});

it.each([
  ['another principal', { ...principal, id: 'key_2' }],
  ['another session', { ...principal, sessionId: 'ses_2' }],
  ['other rights', { ...principal, verdictKey: 'b' }],
  ['another agent', { ...principal, agentId: 'agt_2' }],
  ['another state of the workspace', { ...principal, workspaceStatus: 'SUSPENDED' }],
])('takes %s for an end', async (_, now) => {
  const { watched } = await watching(async () => ({ principal: now as Principal, secretId: null, endsInMs: null }));
  expect(await watched.isGood()).toBe(false);
});

it('ends a stream that cannot be judged, and tells the one that asks', async () => {
  let isDown = false;
  const { watched, end } = await watching(async () => {
    if (isDown) throw new Error('connect ECONNREFUSED');
    return { principal, secretId: null, endsInMs: null };
  });
  expect(await watched.isGood()).toBe(true);
  isDown = true;
  await expect(watched.isGood()).rejects.toThrow('ECONNREFUSED');
  await vi.advanceTimersByTimeAsync(30_000);
  expect(end).toHaveBeenCalledTimes(1);
});

it('asks no more once the stream has ended', async () => {
  const { watched, watch, asked } = await watching(async () => ({ principal, secretId: null, endsInMs: 1_000 }));
  await watched.isGood();
  watched.forget();
  await watch.close();
  await vi.advanceTimersByTimeAsync(120_000);
  expect(asked).toHaveBeenCalledTimes(1);
});
