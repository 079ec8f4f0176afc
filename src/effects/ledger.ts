// Money in whole credits. A movement is one conditional UPDATE and one line that is never changed: the database decides
// under its row lock whether there is enough, so no number of concurrent requests spends more than there is or than a key
// may. Key, agent and workspace may each carry a cap; all movements of a workspace meet at the lock of its account, so a
// cap that is read behind it holds for everybody. The account is always the sum of its lines. Locks are taken key first,
// account second, agent third, everywhere.
import type { GuardedDb } from '../guard/guarded-db.js';
import { inWorkspace, type Sql, sql } from '../guard/sql.js';
import { CodedError } from '../platform/errors.js';
import { newId } from '../platform/ids.js';

/** On whose account a movement goes beside the workspace's. */
export interface Payer {
  readonly effectId: string;
  readonly apiKeyId: string | null;
  readonly agentId: string | null;
}

type LedgerKind = 'TOP_UP' | 'RESERVE' | 'CHARGE' | 'RELEASE';

/**
 * Promises credits away. Nothing happens for zero.
 * @throws SPEND_CAP_EXCEEDED, INSUFFICIENT_CREDITS; the caller's transaction must then be given up
 */
export async function reserve(db: GuardedDb, payer: Payer, credits: number): Promise<void> {
  requireWhole(credits);
  if (credits === 0) return;
  if (payer.apiKeyId !== null) await reserveOnKey(db, payer.apiKeyId, credits);
  const [workspace] = await db.$sql<StandingCap>(sql`UPDATE credit_account a
    SET reserved_credits = a.reserved_credits + ${credits}::int FROM workspace w
    WHERE ${inWorkspace(db, 'CreditAccount', 'a')} AND w.id = a.workspace_id
      AND a.balance_credits - a.reserved_credits >= ${credits}::int
    RETURNING w.spend_cap_credits AS cap, w.spend_cap_period::text AS period,
      a.spent_credits + a.reserved_credits AS total`);
  if (workspace === undefined) throw await insufficient(db, credits);
  await reserveOnAgent(db, payer.agentId, credits);
  await requireWithinWorkspace(db, workspace, credits);
  await writeLine(db, 'RESERVE', payer, 0, credits);
}

export interface Reservation {
  readonly credits: number;
  /** Who it was reserved on, as the ledger has it. */
  readonly payer: Payer;
}

/** What the ledger holds in reserve for one effect, and on whose account, whatever the effect's own row says. */
export async function reservationOf(db: GuardedDb, effectId: string): Promise<Reservation> {
  const [row] = await db.$sql<{ credits: number; key: string | null; agent: string | null }>(sql`SELECT
      COALESCE(sum(l.reserved_delta), 0)::int AS credits, min(l.api_key_id) AS key, min(l.agent_id) AS agent
    FROM ledger_entry l WHERE ${inWorkspace(db, 'LedgerEntry', 'l')} AND l.effect_id = ${effectId}`);
  const { credits = 0, key = null, agent = null } = row ?? {};
  return { credits, payer: { effectId, apiKeyId: key, agentId: agent } };
}

/** Asked again before it is spent: a cap may have been lowered since. @throws SPEND_CAP_EXCEEDED */
export async function requireStillWithinCaps(db: GuardedDb, { apiKeyId, agentId }: Payer): Promise<void> {
  const [caps] = await db.$sql<Record<'key' | 'agent' | 'workspace', StandingCap | null>>(sql`SELECT
    (SELECT json_build_object('cap', k.spend_cap_credits, 'period', k.spend_cap_period, 'total', k.spent_credits + k.reserved_credits)
      FROM api_key k WHERE ${inWorkspace(db, 'ApiKey', 'k')} AND k.id = ${apiKeyId}) AS key,
    (SELECT json_build_object('cap', g.spend_cap_credits, 'period', g.spend_cap_period, 'total', g.spent_credits + g.reserved_credits)
      FROM agent g WHERE ${inWorkspace(db, 'Agent', 'g')} AND g.id = ${agentId}) AS agent,
    (SELECT json_build_object('cap', w.spend_cap_credits, 'period', w.spend_cap_period, 'total', a.spent_credits + a.reserved_credits)
      FROM credit_account a JOIN workspace w ON w.id = a.workspace_id
      WHERE ${inWorkspace(db, 'CreditAccount', 'a')}) AS workspace`);
  await requireStanding(db, 'key', caps?.key ?? null, sql`first.api_key_id = ${apiKeyId}`);
  await requireStanding(db, 'agent', caps?.agent ?? null, sql`first.agent_id = ${agentId}`);
  await requireStanding(db, 'workspace', caps?.workspace ?? null, sql`TRUE`);
}

