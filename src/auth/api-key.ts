// A key becomes a principal: the format and its checksum are judged first, without the database; then one prepared
// look-up of the SHA-256 answers everything the door needs. Nothing is cached, so a revoked key is refused on the very
// next request of every process. All times are judged by the database's clock. Step 2 of the walk.
import type { Database } from '../db/database.js';
import { CodedError, isCoded } from '../platform/errors.js';
import type { Admission } from './admission.js';
import type { KeyForms } from './imported-formats.js';
import { isIpAllowed } from './ip-list.js';
import { hashKey, parseKey } from './key-format.js';
import type { Plan } from './plans.js';
import { type Principal, principalOfKey, type WorkspaceStatus } from './principal.js';
import type { GuessGate } from './rate-limit/guess-gate.js';
import { KeyRefused, unauthenticated, workspaceSuspended } from './refusals.js';

/** What a look-up tells of a key; the columns of the SQL function `sallyport_find_key`. */
export interface KeyRow {
  readonly key_id: string;
  readonly kind: 'ACCOUNT' | 'AGENT';
  readonly workspace_id: string;
  readonly organization_id: string;
  readonly workspace_status: WorkspaceStatus;
  readonly plan: Plan;
  readonly explicit_spend_scopes: boolean;
  readonly keys_read_only: boolean;
  readonly agent_id: string | null;
  readonly scopes: readonly string[];
  readonly key_status: 'ACTIVE' | 'SUSPENDED' | 'REVOKED';
  readonly deleted_at: Date | string | null;
  readonly allowed_ips: readonly string[];
  readonly rpm: number | null;
  readonly rpd: number | null;
  readonly revoked_at: Date | string | null;
  /** `sec_…` of the secret that was presented; null when a key is judged without one. */
  readonly secret_id: string | null;
  readonly is_expired: boolean;
  /** The secret was rotated out and its grace is over. */
  readonly is_retired: boolean;
}

/**
 * What a key amounted to when it last opened the door. Worth nothing by itself: it lets the look-up and the read that the
 * key asks for travel in one statement, which answers only if the facts are the same at that moment.
 */
export interface Expectation {
  readonly hash: Buffer;
  /** What `FACTS_OF_KEY` must tell again, letter by letter. */
  readonly facts: string;
  readonly admission: Admission;
}

/** A key that a transaction requires to be what it was; see `REQUIRE_SAME_KEY`. */
export interface ExpectedKey extends Pick<Expectation, 'hash' | 'facts'> {
  /** False until the transaction has found it so: before that nothing that came of it may be told. */
  isMet: boolean;
}

export interface ApiKeyDoor {
  /** Null for a key that did not open this door lately, or would not open it from this address. Asks nobody. */
  expect(key: string, ip: string | null): Expectation | null;
  /** The facts had changed: the key is judged from the beginning. */
  forget(expectation: Expectation): void;
  /**
   * @param key as it travelled, without the scheme
   * @param ip the client's address; null is in no IP list
   * @throws UNAUTHENTICATED with a reason, or IP_NOT_ALLOWED; as `KeyRefused` where the key is known
   */
  judge(key: string, ip: string | null): Promise<Admission>;
}

interface FoundKey {
  /** The row as JSON: one text to compare and to read, instead of twenty columns to take apart at each request. */
  readonly facts: string;
  readonly ends_in_ms: number | null;
}

/** The facts of the key whose SHA-256 is `hash`, a column or a parameter of bytea; no row when there is none. */
export const factsOfKey = (hash: string): string =>
  `SELECT row_to_json(f)::text AS facts FROM sallyport_find_key(${hash}) f`;

/** Fails unless the key whose SHA-256 is the first value amounts to the facts that are the second. */
export const REQUIRE_SAME_KEY = `SELECT 1 / count(*)::int AS same FROM (${factsOfKey('$1')}) k WHERE k.facts = $2::text`;

const FIND_KEY = `SELECT row_to_json(f)::text AS facts,
    (extract(epoch FROM LEAST(f.expires_at, f.retires_at) - now()) * 1000)::float8 AS ends_in_ms
  FROM sallyport_find_key($1) f`;

/**
 * @param forms a brand alone: no other keys are known
 * @param gate bounds how often an address may guess; null in tests that do not care
 */
