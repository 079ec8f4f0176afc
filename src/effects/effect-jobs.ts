import type { Job } from '../jobs/define-job.js';
import type { Chore } from '../jobs/worker.js';
import { effectLimits } from './limits.js';
import { performJob } from './perform.js';
import { recoverEffects } from './recover.js';
import { sweepIdempotency } from './sweep.js';
import type { WorkerDeps } from './worker-world.js';

/** What a worker does for effects: the job of the queue; at start and by the clock, recovery and sweeping. */
export const effectWork = (deps: WorkerDeps): { jobs: readonly Job[]; chores: readonly Chore[] } => ({
  jobs: [performJob(deps)],
  chores: [
    { name: 'effects.recover', everyMs: effectLimits.recoverEveryMs, run: () => recoverEffects(deps) },
    { name: 'idempotency.sweep', everyMs: effectLimits.sweepEveryMs, run: () => sweepIdempotency(deps.database) },
  ],
});
