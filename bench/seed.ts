// One believable workspace, its keys, and on demand a second one whose conversations are long.
import { newKeySecret } from '../src/auth/key-format.js';
import type { Database } from '../src/db/database.js';
import { newId } from '../src/platform/ids.js';
import { SCOPES, type Targets } from './operations.js';

export interface Place extends Targets {
  readonly organizationId: string;
  readonly workspaceId: string;
  readonly keyId: string;
  readonly key: string;
}

interface Size {
  readonly keys: number;
  readonly messagesEach: number;
}

const AGENTS = 60;
const CONTACTS = 1_000;
const CONVERSATIONS = 20;

export async function seed(database: Database, { keys, messagesEach }: Size): Promise<Place> {
  const [organizationId, workspaceId] = [newId('org'), newId('wsp')];
  const insert = inserterOf(database, workspaceId);
  await database.executeAsOwner('INSERT INTO organization (id, name) VALUES ($1, $2)', [organizationId, 'Halberd']);
  await database.executeAsOwner('INSERT INTO workspace (id, organization_id, name) VALUES ($1, $2, $3)', [
    workspaceId,
    organizationId,
    'Shop',
  ]);
  const agents = await insert('agent', AGENTS, 'agt', (i) => ({
    name: `Agent ${i}`,
    description: `Looks after customers whose name begins with ${String.fromCharCode(65 + (i % 26))}.`,
    instructions: 'Answer in two sentences. Ask for the order number when it is missing. Never promise a date.',
    model: i % 3 === 0 ? 'large-1' : null,
    created_at: at(i),
  }));
  const contacts = await insert('contact', CONTACTS, 'ctc', (i) => ({
    name: `Person Number ${i}`,
    email: `person${i}@example.com`,
    phone: `+4930${String(1_000_000 + i)}`,
    company: `Company ${i % 90}`,
    notes: 'Rides every day; prefers to be called in the morning.',
    created_at: at(i),
  }));
  // The last one is the least lively: drafts are written there.
  const conversations = await insert('conversation', CONVERSATIONS + 1, 'cnv', (i) => ({
    channel: 'EMAIL',
    subject: `Order ${4_000 + i}: where is my frame?`,
    contact_id: contacts[i * 7],
    agent_id: agents[i % AGENTS],
    last_message_at: at(i < CONVERSATIONS ? 1_000_000 + i : 0),
    created_at: at(i),
  }));
  await insert('message', CONVERSATIONS * messagesEach, 'msg', (i) => ({
    conversation_id: conversations[i % CONVERSATIONS],
    channel: 'EMAIL',
    direction: i % 2 === 0 ? 'INBOUND' : 'OUTBOUND',
    status: i % 2 === 0 ? 'RECEIVED' : 'SENT',
    agent_id: agents[(i % CONVERSATIONS) % AGENTS],
    subject: 'Where is my frame?',
    body: `Message ${i}: the frame left the workshop on Monday and the carrier says it will be with you within three days.`,
    created_at: at(i),
  }));
  const key = await seedKeys(database, workspaceId, keys);
  return { organizationId, workspaceId, contactId: of(contacts, 500), conversationId: of(conversations, -1), ...key };
}

async function seedKeys(database: Database, workspaceId: string, keys: number) {
  const secrets = new Map<string, ReturnType<typeof newKeySecret>>();
  const insert = inserterOf(database, workspaceId);
  const ids = await insert('api_key', keys, 'key', (i, id) => {
    const secret = newKeySecret('ACCOUNT', 'sp');
    secrets.set(id, secret);
    const { keyPrefix, start } = secret;
    return { kind: 'ACCOUNT', name: `Key ${i}`, key_prefix: keyPrefix, start, scopes: SCOPES, allowed_ips: [] };
  });
  const hashes = ids.map((id) => ({
    id: newId('sec'),
    key_id: id,
    hash: `\\x${secrets.get(id)?.hash.toString('hex')}`,
  }));
  await insertRows(database, 'api_key_secret', workspaceId, hashes);
  const keyId = of(ids, Math.floor(keys / 2));
  return { keyId, key: secrets.get(keyId)?.key ?? '' };
}

type Row = Record<string, unknown>;

const inserterOf =
  (database: Database, workspaceId: string) =>
  async (table: string, count: number, prefix: Parameters<typeof newId>[0], row: (i: number, id: string) => Row) => {
    const rows = Array.from({ length: count }, (_, i) => {
      const id = newId(prefix);
      return { id, ...row(i, id) };
    });
    await insertRows(database, table, workspaceId, rows);
    return rows.map(({ id }) => id);
  };

const ROWS_AT_ONCE = 5_000;

/** Columns as the rows name them; PostgreSQL reads each by the table's own types. */
export async function insertRows(
  database: Database,
  table: string,
  workspaceId: string,
  rows: readonly Row[],
): Promise<void> {
  for (let from = 0; from < rows.length; from += ROWS_AT_ONCE) {
    const some = rows.slice(from, from + ROWS_AT_ONCE).map((row) => ({ workspace_id: workspaceId, ...row }));
    const columns = Object.keys(some[0] ?? {}).join(', ');
    await database.executeAsOwner(
      `INSERT INTO ${table} (${columns}) SELECT ${columns} FROM json_populate_recordset(NULL::${table}, $1::json)`,
      [JSON.stringify(some)],
    );
  }
}

const START = Date.parse('2026-01-05T08:00:00.000Z');
const at = (second: number): string => new Date(START + second * 1_000).toISOString();

function of(ids: readonly string[], index: number): string {
  const id = ids.at(index);
  if (id === undefined) throw new Error(`Nothing was seeded at ${index}.`);
  return id;
}
