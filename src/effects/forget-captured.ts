// Files that were captured for effects of a person who was erased. By a job, since a file is in no transaction: it is there
// exactly when the erasure is kept, and bears repetition.
import { z } from 'zod';
import { defineJob, implementJob, type Job } from '../jobs/define-job.js';

export const forgetCapturedJob = defineJob(
  'captured.forget',
  z.object({ workspaceId: z.string(), effectIds: z.array(z.string()) }),
);

/** @param forget removes what was captured under these keys on this machine */
export const forgetCapturedWork = (forget: (effectIds: readonly string[]) => Promise<void>): Job =>
  implementJob(forgetCapturedJob, ({ effectIds }) => forget(effectIds));
