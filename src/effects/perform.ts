// Doing it, at most once. Transaction one takes the effect and writes down that an attempt begins; then, in no transaction,
// the connector acts; transaction two closes the attempt and settles. A crash in between leaves an open attempt whose
// lease ends: recovery repeats it only where the provider takes our key, and calls it UNCERTAIN otherwise. Whoever comes
// back after that finds the attempt closed and is not believed.
import { ConnectorError, type Connectors } from '../connectors/connector.js';
import type { Effect } from '../generated/prisma/client.js';
import type { GuardedDb } from '../guard/guarded-db.js';
import { inWorkspace, sql } from '../guard/sql.js';
import { implementJob, type Job } from '../jobs/define-job.js';
import { newId } from '../platform/ids.js';
import type { OutsideEffect } from './define-effect.js';
import { judgeQueued } from './judge-queued.js';
import { effectLimits } from './limits.js';
import { isPaused } from './pause.js';
import { performAction } from './perform-action.js';
import { type EffectPlace, performEffectJob } from './perform-job.js';
import { emitEffect, isRehearsed } from './propose.js';
import { refuseLate, refuseQueued } from './refuse-queued.js';
import { type Attempt, type AttemptOutcome, settleAttempt } from './settle-attempt.js';
import { asJson, lockEffect, moveEffect } from './stored-effect.js';
import { inWorkspaceOf, systemWorld, type WorkerDeps } from './worker-world.js';

export const performJob = (deps: WorkerDeps): Job =>
  implementJob(performEffectJob, (place) => performEffect(deps, place));

/** May run any number of times for one effect: only a run that finds it QUEUED does anything. */
export async function performEffect(deps: WorkerDeps, place: EffectPlace): Promise<void> {
  // Before the lease is written, so that what is believed here of its end is never later than what the database has.
  const leasedAt = performance.now();
  const beginning = (withoutDomain: boolean) =>
    inWorkspaceOf(deps, place, (db) => begin(deps, db, place, withoutDomain));
  const attempt = await beginning(false).catch((error: unknown) => {
    deps.log.error({ err: error, effectId: place.effectId }, 'an effect could not be begun or refused');
    return beginning(true);
  });
  if (attempt === null) return;
  if (attempt === 'action') return performAction(deps, place);
  const stopBeating = keepLease(deps, attempt);
  const isTooLate = performance.now() - leasedAt >= deps.leaseMs;
  const outcome = isTooLate ? heldUp : await act(deps, attempt).finally(stopBeating);
  stopBeating();
  await settleAttempt(deps, attempt, outcome);
}

/** The process stood still until somebody else may have taken the attempt for lost: then nothing is begun any more. */
const heldUp: AttemptOutcome = {
  outcome: 'not-sent',
  message: 'The worker was held up before it began.',
  retryAfterMs: null,
};

/** While the attempt runs its lease is short and renewed: a dead worker is found out soon, a slow one is not taken for dead. */
function keepLease(deps: WorkerDeps, { place, executionId }: Attempt): () => void {
  const renew = () =>
    inWorkspaceOf(deps, place, (db) =>
      db.$sql(sql`UPDATE effect_execution x SET lease_until = now() + make_interval(secs => ${deps.leaseMs / 1000}::float8)
        WHERE ${inWorkspace(db, 'EffectExecution', 'x')} AND x.id = ${executionId} AND x.finished_at IS NULL
          AND x.lease_until > now() RETURNING x.id`),
    ).catch((error: unknown) => deps.log.error({ err: error, executionId }, 'a lease could not be renewed'));
  const timer = setInterval(() => void renew(), deps.leaseMs / 3);
  timer.unref();
  return () => clearInterval(timer);
}

