// How much a workspace may ask (CONTRACT §5): requests per UTC minute and per UTC day, of the workspace and, where a key
// carries lower numbers, of that key; and a bucket of query cost. Every authenticated request counts, whatever it is
// answered, but those that a limit itself refuses: they change nothing. Costs a request no statement and, in memory, no wait.
import type { Clock } from '../../platform/clock.js';
import { CodedError } from '../../platform/errors.js';
import { limitsOf, type Plans, type RateLimits } from '../plans.js';
import type { Principal } from '../principal.js';
import type { Bucket, Counter, LimitStore, Taken } from './limit-store.js';

/** How a limit is called in `RateLimit-Policy`, in `extensions.limit` of a refusal, and in the docs. */
export type LimitName = 'default' | 'day' | 'cost' | 'address';

export interface Quota {
  readonly limit: number;
  readonly remaining: number;
  /** In milliseconds since 1970. */
  readonly resetsAt: number;
  readonly windowSeconds: number;
}

/** Where a request stands once it is let in. */
export interface Allowance {
  readonly minute: Quota;
  readonly day: Quota;
  readonly bucket: Bucket;
  /** Whole points in the bucket. */
  readonly available: number;
  /** In milliseconds since 1970. */
  readonly admittedAt: number;
}

/** What a request may know of its limits; `cost` and `available` are those of its operation once that is known. */
export interface Standing {
  readonly allowance: Allowance;
  /** The most that the operation can cost, in points. */
  cost: number;
  /** Whole points left in the bucket. */
  available: number;
}

export interface RateLimiter {
  /** Counts one request. @throws RATE_LIMITED, and then it did not count */
  admit(principal: Principal): Promise<Allowance>;
  /** The same, and without a wait where the counts are not shared. Null when a limit refuses: then it did not count. */
  admitIfAllowed(principal: Principal): Allowance | null | Promise<Allowance | null>;
  /**
   * Takes an operation's cost from the bucket, but for the points that come with each request.
   * @returns the whole points left
   * @throws RATE_LIMITED; QUERY_TOO_COMPLEX when the bucket never holds so many
   */
  draw(principal: Principal, allowance: Allowance, points: number): Promise<number>;
  /** Gives back what an operation did not use; never waits and never throws. @returns the points left, as far as is known */
  giveBack(principal: Principal, allowance: Allowance, points: number, available: number): number;
  /** The counts are meant to be shared and are not: whatever spends is to wait. */
  readonly isAlone: boolean;
}

/** Points of each operation that its place in the request limits pays for: what is small never touches the bucket. */
export const POINTS_WITH_EACH_REQUEST = 100;

const MINUTE = 60;
const DAY = 86_400;

/** The part of a cost that comes out of the bucket. */
export const drawnFor = (points: number): number => Math.max(0, points - POINTS_WITH_EACH_REQUEST);

export interface RateLimiterParts {
  readonly plans: Plans;
  readonly store: LimitStore & { readonly isLost?: boolean };
  readonly clock: Clock;
}

export function openRateLimiter({ plans, store, clock }: RateLimiterParts): RateLimiter {
  const bucketOf = ({ plan, workspaceId }: Principal): Bucket => {
    const { costMax, costPerSecond } = plans[plan];
    return { name: `cost:${workspaceId}`, most: costMax, perSecond: costPerSecond };
  };
  const ask = (principal: Principal): AskedNow => {
    const now = clock.now().getTime();
    return {
      now,
      limits: limitsOf(plans, principal.plan, principal.limits),
      counters: countersOf(principal, plans[principal.plan], now),
      bucket: bucketOf(principal),
    };
  };
  return {
    async admit(principal) {
      const asked = ask(principal);
      const { counters, bucket, now } = asked;
      const taken = await store.take(principal.workspaceId, counters, bucket, now);
      const refusing = counters[taken.refusedBy];
      if (refusing !== undefined) throw tooMany(refusing, asked.limits, now);
      return allowanceOf(asked, taken);
    },
    admitIfAllowed(principal) {
      const asked = ask(principal);
      const taken = store.take(principal.workspaceId, asked.counters, asked.bucket, asked.now);
      const told = (one: Taken) => (one.refusedBy === -1 ? allowanceOf(asked, one) : null);
      return taken instanceof Promise ? taken.then(told) : told(taken);
    },
    async draw({ workspaceId }, { bucket, available }, points) {
      if (drawnFor(points) > bucket.most) throw neverEnough(points, bucket);
      if (drawnFor(points) === 0) return available;
      const drawn = await store.draw(workspaceId, bucket, drawnFor(points), clock.now().getTime());
      if (!drawn.isEnough) throw tooCostly(points, bucket, drawn.available, clock.now().getTime());
      return drawn.available;
    },
    giveBack({ workspaceId }, { bucket }, points, available) {
      if (points <= 0) return available;
      // Lost on the way, it comes back by itself as the bucket fills.
      Promise.resolve(store.draw(workspaceId, bucket, -points, clock.now().getTime())).catch(() => undefined);
      return Math.min(bucket.most, available + points);
    },
    get isAlone() {
      return store.isLost ?? false;
    },
  };
}