export const openApiKeyDoor = (
  database: Pick<Database, 'shortQuery'>,
  forms: KeyForms | string,
  gate: GuessGate | null = null,
): ApiKeyDoor => {
  const lately = new Map<string, string>();
  const remember = (hash: Buffer, facts: string): void => {
    if (lately.size >= LATELY_MAX) lately.clear();
    lately.set(textOf(hash), facts);
  };
  return {
    expect(key, ip) {
      // What was remembered had the form of a key then.
      const hash = hashKey(key);
      const facts = lately.get(textOf(hash));
      if (facts === undefined) return null;
      const { row, principal } = read(facts);
      if (!isIpAllowed(ip, row.allowed_ips)) return null;
      return { hash, facts, admission: { principal, secretId: row.secret_id, endsInMs: null } };
    },
    forget: ({ hash }) => void lately.delete(textOf(hash)),
    async judge(key, ip) {
      try {
        const hash = hashOf(key, forms);
        // Not awaited when there is nothing to wait for, which is nearly always.
        const turn = gate?.admit(hash, ip) ?? null;
        if (turn !== null) await turn;
        const [row] = await database.shortQuery<FoundKey>('find_key', FIND_KEY, [hash]);
        const admission = admitted(row, ip);
        gate?.passed(hash);
        if (row !== undefined) remember(hash, row.facts);
        return admission;
      } catch (error) {
        throw gate === null ? error : gate.refusal(error, ip);
      }
    },
  };
};

const LATELY_MAX = 10_000;

const textOf = (hash: Buffer): string => hash.toString('latin1');

/** Judges the format first: what is no key costs no look-up. */
function hashOf(key: string, forms: KeyForms | string): Buffer {
  if (isOfForm(key, forms)) return hashKey(key);
  throw unauthenticated('MALFORMED', 'This is not an API key of this server. Check that it was copied whole.');
}

function admitted(row: FoundKey | undefined, ip: string | null): Admission {
  if (row === undefined) {
    throw unauthenticated('UNKNOWN', 'No such API key. Check that it belongs to this server, or have one created.');
  }
  const { row: key, principal } = read(row.facts);
  try {
    requireLive(key);
    requireAllowed(key, ip);
  } catch (error) {
    throw isCoded(error) ? new KeyRefused(error, principal) : error;
  }
  return { principal, secretId: key.secret_id, endsInMs: row.ends_in_ms };
}

function requireAllowed({ allowed_ips }: KeyRow, ip: string | null): void {
  if (isIpAllowed(ip, allowed_ips)) return;
  throw new CodedError(
    'IP_NOT_ALLOWED',
    "This API key may not be used from your address. Use one of the key's allowed addresses, or have them changed.",
  );
}

interface ReadKey {
  readonly row: KeyRow;
  readonly principal: Principal;
}

// A memo of a pure function: the same facts always amount to the same principal. Whether they still hold is asked anew at
// each request.
const readings = new Map<string, ReadKey>();
const READINGS_MAX = 2_000;

function read(facts: string): ReadKey {
  const known = readings.get(facts);
  if (known !== undefined) return known;
  const row = JSON.parse(facts) as KeyRow;
  const reading = { row, principal: principalOfRow(row) };
  if (readings.size >= READINGS_MAX) readings.clear();
  readings.set(facts, reading);
  return reading;
}

const isOfForm = (key: string, forms: KeyForms | string): boolean =>
  typeof forms === 'string'
    ? parseKey(key, forms) !== null
    : parseKey(key, forms.brand) !== null || forms.imported.matches(key);

/**
 * The order is part of the contract: what can never work again is said before what may be undone.
 * @throws UNAUTHENTICATED with REVOKED, ROTATED, SUSPENDED or EXPIRED
 */
export function requireLive(row: KeyRow): void {
  if (row.key_status === 'REVOKED' || row.revoked_at !== null || row.deleted_at !== null) {
    throw unauthenticated('REVOKED', 'This API key was revoked. Have a new one created.');
  }
  if (row.is_retired) {
    throw unauthenticated('ROTATED', 'This API key was rotated and its grace is over. Use the new one.');
  }
  if (row.key_status === 'SUSPENDED') {
    throw unauthenticated('SUSPENDED', 'This API key is suspended. An administrator can resume it.', 'key');
  }
  if (row.workspace_status !== 'ACTIVE') throw workspaceSuspended(row.workspace_status);
  if (row.is_expired) throw unauthenticated('EXPIRED', 'This API key has expired. Have a new one created.');
}

export const principalOfRow = (row: KeyRow): Principal =>
  principalOfKey({
    kind: row.kind,
    keyId: row.key_id,
    agentId: row.agent_id,
    organizationId: row.organization_id,
    workspaceId: row.workspace_id,
    plan: row.plan,
    scopes: row.scopes,
    rpm: row.rpm,
    rpd: row.rpd,
    explicitSpendScopes: row.explicit_spend_scopes,
    keysReadOnly: row.keys_read_only,
  });
