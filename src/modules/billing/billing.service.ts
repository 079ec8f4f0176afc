import { z } from 'zod';
import { topUp } from '../../effects/ledger.js';
import { requireSystem, type World } from '../../effects/world.js';
import { rowKey } from '../../guard/guarded-db.js';
import { badInput, notFound } from '../../platform/errors.js';
import { requireValid } from '../../platform/validation.js';
import { type Spent, type SpentBy, spentBy } from './billing.queries.js';

const creditsMax = 1_000_000_000;
const daysMax = 366;
const groupsMax = 400;

const cap = z
  .object({
    agentId: z.string().nullish(),
    credits: z.number().int('whole credits').min(0, 'not negative').max(creditsMax).nullish(),
    period: z.enum(['LIFETIME', 'DAY', 'MONTH']).nullish(),
  })
  .refine(({ credits, period }) => !(period && (credits === null || credits === undefined)), {
    path: ['period'],
    message: 'a period needs a cap in credits',
  });

export interface Balance {
  readonly balanceCredits: number;
  readonly reservedCredits: number;
  readonly spentCredits: number;
}

export interface SpendCap {
  readonly agentId: string | null;
  readonly credits: number | null;
  readonly period: 'LIFETIME' | 'DAY' | 'MONTH' | null;
}

export type BillingService = ReturnType<typeof billingService>;

/** What a workspace has, what it promised away, what it spent and on what, and how much it may. */
export const billingService = (world: World) => {
  const { db, audit, clock } = world;
  return {
    async balance(): Promise<Balance> {
      const account = await db.creditAccount.findFirst({});
      return account ?? { balanceCredits: 0, reservedCredits: 0, spentCredits: 0 };
    },

    /** @throws BAD_USER_INPUT for a time that runs backwards or over more than a year */
    async spent(by: SpentBy, from: Date | null, to: Date | null): Promise<readonly Spent[]> {
      const end = to ?? clock.now();
      const start = from ?? new Date(end.getTime() - 30 * 86_400_000);
      if (start >= end) throw badInput('from must be before to.', 'from');
      if (end.getTime() - start.getTime() > daysMax * 86_400_000) throw badInput(`At most ${daysMax} days.`, 'from');
      return spentBy(db, by, start, end, groupsMax);
    },

    /** As the system: money comes from outside the workspace. */
    async topUp(credits: number): Promise<Balance> {
      if (!Number.isInteger(credits) || credits < 1 || credits > creditsMax) {
        throw badInput(`input.credits: a whole number from 1 to ${creditsMax}`, 'input.credits');
      }
      requireSystem(world);
      await topUp(db, credits);
      await audit.record({ action: 'creditAccount.topUp', costCredits: 0, details: { credits } });
      return this.balance();
    },

    /** Bounds what the workspace, or one agent of it, may spend from now on; null takes the bound away. */
    async setCap(input: unknown): Promise<SpendCap> {
      const { agentId = null, credits = null, period: asked = null } = requireValid(cap, input);
      const period = credits === null ? null : (asked ?? 'LIFETIME');
      const data = { spendCapCredits: credits, spendCapPeriod: period };
      if (agentId === null) {
        await requireSystem(world).workspace.update({ where: { id: db.$tenant.workspaceId }, data });
      } else {
        if ((await db.agent.count({ where: { id: agentId } })) === 0) throw notFound('agent');
        await db.agent.update({ where: rowKey(db, agentId), data });
      }
      await audit.record({ action: 'spendCap.set', subjectId: agentId, details: { agentId, credits, period } });
      return { agentId, credits, period };
    },
  };
};
