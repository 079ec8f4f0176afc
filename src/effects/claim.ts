// Once: a repeat gets what the first request made. The unique key (workspace, principal, idempotency key) makes a
// concurrent repeat wait for the first transaction to end, so it never sees a half-made answer.
import { createHash } from 'node:crypto';
import { inWorkspace, sql } from '../guard/sql.js';
import { canonicalJson } from '../platform/canonical-json.js';
import { badInput, CodedError } from '../platform/errors.js';
import { isId, newId } from '../platform/ids.js';
import type { Claim, ClaimRequest } from './effect-port.js';
import { effectLimits } from './limits.js';
import type { World } from './world.js';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

export async function claim(world: Pick<World, 'db' | 'principal' | 'audit'>, request: ClaimRequest): Promise<Claim> {
  const { db, principal } = world;
  requireKey(request.idempotencyKey);
  const keyHash = sha256(request.idempotencyKey);
  const requestHash = sha256(canonicalJson({ mutation: request.mutation, input: request.input }));
  const expiresAt = sql`now() + make_interval(days => ${effectLimits.idempotencyKeptDays}::int)`;
  const taken = await db.$sql(sql`INSERT INTO idempotency_record AS r
      (workspace_id, id, actor_id, key_hash, request_hash, subject_id, expires_at)
    VALUES (${db.$tenant.workspaceId}, ${newId('idm')}, ${principal.id}, ${keyHash}, ${requestHash}, ${request.subjectId}, ${expiresAt})
    ON CONFLICT (workspace_id, actor_id, key_hash) DO UPDATE SET request_hash = EXCLUDED.request_hash,
      subject_id = EXCLUDED.subject_id, created_at = now(), expires_at = EXCLUDED.expires_at
      WHERE r.expires_at <= now()
    RETURNING r.id`);
  if (taken.length > 0) return { first: true };
  const [first] = await db.$sql<{ request_hash: string; subject_id: string }>(sql`SELECT r.request_hash, r.subject_id
    FROM idempotency_record r WHERE ${inWorkspace(db, 'IdempotencyRecord', 'r')}
      AND r.actor_id = ${principal.id} AND r.key_hash = ${keyHash}`);
  if (first === undefined) throw new Error('An idempotency record vanished while it was being claimed.');
  if (first.request_hash !== requestHash) {
    throw new CodedError(
      'IDEMPOTENCY_CONFLICT',
      'This idempotencyKey was used for another request in the last 7 days. Use a new key for a new request.',
    );
  }
  const { subject_id: subjectId } = first;
  const effectId = isId(subjectId, 'eff') ? subjectId : null;
  await world.audit.record({ action: 'request.repeat', subjectId, effectId, details: { mutation: request.mutation } });
  return { first: false, subjectId };
}

function requireKey(key: string): void {
  const { idempotencyKeyCharsMax: max } = effectLimits;
  if (key === '' || key.length > max) {
    throw badInput(`input.idempotencyKey: give 1 to ${max} characters`, 'input.idempotencyKey');
  }
}
