// Wall one, in the statement: the condition that a row belongs to the tenant, from the same table that the guarded handle
// reads. A row that is not the tenant's is not there.
import { columnOf, type Model, tenancy, type Walls } from '../guard/tenancy.js';
import { CTX } from './binding.js';
import { notCompiled } from './not-compiled.js';

/** @param isAgent whether the principal is confined to one agent */
export function confined(model: Model, alias: string, { walls, isAgent }: { walls: Walls; isAgent: boolean }): string {
  const ownership = tenancy[model];
  if (ownership.owner === 'global') return notCompiled(`${model} belongs to no workspace`);
  const field = `${alias}.${columnOf(ownership.field)}`;
  // Without the condition the settings must still come first.
  if (walls === 'rls-only') return `${CTX.workspace} IS NOT NULL`;
  if (ownership.owner === 'organization') return `${field} = ${CTX.organization}`;
  const owned = `${field} = ${CTX.workspace}`;
  if (!isAgent || ownership.agent === 'any') return owned;
  if (ownership.agent === 'none') return `${CTX.workspace} IS NULL`;
  return `${owned} AND ${alias}.${columnOf(ownership.agent)} = ${CTX.agent}`;
}
