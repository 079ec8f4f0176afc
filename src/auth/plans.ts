// What a plan allows (CONTRACT §5): requests per minute and per day, and a bucket of query cost. It bounds the workspace,
// all its credentials together; a key may carry lower numbers of its own. Operators change the numbers by PLAN_LIMITS, so
// whoever needs them is handed them.

export type Plan = 'free' | 'pro' | 'scale';

export interface RateLimits {
  /** Requests per minute. */
  readonly rpm: number;
  /** Requests per day. */
  readonly rpd: number;
}

export interface PlanLimits extends RateLimits {
  /** Points that the cost bucket holds at most. */
  readonly costMax: number;
  /** Points that it regains per second. */
  readonly costPerSecond: number;
}

export type Plans = Readonly<Record<Plan, PlanLimits>>;

/** What a key carries of its own; null: the workspace's limit alone. */
export interface OwnLimits {
  readonly rpm: number | null;
  readonly rpd: number | null;
}

export const NO_OWN_LIMITS: OwnLimits = { rpm: null, rpd: null };

// Each bucket holds the costliest operation that the limits of http/limits.ts let in, so that a plan decides how often such
// a one may run and not whether.
export const DEFAULT_PLANS: Plans = {
  free: { rpm: 30, rpd: 2_000, costMax: 25_000, costPerSecond: 250 },
  pro: { rpm: 120, rpd: 20_000, costMax: 50_000, costPerSecond: 1_000 },
  scale: { rpm: 600, rpd: 200_000, costMax: 100_000, costPerSecond: 5_000 },
};

/** The lower of the plan's number and the key's. */
export const limitsOf = (plans: Plans, plan: Plan, { rpm, rpd }: OwnLimits): RateLimits => ({
  rpm: rpm === null ? plans[plan].rpm : Math.min(plans[plan].rpm, rpm),
  rpd: rpd === null ? plans[plan].rpd : Math.min(plans[plan].rpd, rpd),
});
