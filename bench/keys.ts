// What the door itself costs: a good key among a thousand and among a million, and a text that is no key. In this process,
// with the code of the door and nothing of HTTP or GraphQL around it, so that its CPU is that of the judgement alone.
import { openApiKeyDoor } from '../src/auth/api-key.js';
import { openJudge } from '../src/auth/authenticate.js';
import type { Credentials } from '../src/auth/credentials.js';
import { newKeySecret } from '../src/auth/key-format.js';
import { openSessionDoor } from '../src/auth/session.js';
import type { Database } from '../src/db/database.js';
import { openServer } from '../src/db/server.js';
import { newId } from '../src/platform/ids.js';
import type { PostgresPlace } from './postgres-place.js';
import { insertRows } from './seed.js';

/** One row of the table. */
export interface KeyLine {
  readonly title: string;
  /** One per round, of one key each. */
  readonly cpuMicroseconds: readonly number[];
  /** Statements that one key takes. */
  readonly lookUps: number;
  /** Of each key, in milliseconds. */
  readonly latencies: readonly number[];
  /** Of the tables of keys and hashes, per look-up; null where none was made. */
  readonly scans: { readonly byIndex: number; readonly sequential: number } | null;
}

interface Size {
  readonly rounds: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly manyKeys: number;
}

interface Contestant {
  readonly title: string;
  readonly database: Database;
  readonly keys: readonly string[];
}

interface Round {
  readonly asked: number;
  readonly cpuMicroseconds: number;
  readonly lookUps: number;
  readonly latencies: readonly number[];
}

const FEW_KEYS = 1_000;
const AT_ONCE = 16;
const BRAND = 'sp';

export async function measureKeys(
  postgres: PostgresPlace,
  { rounds, warmUpMs, measureMs, manyKeys }: Size,
  say: (line: string) => void,
): Promise<readonly KeyLine[]> {
  const few = await openServer({ databaseUrl: await postgres.createDatabase('few'), warn: say });
  const keys = await seedKeys(few).finally(() => few.close());
  const opened: Database[] = [];
  const open = async (name: string) => {
    const database = await openServer({ databaseUrl: await postgres.createDatabase(name, 'few'), warn: say });
    opened.push(database);
    return database;
  };
  try {
    const small = await open('few_keys');
    const large = await open('many_keys');
    say(`Filling the table with ${manyKeys.toLocaleString('en')} keys.`);
    await fill(large, manyKeys - FEW_KEYS);
    for (const database of opened) await database.executeAsOwner('VACUUM ANALYZE');
    const malformed = keys.map((key) => key.replace(/.$/, (last) => (last === '0' ? '1' : '0')));
    const title = (count: number) => `a good key among ${count.toLocaleString('en')}`;
    const contestants: readonly Contestant[] = [
      { title: title(FEW_KEYS), database: small, keys },
      { title: title(manyKeys), database: large, keys },
      { title: 'a key with a typo', database: large, keys: malformed },
    ];
    // Twice, since the first of them would warm the compiler for the others.
    for (const contestant of [...contestants, ...contestants]) await askFor(contestant, warmUpMs);
    const measured = contestants.map((): Round[] => []);
    for (let round = 0; round < rounds; round++) {
      say(`Keys, round ${round + 1} of ${rounds}.`);
      for (const [index, contestant] of contestants.entries()) {
        measured[index]?.push(await askFor(contestant, measureMs));
      }
    }
    return await Promise.all(contestants.map((contestant, index) => lineOf(contestant, measured[index] ?? [])));
  } finally {
    for (const database of opened) await database.close();
  }
}

async function askFor({ database, keys }: Contestant, milliseconds: number): Promise<Round> {
  let lookUps = 0;
  const counted: Database = {
    ...database,
    shortQuery: (name, text, values) => {
      lookUps++;
      return database.shortQuery(name, text, values);
    },
  };
  const judge = openJudge({
    apiKeys: openApiKeyDoor(counted, BRAND),
    sessions: openSessionDoor(counted, []),
    secureOnly: false,
  });
  const latencies: number[] = [];
  const end = performance.now() + milliseconds;
  const before = process.cpuUsage();
  let asked = 0;
  const askOn = async () => {
    for (let now = performance.now(); now < end; ) {
      const key = keys[asked++ % keys.length] ?? '';
      // Refusals are part of what is measured; anything but a refusal of the door would be answered as a defect.
      await judge(credentialsOf(key)).catch(() => null);
      const answered = performance.now();
      latencies.push(answered - now);
      now = answered;
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, askOn));
  const { user, system } = process.cpuUsage(before);
  return { asked, cpuMicroseconds: user + system, lookUps, latencies };
}

