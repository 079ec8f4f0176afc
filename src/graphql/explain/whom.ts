// Whose permission an explanation is about: the caller's own, or that of a key which need not exist, with scopes typed in
// as a key is granted them and expanded by the same rules under the workspace's policies.
import { type Principal, principalOfKey } from '../../auth/principal.js';
import { parseScope } from '../../guard/scope-grammar.js';
import { grantScopes, type ScopePolicies } from '../../guard/scope-grants.js';
import type { KeyKind } from '../../guard/scopes.js';

export interface GrantedScopes {
  readonly kind: KeyKind;
  /** Canonical. */
  readonly scopes: readonly string[];
}

/**
 * The first scope says whether it is an account or an agent key's list.
 * @throws BAD_USER_INPUT naming the scope: unknown, never grantable, or of the other namespace; for an empty list
 */
export const readScopes = (requested: readonly string[], kind?: KeyKind): GrantedScopes => {
  const first = parseScope(requested[0] ?? '');
  const namespace = kind ?? (first.ok ? first.keyKind : 'ACCOUNT');
  const { scopes } = grantScopes({ kind: namespace, requested, field: 'scopes' });
  return { kind: namespace, scopes };
};

/** The id of a key that need not exist. */
export const HYPOTHETICAL_KEY = 'key_hypothetical';

type Policies = Pick<ScopePolicies, 'explicitSpendScopes' | 'keysReadOnly'>;

/** A key with these scopes, in the caller's workspace when there is one. */
export const hypotheticalKey = (
  { kind, scopes }: GrantedScopes,
  caller: Principal | null = null,
  policies: Policies = {},
): Principal =>
  principalOfKey({
    kind,
    keyId: HYPOTHETICAL_KEY,
    organizationId: caller?.organizationId ?? '',
    workspaceId: caller?.workspaceId ?? '',
    agentId: null,
    plan: caller?.plan ?? 'free',
    workspaceStatus: caller?.workspaceStatus ?? 'ACTIVE',
    scopes,
    rpm: null,
    rpd: null,
    ...policies,
  });
