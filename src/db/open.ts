// The one way in: by DATABASE_URL a server, without it the embedded engine. Both come back migrated and bound.
import type { Database } from './database.js';

export interface OpenOptions {
  /** DATABASE_URL; null: the embedded engine in `dataDir`. */
  readonly databaseUrl: string | null;
  readonly dataDir: string;
  /** Told in one line that the embedded engine is lost. Log it and end the process at once: no query may follow. */
  readonly onFatal: (line: string) => void;
  readonly warn: (line: string) => void;
  /** How long an unreachable server is waited for; 10 s when left out. */
  readonly reachMs?: number;
}

/** @throws ConfigurationError for whatever the operator can mend; its sentence says how. */
export async function openDatabase({ databaseUrl, dataDir, onFatal, warn, reachMs }: OpenOptions): Promise<Database> {
  if (databaseUrl === null) {
    const { openEmbedded } = await import('./embedded.js');
    return openEmbedded({ dataDir, onFatal });
  }
  const { openServer } = await import('./server.js');
  return openServer({ databaseUrl, warn, ...(reachMs === undefined ? {} : { reachMs }) });
}
