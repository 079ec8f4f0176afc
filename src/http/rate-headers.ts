// How limits are told in headers, after draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy` lists what holds,
// `RateLimit` tells of the one that would stop the caller first, `t` being the seconds to its reset. A refusal tells of the
// limit that refused, and `Retry-After` is its `t`.
import type { ServerResponse } from 'node:http';
import type { Allowance, Quota, RefusalFacts, Standing } from '../auth/rate-limit/rate-limiter.js';

const policy = (name: string, quota: number, windowSeconds: number): string =>
  `"${name}";q=${quota};w=${windowSeconds}`;
const state = (name: string, remaining: number, seconds: number): string => `"${name}";r=${remaining};t=${seconds}`;

/** `now` in milliseconds since 1970. */
const secondsTo = ({ resetsAt }: Quota, now: number): number => Math.max(1, Math.ceil((resetsAt - now) / 1_000));

/** Of the answer to a request that was let in. */
export function headersOfAllowance({ minute, day, admittedAt }: Allowance): Readonly<Record<string, string>> {
  const dayIsNearer = day.remaining <= minute.remaining;
  const [name, nearest] = dayIsNearer ? (['day', day] as const) : (['default', minute] as const);
  return {
    'RateLimit-Policy': `${policy('default', minute.limit, minute.windowSeconds)}, ${policy('day', day.limit, day.windowSeconds)}`,
    RateLimit: state(name, nearest.remaining, secondsTo(nearest, admittedAt)),
  };
}

export function setAllowance(res: ServerResponse, { allowance }: Standing): void {
  const headers = headersOfAllowance(allowance);
  for (const name in headers) res.setHeader(name, headers[name] as string);
}

/** Of a refusal by a limit, from what its error carries. */
export function headersOfRefusal(data: Readonly<Record<string, unknown>>): Record<string, string> {
  const { limit, quota, windowSeconds, remaining, retryAfterSeconds } = data as Partial<RefusalFacts>;
  if (retryAfterSeconds === undefined) return {};
  const seconds = Math.ceil(retryAfterSeconds);
  const headers = { 'Retry-After': String(seconds) };
  if (limit === undefined || quota === undefined || windowSeconds === undefined) return headers;
  return {
    ...headers,
    'RateLimit-Policy': policy(limit, quota, windowSeconds),
    RateLimit: state(limit, remaining ?? 0, seconds),
  };
}
