// What a limiter asks of the place that counts. Both places (this process's memory, Redis) keep the same promise: all
// counters of a request are judged and raised in one step, and a request that is refused raises none of them.

/** A fixed window: its counter begins anew when it ends. */
export interface Counter {
  /** Names what is counted, without the window. */
  readonly name: string;
  readonly most: number;
  readonly windowSeconds: number;
  /** In milliseconds since 1970. */
  readonly endsAt: number;
}

/** Fills up again at a steady rate. */
export interface Bucket {
  readonly name: string;
  readonly most: number;
  readonly perSecond: number;
}

export interface Taken {
  /** Requests in each counter, this one included unless it is refused; by the place of the counter. */
  readonly used: readonly number[];
  /** Place of the counter that refuses, the last one when there are several; -1: none does. */
  readonly refusedBy: number;
  /** Whole points in the bucket. */
  readonly available: number;
}

export interface Drawn {
  readonly isEnough: boolean;
  /** Whole points in the bucket, after it where there were enough. */
  readonly available: number;
}

export interface LimitStore {
  /**
   * A promise where others count as well.
   * @param scope what belongs together: the workspace
   * @param now in milliseconds since 1970
   */
  take(scope: string, counters: readonly Counter[], bucket: Bucket, now: number): Taken | Promise<Taken>;
  /** @param points may be negative: then they are given back */
  draw(scope: string, bucket: Bucket, points: number, now: number): Drawn | Promise<Drawn>;
}
