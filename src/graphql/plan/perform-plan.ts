// `performPlan`: the planned operation in one transaction, and only if it comes to what was planned. Compared before the
// transaction is committed, so what drifted was never done. The planId is good for one performing: a repeat, also a
// concurrent one, gets the effects of the first.
import { createHash } from 'node:crypto';
import type { Context, Inside } from '../../context.js';
import type { Effect } from '../../effects/effect-port.js';
import type { Change } from '../../effects/outcome.js';
import { mayRead } from '../../effects/stored-effect.js';
import type { World } from '../../effects/world.js';
import { CodedError, type ErrorCode, isCoded, notFound } from '../../platform/errors.js';
import { newId } from '../../platform/ids.js';
import { isRepeatable, runRepeatable } from '../../platform/lost-race.js';
import { judgePlan, PERFORMING, runPlan, whoIs } from './plan-operation.js';
import { readPlan, type SignedPlan } from './plan-token.js';

export interface PerformInput {
  readonly planId: string;
  readonly idempotencyKey: string | null;
}

export interface Performed {
  /** Null on a repeat: nothing of it was kept. */
  readonly data: unknown;
  readonly changes: readonly Change[] | null;
  readonly effects: readonly Effect[];
}

/** @param transact the mutation's transaction, of the owner */
export async function performPlan(
  input: PerformInput,
  context: Context,
  transact: (run: (inside: Inside) => Promise<Performed>) => Promise<Performed>,
): Promise<Performed> {
  const plan = requirePlan(input.planId, context);
  // Its fields come in the caller's order, so two plans may wait for each other; PostgreSQL then ends one of them.
  return runRepeatable(() => performOnce(plan, input, context, transact));
}

async function performOnce(
  plan: SignedPlan,
  { planId, idempotencyKey }: PerformInput,
  context: Context,
  transact: (run: (inside: Inside) => Promise<Performed>) => Promise<Performed>,
): Promise<Performed> {
  const { document, operationName, variables } = plan;
  const judged = await judgePlan({ document, operationName, variables }, context.world);
  const afterwards: (() => void)[] = [];
  const performed = await transact(async ({ world }) => {
    // Not the request's own id, which a caller may choose.
    const performing = newId('req', world.clock);
    const first = await claimOnce(world, planId, idempotencyKey, performing);
    if (first !== null) return { data: null, changes: null, effects: await askedFor(world, first) };
    const { executed, outcome } = await runPlan(judged, world).catch((error: unknown) => {
      throw driftedBy(error);
    });
    if (outcome.digest !== plan.digest) throw drifted('OUTCOME', 'It would come to something else than was planned.');
    const effects = outcome.effects.map(({ id }) => id);
    const details = { operation: operationName ?? '', digest: plan.digest, effects };
    await world.audit.record({ action: PERFORMING, subjectId: performing, details });
    afterwards.push(...executed.afterwards);
    return { data: plain(executed.data), changes: outcome.changes, effects: outcome.effects };
  });
  for (const act of afterwards) act();
  return performed;
}

/** @throws NOT_FOUND alike for what nobody signed and for the plan of another; PLAN_DRIFTED once its time is over */
function requirePlan(planId: string, { world, planSecrets }: Context): SignedPlan {
  const plan = readPlan(planId, planSecrets);
  const { principal, clock } = world;
  const isOwn = plan?.workspaceId === principal.workspaceId && plan.principal === whoIs(principal);
  if (plan === null || !isOwn) throw notFound('plan');
  if (plan.expiresAtMs <= clock.now().getTime()) throw drifted('EXPIRED', 'The plan is too old to be performed.');
  return plan;
}

/** @returns the performing that came before; null: this is the first */
async function claimOnce(world: World, planId: string, own: string | null, subjectId: string): Promise<string | null> {
  const hash = createHash('sha256').update(planId).digest('hex');
  const request = { mutation: 'performPlan', input: { planId: hash }, subjectId };
  for (const idempotencyKey of [`plan ${hash}`, ...(own === null ? [] : [own])]) {
    const claim = await world.effects.claim({ ...request, idempotencyKey });
    if (!claim.first) return claim.subjectId;
  }
  return null;
}

/** What a performing asked for, as the trail remembers it. */
async function askedFor({ db, principal }: World, performing: string): Promise<Effect[]> {
  const entry = await db.auditEntry.findFirst({ where: { action: PERFORMING, subjectId: performing } });
  const { effects: ids = [] } = (entry?.details ?? {}) as { readonly effects?: readonly string[] };
  const effects = await db.effect.findMany({ where: { id: { in: [...ids] } } });
  const readable = effects.filter((effect) => mayRead(principal, effect));
  return readable.sort((one, other) => ids.indexOf(one.id) - ids.indexOf(other.id));
}

/** Who asks is judged as ever; anything else that refuses it now did not when it was planned. */
const ASKING: ReadonlySet<ErrorCode> = new Set([
  ...(['UNAUTHENTICATED', 'FORBIDDEN', 'FORBIDDEN_AGENT', 'INTERNAL_SERVER_ERROR', 'SERVICE_UNAVAILABLE'] as const),
]);

const driftedBy = (error: unknown): unknown =>
  isCoded(error) && !ASKING.has(error.code) && !isRepeatable(error)
    ? drifted('OUTCOME', `It would be refused now: ${error.message}`, { cause: error.code })
    : error;

const drifted = (reason: 'OUTCOME' | 'EXPIRED', why: string, data: object = {}): CodedError =>
  new CodedError('PLAN_DRIFTED', `${why} Nothing was done; plan it anew.`, { reason, ...data });

const plain = (data: unknown): unknown => JSON.parse(JSON.stringify(data ?? null));
