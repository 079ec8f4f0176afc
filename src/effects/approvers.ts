// Who may decide on what waits, as one condition: the people whom the rule names, without those who asked, shaped it, have
// decided already or, where duties are separate, made the key. The verdict itself is given in decide.ts, when somebody
// decides; this one says whom it is worth telling.
import { Prisma } from '../generated/prisma/client.js';

/** Over `effect e`, its `workspace w` and a `member m` of the organization. */
export const mayDecide = (now: Date): Prisma.Sql => Prisma.sql`w.status = 'ACTIVE'
  AND e.status = 'AWAITING_APPROVAL' AND e.expires_at > ${now}::timestamptz
  AND m.organization_id = w.organization_id AND m.role IN ('ADMIN', 'OWNER')
  AND (e.rule->>'requirement' IN ('ONE', 'TWO') OR e.reserved_credits < e.price_credits)
  AND (COALESCE(e.rule->'approvers', '[]') = '[]' OR e.rule->'approvers' ? 'ADMIN' OR m.role = 'OWNER')
  AND m.user_id <> e.actor_id AND m.user_id <> ALL (e.co_requester_ids)
  AND NOT EXISTS (SELECT FROM effect_decision d
    WHERE d.workspace_id = e.workspace_id AND d.effect_id = e.id AND d.user_id = m.user_id)
  AND NOT (w.separate_duties AND EXISTS (SELECT FROM api_key k
    WHERE k.workspace_id = e.workspace_id AND k.id = e.api_key_id AND k.created_by_id = m.user_id))`;
