// Who is asking, decided once at the door and then only read. Every later step (guard, preflight, effects, audit, jobs)
// takes its decisions from this value and from nothing else of the request.
import type { Role } from '../guard/roles.js';
import { expandScopes, scopeSetText } from '../guard/scope-grants.js';
import { type Scope, scopesOfRole } from '../guard/scopes.js';
import { NO_OWN_LIMITS, type OwnLimits, type Plan } from './plans.js';

export type PrincipalKind = 'SESSION' | 'ACCOUNT_KEY' | 'AGENT_KEY' | 'MISSION' | 'PROVIDER' | 'SYSTEM';

export interface Principal {
  readonly kind: PrincipalKind;
  /** `usr_…` for a person, `key_…` for a key, `system` for the server itself. */
  readonly id: string;
  readonly organizationId: string;
  readonly workspaceId: string;
  /** As granted, canonical spelling, wildcards included. A person has the scopes of the role. */
  readonly scopes: readonly string[];
  /** The concrete scopes that `scopes` amount to now, under the workspace's policies. */
  readonly effectiveScopes: ReadonlySet<Scope>;
  /** Stable text of `effectiveScopes`, `role` and `kind`, for caches of verdicts. */
  readonly verdictKey: string;
  /** People only; null for a key. */
  readonly role: Role | null;
  readonly apiKeyId: string | null;
  /** `ses_…` of a signed-in person; null for a key, and where a job acts for a person. */
  readonly sessionId: string | null;
  /** The one agent of an agent key; null for everybody else. */
  readonly agentId: string | null;
  readonly plan: Plan;
  /** What a key carries of its own beside the plan's limits; see `limitsOf`. */
  readonly limits: OwnLimits;
  /** Only its administrators get into a workspace that is not ACTIVE, to read and to take that back. */
  readonly workspaceStatus: WorkspaceStatus;
  /** The workspace lets keys read only: why a granted scope may not be effective. False for people. */
  readonly isReadOnly: boolean;
  /** A person whose workspace asks for a second factor of the last minutes before what matters most, and who gave none. */
  readonly needsFreshAuth: boolean;
}

export type WorkspaceStatus = 'ACTIVE' | 'SUSPENDED' | 'DELETED';

interface Place {
  readonly organizationId: string;
  readonly workspaceId: string;
  readonly plan: Plan;
  /** ACTIVE when left out. */
  readonly workspaceStatus?: WorkspaceStatus;
}

export interface KeyFacts extends Place {
  readonly kind: 'ACCOUNT' | 'AGENT';
  readonly keyId: string;
  readonly agentId: string | null;
  readonly scopes: readonly string[];
  readonly rpm: number | null;
  readonly rpd: number | null;
  /** The workspace's policies; neither holds when left out. */
  readonly explicitSpendScopes?: boolean;
  readonly keysReadOnly?: boolean;
}

export interface PersonFacts extends Place {
  readonly userId: string;
  readonly sessionId?: string;
  readonly role: Role;
  readonly needsFreshAuth?: boolean;
}

interface Held {
  readonly scopes: ReadonlySet<Scope>;
  readonly text: string;
}

// A memo of a pure function: the same list always amounts to the same scopes. Nothing about any key is remembered.
const expansions = new Map<string, Held>();
const EXPANSIONS_MAX = 1_000;

const expanded = ({ kind, scopes: granted, explicitSpendScopes = false, keysReadOnly = false }: KeyFacts): Held => {
  const asked = `${kind} ${explicitSpendScopes} ${keysReadOnly} ${granted.join(' ')}`;
  const known = expansions.get(asked);
  if (known !== undefined) return known;
  const scopes = expandScopes(granted, { keyKind: kind, explicitSpendScopes, keysReadOnly });
  const held = { scopes, text: scopeSetText(scopes) };
  if (expansions.size >= EXPANSIONS_MAX) expansions.clear();
  expansions.set(asked, held);
  return held;
};

export const principalOfKey = (key: KeyFacts): Principal => {
  const held = expanded(key);
  const isReadOnly = key.keysReadOnly ?? false;
  const kind = key.kind === 'AGENT' ? 'AGENT_KEY' : 'ACCOUNT_KEY';
  return {
    kind,
    id: key.keyId,
    organizationId: key.organizationId,
    workspaceId: key.workspaceId,
    scopes: key.scopes,
    effectiveScopes: held.scopes,
    verdictKey: `${kind} ${isReadOnly ? 'READ_ONLY' : '-'} ${held.text}`,
    role: null,
    apiKeyId: key.keyId,
    sessionId: null,
    agentId: key.kind === 'AGENT' ? key.agentId : null,
    plan: key.plan,
    limits: { rpm: key.rpm, rpd: key.rpd },
    workspaceStatus: key.workspaceStatus ?? 'ACTIVE',
    isReadOnly,
    needsFreshAuth: false,
  };
};

export const principalOfPerson = (person: PersonFacts): Principal => {
  const effectiveScopes = scopesOfRole(person.role);
  const text = scopeSetText(effectiveScopes);
  return {
    kind: 'SESSION',
    id: person.userId,
    organizationId: person.organizationId,
    workspaceId: person.workspaceId,
    scopes: text.split(' '),
    effectiveScopes,
    verdictKey: `SESSION ${person.role} ${text}`,
    role: person.role,
    apiKeyId: null,
    sessionId: person.sessionId ?? null,
    agentId: null,
    plan: person.plan,
    limits: NO_OWN_LIMITS,
    workspaceStatus: person.workspaceStatus ?? 'ACTIVE',
    isReadOnly: false,
    needsFreshAuth: person.needsFreshAuth ?? false,
  };
};
