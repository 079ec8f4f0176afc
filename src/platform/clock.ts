/** The only source of time in the process; tests hand in their own. Where a decision must hold across processes, the database's `now()` decides instead. */
export interface Clock {
  now(): Date;
}

export const systemClock: Clock = { now: () => new Date() };
