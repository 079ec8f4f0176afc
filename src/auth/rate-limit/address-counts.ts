// Counts by the address that a request comes from, per UTC minute, in this process alone. Bounded: a v6 address counts with
// its /64, which is what one subscriber is given, and when the table is full the oldest entry goes.
import ipaddr from 'ipaddr.js';
import type { Clock } from '../../platform/clock.js';
import { endOf } from './rate-limiter.js';

export interface AddressCount {
  count: number;
  /** When the next one in line may go, by `performance.now()`; see guess-gate.ts. */
  nextAt: number;
}

export interface AddressCounts {
  /** Null where nothing was counted in this minute. */
  find(ip: string): AddressCount | null;
  /** Counts one; the entry. */
  add(ip: string): AddressCount;
  /** Seconds to the end of the minute, at least 1. */
  secondsLeft(): number;
  readonly size: number;
}

const ADDRESSES_MAX = 50_000;

export function addressCounts(clock: Clock, addressesMax = ADDRESSES_MAX): AddressCounts {
  let counts = new Map<string, AddressCount>();
  let endsAt = 0;
  const current = (): Map<string, AddressCount> => {
    const now = clock.now().getTime();
    if (now >= endsAt || endsAt - now > 60_000) {
      counts = new Map();
      endsAt = endOf(now, 60);
    }
    return counts;
  };
  return {
    find: (ip) => current().get(groupOf(ip)) ?? null,
    add(ip) {
      const group = groupOf(ip);
      const known = current().get(group) ?? { count: 0, nextAt: 0 };
      known.count += 1;
      counts.set(group, known);
      if (counts.size > addressesMax) {
        const [oldest] = counts.keys();
        if (oldest !== undefined) counts.delete(oldest);
      }
      return known;
    },
    secondsLeft: () => Math.max(1, Math.ceil((endsAt - clock.now().getTime()) / 1_000)),
    get size() {
      return counts.size;
    },
  };
}

/** @param ip normalised, so that a v4 address never has a colon */
export function groupOf(ip: string): string {
  if (!ip.includes(':') || !ipaddr.IPv6.isValid(ip)) return ip;
  return ipaddr.IPv6.parse(ip).parts.slice(0, 4).join(':');
}
