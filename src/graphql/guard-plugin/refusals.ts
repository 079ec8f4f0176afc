// The refusals of both walls, as coded errors. A sentence names what is required; the data says it for machines.
import type { Principal } from '../../auth/principal.js';
import { insufficientPermissions, missingScopes } from '../../guard/access-requirement.js';
import { factsOf } from '../../guard/scopes.js';
import { CodedError } from '../../platform/errors.js';
import type { Access } from './access.js';

export const missingCredential = (): CodedError =>
  new CodedError(
    'UNAUTHENTICATED',
    'This request carries no credential. Send a key as "Authorization: Bearer <key>" or "X-API-Key: <key>", or sign in.',
    { reason: 'MISSING' },
  );

export interface RefusalData {
  readonly requiredScopes?: readonly string[];
  readonly missingScopes?: readonly string[];
  readonly requiredRole?: string;
}

/** Nobody, that is a request without a credential, holds nothing. */
export type Held = Pick<Principal, 'effectiveScopes'>;

/** Every scope the requirement names, and the fewest whose grant would satisfy it. */
export const refusalData = (access: Access, { effectiveScopes }: Held): RefusalData => {
  if (access.kind === 'role') return { requiredRole: access.role };
  if (access.kind !== 'scopes') return {};
  return {
    requiredScopes: [...new Set(access.anyOf.flat())],
    missingScopes: missingScopes(effectiveScopes, access.anyOf),
  };
};

export const refusalSentence = (access: Access): string =>
  access.kind === 'scopes'
    ? insufficientPermissions(access.anyOf)
    : `Insufficient permissions. Required role: ${access.kind === 'role' ? access.role : 'none'}`;

/** Why a key that was granted what it lacks still lacks it. */
const policySentence = (access: Access, { isReadOnly, effectiveScopes }: Principal): string => {
  if (!isReadOnly || access.kind !== 'scopes') return '';
  const lacking = missingScopes(effectiveScopes, access.anyOf);
  return lacking.some((scope) => !factsOf(scope).readOnly) ? '. This workspace lets keys read only' : '';
};

/** @returns UNAUTHENTICATED for a request without a credential, else FORBIDDEN with what is required. */
export const refusal = (access: Access, principal: Principal | null): CodedError =>
  principal === null
    ? missingCredential()
    : new CodedError('FORBIDDEN', `${refusalSentence(access)}${policySentence(access, principal)}`, {
        ...refusalData(access, principal),
      });
