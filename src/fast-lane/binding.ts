// Wall two, in the statement itself: `ctx` makes the settings that row-level security reads, within the statement's own
// transaction, so that nothing stays on a pooled connection and no round trip is spent on it. Whatever reads a table
// depends on `ctx` laterally: that is what makes the settings come first.
// The first three values of every statement are the workspace, the organization, and the agent or ''.
import type { Tenant } from '../guard/tenancy.js';

/** The columns of `ctx`, by what they confine to. */
export const CTX = { workspace: 'ctx.w', organization: 'ctx.o', agent: 'ctx.a' } as const;

export const valuesOfTenant = ({ workspaceId, organizationId, agentId }: Tenant): readonly string[] => [
  workspaceId,
  organizationId,
  agentId ?? '',
];

const SETTINGS = `set_config('app.workspace_id', $1::text, true) AS w,
  set_config('app.organization_id', $2::text, true) AS o, set_config('app.agent_id', $3::text, true) AS a`;

/** For a principal that was judged before. */
export const boundByTenant = (select: string): string => `WITH ctx AS MATERIALIZED (SELECT ${SETTINGS})
${select}`;

/**
 * For a key that is only expected to be what it was: nothing is bound, and so nothing is read, unless its look-up tells
 * the same facts now.
 * @param key reads `facts` of the key
 * @param expected the place of the facts that were expected, for example `$7`
 */
export const boundByKey = (select: string, key: string, expected: string): string => `WITH k AS MATERIALIZED (${key}),
ctx AS MATERIALIZED (SELECT ${SETTINGS} FROM k WHERE k.facts = ${expected}::text)
${select}`;
