// A database server often starts beside us: it is asked again, with growing pauses, until the time is over. What waiting
// cannot mend (a wrong password, no such database) is said at once.
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { ConfigurationError } from '../platform/errors.js';
import { placeOf } from './connection-url.js';

export interface WaitOptions {
  readonly reachMs: number;
  readonly warn: (line: string) => void;
}

/** @throws ConfigurationError naming the place, never the password, after `reachMs` at the latest. */
export async function waitForServer(url: URL, { reachMs, warn }: WaitOptions): Promise<void> {
  const end = Date.now() + reachMs;
  let pauseMs = 100;
  for (let attempt = 1; ; attempt++) {
    const failure = await tryOnce(url, Math.max(end - Date.now(), 250));
    if (failure === null) return;
    if (!mayPass(failure)) throw refused(url, failure);
    const leftMs = end - Date.now();
    if (leftMs <= 0) throw unreachable(url, failure, reachMs);
    if (attempt === 1)
      warn(`DATABASE_URL: ${placeOf(url)} does not answer yet (${sentence(failure)}); trying for ${reachMs / 1000} s.`);
    await sleep(Math.min(pauseMs, leftMs));
    pauseMs = Math.min(pauseMs * 2, 1_000);
  }
}

async function tryOnce(url: URL, timeoutMs: number): Promise<Error | null> {
  const client = new pg.Client({
    connectionString: url.toString(),
    connectionTimeoutMillis: Math.min(timeoutMs, 5_000),
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return null;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** No SQLSTATE: the network. 57P03: starting up. 53300: all connections taken. */
function mayPass(error: Error): boolean {
  const code = Reflect.get(error, 'code');
  if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]{4}$/.test(code))
    return code === '57P03' || code === '53300';
  return !/SSL|certificate/i.test(error.message);
}

const sentence = (error: Error): string => error.message || String(Reflect.get(error, 'code') ?? error.name);

const unreachable = (url: URL, cause: Error, reachMs: number): ConfigurationError =>
  new ConfigurationError(
    `DATABASE_URL: no answer from ${placeOf(url)} within ${reachMs / 1000} s (${sentence(cause)}). Start that server, or correct DATABASE_URL; unset, the embedded database is used.`,
    { cause },
  );

const refused = (url: URL, cause: Error): ConfigurationError =>
  new ConfigurationError(
    `DATABASE_URL: ${placeOf(url)} refuses the connection (${sentence(cause)}). Correct DATABASE_URL.`,
    {
      cause,
    },
  );
