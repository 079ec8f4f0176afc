// A session cookie becomes a principal: the signature is judged first, then one statement reads session, memberships and
// workspaces together. Nothing is cached, so a sign-out, a lower role or a second
// factor that is too old counts from the next request on. The role is the
// one of the workspace's organization. Step 2 of the walk.
import type { Database } from '../db/database.js';
import type { Role } from '../guard/roles.js';
import { CodedError, notFound } from '../platform/errors.js';
import type { Admission } from './admission.js';
import type { Plan } from './plans.js';
import { principalOfPerson, type WorkspaceStatus } from './principal.js';
import { unauthenticated, workspaceSuspended } from './refusals.js';
import { openSessionCookie } from './session-cookie.js';
import { mayEnter } from './workplaces.js';

export interface SessionDoor {
  /**
   * @param cookie the raw value of the session cookie
   * @param workspaceId `X-Workspace-Id`, or null
   * @throws UNAUTHENTICATED with a reason; BAD_USER_INPUT listing the workspaces when one must be named; NOT_FOUND for a
   * workspace that is unknown or not the person's, which look the same; FORBIDDEN for a person who has none
   */
  judge(cookie: string, workspaceId: string | null): Promise<Admission>;
}

interface SessionRow {
  readonly session_id: string;
  readonly user_id: string;
  readonly is_expired: boolean;
  readonly ends_in_ms: number;
  readonly role: Role | null;
  readonly organization_id: string | null;
  readonly workspace_id: string | null;
  readonly workspace_name: string | null;
  readonly workspace_status: WorkspaceStatus | null;
  readonly plan: Plan | null;
  readonly needs_fresh_auth: boolean | null;
  readonly is_stale: boolean;
}

interface Workplace {
  readonly userId: string;
  readonly sessionId: string;
  readonly role: Role;
  readonly organizationId: string;
  readonly workspaceId: string;
  readonly name: string;
  readonly workspaceStatus: WorkspaceStatus;
  readonly plan: Plan;
  readonly needsFreshAuth: boolean;
}

const LISTED_MAX = 100;

const FIND_SESSION = `SELECT s.id AS session_id, s.user_id, s.expires_at <= now() AS is_expired,
    (extract(epoch FROM s.expires_at - now()) * 1000)::float8 AS ends_in_ms, p.role, p.organization_id, p.workspace_id,
    p.workspace_name, p.workspace_status, p.plan, s.last_used_at < now() - interval '1 minute' AS is_stale,
    p.require_fresh_auth AND NOT COALESCE(s.second_factor_at > now() - interval '10 minutes', false) AS needs_fresh_auth
  FROM "session" s
  LEFT JOIN LATERAL (
    SELECT m.role::text AS role, m.organization_id, w.id AS workspace_id, w.name AS workspace_name,
      w.status::text AS workspace_status, w.plan::text AS plan, w.require_fresh_auth
    FROM "member" m JOIN "workspace" w ON w.organization_id = m.organization_id
    WHERE m.user_id = s.user_id AND (w.erase_at IS NULL OR w.erase_at > now()) AND ($2::text IS NULL OR w.id = $2)
    ORDER BY w.id LIMIT ${LISTED_MAX}
  ) p ON true
  WHERE s.token = $1`;

/** At most once a minute and session. */
const TOUCH_SESSION = 'UPDATE "session" SET last_used_at = now() WHERE id = $1';

export const openSessionDoor = (
  database: Pick<Database, 'executeAsOwner' | 'queryAsOwner'>,
  secrets: readonly string[],
): SessionDoor => ({
  async judge(cookie, workspaceId) {
    const token = openSessionCookie(cookie, secrets);
    if (token === null) throw unauthenticated('MALFORMED', 'The session cookie is damaged. Sign in again.');
    const rows = await database.queryAsOwner<SessionRow>('find_session', FIND_SESSION, [token, workspaceId]);
    const [first] = rows;
    if (first === undefined) throw unauthenticated('UNKNOWN', 'This session has ended. Sign in again.');
    if (first.is_expired) throw unauthenticated('EXPIRED', 'This session has expired. Sign in again.');
    const workplace = chooseWorkplace(rows.flatMap(workplaceOf), workspaceId);
    requireServed(workplace);
    if (first.is_stale) await database.executeAsOwner(TOUCH_SESSION, [first.session_id]);
    return { principal: principalOfPerson(workplace), secretId: null, endsInMs: first.ends_in_ms };
  },
});

/** Whoever can take it back gets in: what they may do there is judged with each mutation. */
const requireServed = ({ workspaceStatus, role }: Workplace): void => {
  if (workspaceStatus !== 'ACTIVE' && !mayEnter(workspaceStatus, role)) throw workspaceSuspended(workspaceStatus);
};

const chooseWorkplace = (workplaces: readonly Workplace[], asked: string | null): Workplace => {
  const kept = workplaces.filter(({ workspaceStatus }) => workspaceStatus !== 'DELETED');
  // A deleted workspace is entered by name only, unless there is no other.
  const [only, ...others] = asked === null && kept.length > 0 ? kept : workplaces;
  if (asked !== null && only === undefined) throw notFound('workspace');
  if (only === undefined) {
    throw new CodedError('FORBIDDEN', 'You belong to no workspace. Ask an administrator to invite you.');
  }
  if (others.length > 0) {
    throw new CodedError('BAD_USER_INPUT', 'You belong to several workspaces. Name one in the X-Workspace-Id header.', {
      field: 'X-Workspace-Id',
      workspaces: [only, ...others].map((workplace) => ({ id: workplace.workspaceId, name: workplace.name })),
    });
  }
  return only;
};

const workplaceOf = (row: SessionRow): Workplace[] => {
  const { role, organization_id, workspace_id, workspace_name, plan } = row;
  if (role === null || organization_id === null || workspace_id === null || plan === null) return [];
  return [
    {
      userId: row.user_id,
      sessionId: row.session_id,
      role,
      organizationId: organization_id,
      workspaceId: workspace_id,
      name: workspace_name ?? '',
      workspaceStatus: row.workspace_status ?? 'ACTIVE',
      plan,
      needsFreshAuth: row.needs_fresh_auth ?? false,
    },
  ];
};
