// What a plan allows per minute and per day (CONTRACT §5). The plan bounds the workspace; a key may carry lower numbers.

export type Plan = 'free' | 'pro' | 'scale';

export interface RateLimits {
  /** Requests per minute. */
  readonly rpm: number;
  /** Requests per day. */
  readonly rpd: number;
}

export const PLAN_LIMITS: Readonly<Record<Plan, RateLimits>> = {
  free: { rpm: 30, rpd: 2_000 },
  pro: { rpm: 120, rpd: 20_000 },
  scale: { rpm: 600, rpd: 200_000 },
};

/** The lower of the plan's number and the key's; null means that the key carries none. */
export const limitsOf = (
  plan: Plan,
  key: { readonly rpm: number | null; readonly rpd: number | null },
): RateLimits => ({
  rpm: Math.min(PLAN_LIMITS[plan].rpm, key.rpm ?? Number.POSITIVE_INFINITY),
  rpd: Math.min(PLAN_LIMITS[plan].rpd, key.rpd ?? Number.POSITIVE_INFINITY),
});
