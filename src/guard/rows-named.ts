// The rows that ids name, whatever table they lie in, as they are now in a transaction: what tells two outcomes of one
// operation apart. Without times and without what use counts, which differ though nothing was decided otherwise.
import { getDatamodel } from '../generated/pothos-types.js';
import type { Prisma } from '../generated/prisma/client.js';
import type { SystemDb } from './as-system.js';
import { column, identifier, join, sql, table } from './sql.js';
import { columnOf, type Model, type Tenant, tenancy } from './tenancy.js';

/** Counted by use or by the request, drawn by chance, or made of what is. */
const passing: ReadonlySet<string> = new Set([
  ...['requestCount', 'lastUsedIp', 'lastUsedUserAgent', 'spentCredits', 'reservedCredits', 'balanceCredits'],
  ...['requestId', 'seal', 'start'],
]);

export interface NamedRow {
  readonly id: string;
  readonly model: Model;
  readonly row: unknown;
}

interface NamedTable {
  readonly model: Model;
  readonly owner: string;
  readonly fields: readonly string[];
}

/** Tables whose rows have an id and belong to a workspace or an organization. */
const tables: readonly NamedTable[] = Object.entries(getDatamodel().datamodel.models).flatMap(([name, { fields }]) => {
  const ownership = tenancy[name as Model];
  if (ownership.owner === 'global' || !fields.some((field) => field.name === 'id')) return [];
  const told = fields.filter(
    ({ kind, type, name: own }) => kind !== 'object' && type !== 'DateTime' && !passing.has(own),
  );
  return [{ model: name as Model, owner: ownership.field, fields: told.map((field) => field.name) }];
});

/** In the order of the ids, those that there are. @param system of the owner; only rows of the tenant are found */
export async function rowsNamed(
  system: SystemDb,
  tenant: Tenant,
  ids: readonly string[],
): Promise<readonly NamedRow[]> {
  if (ids.length === 0) return [];
  const parts = tables.map((one) => partOf(one, tenant));
  const found = await system.$queryRaw<NamedRow[]>(
    sql`WITH named AS (SELECT unnest(${[...ids]}::text[]) AS id) ${join(parts, ' UNION ALL ')}`,
  );
  const places = new Map(ids.map((id, place) => [id, place]));
  const placeOf = ({ id }: NamedRow): number => places.get(id) ?? 0;
  return [...found].sort((one, other) => placeOf(one) - placeOf(other) || (one.model < other.model ? -1 : 1));
}

const partOf = ({ model, owner, fields }: NamedTable, tenant: Tenant): Prisma.Sql => {
  const ownership = tenancy[model];
  const owned = ownership.owner === 'organization' ? tenant.organizationId : tenant.workspaceId;
  const columns = fields.map((field) => sql`${columnOf(field)}::text, ${column(field, 'x')}`);
  return sql`SELECT x.id, ${model}::text AS model, jsonb_build_object(${join(columns)}) AS row
    FROM ${table(model)} AS ${identifier('x')} WHERE ${column(owner, 'x')} = ${owned} AND x.id IN (SELECT id FROM named)`;
};
