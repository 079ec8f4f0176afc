import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bucket, Counter, LimitStore } from '../../src/auth/rate-limit/limit-store.js';
import { memoryStore } from '../../src/auth/rate-limit/memory-store.js';
import { openRedisStore, type RedisStore } from '../../src/auth/rate-limit/redis-store.js';
import { newId } from '../../src/platform/ids.js';
import { startTestRedis, type TestRedis } from '../support/redis.js';

const NOW = Math.floor(Date.now() / 60_000) * 60_000;
const quiet = { warn: () => undefined, info: () => undefined };

let redis: TestRedis;
let shared: RedisStore;
beforeAll(async () => {
  redis = await startTestRedis();
  shared = await openRedisStore(redis.url, quiet);
});
afterAll(async () => {
  await shared?.close();
  await redis?.stop();
});

interface Asking {
  take(counters: readonly [name: string, most: number][], at?: number): Promise<unknown>;
  draw(points: number, at?: number): Promise<unknown>;
}

/** Asks about one workspace that is new; `at` in milliseconds after NOW. */
function asking(store: LimitStore, scope = newId('wsp'), most = 100, perSecond = 10): Asking {
  const bucket: Bucket = { name: `cost:${scope}`, most, perSecond };
  const counter = ([name, most]: [string, number], at: number): Counter => ({
    name: `${name}:${scope}`,
    most,
    windowSeconds: 60,
    endsAt: NOW + (Math.floor(at / 60_000) + 1) * 60_000,
  });
  return {
    take: async (counters, at = 0) =>
      store.take(
        scope,
        counters.map((one) => counter(one, at)),
        bucket,
        NOW + at,
      ),
    draw: async (points, at = 0) => store.draw(scope, bucket, points, NOW + at),
  };
}

describe.each([
  ['memory', () => memoryStore()],
  ['Redis', () => shared],
] as const)('%s', (_name, open) => {
  it('counts up to the limit, and then refuses without counting', async () => {
    const { take } = asking(open());
    const answers = [];
    for (let time = 0; time < 4; time += 1) answers.push(await take([['minute', 2]]));
    expect(answers).toEqual([
      { used: [1], refusedBy: -1, available: 100 },
      { used: [2], refusedBy: -1, available: 100 },
      { used: [2], refusedBy: 0, available: 100 },
      { used: [2], refusedBy: 0, available: 100 },
    ]);
  });

  it('raises none of the counters when one of them refuses, and names the last that does', async () => {
    const { take } = asking(open());
    await take([
      ['minute', 9],
      ['day', 1],
    ]);
    const both: [string, number][] = [
      ['minute', 1],
      ['day', 1],
    ];
    expect(await take(both)).toEqual({ used: [1, 1], refusedBy: 1, available: 100 });
    const key: [string, number][] = [
      ['minute', 9],
      ['day', 9],
      ['key', 0],
    ];
    expect(await take(key)).toEqual({ used: [1, 1, 0], refusedBy: 2, available: 100 });
    expect(await take([['minute', 9]])).toEqual({ used: [2], refusedBy: -1, available: 100 });
  });

  it('begins anew when the window ends, and not before', async () => {
    const { take } = asking(open());
    await take([['minute', 1]]);
    expect(await take([['minute', 1]], 59_999)).toMatchObject({ refusedBy: 0 });
    expect(await take([['minute', 1]], 60_000)).toMatchObject({ used: [1], refusedBy: -1 });
  });

  it('empties and fills a bucket, never beyond its size', async () => {
    const { draw, take } = asking(open());
    expect(await draw(70)).toEqual({ isEnough: true, available: 30 });
    expect(await draw(31)).toEqual({ isEnough: false, available: 30 });
    expect(await take([], 100)).toMatchObject({ available: 31 });
    expect(await draw(31, 150)).toEqual({ isEnough: true, available: 0 });
    expect(await draw(-20, 150)).toEqual({ isEnough: true, available: 20 });
    expect(await draw(-500, 150)).toEqual({ isEnough: true, available: 100 });
    expect(await draw(101, 60_000)).toEqual({ isEnough: false, available: 100 });
  });

  it('does not run backwards with a clock that is behind', async () => {
    const { draw } = asking(open());
    await draw(100, 1_000);
    expect(await draw(1, 0)).toEqual({ isEnough: false, available: 0 });
    expect(await draw(10, 2_000)).toEqual({ isEnough: true, available: 0 });
  });

  it('lets in exactly as many as the limit says when many come at once', async () => {
    const { take } = asking(open());
    const answers = await Promise.all(Array.from({ length: 50 }, () => take([['minute', 20]])));
    expect(answers.filter((answer) => (answer as { refusedBy: number }).refusedBy === -1)).toHaveLength(20);
  });
});

