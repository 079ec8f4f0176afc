// How often one address may ask without any credential: public fields, introspection, and what is then refused for the lack
// of one. Generous, since it is only there so that nobody's loop takes the server from everybody else.
import type { Clock } from '../../platform/clock.js';
import { addressCounts } from './address-counts.js';
import { rateLimited } from './rate-limiter.js';

export const ANONYMOUS_PER_MINUTE = 3_000;

/** @throws RATE_LIMITED. An address that is not known is the server's own machine */
export type AdmitAnonymous = (ip: string | null) => void;

export function openAnonymousLimit(clock: Clock, perMinute = ANONYMOUS_PER_MINUTE): AdmitAnonymous {
  const counts = addressCounts(clock);
  return (ip) => {
    if (ip === null || counts.add(ip).count <= perMinute) return;
    throw rateLimited('Too many requests without a credential came from your address; one with a key is served.', {
      limit: 'address',
      quota: perMinute,
      windowSeconds: 60,
      remaining: 0,
      retryAfterSeconds: counts.secondsLeft(),
    });
  };
}
