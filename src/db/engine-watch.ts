// After a PANIC the embedded engine may freeze the process in its next query, while on disk all that it acknowledged is
// whole. So every question to it passes here: the first fatal answer ends the process, and no other question follows.
import type { PGlite, QueryOptions, Results } from '@electric-sql/pglite';

export interface WatchedEngine {
  query(text: string, values?: unknown[], options?: QueryOptions): Promise<Results>;
  exec(text: string, options?: QueryOptions): Promise<Results[]>;
  /** Never settles once the engine is lost: whoever waits must not get the chance to ask again. */
  guarded<T>(ask: () => Promise<T>): Promise<T>;
  /** Gives the engine up for a reason of ours. */
  lose(reason: string): Promise<never>;
}

export function watchEngine(pglite: PGlite, onFatal: (line: string) => void): WatchedEngine {
  let isLost = false;

  async function guarded<T>(ask: () => Promise<T>): Promise<T> {
    if (isLost) return new Promise<never>(() => undefined);
    try {
      return await ask();
    } catch (error) {
      const reason = fatalReason(error);
      if (reason === null) throw error;
      return lose(reason);
    }
  }

  function lose(reason: string): Promise<never> {
    if (!isLost) {
      isLost = true;
      onFatal(reason);
    }
    return new Promise(() => undefined);
  }

  return {
    guarded,
    lose,
    exec: (text, options) => guarded(() => pglite.exec(text, options)),
    query: (text, values, options) => guarded(() => pglite.query<Record<string, unknown>>(text, values, options)),
  };
}

function fatalReason(error: unknown): string | null {
  if (error instanceof WebAssembly.RuntimeError) {
    return `The embedded database broke down (${error.message}). What it had acknowledged is on disk: start again.`;
  }
  if (typeof error !== 'object' || error === null) return null;
  const { severity, code, message } = error as { severity?: unknown; code?: unknown; message?: unknown };
  if (code === '53100') {
    return `The disk that holds DATA_DIR is full (${String(message)}). What was acknowledged is whole: make room and start again.`;
  }
  return severity === 'PANIC'
    ? `The embedded database stopped with PANIC ${String(code)} (${String(message)}). What it had acknowledged is on disk: start again.`
    : null;
}
