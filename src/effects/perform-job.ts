import { z } from 'zod';
import { defineJob } from '../jobs/define-job.js';
import { effectLimits } from './limits.js';

/** Where an effect lives: what a job must know to look at it. */
export const effectPlace = z.object({ organizationId: z.string(), workspaceId: z.string(), effectId: z.string() });
export type EffectPlace = z.output<typeof effectPlace>;

/** Performs one queued effect. May be enqueued twice: the second run finds nothing to do. */
export const performEffectJob = defineJob('effect.perform', effectPlace, {
  atOnce: 4,
  expireInSeconds: Math.ceil(effectLimits.leaseMs / 1000) + 60,
});
