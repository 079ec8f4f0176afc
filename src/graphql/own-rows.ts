// Types whose rows a principal may always read when it asked for them itself, and those of others only with a scope.
import type { Principal } from '../auth/principal.js';
import type { Scope } from '../guard/scopes.js';

interface OwnRows {
  /** The field that names who asked. */
  readonly field: string;
  /** Holding this shows the rows of others too. */
  readonly othersTake: Scope;
}

/** Types whose rows are kept for the trail after they were deleted, and the field that says when that was. */
const keptTypes: Readonly<Record<string, string>> = { ApiKey: 'deletedAt' };

/** The field that says when a row that is kept was deleted for everybody who asks; null: rows of the type are not kept. */
export const deletedField = (typeName: string): string | null => keptTypes[typeName] ?? null;

/** Whether rows of the type are shown to who asked for them, and to others by a scope. */
export const hasOwnRows = (typeName: string): boolean => ownTypes[typeName] !== undefined;

/** Whether a row that is still there was deleted for everybody who asks. */
export function isDeleted(typeName: string, row: Readonly<Record<string, unknown>>): boolean {
  const field = deletedField(typeName);
  return field !== null && row[field] !== null;
}

const ownTypes: Readonly<Record<string, OwnRows>> = {
  Effect: { field: 'actorId', othersTake: 'approvals:read' },
};

/** The scope that shows these rows: of others' requests what `approvals:read` shows; nothing where every row is the principal's. */
export function scopesShowing(
  typeName: string,
  principal: Principal,
  rows: readonly (Readonly<Record<string, unknown>> | null)[],
): readonly Scope[] {
  const own = ownTypes[typeName];
  if (own === undefined || rows.every((row) => row === null || row[own.field] === principal.id)) return [];
  return [own.othersTake];
}

/** The column and value a row must have for this principal to see it; null where every row of the workspace may be seen. */
export function ownRows(typeName: string, principal: Principal): { field: string; value: string } | null {
  const own = ownTypes[typeName];
  if (own === undefined || principal.effectiveScopes.has(own.othersTake)) return null;
  return { field: own.field, value: principal.id };
}
