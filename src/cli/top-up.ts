// Credits are added by whoever runs the server: line, account and audit entry in one transaction as the owner.
import { ownersAudit } from '../app.js';
import { SYSTEM_ACTOR } from '../auth/audit-port.js';
import { factsAtHand } from '../auth/create-key.js';
import type { Database } from '../db/database.js';
import { topUp } from '../effects/ledger.js';
import { asSystem } from '../guard/as-system.js';
import { confineTransaction } from '../guard/guarded-db.js';
import { badInput } from '../platform/errors.js';
import { newId } from '../platform/ids.js';

const CREDITS_MAX = 1_000_000_000;
const BALANCE_MAX = 2_147_483_647;

export interface ToppedUp {
  readonly workspaceId: string;
  readonly balanceCredits: number;
  readonly reservedCredits: number;
}

/** @throws BAD_USER_INPUT naming the flag, with nothing written */
export async function topUpCredits(
  database: Pick<Database, 'owner'>,
  { workspaceId, credits }: { readonly workspaceId: string; readonly credits: number },
): Promise<ToppedUp> {
  if (!Number.isInteger(credits) || credits < 1 || credits > CREDITS_MAX) {
    throw badInput(`--credits must be a whole number from 1 to ${CREDITS_MAX}.`, '--credits');
  }
  return asSystem(database, 'top up credits', async (db) => {
    await factsAtHand(db, workspaceId);
    const { organizationId } = await db.workspace.findUniqueOrThrow({
      where: { id: workspaceId },
      select: { organizationId: true },
    });
    const before = await db.creditAccount.findUnique({ where: { workspaceId } });
    if ((before?.balanceCredits ?? 0) + credits > BALANCE_MAX) {
      throw badInput(`--credits: an account holds at most ${BALANCE_MAX} credits.`, '--credits');
    }
    await topUp(await confineTransaction(db, { organizationId, workspaceId, agentId: null }), credits);
    await ownersAudit(db, {
      workspaceId,
      action: 'creditAccount.topUp',
      outcome: 'DONE',
      actor: SYSTEM_ACTOR,
      allowedBy: null,
      subjectId: workspaceId,
      requestId: newId('req'),
      ip: null,
      details: { credits },
    });
    const { balanceCredits, reservedCredits } = await db.creditAccount.findUniqueOrThrow({ where: { workspaceId } });
    return { workspaceId, balanceCredits, reservedCredits };
  });
}
