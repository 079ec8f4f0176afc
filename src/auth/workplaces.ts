// Where a person may work: every workspace of every organization they are a member of, as the door would let them in. Wider
// than the one workspace of the request, so it is read as the owner of the tables, in one statement, by the person's own id
// and nothing that the caller says.
import type { Database } from '../db/database.js';
import { type Role, roleAtLeast } from '../guard/roles.js';
import type { Plan } from './plans.js';
import type { Principal, WorkspaceStatus } from './principal.js';

export interface Workplace {
  readonly id: string;
  readonly name: string;
  readonly plan: Plan;
  readonly status: WorkspaceStatus;
  /** The person's, in the organization. */
  readonly role: Role;
  readonly organization: { readonly id: string; readonly name: string };
}

/** More than anybody looks through; the oldest come first. */
export const WORKPLACES_MAX = 1_000;

/** Whoever can take it back gets into a workspace that is not served. */
export const mayEnter = (status: WorkspaceStatus, role: Role): boolean => {
  if (status === 'ACTIVE') return true;
  return roleAtLeast(role, status === 'SUSPENDED' ? 'ADMIN' : 'OWNER');
};

const FIND_WORKPLACES = `SELECT w.id, w.name, w.plan::text AS plan, w.status::text AS status, m.role::text AS role,
    json_build_object('id', o.id, 'name', o.name) AS organization
  FROM "member" m
  JOIN "organization" o ON o.id = m.organization_id
  JOIN "workspace" w ON w.organization_id = m.organization_id
  WHERE m.user_id = $1 AND (w.erase_at IS NULL OR w.erase_at > now())
  ORDER BY w.id LIMIT ${WORKPLACES_MAX}`;

/** Empty for whoever is not a person. */
export async function workplacesOf(
  database: Pick<Database, 'executeAsOwner'>,
  { kind, id }: Pick<Principal, 'kind' | 'id'>,
): Promise<readonly Workplace[]> {
  if (kind !== 'SESSION') return [];
  const { rows } = await database.executeAsOwner(FIND_WORKPLACES, [id]);
  return (rows as unknown as Workplace[]).filter(({ status, role }) => mayEnter(status, role));
}
