// `planOperation`: a mutation is run as it would be, in a transaction that is taken back, and what it came to is told. A plan
// of something that would be refused is that refusal.
import type { Principal } from '../../auth/principal.js';
import type { Context } from '../../context.js';
import type { Requirement, RuleVerdict } from '../../effects/approval-policy.js';
import { codedOf, type Executed, type JudgedOperation, type OperationAsked } from '../../effects/operations.js';
import { type OutcomeOfPlan, readOutcome } from '../../effects/outcome.js';
import type { World } from '../../effects/world.js';
import { badInput, CodedError } from '../../platform/errors.js';
import { runRepeatable } from '../../platform/lost-race.js';
import { signPlan } from './plan-token.js';

/** Its effects with their payloads as they are asked for. */
export interface OperationPlan extends Omit<OutcomeOfPlan, 'payloads'> {
  readonly planId: string;
  readonly expiresAt: Date;
  readonly price: number;
  /** The strictest of the rules that would decide. */
  readonly rule: RuleVerdict | null;
}

export const PLAN_MINUTES = 60;
/** What no plan holds: itself. */
export const PERFORMING = 'plan.perform';
/** How many operations one request may have planned: each is a transaction. */
export const PLANS_MAX = 5;

type Asked = Required<{ [Part in keyof OperationAsked]: Exclude<OperationAsked[Part], undefined> }> & {
  readonly variables: Readonly<Record<string, unknown>>;
};

/** @throws what the operation itself would be refused with; BAD_USER_INPUT for what is no mutation */
export async function planOperation(asked: Asked, context: Context): Promise<OperationPlan> {
  requirePlansLeft(context);
  const { world, planSecrets } = context;
  const { principal, clock } = world;
  const outcome = await runRepeatable(async () => {
    const judged = await judgePlan(asked, world);
    return takenBack(context, async (inside) => (await runPlan(judged, inside)).outcome);
  });
  const expiresAt = new Date(clock.now().getTime() + PLAN_MINUTES * 60_000);
  const { document, operationName, variables } = asked;
  const { workspaceId } = principal;
  const planId = signPlan(
    {
      ...{ document, operationName, variables, workspaceId },
      ...{ principal: whoIs(principal), digest: outcome.digest, expiresAtMs: expiresAt.getTime() },
    },
    planSecrets,
  );
  const effects = outcome.effects.map((effect, place) => ({ ...effect, payload: outcome.payloads[place] ?? null }));
  return { ...outcome, effects, planId, expiresAt, price: priceOf(outcome), rule: strictest(outcome.verdicts) };
}

export const whoIs = ({ kind, id }: Principal): string => `${kind} ${id}`;

/** @throws the refusal of the operation; BAD_USER_INPUT for a query, and for a plan inside a plan */
export async function judgePlan(asked: OperationAsked, world: World): Promise<JudgedOperation> {
  const judged = await world.judge(asked);
  if (judged.kind !== 'mutation') {
    throw badInput('document: a query changes nothing, so there is nothing to plan. Send it as it is.', 'document');
  }
  if (judged.asksFor.includes(PERFORMING)) throw badInput('document: a plan holds no other plan.', 'document');
  return judged;
}

/** In the owner's transaction of `world`. @throws what refuses a part of it */
export async function runPlan(
  judged: JudgedOperation,
  world: World,
): Promise<{ readonly executed: Executed; readonly outcome: OutcomeOfPlan }> {
  const executed = await world.execute(judged);
  const [fault] = executed.errors;
  if (fault !== undefined) throw codedOf(fault);
  if (executed.written === null) throw new Error('A plan was run outside its transaction.');
  const outcome = await readOutcome(world, executed.written);
  return { executed, outcome };
}

const STRICTNESS: readonly Requirement[] = ['NONE', 'CONFIRM', 'ONE', 'TWO'];

const strictest = (verdicts: readonly RuleVerdict[]): RuleVerdict | null =>
  STRICTNESS.toReversed().flatMap((asked) => verdicts.filter(({ requirement }) => requirement === asked))[0] ?? null;

const priceOf = ({ effects }: OutcomeOfPlan): number =>
  effects.reduce((sum, { priceCredits }) => sum + priceCredits, 0);

/** Carries a value out of a transaction that is to be rolled back. */
class TakenBack<T> extends Error {
  constructor(readonly value: T) {
    super('A plan is taken back.');
  }
}

async function takenBack<T>(context: Context, run: (world: World) => Promise<T>): Promise<T> {
  try {
    return await context.transact<never>(
      null,
      async ({ world }) => {
        throw new TakenBack(await run(world));
      },
      { asSystem: 'plan an operation and take it back' },
    );
  } catch (error) {
    if (error instanceof TakenBack) return error.value as T;
    throw error;
  }
}

const MEMO = 'planOperation';

function requirePlansLeft({ memo }: Context): void {
  const planned = ((memo.get(MEMO) as number | undefined) ?? 0) + 1;
  memo.set(MEMO, planned);
  if (planned <= PLANS_MAX) return;
  throw new CodedError(
    'QUERY_TOO_COMPLEX',
    `One request plans at most ${PLANS_MAX} operations. Send several requests.`,
    {
      limit: 'planned',
      most: PLANS_MAX,
      field: 'document',
    },
  );
}
