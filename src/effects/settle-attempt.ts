// After the act: what is known of it becomes the effect's status. Closing the attempt is the fence: only one who finds it
// open may settle, so a worker that slept past its lease changes nothing any more.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectorOutcome, Connectors } from '../connectors/connector.js';
import type { Effect, Prisma } from '../generated/prisma/client.js';
import type { GuardedDb } from '../guard/guarded-db.js';
import type { EffectFailure, OutsideEffect } from './define-effect.js';
import { type Ending, endEffect } from './end-effect.js';
import type { EffectPlace } from './perform-job.js';
import { emitEffect, enqueuePerforming, expiryFrom } from './propose.js';
import { lockEffect, moveEffect } from './stored-effect.js';
import { inWorkspaceOf, systemWorld, type WorkerDeps } from './worker-world.js';

export interface Attempt {
  readonly place: EffectPlace;
  readonly effect: Effect;
  readonly definition: OutsideEffect;
  readonly payload: unknown;
  readonly connectors: Connectors;
  readonly executionId: string;
  /** Counts from 1. */
  readonly number: number;
  readonly connector: string;
  /** Captured for a workspace that rehearses. */
  readonly isRehearsal: boolean;
}

export type AttemptOutcome =
  | { readonly outcome: 'done'; readonly result: Prisma.InputJsonValue | null }
  | { readonly outcome: ConnectorOutcome; readonly message: string; readonly retryAfterMs: number | null };

/** Waits between the tries to write down what happened; after the last it is tried once more, without the domain's rows. */
const SETTLE_AGAIN_MS = [50, 500];

/** The act is done and cannot be repeated at will, so settling is: a domain row that cannot be written does not undo what happened. */
export async function settleAttempt(deps: WorkerDeps, attempt: Attempt, outcome: AttemptOutcome): Promise<void> {
  for (let tried = 1; ; tried++) {
    const waitMs = SETTLE_AGAIN_MS[tried - 1];
    const withoutDomain = waitMs === undefined;
    try {
      await inWorkspaceOf(deps, attempt.place, (db) => settle(deps, db, attempt, outcome, withoutDomain));
      return;
    } catch (error) {
      deps.log.error({ err: error, effectId: attempt.effect.id, tried }, 'an effect could not be settled');
      if (waitMs === undefined) throw error;
      await sleep(waitMs);
    }
  }
}

async function settle(
  deps: WorkerDeps,
  db: GuardedDb,
  attempt: Attempt,
  outcome: AttemptOutcome,
  withoutDomain: boolean,
): Promise<void> {
  const isOpen = await closeExecution(deps, db, attempt.executionId, outcome.outcome);
  const effect = isOpen ? await lockEffect(db, attempt.place.effectId) : null;
  if (effect === null || effect.status !== 'PERFORMING') {
    deps.log.warn({ effectId: attempt.effect.id, attempt: attempt.number }, 'a late result was not believed');
    return;
  }
  const next = nextOf(deps, attempt.number, attempt.connector, outcome);
  if (next.status === 'QUEUED') await requeue(deps, db, effect, next.waitMs);
  else {
    const { isRehearsal } = attempt;
    await endEffect(systemWorld(deps, db, effect), deps.engine, effect, { ...next, withoutDomain, isRehearsal });
  }
  await recordAttempt(deps, db, effect, attempt, next);
}

/** False when somebody closed it before. */
export async function closeExecution(deps: WorkerDeps, db: GuardedDb, id: string, outcome: string): Promise<boolean> {
  const { count } = await db.effectExecution.updateMany({
    where: { id, finishedAt: null },
    data: { finishedAt: deps.clock.now(), outcome },
  });
  return count > 0;
}

export type Next = { readonly status: 'QUEUED'; readonly waitMs: number } | Ending;

/** Pure: what an outcome makes of the effect, given how often it was tried and whether a repeat is safe. */
export function nextOf(
  { connectors, retryDelaysMs }: Pick<WorkerDeps, 'connectors' | 'retryDelaysMs'>,
  number: number,
  connector: string,
  outcome: AttemptOutcome,
): Next {
  if (outcome.outcome === 'done') return { status: 'SUCCEEDED', result: outcome.result };
  const mayRepeat =
    outcome.outcome === 'not-sent' || (outcome.outcome === 'unknown' && connectors.takesIdempotencyKey(connector));
  const waitMs = retryDelaysMs[number - 1];
  if (mayRepeat && waitMs !== undefined)
    return { status: 'QUEUED', waitMs: Math.max(waitMs, outcome.retryAfterMs ?? 0) };
  if (outcome.outcome === 'unknown') {
    return {
      status: 'UNCERTAIN',
      failure: { code: 'UNCERTAIN', message: `${outcome.message} It may or may not have happened.` },
    };
  }
  const code = outcome.outcome === 'refused' ? 'REFUSED_BY_PROVIDER' : 'PROVIDER_UNREACHABLE';
  return { status: 'FAILED', failure: { code, message: outcome.message } };
}

export async function requeue(deps: WorkerDeps, db: GuardedDb, effect: Effect, waitMs: number): Promise<void> {
  const queued = await moveEffect(db, effect, 'QUEUED', { expiresAt: expiryFrom(deps.clock.now()) });
  const world = systemWorld(deps, db, queued);
  await emitEffect(world, queued);
  await enqueuePerforming(world, queued, waitMs);
}

async function recordAttempt(
  deps: WorkerDeps,
  db: GuardedDb,
  effect: Effect,
  attempt: Attempt,
  next: Next,
): Promise<void> {
  const failure: EffectFailure | undefined = next.status === 'QUEUED' ? undefined : next.failure;
  const { connector, number } = attempt;
  await systemWorld(deps, db, effect).audit.record({
    action: 'effect.perform',
    effectId: effect.id,
    outcome: next.status === 'FAILED' ? 'REFUSED' : 'DONE',
    costCredits: next.status === 'SUCCEEDED' && !attempt.isRehearsal ? effect.reservedCredits : 0,
    details: { kind: effect.kind, status: next.status, attempt: number, connector, code: failure?.code ?? null },
  });
}
