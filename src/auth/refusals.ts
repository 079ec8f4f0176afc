// The refusals of the door, in one place so that every strategy says the same thing in the same words. A sentence names
// cause and remedy, never the credential.
import { CodedError } from '../platform/errors.js';
import type { Principal } from './principal.js';

export type UnauthenticatedReason =
  | 'MISSING'
  | 'MALFORMED'
  | 'UNKNOWN'
  | 'EXPIRED'
  | 'REVOKED'
  | 'ROTATED'
  | 'SUSPENDED';

/** What is suspended: the credential itself, or what it belongs to. */
export type SuspendedSubject = 'key' | 'workspace';

/** HTTP 401. `subject` goes with SUSPENDED. */
export const unauthenticated = (
  reason: UnauthenticatedReason,
  message: string,
  subject?: SuspendedSubject,
): CodedError => new CodedError('UNAUTHENTICATED', message, subject === undefined ? { reason } : { reason, subject });

/** The refusal of a key that is ours: whose it is goes to the audit trail. The caller is told what any refusal tells. */
export class KeyRefused extends CodedError {
  readonly principal: Principal;

  constructor({ code, message, data }: CodedError, principal: Principal) {
    super(code, message, data);
    this.principal = principal;
  }
}

/** HTTP 400: two credentials that could name two principals. */
export const ambiguousCredentials = (): CodedError =>
  new CodedError(
    'AMBIGUOUS_CREDENTIALS',
    'The request carries two different credentials. Send one: Authorization, X-API-Key or a session cookie.',
  );

/** HTTP 403, with the reason that tells it from a lacking role. */
export const freshAuthRequired = (): CodedError =>
  new CodedError(
    'FORBIDDEN',
    'This workspace asks for your second factor before this. Verify it at /api/auth/two-factor/verify-totp and repeat the request within ten minutes; without one, set it up at /api/auth/two-factor/enable first.',
    { reason: 'FRESH_AUTH_REQUIRED' },
  );

export const workspaceSuspended = (status: 'SUSPENDED' | 'DELETED'): CodedError =>
  unauthenticated(
    'SUSPENDED',
    status === 'DELETED'
      ? 'This workspace was deleted. Its owner can restore it until its data is erased.'
      : 'This workspace is suspended. One of its administrators can resume it.',
    'workspace',
  );
