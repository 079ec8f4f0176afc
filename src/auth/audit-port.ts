// What this folder leaves in the audit trail, and the port through which it does: the trail itself stands above auth in
// the walk, so app.ts hands its recorder in. An entry is written in the owner's transaction of the change it tells of.
import type { SystemDb } from '../guard/as-system.js';

export type AuthAuditAction =
  | 'organization.create'
  | 'workspace.create'
  | 'member.create'
  | 'creditAccount.topUp'
  | 'apiKey.create'
  | 'apiKey.update'
  | 'apiKey.rotate'
  | 'apiKey.suspend'
  | 'apiKey.resume'
  | 'apiKey.revoke'
  | 'apiKey.delete'
  | 'apiKey.import'
  | 'session.create'
  | 'session.refused'
  | 'session.end'
  | 'password.change'
  | 'password.reset'
  | 'email.verify'
  | 'invitation.accept'
  | 'secondFactor.enable'
  | 'secondFactor.disable'
  | 'secondFactor.verify'
  | 'secondFactor.refused'
  | 'secondFactor.renewCodes'
  | 'mail.send';

/** Who caused the change: a signed-in person, or the server itself (the command line, a refused sign-in). */
export interface AuthActor {
  readonly kind: 'SESSION' | 'SYSTEM';
  /** `usr_…`, or `system`. */
  readonly id: string;
}

/** In whose trail it stands. */
export type AuthTrail =
  | { readonly workspaceId: string; readonly organizationId?: undefined }
  | { readonly organizationId: string; readonly workspaceId?: undefined };

export type AuthAuditEntry = AuthTrail & AuthAuditFacts;

export interface AuthAuditFacts {
  readonly action: AuthAuditAction;
  readonly outcome: 'DONE' | 'REFUSED';
  readonly actor: AuthActor;
  /** The role that allowed it; null where none was asked. */
  readonly allowedBy: string | null;
  readonly subjectId: string;
  readonly requestId: string;
  readonly ip: string | null;
  /** Never a secret; see the action's list in audit/actions. */
  readonly details: Readonly<Record<string, string | number | boolean | null | readonly string[]>>;
}

/** Writes one entry in the transaction of `db`. */
export type RecordAuthAudit = (db: SystemDb, entry: AuthAuditEntry) => Promise<void>;

export const SYSTEM_ACTOR: AuthActor = { kind: 'SYSTEM', id: 'system' };
