// A job is a name and the shape of its data; what it does is attached apart, so that whoever enqueues needs not know it.
// The data is parsed when enqueued and again when run: a row of the queue is never trusted to be of today's shape.
import type { z } from 'zod';

export interface JobKind<Data> {
  readonly name: string;
  readonly data: z.ZodType<Data>;
  /** How many run at once in one process. */
  readonly atOnce: number;
  /** How often the queue repeats a run that threw, with growing waits. Runs must bear repetition. */
  readonly retryLimit: number;
  /** After this a run counts as lost and is repeated. */
  readonly expireInSeconds: number;
}

export interface JobContext {
  readonly jobId: string;
  /** Aborted when the process wants to stop. */
  readonly signal: AbortSignal;
}

/** A kind and what it does, with the type of its data sealed in. */
export interface Job {
  readonly name: string;
  readonly atOnce: number;
  readonly retryLimit: number;
  readonly expireInSeconds: number;
  /** Parses, then runs. Throws when the data is not of this kind's shape. */
  run(data: unknown, context: JobContext): Promise<void>;
}

interface JobOptions {
  readonly atOnce?: number;
  readonly retryLimit?: number;
  readonly expireInSeconds?: number;
}

/** @param name `noun.verb` */
export const defineJob = <Data>(name: string, data: z.ZodType<Data>, options: JobOptions = {}): JobKind<Data> => ({
  name,
  data,
  atOnce: options.atOnce ?? 1,
  retryLimit: options.retryLimit ?? 5,
  expireInSeconds: options.expireInSeconds ?? 300,
});

export const implementJob = <Data>(
  kind: JobKind<Data>,
  run: (data: Data, context: JobContext) => Promise<void>,
): Job => ({
  name: kind.name,
  atOnce: kind.atOnce,
  retryLimit: kind.retryLimit,
  expireInSeconds: kind.expireInSeconds,
  run: async (data, context) => run(kind.data.parse(data), context),
});
