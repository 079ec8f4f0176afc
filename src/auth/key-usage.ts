// When and from where a key was last used, by which of its secrets, for which of its scopes, and how often: kept in memory
// and written behind, at most a second later and at shutdown. The request itself writes nothing. A crash loses at most
// that second; a write that failed is kept and tried again with the next.
import type { Database } from '../db/database.js';
import type { Scope } from '../guard/scopes.js';
import type { Clock } from '../platform/clock.js';
import { withoutKeys } from './key-format.js';
import { STORE_KEY_USE, STORE_SCOPE_USE, STORE_SECRET_USE } from './key-usage-store.js';

export interface UsedKey {
  readonly workspaceId: string;
  readonly keyId: string;
}

export interface KeyUse extends UsedKey {
  /** `sec_…` of the secret that was presented; null when it is not known. */
  readonly secretId: string | null;
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly isFromBrowser: boolean;
}

export interface KeyUsage {
  /** Counts one request; never waits and never throws. */
  count(use: KeyUse): void;
  /** Counts one request for each of these scopes; cheapest when equal lists are one and the same. Never waits or throws. */
  countScopes(key: UsedKey, scopes: readonly Scope[]): void;
  /** Writes what was counted; resolves when it is stored. */
  flush(): Promise<void>;
  /** Stops the timer and writes the rest. */
  close(): Promise<void>;
}

interface Tally {
  readonly at: Date;
  readonly requests: number;
}

interface KeyTally extends Tally, UsedKey {
  readonly ip: string | null;
  readonly userAgent: string | null;
  readonly inBrowserAt: Date | null;
}

interface SecretTally extends Tally {
  readonly workspaceId: string;
  readonly secretId: string;
}

interface ScopeTally extends Tally, UsedKey {
  readonly scope: Scope;
}

/** By the list of scopes itself: what is counted per request is one number, whatever the length of the list. */
type ScopeLists = Map<readonly Scope[], Tally & UsedKey>;

const USER_AGENT_MAX = 200;
const FLUSH_AFTER_MS = 1_000;

/** @param onError told when a write failed; what was counted is kept and tried again */
export function openKeyUsage(
  database: Pick<Database, 'executeAsOwner'>,
  clock: Clock,
  onError: (error: unknown) => void,
): KeyUsage {
  const write = (statement: string) => async (rows: readonly object[]) => {
    await database.executeAsOwner(statement, [JSON.stringify(rows)]);
  };
  const keys = openTable<KeyTally>(write(STORE_KEY_USE), sumOfKey, shownKey);
  const secrets = openTable<SecretTally>(write(STORE_SECRET_USE), sumOf);
  const scopes = openTable<ScopeTally>(write(STORE_SCOPE_USE), sumOf);
  let scopeLists = new Map<string, ScopeLists>();
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
    const counted = scopeLists;
    scopeLists = new Map();
    for (const [keyId, lists] of counted) spread(keyId, lists, scopes);
    // One after the other, and each even when another fails: what one table refuses must not hold up the rest.
    const failures: unknown[] = [];
    for (const table of [scopes, secrets, keys]) await table.store().catch((error: unknown) => failures.push(error));
    if (failures.length === 0) return;
    schedule();
    throw failures[0];
  };

  const flush = (): Promise<void> => {
    writing = writing.catch(() => undefined).then(store);
    return writing;
  };

  return {
    count({ workspaceId, keyId, secretId, ip, userAgent, isFromBrowser }) {
      const at = clock.now();
      const inBrowserAt = isFromBrowser ? at : null;
      keys.add(keyId, { workspaceId, keyId, at, ip, userAgent, inBrowserAt, requests: 1 });
      if (secretId !== null) secrets.add(secretId, { workspaceId, secretId, at, requests: 1 });
      schedule();
    },
    countScopes({ workspaceId, keyId }, used) {
      if (used.length === 0) return;
      const lists: ScopeLists = scopeLists.get(keyId) ?? new Map();
      scopeLists.set(keyId, lists);
      const requests = (lists.get(used)?.requests ?? 0) + 1;
      lists.set(used, { workspaceId, keyId, at: clock.now(), requests });
      schedule();
    },
    flush,
    async close() {
      isClosed = true;
      await flush();
    },
  };
}

interface Table<Row extends Tally> {
  /** Adds to what is not stored yet; the later use wins in all but the numbers. */
  add(key: string, row: Row): void;
  store(): Promise<void>;
}

function openTable<Row extends Tally>(
  write: (rows: readonly object[]) => Promise<void>,
  sum: (earlier: Row, later: Row) => Row,
  shown: (row: Row) => Row = (row) => row,
): Table<Row> {
  let open = new Map<string, Row>();
  const add = (key: string, row: Row): void => {
    const known = open.get(key);
    open.set(key, known === undefined ? row : sum(known, row));
  };
  return {
    add,
    async store() {
      if (open.size === 0) return;
      const batch = open;
      open = new Map();
      try {
        await write([...batch.values()].map(shown));
      } catch (error) {
        const since = open;
        open = batch;
        for (const [key, row] of since) add(key, row);
        throw error;
      }
    },
  };
}

const sumOf = <Row extends Tally>(earlier: Row, later: Row): Row => ({
  ...later,
  requests: earlier.requests + later.requests,
});

const sumOfKey = (earlier: KeyTally, later: KeyTally): KeyTally => ({
  ...sumOf(earlier, later),
  inBrowserAt: later.inBrowserAt ?? earlier.inBrowserAt,
});

function spread(keyId: string, lists: ScopeLists, into: Table<ScopeTally>): void {
  for (const [list, { workspaceId, at, requests }] of lists) {
    for (const scope of list) into.add(`${keyId} ${scope}`, { workspaceId, keyId, scope, at, requests });
  }
}

/** A client that names its key in its User-Agent must not have it stored. */
const shownKey = (tally: KeyTally): KeyTally => ({
  ...tally,
  userAgent: tally.userAgent === null ? null : readable(tally.userAgent),
});

const readable = (userAgent: string): string => withoutKeys(userAgent).slice(0, USER_AGENT_MAX);
