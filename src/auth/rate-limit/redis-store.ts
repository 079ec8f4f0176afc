// Counts in Redis, so that all processes share one count: one round trip for all limits of a request. Never hangs one: a
// command waits a quarter of a second at most and is never queued. While Redis is lost each process counts by itself
// (`isLost` tells), and looks for it again every second; when it is back, its counts hold again.
import type { Redis, RedisOptions } from 'ioredis';
import type { Bucket, Counter, LimitStore } from './limit-store.js';
import { memoryStore } from './memory-store.js';
import { DRAW, TAKE } from './redis-scripts.js';
import { type StoreLog, watchRedis } from './redis-watch.js';

export interface RedisStore extends LimitStore {
  /** Redis is configured and cannot be reached. */
  readonly isLost: boolean;
  close(): Promise<void>;
}

type Scripts = Redis & {
  sallyportTake(keys: number, ...args: (string | number)[]): Promise<number[]>;
  sallyportDraw(keys: number, ...args: (string | number)[]): Promise<number[]>;
};

const CONNECT_MS = 1_000;
const RETRY_MS = 1_000;
/** A counter outlives its window by so much, for processes whose clocks differ. */
const GRACE_MS = 10_000;

const options: RedisOptions = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  // Long after redis-watch.ts has given up: only what hangs for good is cleared away.
  commandTimeout: 10_000,
  connectTimeout: CONNECT_MS,
  retryStrategy: (attempt) => Math.min(attempt * 100, RETRY_MS),
  connectionName: 'sallyport',
};

/** Resolves once Redis answers, or after a second without it: the server starts either way. ioredis is loaded here only. */
export async function openRedisStore(url: string, log: StoreLog): Promise<RedisStore> {
  const { Redis: Client } = await import('ioredis');
  const redis = new Client(url, options) as Scripts;
  redis.defineCommand('sallyportTake', { lua: TAKE });
  redis.defineCommand('sallyportDraw', { lua: DRAW });
  const guard = watchRedis(redis, log);
  await Promise.race([redis.connect().catch(() => undefined), pause(CONNECT_MS)]);
  await guard.look();
  const insurance = memoryStore();
  return {
    take(scope, counters, bucket, now) {
      const alone = () => insurance.take(scope, counters, bucket, now);
      return guard.ask(async () => {
        const answer = await redis.sallyportTake(counters.length + 1, ...takeArguments(scope, counters, bucket, now));
        const used = answer.slice(0, counters.length);
        return { used, refusedBy: (answer[counters.length] ?? 0) - 1, available: answer[counters.length + 1] ?? 0 };
      }, alone);
    },
    draw(scope, bucket, points, now) {
      const alone = () => insurance.draw(scope, bucket, points, now);
      return guard.ask(async () => {
        const { most, perSecond } = bucket;
        const key = keyOf(scope, bucket.name);
        const [isEnough, available = 0] = await redis.sallyportDraw(1, key, most, perSecond, now, points);
        return { isEnough: isEnough === 1, available };
      }, alone);
    },
    get isLost() {
      return guard.isLost;
    },
    async close() {
      guard.stop();
      redis.disconnect();
    },
  };
}

const keyOf = (scope: string, name: string): string => `sallyport:limit:{${scope}}:${name}`;

function takeArguments(scope: string, counters: readonly Counter[], { name, most, perSecond }: Bucket, now: number) {
  const keys: (string | number)[] = [];
  const values: (string | number)[] = [];
  for (const counter of counters) {
    keys.push(keyOf(scope, `${counter.name}:${counter.endsAt}`));
    values.push(counter.most, Math.max(0, counter.endsAt - now) + GRACE_MS);
  }
  return [...keys, keyOf(scope, name), ...values, most, perSecond, now];
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, ms).unref());
