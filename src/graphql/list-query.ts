// How a list is read. A list is declared as data (model, filters, orders, parent key); this file turns the declaration
// and a caller's arguments into one statement for any number of parents, each with its own LIMIT, and the rows of a page
// into one further statement. The fast lane compiles the same declarations into single statements.
import type { GuardedDb } from '../guard/guarded-db.js';
import { column, empty, inWorkspace, join, literal, type Sql, sql, table } from '../guard/sql.js';
import type { Model } from '../guard/tenancy.js';

export type Cast = 'timestamptz' | 'text' | 'int';

export type FilterRule =
  | { readonly op: 'equals' | 'atLeast' | 'before'; readonly field: string; readonly cast?: Cast }
  /** The name itself, or with `noun.*` every name of that noun. */
  | { readonly op: 'named'; readonly field: string }
  /** Any of the fields holds the text, whatever its case. */
  | { readonly op: 'contains'; readonly fields: readonly string[] }
  /** The value is one of a list; `expression` stands in for a column whose value is computed. */
  | { readonly op: 'in'; readonly field: string; readonly expression?: (alias: string) => Sql }
  | { readonly op: 'isSet'; readonly field: string };

export interface OrderRule {
  /** A column that is never null; the id breaks ties. */
  readonly field: string;
  readonly cast: Cast;
}

export interface ListRules {
  readonly model: Model;
  readonly filters: Readonly<Record<string, FilterRule>>;
  readonly orders: Readonly<Record<string, OrderRule>>;
  readonly defaultOrder: { readonly field: string; readonly direction: 'ASC' | 'DESC' };
  /** Holds for every row of the list, whatever the arguments. */
  readonly always?: (alias: string) => Sql;
  /** The column that names the parent, for a list inside an object. */
  readonly parentField?: string;
}

export interface PageRequest {
  readonly size: number;
  /** True for `last`/`before`: the page is read from the end. */
  readonly backward: boolean;
  /** The order value and id behind which the page starts. */
  readonly after: readonly [string, string] | null;
  readonly filters: Readonly<Record<string, unknown>>;
  readonly order: { readonly field: string; readonly direction: 'ASC' | 'DESC' };
  /** Only rows that this principal asked for: a column and the value it must have. */
  readonly own: { readonly field: string; readonly value: string } | null;
}

export interface PageRow {
  readonly id: string;
  /** The order column as the database writes it. */
  readonly value: string;
}

export const pageSizeMax = 100;

/**
 * The most that is ever read of a list: a full page, and the one that tells there is more. It stands in the text around the
 * limit that is asked for, since that one is a value: PostgreSQL would expect a tenth of all rows of it, and plan the lists
 * of a large workspace anew with each request.
 */
export const placesMax = pageSizeMax + 1;

/** Stands for the parent of a list that has none. */
export const noParent = '';

export const castOf = (cast: Cast): Sql =>
  cast === 'timestamptz' ? sql`::timestamptz` : cast === 'int' ? sql`::int` : sql`::text`;

/** Up to `size + 1` places per parent (one more tells that there is a further page), in the order of the page. */
export async function readPlaces(
  db: GuardedDb,
  rules: ListRules,
  parents: readonly string[] | null,
  page: PageRequest,
): Promise<ReadonlyMap<string, PageRow[]>> {
  const order = orderOf(rules, page.order.field);
  const descending = (page.order.direction === 'DESC') !== page.backward;
  const direction = descending ? sql`DESC` : sql`ASC`;
  const key = column(order.field, 't');
  const places = sql`SELECT t.id, ${key} AS key FROM ${table(rules.model)} t
    WHERE ${conditions(db, rules, page, parents !== null)} ${behind(page, order, key, descending)}
    ORDER BY ${key} ${direction}, t.id ${direction} LIMIT ${literal(placesMax)}`;
  const rows = sql`SELECT t.id, t.key::text AS value FROM (${places}) t
    ORDER BY t.key ${direction}, t.id ${direction} LIMIT ${page.size + 1}::int`;
  const statement =
    parents === null
      ? sql`SELECT ${noParent}::text AS parent, x.id, x.value FROM (${rows}) x`
      : sql`SELECT p.id AS parent, x.id, x.value FROM unnest(${parents}::text[]) AS p(id) CROSS JOIN LATERAL (${rows}) x`;
  const found = new Map<string, PageRow[]>();
  for (const { parent, id, value } of await db.$sql<PageRow & { parent: string }>(statement)) {
    const list = found.get(parent);
    if (list === undefined) found.set(parent, [{ id, value }]);
    else list.push({ id, value });
  }
  return found;
}

