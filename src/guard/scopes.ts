// The registry of scopes: one typed table from which checks, docs, warnings and wildcards are made. A scope that is not
// here cannot be declared on a field (a type error) nor granted to a key (scope-grammar.ts). Two namespaces that never
// mix: workspace scopes `resource:action` for people and account keys, `agent:…` for agent keys.
import type { Role } from './roles.js';

export type KeyKind = 'ACCOUNT' | 'AGENT';

export interface ScopeFacts {
  /** One phrase for partners: what a holder may do. */
  readonly grants: string;
  /** Lets its holder ask for something that costs credits. */
  readonly spends: boolean;
  /** Left out of `*:read`; a wildcard that holds it says so when granted. */
  readonly sensitive: boolean;
  /** Changes nothing; survives `keysReadOnly`. */
  readonly readOnly: boolean;
  /** Which kind of key may hold it; people hold those of ACCOUNT. */
  readonly keyKind: KeyKind;
  /** BY_NAME: never through a wildcard, nor through an imported `*`. */
  readonly grantableToKeys: 'FREELY' | 'BY_NAME';
}

const reads = (grants: string): ScopeFacts => ({
  grants,
  spends: false,
  sensitive: false,
  readOnly: true,
  keyKind: 'ACCOUNT',
  grantableToKeys: 'FREELY',
});
const sensitive = (grants: string): ScopeFacts => ({ ...reads(grants), sensitive: true });
const writes = (grants: string): ScopeFacts => ({ ...reads(grants), readOnly: false });
const spends = (grants: string): ScopeFacts => ({ ...writes(grants), spends: true });
const byName = (facts: ScopeFacts): ScopeFacts => ({ ...facts, grantableToKeys: 'BY_NAME' });
const ofAgent = (facts: ScopeFacts): ScopeFacts => ({ ...facts, keyKind: 'AGENT' });

export const SCOPE_REGISTRY = {
  'me:read': reads('the name and plan of the workspace'),
  'account:read': reads('statistics, request log and feed of the account'),
  'activity:read': reads('timelines and tool executions'),
  'agents:read': reads('agents'),
  'agents:write': writes('create, update, pause and resume agents'),
  'agents:trigger': spends('fire an agent by chat, voice or mission'),
  'contacts:read': reads('contacts'),
  'contacts:write': writes('create and update contacts'),
  'leads:read': reads("contacts' places in campaigns"),
  'leads:write': writes('create and update leads'),
  'messages:read': reads('conversations and messages'),
  'messages:write': writes('create, update and delete drafts'),
  'messages:send': spends('ask for real e-mail and SMS to be sent'),
  'inboxes:read': reads('addresses and numbers agents speak from'),
  'inboxes:write': writes('create, update and delete inboxes'),
  'campaigns:read': reads('campaigns'),
  'campaigns:write': writes('create, update, pause, cancel and delete campaigns'),
  'campaigns:start': spends('start and resume campaigns'),
  'results:read': reads('results of campaigns'),
  'calls:read': reads('call records'),
  'calls:detail': sensitive('transcript, recording and summary of a call'),
  'outcomes:read': reads('outcomes of calls and conversations'),
  'analytics:read': reads('analytics'),
  'webhooks:read': reads('outbound webhook endpoints and their deliveries'),
  'webhooks:write': writes('create, update, delete and test webhook endpoints'),
  'integrations:read': reads('connected tools and provider accounts'),
  'integrations:manage': writes('connect, update and disconnect integrations'),
  'domains:read': reads('sending domains'),
  'domains:write': writes('create, verify and delete sending domains'),
  'billing:read': reads('subscription, credits and usage'),
  'api_keys:read': reads('metadata of API keys'),
  'approvals:read': reads('effects of others and the decisions on them'),
  'audit:read': byName(sensitive('the audit trail')),
  'agent:config:read': ofAgent(reads("this agent's configuration")),
  'agent:config:write': ofAgent(writes("update this agent's configuration")),
  'agent:conversations:read': ofAgent(reads("this agent's conversations")),
  'agent:activity:read': ofAgent(reads("this agent's activity")),
  'agent:trigger': ofAgent(spends('trigger this agent by chat')),
} as const satisfies Record<string, ScopeFacts>;

export type Scope = keyof typeof SCOPE_REGISTRY;

export const isScope = (text: string): text is Scope => Object.hasOwn(SCOPE_REGISTRY, text);

/** Every scope, in the order of the registry. */
export const SCOPES: readonly Scope[] = Object.keys(SCOPE_REGISTRY).filter(isScope);

export const factsOf = (scope: Scope): ScopeFacts => SCOPE_REGISTRY[scope];

/** Every scope of people and account keys. */
export const WORKSPACE_SCOPES: readonly Scope[] = SCOPES.filter((scope) => factsOf(scope).keyKind === 'ACCOUNT');
export const AGENT_SCOPES: readonly Scope[] = SCOPES.filter((scope) => factsOf(scope).keyKind === 'AGENT');

/** Resource and action of a scope; the resource of an agent scope is `agent` or `agent:…`. */
export const partsOf = (scope: Scope): { resource: string; action: string } => {
  const colon = scope.lastIndexOf(':');
  return { resource: scope.slice(0, colon), action: scope.slice(colon + 1) };
};

/** What a key holds when its maker names no scopes. */
export const DEFAULT_KEY_SCOPES: Readonly<Record<KeyKind, readonly Scope[]>> = {
  ACCOUNT: ['account:read', 'agents:read', 'contacts:read'],
  AGENT: ['agent:activity:read', 'agent:config:read', 'agent:conversations:read'],
};

const EVERY_WORKSPACE_SCOPE: ReadonlySet<Scope> = new Set(WORKSPACE_SCOPES);
/** What MEMBER holds, and what an imported `*` amounts to. */
export const MEMBER_SCOPES: ReadonlySet<Scope> = new Set(WORKSPACE_SCOPES.filter((scope) => scope !== 'audit:read'));

/** The scopes of a person. What only a role may do is declared as a role on its field and is no scope. */
export const scopesOfRole = (role: Role): ReadonlySet<Scope> =>
  role === 'MEMBER' ? MEMBER_SCOPES : EVERY_WORKSPACE_SCOPE;
