// Liveness says that the process answers; readiness that it can do its work. What failed is named, why is only logged.
import type { ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { sendJson } from './respond.js';

/** Resolves when the thing works; the name is what an operator reads, for example `database`, `migrations`, `queue`. */
export type ReadinessChecks = Readonly<Record<string, () => Promise<unknown>>>;

const CHECK_TIMEOUT_MS = 2_000;
// The path is open to anybody: many askers share one look.
const FRESH_MS = 1_000;

export interface Health {
  sendLiveness(res: ServerResponse): void;
  sendReadiness(res: ServerResponse): Promise<void>;
  /** From now on readiness says no, so that no new work is routed here. */
  startDraining(): void;
}

interface Look {
  readonly at: number;
  readonly states: Promise<Readonly<Record<string, 'ok' | 'failed'>>>;
}

export function createHealth(checks: ReadinessChecks, log: Logger): Health {
  let isDraining = false;
  let last: Look | null = null;
  const look = (): Look['states'] => {
    if (last === null || Date.now() - last.at > FRESH_MS) last = { at: Date.now(), states: runChecks(checks, log) };
    return last.states;
  };
  return {
    sendLiveness: (res) => sendJson(res, 200, { status: 'ok' }),
    async sendReadiness(res) {
      if (isDraining) return sendJson(res, 503, { status: 'draining' });
      const states = await look();
      const isReady = Object.values(states).every((state) => state === 'ok');
      sendJson(res, isReady ? 200 : 503, { status: isReady ? 'ready' : 'unavailable', checks: states });
    },
    startDraining() {
      isDraining = true;
    },
  };
}

async function runChecks(checks: ReadinessChecks, log: Logger): Promise<Record<string, 'ok' | 'failed'>> {
  const states = await Promise.all(
    Object.entries(checks).map(async ([name, check]): Promise<[string, 'ok' | 'failed']> => {
      try {
        await withinTime(check(), name);
        return [name, 'ok'];
      } catch (error) {
        log.warn({ err: error, check: name }, 'not ready');
        return [name, 'failed'];
      }
    }),
  );
  return Object.fromEntries(states);
}

async function withinTime(work: Promise<unknown>, name: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${name} did not answer in ${CHECK_TIMEOUT_MS} ms`)), CHECK_TIMEOUT_MS);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