/** Spends what was reserved. `credits` may be less than reserved; the rest goes back. */
export async function charge(db: GuardedDb, payer: Payer, reserved: number, credits: number = reserved): Promise<void> {
  requireWhole(credits);
  if (credits > reserved) throw new Error(`A charge of ${credits} credits exceeds the ${reserved} reserved for it.`);
  if (reserved === 0) return;
  await moveReserved(db, payer, reserved, credits);
  await writeLine(db, 'CHARGE', payer, -credits, -reserved);
}

/** Gives back what was reserved. */
export async function release(db: GuardedDb, payer: Payer, reserved: number): Promise<void> {
  requireWhole(reserved);
  if (reserved === 0) return;
  await moveReserved(db, payer, reserved, 0);
  await writeLine(db, 'RELEASE', payer, 0, -reserved);
}

/** Adds credits to the workspace; makes its account when there is none. */
export async function topUp(db: GuardedDb, credits: number): Promise<void> {
  requireWhole(credits);
  await db.$sql(sql`INSERT INTO credit_account (workspace_id, balance_credits) VALUES (${db.$tenant.workspaceId}, ${credits}::int)
    ON CONFLICT (workspace_id) DO UPDATE SET balance_credits = credit_account.balance_credits + EXCLUDED.balance_credits
    RETURNING workspace_id`);
  await writeLine(db, 'TOP_UP', { effectId: null, apiKeyId: null, agentId: null }, credits, 0);
}

interface Capped {
  readonly cap: number | null;
  readonly period: 'LIFETIME' | 'DAY' | 'MONTH' | null;
}

interface StandingCap extends Capped {
  /** Spent and reserved in its life. */
  readonly total: number;
}

async function requireStanding(
  db: GuardedDb,
  of: 'key' | 'agent' | 'workspace',
  standing: StandingCap | null,
  payer: Sql,
): Promise<void> {
  if (standing === null || standing.cap === null) return;
  const { cap, period, total } = standing;
  const used = period === 'DAY' || period === 'MONTH' ? await usedInPeriod(db, payer, period) : total;
  if (used > cap) throw capExceeded(of, 0, period ?? 'LIFETIME');
}

async function reserveOnKey(db: GuardedDb, keyId: string, credits: number): Promise<void> {
  // The lifetime cap is judged by the UPDATE itself; a daily or monthly one under the row lock that the UPDATE took.
  const [key] = await db.$sql<Capped>(sql`UPDATE api_key k SET reserved_credits = k.reserved_credits + ${credits}::int
    WHERE ${inWorkspace(db, 'ApiKey', 'k')} AND k.id = ${keyId} AND (k.spend_cap_credits IS NULL
      OR COALESCE(k.spend_cap_period::text, 'LIFETIME') <> 'LIFETIME'
      OR k.spent_credits + k.reserved_credits + ${credits}::int <= k.spend_cap_credits)
    RETURNING k.spend_cap_credits AS cap, k.spend_cap_period::text AS period`);
  if (key === undefined) throw capExceeded('key', credits);
  if (key.cap === null || key.period === null || key.period === 'LIFETIME') return;
  const used = await usedInPeriod(db, sql`first.api_key_id = ${keyId}`, key.period);
  if (used + credits > key.cap) throw capExceeded('key', credits, key.period);
}

async function reserveOnAgent(db: GuardedDb, agentId: string | null, credits: number): Promise<void> {
  if (agentId === null) return;
  const [agent] = await db.$sql<StandingCap>(sql`UPDATE agent g
    SET reserved_credits = g.reserved_credits + ${credits}::int
    WHERE ${inWorkspace(db, 'Agent', 'g')} AND g.id = ${agentId}
    RETURNING g.spend_cap_credits AS cap, g.spend_cap_period::text AS period,
      g.spent_credits + g.reserved_credits AS total`);
  if (agent === undefined || agent.cap === null) return;
  const used =
    agent.period === 'DAY' || agent.period === 'MONTH'
      ? (await usedInPeriod(db, sql`first.agent_id = ${agentId}`, agent.period)) + credits
      : agent.total;
  if (used > agent.cap) throw capExceeded('agent', credits, agent.period ?? 'LIFETIME');
}