const credentialsOf = (key: string): Credentials => ({
  authorization: `Bearer ${key}`,
  xApiKey: null,
  cookie: null,
  workspaceId: null,
  ip: '192.0.2.1',
  userAgent: null,
  isFromBrowser: false,
});

async function lineOf(contestant: Contestant, rounds: readonly Round[]): Promise<KeyLine> {
  const sum = (of: (round: Round) => number) => rounds.reduce((total, round) => total + of(round), 0);
  const lookUps = sum((round) => round.lookUps) / sum(({ asked }) => asked);
  return {
    title: contestant.title,
    cpuMicroseconds: rounds.map(({ cpuMicroseconds, asked }) => cpuMicroseconds / asked),
    lookUps,
    latencies: rounds.flatMap(({ latencies }) => latencies),
    scans: lookUps === 0 ? null : await scansOf(contestant),
  };
}

/** By the database's own count, which a connection reports with its next statement a second later. */
async function scansOf({ database, keys }: Contestant): Promise<{ byIndex: number; sequential: number }> {
  const count = async () => {
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    await Promise.all(Array.from({ length: AT_ONCE }, () => database.ping()));
    await askOnce(database, keys);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const { rows } = await database.executeAsOwner(
      `SELECT sum(idx_scan)::float8 AS by_index, sum(seq_scan)::float8 AS sequential FROM pg_stat_user_tables
        WHERE relname IN ('api_key', 'api_key_secret')`,
    );
    return { byIndex: Number(rows[0]?.by_index), sequential: Number(rows[0]?.sequential) };
  };
  const before = await count();
  for (let asked = 0; asked < FEW_KEYS; asked++) await askOnce(database, keys.slice(asked));
  const after = await count();
  const per = (name: 'byIndex' | 'sequential') => Math.round((after[name] - before[name]) / FEW_KEYS);
  return { byIndex: per('byIndex'), sequential: per('sequential') };
}

const askOnce = (database: Database, [key = '']: readonly string[]) =>
  openApiKeyDoor(database, BRAND).judge(key, '192.0.2.1');

async function seedKeys(database: Database): Promise<readonly string[]> {
  const [organizationId, workspaceId] = [newId('org'), newId('wsp')];
  await database.executeAsOwner('INSERT INTO organization (id, name) VALUES ($1, $2)', [organizationId, 'Halberd']);
  await database.executeAsOwner('INSERT INTO workspace (id, organization_id, name) VALUES ($1, $2, $3)', [
    workspaceId,
    organizationId,
    'Shop',
  ]);
  const made = Array.from({ length: FEW_KEYS }, () => ({ id: newId('key'), ...newKeySecret('ACCOUNT', BRAND) }));
  await insertRows(
    database,
    'api_key',
    workspaceId,
    made.map(({ id, keyPrefix, start }, i) => ({
      id,
      ...{ kind: 'ACCOUNT', name: `Key ${i}`, key_prefix: keyPrefix, start },
      ...{ scopes: ['contacts:read', 'agents:read'], allowed_ips: [] },
    })),
  );
  const hashes = made.map(({ id, hash }) => ({ id: newId('sec'), key_id: id, hash: `\\x${hash.toString('hex')}` }));
  await insertRows(database, 'api_key_secret', workspaceId, hashes);
  return made.map(({ key }) => key);
}

/** Keys that nobody has, in the workspace that is there. */
async function fill(database: Database, count: number): Promise<void> {
  const spelled = (prefix: string) => `'${prefix}_0' || substr(md5('${prefix}' || i), 1, 25)`;
  await database.executeAsOwner(
    `INSERT INTO api_key (workspace_id, id, kind, name, key_prefix, start, scopes, allowed_ips)
      SELECT w.id, ${spelled('key')}, 'ACCOUNT', 'Key ' || i, 'sp_acct_', 'sp_acct_' || substr(md5('s' || i), 1, 4),
        '{contacts:read,agents:read}', '{}' FROM workspace w, generate_series(1, $1::int) i`,
    [count],
  );
  await database.executeAsOwner(
    `INSERT INTO api_key_secret (workspace_id, id, key_id, hash)
      SELECT w.id, ${spelled('sec')}, ${spelled('key')}, sha256(convert_to('hash' || i, 'UTF8'))
      FROM workspace w, generate_series(1, $1::int) i`,
    [count],
  );
}
