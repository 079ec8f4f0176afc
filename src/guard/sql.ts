// Bound SQL, for what Prisma cannot say: the handle's `$sql` runs it with the tenant's settings, and the fragments here
// say the workspace condition in words that the tests look for.
import { Prisma } from '../generated/prisma/client.js';
import type { GuardedDb } from './guarded-db.js';
import { columnOf, type Model, tableOf, tenancy } from './tenancy.js';

export const { sql, join, empty } = Prisma;
export type Sql = Prisma.Sql;

/** @throws for a name that would need quotes to be understood */
export const identifier = (name: string): Sql => {
  if (!/^[a-z_][a-z0-9_]*$/.test(name)) throw new Error(`Not an identifier: ${name}`);
  return Prisma.raw(`"${name}"`);
};

/** A whole number in the text itself, for what PostgreSQL must know when it plans. @throws for any other number */
export const literal = (number: number): Sql => {
  if (!Number.isSafeInteger(number)) throw new Error(`Not a whole number: ${number}`);
  return Prisma.raw(String(number));
};

export const table = (model: Model): Sql => identifier(tableOf(model));
export const column = (field: string, alias?: string): Sql =>
  alias === undefined ? identifier(columnOf(field)) : sql`${identifier(alias)}.${identifier(columnOf(field))}`;

/** The condition that a row of `model`, known as `alias`, belongs to the handle's tenant. */
export function inWorkspace(db: GuardedDb, model: Model, alias: string): Sql {
  const ownership = tenancy[model];
  const { $tenant: tenant, $walls: walls } = db;
  if (ownership.owner === 'global') throw new Error(`${model} belongs to no workspace.`);
  if (walls === 'rls-only') return sql`TRUE`;
  if (ownership.owner === 'organization') return sql`${column(ownership.field, alias)} = ${tenant.organizationId}`;
  const owned = sql`${column(ownership.field, alias)} = ${tenant.workspaceId}`;
  if (tenant.agentId === null || ownership.agent === 'any') return owned;
  if (ownership.agent === 'none') return sql`FALSE`;
  return sql`${owned} AND ${column(ownership.agent, alias)} = ${tenant.agentId}`;
}