/** How many rows each parent's list has in all. */
export async function countRows(
  db: GuardedDb,
  rules: ListRules,
  parents: readonly string[] | null,
  page: PageRequest,
): Promise<ReadonlyMap<string, number>> {
  const where = conditions(db, rules, page, parents !== null);
  const statement =
    parents === null
      ? sql`SELECT ${noParent}::text AS parent, count(*)::int AS total FROM ${table(rules.model)} t WHERE ${where}`
      : sql`SELECT p.id AS parent, x.total FROM unnest(${parents}::text[]) AS p(id)
          CROSS JOIN LATERAL (SELECT count(*)::int AS total FROM ${table(rules.model)} t WHERE ${where}) x`;
  const rows = await db.$sql<{ parent: string; total: number }>(statement);
  return new Map(rows.map(({ parent, total }) => [parent, total]));
}

export function orderOf(rules: ListRules, name: string): OrderRule {
  const order = rules.orders[name];
  if (order === undefined) throw new Error(`The list of ${rules.model} has no order ${name}.`);
  return order;
}

function conditions(db: GuardedDb, rules: ListRules, page: PageRequest, hasParent: boolean): Sql {
  const parts: Sql[] = [inWorkspace(db, rules.model, 't')];
  if (hasParent) {
    if (rules.parentField === undefined) throw new Error(`The list of ${rules.model} names no parent.`);
    parts.push(sql`${column(rules.parentField, 't')} = p.id`);
  }
  if (rules.always !== undefined) parts.push(rules.always('t'));
  if (page.own !== null) parts.push(sql`${column(page.own.field, 't')} = ${page.own.value}`);
  for (const [name, rule] of Object.entries(rules.filters)) {
    const value = page.filters[name];
    if (value !== undefined && value !== null) parts.push(filterSql(rule, value));
  }
  return join(parts, ' AND ');
}

/** The condition of one filter; the listed rows are known as `t`. */
export function filterSql(rule: FilterRule, value: unknown): Sql {
  switch (rule.op) {
    case 'equals':
      return sql`${column(rule.field, 't')}::text = ${String(value)}`;
    case 'named': {
      const name = String(value);
      const subject = sql`${column(rule.field, 't')}::text`;
      return /^[^.*]+\.\*$/.test(name) ? sql`starts_with(${subject}, ${name.slice(0, -1)})` : sql`${subject} = ${name}`;
    }
    case 'atLeast':
      return sql`${column(rule.field, 't')} >= ${value}${castOf(rule.cast ?? 'text')}`;
    case 'before':
      return sql`${column(rule.field, 't')} < ${value}${castOf(rule.cast ?? 'text')}`;
    case 'contains': {
      const pattern = `%${String(value).replace(/[\\%_]/g, (sign) => `\\${sign}`)}%`;
      return sql`(${join(
        rule.fields.map((field) => sql`${column(field, 't')} ILIKE ${pattern}`),
        ' OR ',
      )})`;
    }
    case 'in': {
      const subject = rule.expression?.('t') ?? sql`${column(rule.field, 't')}::text`;
      return sql`${subject} = ANY(${(Array.isArray(value) ? value : [value]).map(String)}::text[])`;
    }
    case 'isSet':
      return value === true ? sql`${column(rule.field, 't')} IS NOT NULL` : sql`${column(rule.field, 't')} IS NULL`;
  }
}

function behind(page: PageRequest, order: OrderRule, key: Sql, descending: boolean): Sql {
  if (page.after === null) return empty;
  const [value, id] = page.after;
  const place = sql`(${value}${castOf(order.cast)}, ${id})`;
  return descending ? sql`AND (${key}, t.id) < ${place}` : sql`AND (${key}, t.id) > ${place}`;
}
