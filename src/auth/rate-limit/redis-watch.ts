// Whether Redis can be asked, and what to do when it cannot: a question is given a quarter of a second, then whoever asked
// goes on without it, and everybody after them at once, until a PING is answered again.
import { performance } from 'node:perf_hooks';
import type { Redis } from 'ioredis';

/** The part of a logger that is used. */
export interface StoreLog {
  warn(facts: object, message: string): void;
  info(facts: object, message: string): void;
}

const ANSWER_MS = 250;
/** Share of the time that the process was at work: from here on it may just not have come to read the answer. */
const BUSY = 0.8;
const EXTENSIONS_MAX = 4;
const RETRY_MS = 1_000;

export interface Watch {
  readonly isLost: boolean;
  /** Asks Redis, or the other at once while it is lost. */
  ask<T>(ask: () => Promise<T>, alone: () => T | Promise<T>): Promise<T>;
  /** Finds out whether Redis answers now. */
  look(): Promise<void>;
  stop(): void;
}

/** One failure is enough to leave Redis alone; one answered PING, to come back to it. */
export function watchRedis(redis: Redis, log: StoreLog): Watch {
  let isLost = false;
  let timer: NodeJS.Timeout | null = null;
  let isStopped = false;
  const lose = (error: unknown): void => {
    if (isStopped) return;
    if (!isLost) log.warn({ reason: reasonOf(error) }, 'Redis is lost: each process limits by itself, spending waits');
    isLost = true;
    timer ??= setInterval(() => void look(), RETRY_MS).unref();
  };
  const look = async (): Promise<void> => {
    try {
      await inTime(redis.ping());
    } catch (error) {
      lose(error);
      return;
    }
    if (isLost) log.info({}, 'Redis is back: limits are shared again');
    isLost = false;
    if (timer !== null) clearInterval(timer);
    timer = null;
  };
  // Without a listener ioredis prints its own line; the failed command tells us anyway.
  redis.on('error', () => undefined);
  redis.on('close', () => lose(new Error('the connection was closed')));
  redis.on('ready', () => void look());
  return {
    async ask(ask, alone) {
      if (isLost) return alone();
      try {
        return await inTime(ask());
      } catch (error) {
        lose(error);
        return alone();
      }
    },
    look,
    stop() {
      isStopped = true;
      if (timer !== null) clearInterval(timer);
    },
    get isLost() {
      return isLost;
    },
  };
}

/** Never the URL: it may hold a password. */
const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : 'unknown');

/** A process that was busy itself has not looked for the answer yet: then it waits once more rather than blame Redis. */
function inTime<T>(answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout;
    let extensions = 0;
    const arm = (): void => {
      const before = performance.eventLoopUtilization();
      timer = setTimeout(() => {
        extensions += 1;
        const { utilization } = performance.eventLoopUtilization(before);
        if (utilization > BUSY && extensions <= EXTENSIONS_MAX) arm();
        else reject(new Error(`no answer within ${ANSWER_MS} ms`));
      }, ANSWER_MS);
    };
    arm();
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
