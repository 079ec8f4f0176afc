// From what a key was granted to what it holds now. `grantScopes` judges a list as typed in, before any row is written;
// `expandScopes` turns a stored list into concrete scopes under the workspace's policies, on every request.
import { badInput } from '../platform/errors.js';
import { parseScope, scopesOfWildcard } from './scope-grammar.js';
import { DEFAULT_KEY_SCOPES, factsOf, isScope, type KeyKind, MEMBER_SCOPES, type Scope } from './scopes.js';

export interface GrantRequest {
  readonly kind: KeyKind;
  /** As typed in, either spelling; left out: the default of the kind. An empty list is an error. */
  readonly requested: readonly string[] | null | undefined;
  /** IMPORT alone may carry a legacy `*`. */
  readonly audience?: 'KEY' | 'IMPORT';
  /** Path of the list in the caller's input, for the error. */
  readonly field?: string;
  /** The workspace's policy; with it a wildcard holds no spending scope and needs no warning. */
  readonly explicitSpendScopes?: boolean;
}

export interface Grant {
  /** Canonical, without repetition, sorted: what is stored and shown. Wildcards stay wildcards. */
  readonly scopes: readonly string[];
  /** One sentence per scope that a wildcard brings along and its maker may not expect. */
  readonly warnings: readonly string[];
}

export interface ScopePolicies {
  /** Spending scopes are held by name only, not through a wildcard. */
  readonly explicitSpendScopes?: boolean;
  /** For keys only: leaves what reads and nothing else. */
  readonly keysReadOnly?: boolean;
  /** When known, a stored scope of the other namespace counts for nothing. */
  readonly keyKind?: KeyKind;
}

const REQUESTED_MAX = 200;
const EVERYTHING = '*';

/** Throws BAD_USER_INPUT naming the scope and the field: unknown, never grantable, or of the other namespace. */
export const grantScopes = (request: GrantRequest): Grant => {
  const { kind, requested, audience = 'KEY', field = 'input.scopes' } = request;
  if (requested === null || requested === undefined) return { scopes: DEFAULT_KEY_SCOPES[kind], warnings: [] };
  if (requested.length === 0)
    throw badInput('An API key needs at least one scope; leave the list out for the default.', field);
  if (requested.length > REQUESTED_MAX) throw badInput(`At most ${REQUESTED_MAX} scopes may be listed.`, field);

  const warnings = new Map<string, readonly string[]>();
  for (const text of requested) {
    if (text === EVERYTHING && audience === 'IMPORT' && kind === 'ACCOUNT') {
      warnings.set(EVERYTHING, ['* holds every workspace scope but audit:read; give this key the scopes it needs']);
      continue;
    }
    const parsed = parseScope(text);
    if (!parsed.ok) throw badInput(parsed.reason, field);
    if (parsed.keyKind !== kind) throw badInput(otherNamespace(parsed.canonical, kind), field);
    if (!isScope(parsed.canonical)) {
      warnings.set(parsed.canonical, warningsOf(parsed.canonical, parsed.holds, request.explicitSpendScopes ?? false));
    } else warnings.set(parsed.canonical, []);
  }
  const scopes = [...warnings.keys()].sort();
  return { scopes, warnings: scopes.flatMap((scope) => warnings.get(scope) ?? []) };
};

/** What a stored list amounts to now. A stored name that no longer exists counts for nothing; it never throws. */
export const expandScopes = (granted: readonly string[], policies: ScopePolicies = {}): ReadonlySet<Scope> => {
  const held = new Set<Scope>();
  for (const name of granted) {
    const wildcard = name === EVERYTHING ? MEMBER_SCOPES : scopesOfWildcard(name);
    for (const scope of wildcard ?? (isScope(name) ? [name] : [])) {
      if (wildcard !== null && policies.explicitSpendScopes && factsOf(scope).spends) continue;
      if (policies.keysReadOnly && !factsOf(scope).readOnly) continue;
      if (policies.keyKind !== undefined && factsOf(scope).keyKind !== policies.keyKind) continue;
      held.add(scope);
    }
  }
  return held;
};

/** A stable text of a set of scopes: sorted, separated by blanks. Equal sets give equal texts. */
export const scopeSetText = (scopes: Iterable<Scope>): string => [...new Set(scopes)].sort().join(' ');

const otherNamespace = (scope: string, kind: KeyKind): string =>
  kind === 'AGENT'
    ? `An agent key holds agent scopes only, such as agent:config:read; ${scope} belongs to account keys.`
    : `An account key holds no agent scopes; ${scope} belongs to agent keys.`;

const warningsOf = (wildcard: string, holds: readonly Scope[], explicitSpendScopes: boolean): readonly string[] =>
  holds.flatMap((scope) => {
    const { spends, sensitive } = factsOf(scope);
    if (spends && !explicitSpendScopes) return [`${wildcard} holds ${scope}, which spends`];
    return sensitive ? [`${wildcard} holds ${scope}, which is sensitive`] : [];
  });
