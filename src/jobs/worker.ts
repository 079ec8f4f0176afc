// The hands of the process. Each kind of job has a fixed number of loops that take, run and close one job at a time; a
// NOTIFY at the enqueuer's commit wakes them at once, and a slow poll finds what a lost notice or a delay left waiting.
// Stopping lets what runs end. A run that throws goes back to the queue; that it may run twice is the job's own business.
import type { Database } from '../db/database.js';
import type { Queue } from './boss.js';
import type { Job } from './define-job.js';

/** Something done by the clock rather than by the queue; never twice at once in one process. */
export interface Chore {
  readonly name: string;
  readonly everyMs: number;
  run(): Promise<unknown>;
}

export interface WorkerOptions {
  readonly database: Pick<Database, 'listen'>;
  readonly queue: Queue;
  readonly jobs: readonly Job[];
  /** Run once at start and then by the clock. */
  readonly chores: readonly Chore[];
  readonly log: { error(facts: object, message: string): void };
  readonly pollMs?: number;
}

export interface Worker {
  /** True from when the loops run until `stop`. */
  isReady(): boolean;
  /** Takes nothing more, waits for what runs, at most so long. @returns whether everything ended */
  stop(withinMs: number): Promise<boolean>;
}

const jobsChannel = 'sallyport_jobs';

/** The queue must be prepared. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { database, jobs, chores, log, pollMs = 2_000 } = options;
  const stopping = new AbortController();
  const alarms = new Map(jobs.map((job) => [job.name, Array.from({ length: job.atOnce }, () => alarm(pollMs))]));
  const unlisten = await database.listen(jobsChannel, (name) => {
    for (const bell of alarms.get(name) ?? []) bell.ring();
  });
  const loops = jobs.flatMap((job) =>
    (alarms.get(job.name) ?? []).map((bell) => work(options, job, bell, stopping.signal)),
  );
  const clocks = chores.map((chore) => keep(chore, stopping.signal, log));
  return {
    isReady: () => !stopping.signal.aborted,
    async stop(withinMs) {
      stopping.abort();
      for (const bell of [...alarms.values()].flat()) bell.ring();
      const done = Promise.all([...loops, ...clocks, unlisten()]).then(() => true);
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<boolean>((resolve) => {
        timer = setTimeout(() => resolve(false), withinMs);
      });
      const isDone = await Promise.race([done, late]);
      clearTimeout(timer);
      return isDone;
    },
  };
}

async function work({ queue, log }: WorkerOptions, job: Job, bell: Alarm, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      const taken = await queue.take(job.name);
      if (taken === null) {
        await bell.wait();
        continue;
      }
      await runOne(queue, job, taken.id, taken.data, signal, log);
    } catch (error) {
      log.error({ err: error, job: job.name }, 'the queue does not answer');
      await bell.wait();
    }
  }
}

async function runOne(
  queue: Queue,
  job: Job,
  jobId: string,
  data: unknown,
  signal: AbortSignal,
  log: WorkerOptions['log'],
): Promise<void> {
  try {
    await job.run(data, { jobId, signal });
  } catch (error) {
    log.error({ err: error, job: job.name, jobId }, 'a job threw; the queue repeats it');
    await queue.fail(job.name, jobId, error instanceof Error ? error : new Error(String(error)));
    return;
  }
  await queue.complete(job.name, jobId);
}

async function keep(chore: Chore, signal: AbortSignal, log: WorkerOptions['log']): Promise<void> {
  const bell = alarm(chore.everyMs);
  signal.addEventListener('abort', bell.ring, { once: true });
  while (!signal.aborted) {
    try {
      await chore.run();
    } catch (error) {
      log.error({ err: error, chore: chore.name }, 'a chore threw; it is tried again at its next turn');
    }
    await bell.wait();
  }
}

interface Alarm {
  /** Ends the current wait, or the next one at once. */
  readonly ring: () => void;
  wait(): Promise<void>;
}

function alarm(everyMs: number): Alarm {
  let hasRung = false;
  let wake: (() => void) | null = null;
  return {
    ring() {
      hasRung = true;
      wake?.();
    },
    async wait() {
      if (!hasRung) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, everyMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      hasRung = false;
      wake = null;
    },
  };
}
