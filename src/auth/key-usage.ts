// When and from where a key was last used, and how often: kept in memory and written behind, at most a second later and
// at shutdown, by one statement for all keys. The request itself writes nothing. A crash loses at most that second.
import type { Database } from '../db/database.js';
import type { Clock } from '../platform/clock.js';
import { KEY_PATTERN_ANY } from './key-format.js';

export interface KeyUse {
  readonly workspaceId: string;
  readonly keyId: string;
  readonly ip: string | null;
  readonly userAgent: string | null;
}

export interface KeyUsage {
  /** Counts one request; never waits and never throws. */
  count(use: KeyUse): void;
  /** Writes what was counted; resolves when it is stored. */
  flush(): Promise<void>;
  /** Stops the timer and writes the rest. */
  close(): Promise<void>;
}

interface Tally {
  workspaceId: string;
  keyId: string;
  at: string;
  ip: string | null;
  userAgent: string | null;
  requests: number;
}

const USER_AGENT_MAX = 200;
const FLUSH_AFTER_MS = 1_000;

// Rows are locked in one order, so that two processes that count the same keys never wait for each other in a circle.
const STORE = `WITH used AS (
    SELECT * FROM json_to_recordset($1::json) AS u("workspaceId" text, "keyId" text, "at" timestamptz, "ip" text,
      "userAgent" text, "requests" bigint)
  ), locked AS (
    SELECT k.workspace_id, k.id FROM api_key k JOIN used u ON k.workspace_id = u."workspaceId" AND k.id = u."keyId"
    ORDER BY k.workspace_id, k.id FOR NO KEY UPDATE OF k
  )
  UPDATE api_key k SET
    last_used_ip = CASE WHEN k.last_used_at > u."at" THEN k.last_used_ip ELSE u."ip" END,
    last_used_user_agent = CASE WHEN k.last_used_at > u."at" THEN k.last_used_user_agent ELSE u."userAgent" END,
    last_used_at = GREATEST(k.last_used_at, u."at"),
    request_count = LEAST(k.request_count + u."requests", 2147483647)::int
  FROM used u JOIN locked l ON l.workspace_id = u."workspaceId" AND l.id = u."keyId"
  WHERE k.workspace_id = l.workspace_id AND k.id = l.id`;

/** @param onError told when a write failed; what was counted is kept and tried again */
export function openKeyUsage(
  database: Pick<Database, 'executeAsOwner'>,
  clock: Clock,
  onError: (error: unknown) => void,
): KeyUsage {
  let tallies = new Map<string, Tally>();
  let timer: NodeJS.Timeout | null = null;
  let isClosed = false;
  let writing: Promise<void> = Promise.resolve();

  const schedule = (): void => {
    if (timer !== null || isClosed) return;
    timer = setTimeout(() => void flush().catch(onError), FLUSH_AFTER_MS);
    timer.unref();
  };

  const store = async (): Promise<void> => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (tallies.size === 0) return;
    const batch = tallies;
    tallies = new Map();
    try {
      await database.executeAsOwner(STORE, [JSON.stringify([...batch.values()])]);
    } catch (error) {
      tallies = merged(batch, tallies);
      schedule();
      throw error;
    }
  };

  const flush = (): Promise<void> => {
    writing = writing.catch(() => undefined).then(store);
    return writing;
  };

  return {
    count(use) {
      const known = tallies.get(use.keyId);
      const at = clock.now().toISOString();
      const userAgent = use.userAgent === null ? null : readable(use.userAgent);
      tallies.set(use.keyId, { ...use, at, userAgent, requests: (known?.requests ?? 0) + 1 });
      schedule();
    },
    flush,
    async close() {
      isClosed = true;
      await flush();
    },
  };
}

/** A client that names its key in its User-Agent must not have it stored. */
const readable = (userAgent: string): string => userAgent.replace(KEY_PATTERN_ANY, '[key]').slice(0, USER_AGENT_MAX);

const merged = (earlier: Map<string, Tally>, later: Map<string, Tally>): Map<string, Tally> => {
  const both = new Map(earlier);
  for (const [keyId, tally] of later) {
    both.set(keyId, { ...tally, requests: tally.requests + (earlier.get(keyId)?.requests ?? 0) });
  }
  return both;
};
