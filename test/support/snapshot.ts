// What the database holds of one workspace, as text: equal before and after means that nothing was written there.
import type { Database } from '../../src/db/database.js';
import type { Site } from './world.js';

/** Written by each request of a key, behind its back; no part of what a request asks for. */
const usage = ['last_used_at', 'last_used_ip', 'last_used_user_agent', 'request_count', 'seen_in_browser_at'];
/** Written by the server itself, after the fact; rows of scopes that were used come to be like the columns above. */
const ownTime = [
  ...['audit_link', 'audit_checkpoint', 'organization_audit_link', 'organization_audit_checkpoint'],
  'api_key_scope_use',
];

export type Snapshot = Readonly<Record<string, string>>;

export interface SnapshotOptions {
  /** False: without the entries that a refusal leaves in the trail. */
  readonly withRefusals: boolean;
}

const statements = new WeakMap<Database, Promise<(options: SnapshotOptions) => string>>();

/** Every table with a workspace, its organization's tables, and the queue. */
export async function snapshotOf(
  database: Database,
  { workspaceId, organizationId }: Site,
  options: SnapshotOptions = { withRefusals: true },
): Promise<Snapshot> {
  const known = statements.get(database) ?? statementFor(database);
  statements.set(database, known);
  const statement = (await known)(options);
  const { rows } = await database.executeAsOwner(statement, [workspaceId, organizationId, usage]);
  return Object.fromEntries(rows.map(({ name, text }) => [String(name), String(text)]));
}

async function statementFor(database: Database): Promise<(options: SnapshotOptions) => string> {
  const { rows } = await database.executeAsOwner(`SELECT table_name AS name, min(column_name) AS owner
    FROM information_schema.columns WHERE table_schema = 'public' AND column_name IN ('workspace_id', 'organization_id')
    AND table_name <> 'workspace' GROUP BY table_name ORDER BY 1`);
  // min() prefers organization_id, which no table has beside workspace_id but the workspace itself.
  const tables = rows.map(({ name, owner }) => ({ name: String(name), owner: String(owner) }));
  const condition = (name: string, owner: string, { withRefusals }: SnapshotOptions) =>
    `"${owner}" = ${owner === 'workspace_id' ? '$1' : '$2'}${
      name === 'audit_entry' && !withRefusals ? ` AND outcome <> 'REFUSED'` : ''
    }`;
  return (options) =>
    [
      ...tables
        .filter(({ name }) => !ownTime.includes(name))
        .map(({ name, owner }) => part(name, condition(name, owner, options))),
      part('workspace', 'id = $1'),
      part('organization', 'id = $2'),
      part('pgboss.job', `data->>'workspaceId' = $1`),
    ].join(' UNION ALL ');
}

const part = (table: string, condition: string): string => `SELECT '${table}' AS name,
  COALESCE(string_agg((to_jsonb(one_row) - $3::text[])::text, E'\\n' ORDER BY (to_jsonb(one_row) - $3::text[])::text), '') AS text
  FROM ${table} one_row WHERE ${condition}`;

/** Every row of every table and of the queue, but for what is written behind a request's back. */
export async function wholeSnapshot(database: Database): Promise<Snapshot> {
  const { rows: tables } = await database.executeAsOwner(`SELECT format('%I.%I', table_schema, table_name) AS name
    FROM information_schema.tables WHERE table_type = 'BASE TABLE' AND (table_schema = 'public'
      OR (table_schema = 'pgboss' AND table_name IN ('job', 'archive'))) ORDER BY 1`);
  const parts = tables
    .map(({ name }) => String(name))
    .filter((name) => !ownTime.includes(name.replace('public.', '')))
    .map((name) => part(name, 'true').replaceAll('$3', '$1'));
  const { rows } = await database.executeAsOwner(parts.join(' UNION ALL '), [usage]);
  return Object.fromEntries(rows.map(({ name, text }) => [String(name), String(text)]));
}

/** The tables that differ. */
export const changed = (before: Snapshot, after: Snapshot): readonly string[] =>
  Object.keys({ ...before, ...after }).filter((table) => before[table] !== after[table]);

const idPattern = /\b[a-z]{3}_[0-7][0-9a-hjkmnp-tv-z]{25}\b/g;

/** Every id that occurs in a workspace. */
export const idsIn = (snapshot: Snapshot): ReadonlySet<string> =>
  new Set(Object.values(snapshot).flatMap((text) => text.match(idPattern) ?? []));
