import type { GuardedDb } from '../../guard/guarded-db.js';
import type { Scope } from '../../guard/scopes.js';
import { inWorkspace, sql } from '../../guard/sql.js';

export interface SecretUse {
  readonly id: string;
  readonly keyId: string;
  readonly start: string;
  readonly createdAt: Date;
  readonly retiresAt: Date | null;
  readonly lastUsedAt: Date | null;
  readonly requestCount: number;
}

export interface ScopeUse {
  readonly keyId: string;
  readonly scope: Scope;
  readonly lastUsedAt: Date | null;
  readonly requestCount: number;
}

export const SECRETS_MAX = 20;

/** The latest secrets of each of these keys, the newest first, in one statement. */
export const readSecretUse = (db: GuardedDb, keyIds: readonly string[]): Promise<SecretUse[]> =>
  db.$sql<SecretUse>(sql`SELECT x.* FROM unnest(${keyIds}::text[]) AS p(id)
    CROSS JOIN LATERAL (SELECT s.id, s.key_id AS "keyId", s.start, s.created_at AS "createdAt",
        s.retires_at AS "retiresAt", s.last_used_at AS "lastUsedAt", s.request_count AS "requestCount"
      FROM api_key_secret_use s WHERE ${inWorkspace(db, 'ApiKeySecretUse', 's')} AND s.key_id = p.id
      ORDER BY s.created_at DESC, s.id DESC LIMIT ${SECRETS_MAX}::int) x
    ORDER BY x."createdAt" DESC, x.id DESC`);

/** What these keys used; never more rows than there are scopes for each. */
export const readScopeUse = (db: GuardedDb, keyIds: readonly string[]): Promise<ScopeUse[]> =>
  db.$sql<ScopeUse>(sql`SELECT u.key_id AS "keyId", u.scope, u.last_used_at AS "lastUsedAt",
      u.request_count AS "requestCount"
    FROM api_key_scope_use u WHERE ${inWorkspace(db, 'ApiKeyScopeUse', 'u')} AND u.key_id = ANY(${keyIds}::text[])`);

export interface KeyPolicies {
  readonly explicitSpendScopes: boolean;
  readonly keysReadOnly: boolean;
  readonly keyRotationDaysMax: number | null;
}

/** What the workspace says of all its keys. */
export const readKeyPolicies = (db: GuardedDb): Promise<KeyPolicies> =>
  db.workspace.findFirstOrThrow({
    where: { id: db.$tenant.workspaceId },
    select: { explicitSpendScopes: true, keysReadOnly: true, keyRotationDaysMax: true },
  });