it('memory and Redis answer any sequence alike', async () => {
  const step = fc.oneof(
    fc.record({ at: fc.nat(200_000), most: fc.nat(5), more: fc.nat(5) }),
    fc.record({ at: fc.nat(200_000), points: fc.integer({ min: -60, max: 60 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const [one, other] = [asking(memoryStore()), asking(shared)];
      // Times of one process run forwards.
      for (const each of [...steps].sort((a, b) => a.at - b.at)) {
        const ask = ({ take, draw }: Asking) =>
          'points' in each
            ? draw(each.points, each.at)
            : take(
                [
                  ['minute', each.most],
                  ['other', each.more],
                ],
                each.at,
              );
        expect(await ask(other)).toEqual(await ask(one));
      }
    }),
    { numRuns: 60 },
  );
});

it('memory keeps nothing of windows that have ended and buckets that are full', async () => {
  const store = memoryStore();
  for (let place = 0; place < 1_000; place += 1) {
    const { take, draw } = asking(store);
    await take([['minute', 5]]);
    await draw(5);
  }
  expect(store.size).toBe(2_000);
  await asking(store).take([], 120_000);
  expect(store.size).toBe(0);
});

describe('Redis', () => {
  it('is one count for all who ask it', async () => {
    const second = await openRedisStore(redis.url, quiet);
    const scope = newId('wsp');
    const [one, other] = [asking(shared, scope), asking(second, scope)];
    await one.take([['minute', 2]]);
    await other.take([['minute', 2]]);
    await one.draw(60);
    expect(await other.take([['minute', 2]])).toEqual({ used: [2], refusedBy: 0, available: 40 });
    await second.close();
  });

  it.each(['cut', 'hang'] as const)(
    'lost (%s): nobody waits, each counts alone, and it comes back by itself',
    async (how) => {
      const lines: string[] = [];
      const log = {
        warn: (facts: object, message: string) => void lines.push(`${message} ${JSON.stringify(facts)}`),
        info: (_facts: object, message: string) => void lines.push(message),
      };
      const store = await openRedisStore(redis.url, log);
      const { take } = asking(store);
      await take([['minute', 3]]);
      await redis[how]();
      const startedAt = performance.now();
      // Its own count begins at nothing.
      expect(await take([['minute', 3]])).toMatchObject({ used: [1] });
      expect(performance.now() - startedAt).toBeLessThan(1_000);
      expect(store.isLost).toBe(true);
      const next = performance.now();
      expect(await take([['minute', 3]])).toMatchObject({ used: [2] });
      expect(performance.now() - next).toBeLessThan(50);
      await redis.mend();
      await expect.poll(() => store.isLost, { timeout: 10_000 }).toBe(false);
      expect(await take([['minute', 3]])).toMatchObject({ used: [2] });
      expect(lines).toEqual([expect.stringContaining('Redis is lost'), expect.stringContaining('Redis is back')]);
      await store.close();
    },
  );

  it('that is not there does not keep a server from starting, and is found once it is', async () => {
    await redis.cut();
    const startedAt = performance.now();
    const store = await openRedisStore(redis.url, quiet);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    expect(store.isLost).toBe(true);
    expect(await asking(store).take([['minute', 1]])).toMatchObject({ used: [1] });
    await redis.mend();
    await expect.poll(() => store.isLost, { timeout: 10_000 }).toBe(false);
    await store.close();
    await delay(20);
  });
});