/** @param withoutDomain a refusal leaves the rows of the domain alone, since it may be they that cannot be written */
async function begin(
  deps: WorkerDeps,
  db: GuardedDb,
  place: EffectPlace,
  withoutDomain: boolean,
): Promise<Attempt | 'action' | null> {
  const effect = await lockEffect(db, place.effectId);
  if (effect === null || effect.status !== 'QUEUED') return null;
  // It stays as it is; whoever resumes enqueues it again.
  if (await isPaused(db, effect)) return null;
  const definition = deps.engine.definitions.get(effect.kind);
  if (definition === undefined) {
    const performer = deps.engine.actionPerformer(effect.kind);
    // Its requester performs it; a worker only closes what was not fetched in time.
    if (performer?.showsSecret === true) return refuseLate(deps, db, effect).then(() => null);
    if (performer !== null) return 'action';
    const message = `This server does not know how to perform ${effect.kind}.`;
    return refuseQueued(deps, db, effect, { code: 'UNKNOWN_KIND', message }, withoutDomain);
  }
  if (definition.carryOut !== undefined) return 'action';
  const judged = await judgeQueued(deps, db, effect, definition);
  if ('failure' in judged) return refuseQueued(deps, db, effect, judged.failure, withoutDomain);
  // A rehearsal stays one, and a workspace that rehearses by now lets nothing out that was asked for before.
  const isSandbox = effect.isSandbox || (await isRehearsed(db));
  const connectors = isSandbox ? deps.sandbox : deps.connectors;
  return start(deps, db, place, { effect, definition, payload: judged.payload, connectors });
}

interface Ready {
  readonly effect: Effect;
  readonly definition: OutsideEffect;
  readonly payload: unknown;
  readonly connectors: Connectors;
}

async function start(deps: WorkerDeps, db: GuardedDb, place: EffectPlace, ready: Ready): Promise<Attempt> {
  const connector = ready.definition.connector(ready.payload, ready.connectors);
  const number = (await db.effectExecution.count({ where: { effectId: ready.effect.id } })) + 1;
  const executionId = newId('exe');
  // By the database's clock, because another server's recovery will judge it.
  await db.$sql(sql`INSERT INTO effect_execution (workspace_id, id, effect_id, attempt, connector, lease_until)
    VALUES (${db.$tenant.workspaceId}, ${executionId}, ${ready.effect.id}, ${number}::int, ${connector},
      now() + make_interval(secs => ${deps.leaseMs / 1000}::float8)) RETURNING id`);
  const effect = await moveEffect(db, ready.effect, 'PERFORMING');
  await emitEffect(systemWorld(deps, db, effect), effect);
  const isRehearsal = ready.connectors === deps.sandbox;
  return { ...ready, effect, place, executionId, number, connector, isRehearsal };
}

async function act(deps: WorkerDeps, { effect, definition, payload, connectors }: Attempt): Promise<AttemptOutcome> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), deps.performTimeoutMs);
  try {
    const inside = { connectors, idempotencyKey: effect.id, signal: controller.signal };
    const result = await Promise.race([definition.perform(payload, inside), tooLate(controller.signal)]);
    return { outcome: 'done', result: asJson(result) };
  } catch (error) {
    return outcomeOf(deps, effect, error);
  } finally {
    clearTimeout(timer);
  }
}

/** For a connector that does not heed the signal. */
const tooLate = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    const late = new ConnectorError('unknown', 'The provider did not answer in time.');
    signal.addEventListener('abort', () => reject(late), { once: true });
  });

function outcomeOf({ log }: WorkerDeps, effect: Effect, error: unknown): AttemptOutcome {
  if (!(error instanceof ConnectorError)) {
    log.error(
      { err: error, effectId: effect.id, requestId: effect.requestId },
      'performing an effect threw what no connector throws',
    );
    return { outcome: 'unknown', message: 'Something unexpected happened while it was performed.', retryAfterMs: null };
  }
  const { outcome, message, retryAfterMs } = error;
  log.warn({ err: error, effectId: effect.id, outcome }, 'a connector did not perform an effect');
  const waitMs = retryAfterMs === null ? null : Math.min(retryAfterMs, effectLimits.retryAfterMaxMs);
  return { outcome, message, retryAfterMs: waitMs };
}