interface AskedNow {
  readonly now: number;
  readonly limits: RateLimits;
  readonly counters: readonly RequestCounter[];
  readonly bucket: Bucket;
}

const allowanceOf = ({ counters, limits, bucket, now }: AskedNow, taken: Taken): Allowance => ({
  minute: quotaOf(counters, taken, MINUTE, limits.rpm),
  day: quotaOf(counters, taken, DAY, limits.rpd),
  bucket,
  available: taken.available,
  admittedAt: now,
});

interface RequestCounter extends Counter {
  readonly of: 'KEY' | 'WORKSPACE';
}

function countersOf(
  { workspaceId, apiKeyId, limits }: Principal,
  plan: RateLimits,
  now: number,
): readonly RequestCounter[] {
  const counters = [counter('WORKSPACE', workspaceId, plan.rpm, MINUTE, now)];
  if (apiKeyId !== null && limits.rpm !== null) counters.push(counter('KEY', apiKeyId, limits.rpm, MINUTE, now));
  counters.push(counter('WORKSPACE', workspaceId, plan.rpd, DAY, now));
  if (apiKeyId !== null && limits.rpd !== null) counters.push(counter('KEY', apiKeyId, limits.rpd, DAY, now));
  return counters;
}

const counter = (
  of: RequestCounter['of'],
  id: string,
  most: number,
  windowSeconds: number,
  now: number,
): RequestCounter => ({
  of,
  name: `${windowSeconds}:${id}`,
  most,
  windowSeconds,
  endsAt: endOf(now, windowSeconds),
});

/** End of the UTC minute or day that `now` is in. */
export const endOf = (now: number, windowSeconds: number): number =>
  (Math.floor(now / (windowSeconds * 1_000)) + 1) * windowSeconds * 1_000;

/** The workspace's and the key's window as one: what the caller can still ask is the least that either leaves. */
function quotaOf(counters: readonly Counter[], { used }: Taken, windowSeconds: number, limit: number): Quota {
  let remaining = limit;
  let resetsAt = 0;
  for (const [place, one] of counters.entries()) {
    if (one.windowSeconds !== windowSeconds) continue;
    remaining = Math.min(remaining, Math.max(0, one.most - (used[place] ?? 0)));
    resetsAt = one.endsAt;
  }
  return { limit, remaining, resetsAt, windowSeconds };
}

/** What http/ makes the headers of a refusal from; sent to the caller as it stands. */
export interface RefusalFacts {
  readonly limit: LimitName;
  readonly quota: number;
  readonly windowSeconds: number;
  readonly remaining: number;
  readonly retryAfterSeconds: number;
}

export const rateLimited = (message: string, facts: RefusalFacts, more: object = {}): CodedError =>
  new CodedError('RATE_LIMITED', `${message} Try again in ${facts.retryAfterSeconds} s.`, { ...facts, ...more });

function tooMany({ of, most, windowSeconds, endsAt }: RequestCounter, limits: RateLimits, now: number): CodedError {
  const isDay = windowSeconds === DAY;
  const words = `${most} requests a ${isDay ? 'day' : 'minute'}`;
  const message = of === 'KEY' ? `This key may make ${words}.` : `The plan of this workspace allows ${words}.`;
  const facts: RefusalFacts = {
    limit: isDay ? 'day' : 'default',
    quota: isDay ? limits.rpd : limits.rpm,
    windowSeconds,
    remaining: 0,
    retryAfterSeconds: Math.max(1, Math.ceil((endsAt - now) / 1_000)),
  };
  return rateLimited(message, facts, { of, resetAt: new Date(endsAt).toISOString() });
}

function tooCostly(points: number, { most, perSecond }: Bucket, available: number, now: number): CodedError {
  const retryAfterSeconds = Math.max(1, Math.ceil((drawnFor(points) - available) / perSecond));
  const message = `The operation costs up to ${points} points; the workspace has ${available} left at the moment.`;
  const windowSeconds = Math.ceil(most / perSecond);
  const facts: RefusalFacts = { limit: 'cost', quota: most, windowSeconds, remaining: available, retryAfterSeconds };
  const resetAt = new Date(now + retryAfterSeconds * 1_000).toISOString();
  return rateLimited(message, facts, { of: 'WORKSPACE', requested: points, resetAt });
}

const neverEnough = (points: number, { most }: Bucket): CodedError =>
  new CodedError(
    'QUERY_TOO_COMPLEX',
    `The operation costs up to ${points} points; the plan of this workspace never allows more than ${
      most + POINTS_WITH_EACH_REQUEST
    }. Ask for smaller pages (first or last), or split the operation.`,
    { limit: 'cost', found: points, most: most + POINTS_WITH_EACH_REQUEST },
  );