/** After the account was locked, which holds everybody else's movements back. */
async function requireWithinWorkspace(db: GuardedDb, workspace: StandingCap, credits: number): Promise<void> {
  if (workspace.cap === null) return;
  const used =
    workspace.period === 'DAY' || workspace.period === 'MONTH'
      ? (await usedInPeriod(db, sql`TRUE`, workspace.period)) + credits
      : workspace.total;
  if (used > workspace.cap) throw capExceeded('workspace', credits, workspace.period ?? 'LIFETIME');
}

/** What was asked for since the day or month began (UTC), less what was given back of it. */
async function usedInPeriod(db: GuardedDb, payer: Sql, period: 'DAY' | 'MONTH'): Promise<number> {
  const [row] = await db.$sql<{ used: number }>(sql`
    SELECT COALESCE(sum(l.reserved_delta - l.balance_delta), 0)::int AS used
    FROM ledger_entry l JOIN ledger_entry first ON first.workspace_id = l.workspace_id
      AND first.effect_id = l.effect_id AND first.kind = 'RESERVE'
    WHERE ${inWorkspace(db, 'LedgerEntry', 'l')} AND ${payer}
      AND first.created_at >= date_trunc(${period.toLowerCase()}, now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'`);
  return row?.used ?? 0;
}

async function moveReserved(db: GuardedDb, payer: Payer, reserved: number, spent: number): Promise<void> {
  if (payer.apiKeyId !== null) {
    await db.$sql(sql`UPDATE api_key k SET reserved_credits = k.reserved_credits - ${reserved}::int,
      spent_credits = k.spent_credits + ${spent}::int
      WHERE ${inWorkspace(db, 'ApiKey', 'k')} AND k.id = ${payer.apiKeyId} RETURNING k.id`);
  }
  const moved = await db.$sql(sql`UPDATE credit_account a SET reserved_credits = a.reserved_credits - ${reserved}::int,
    balance_credits = a.balance_credits - ${spent}::int, spent_credits = a.spent_credits + ${spent}::int
    WHERE ${inWorkspace(db, 'CreditAccount', 'a')} AND a.reserved_credits >= ${reserved}::int RETURNING a.workspace_id`);
  if (moved.length === 0) throw new Error('The account holds less in reserve than its effects: the ledger is damaged.');
  if (payer.agentId === null) return;
  await db.$sql(sql`UPDATE agent g SET reserved_credits = g.reserved_credits - ${reserved}::int,
    spent_credits = g.spent_credits + ${spent}::int
    WHERE ${inWorkspace(db, 'Agent', 'g')} AND g.id = ${payer.agentId} RETURNING g.id`);
}

async function writeLine(
  db: GuardedDb,
  kind: LedgerKind,
  payer: { effectId: string | null; apiKeyId: string | null; agentId: string | null },
  balanceDelta: number,
  reservedDelta: number,
): Promise<void> {
  const { effectId, apiKeyId, agentId } = payer;
  await db.$send(sql`INSERT INTO ledger_entry
      (workspace_id, id, kind, balance_delta, reserved_delta, effect_id, api_key_id, agent_id)
    VALUES (${db.$tenant.workspaceId}, ${newId('lge')}, ${kind}::"LedgerKind", ${balanceDelta}::int, ${reservedDelta}::int,
      ${effectId}, ${apiKeyId}, ${agentId})`);
}

async function insufficient(db: GuardedDb, credits: number): Promise<CodedError> {
  const [account] = await db.$sql<{ available: number }>(sql`SELECT a.balance_credits - a.reserved_credits AS available
    FROM credit_account a WHERE ${inWorkspace(db, 'CreditAccount', 'a')}`);
  const availableCredits = account?.available ?? 0;
  return new CodedError(
    'INSUFFICIENT_CREDITS',
    `This takes ${credits} credits and ${availableCredits} are available. Top up, or wait for reserved credits to be released.`,
    { requiredCredits: credits, availableCredits },
  );
}

const capExceeded = (of: 'key' | 'agent' | 'workspace', credits: number, period = 'LIFETIME'): CodedError =>
  new CodedError(
    'SPEND_CAP_EXCEEDED',
    `This takes ${credits === 0 ? 'what was reserved' : `${credits} credits`}, more than the spend cap of the ${of} leaves${period === 'LIFETIME' ? '' : ` this ${period.toLowerCase()}`}. Ask an admin to raise the cap.`,
    { requiredCredits: credits, capOf: of, capPeriod: period },
  );

function requireWhole(credits: number): void {
  if (!Number.isInteger(credits) || credits < 0)
    throw new Error(`Credits are whole and not negative; ${credits} are neither.`);
}
