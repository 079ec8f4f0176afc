// What a workspace owned, erased. Which tables those are is not written down anywhere: the database's own catalogue says
// which have a workspace, and in which order its foreign keys let go of them, so a new noun is covered by itself. The tenancy
// table stands behind it: a model that belongs to a workspace and is not among them is a defect, and nothing is erased.
import type { SystemDb } from './as-system.js';
import { empty, identifier, join, type Sql, sql } from './sql.js';
import { type Model, tableOf, tenancy } from './tenancy.js';

/** A table with a workspace in every row, and how its rows name each other. */
export interface OwnedTable {
  readonly name: string;
  /** Column by column, the reference of a row to another row of the same table. */
  readonly selfReferences: readonly Reference[];
}

interface Reference {
  readonly child: string;
  readonly parent: string;
  readonly columns: readonly string[];
  readonly references: readonly string[];
}

const OWNER_COLUMN = 'workspace_id';

/** The tables whose rows belong to a workspace, those first that no other of them refers to. */
export async function ownedTables(db: SystemDb): Promise<readonly OwnedTable[]> {
  const rows = await db.$queryRaw<{ name: string }[]>`SELECT c.relname::text AS name FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = ${OWNER_COLUMN} AND NOT a.attisdropped
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY c.relname`;
  const names = rows.map(({ name }) => name);
  requireEveryOwned(names);
  const references = await referencesAmong(db, names);
  return inOrder(names, references).map((name) => ({
    name,
    selfReferences: references.filter(({ child, parent }) => child === name && parent === name),
  }));
}

const requireEveryOwned = (names: readonly string[]): void => {
  const missing = (Object.keys(tenancy) as Model[]).filter((model) => {
    const ownership = tenancy[model];
    return ownership.owner === 'workspace' && ownership.field === 'workspaceId' && !names.includes(tableOf(model));
  });
  if (missing.length > 0) throw new Error(`No table with a workspace for: ${missing.join(', ')}.`);
};

const referencesAmong = (db: SystemDb, names: readonly string[]): Promise<Reference[]> =>
  db.$queryRaw<Reference[]>`SELECT child.relname::text AS child, parent.relname::text AS parent,
      ${columnNames(sql`f.conkey`, sql`f.conrelid`)} AS columns, ${columnNames(sql`f.confkey`, sql`f.confrelid`)} AS "references"
    FROM pg_catalog.pg_constraint f
    JOIN pg_catalog.pg_class child ON child.oid = f.conrelid
    JOIN pg_catalog.pg_class parent ON parent.oid = f.confrelid
    WHERE f.contype = 'f' AND f.connamespace = 'public'::regnamespace
      AND child.relname IN (${join(names)}) AND parent.relname IN (${join(names)})`;

const columnNames = (numbers: Sql, relation: Sql): Sql =>
  sql`(SELECT array_agg(a.attname::text ORDER BY k.place) FROM unnest(${numbers}) WITH ORDINALITY k(number, place)
    JOIN pg_catalog.pg_attribute a ON a.attrelid = ${relation} AND a.attnum = k.number)`;

/** @throws when tables refer to each other in a circle: then no order lets go of them */
const inOrder = (names: readonly string[], references: readonly Reference[]): readonly string[] => {
  const ordered: string[] = [];
  let left = [...names];
  while (left.length > 0) {
    const free = left.filter(
      (name) => !references.some(({ child, parent }) => parent === name && child !== name && left.includes(child)),
    );
    if (free.length === 0) throw new Error(`Tables that refer to each other in a circle: ${left.join(', ')}.`);
    ordered.push(...free);
    left = left.filter((name) => !free.includes(name));
  }
  return ordered;
};

/**
 * Deletes at most so many rows of the workspace, in the order of `tables`.
 * @returns how many; 0 when none is left
 */
export async function eraseSome(
  db: SystemDb,
  workspaceId: string,
  tables: readonly OwnedTable[],
  rowsMax: number,
): Promise<number> {
  let erased = 0;
  for (const owned of tables) {
    // A row that others of its table refer to goes after them, so a pass may leave some for the next.
    for (let last = -1; last !== 0 && erased < rowsMax; erased += last) {
      last = await db.$executeRaw(deletion(owned, workspaceId, rowsMax - erased));
    }
    if (erased >= rowsMax) return erased;
  }
  return erased;
}

const deletion = ({ name, selfReferences }: OwnedTable, workspaceId: string, limit: number): Sql => {
  const named = identifier(name);
  const owner = identifier(OWNER_COLUMN);
  const free = selfReferences.map(({ columns, references }) => {
    const same = columns.map(
      (child, index) => sql`other.${identifier(child)} = x.${identifier(references[index] ?? child)}`,
    );
    return sql` AND NOT EXISTS (SELECT FROM ${named} other WHERE other.ctid <> x.ctid AND ${join(same, ' AND ')})`;
  });
  return sql`DELETE FROM ${named} WHERE ctid = ANY (ARRAY(SELECT x.ctid FROM ${named} x
    WHERE x.${owner} = ${workspaceId}${free.length === 0 ? empty : join(free, '')} LIMIT ${limit}::int))`;
};
