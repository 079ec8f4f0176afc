// Counts in this process alone: the only store without REDIS_URL, and the insurance while Redis is lost. Nothing waits and
// nothing is scheduled; what has ended is swept once a minute by whoever comes first.
import type { Bucket, Counter, LimitStore } from './limit-store.js';

interface Count {
  used: number;
  endsAt: number;
}

interface Level {
  points: number;
  since: number;
  /** When it is full again, and not worth keeping. */
  fullAt: number;
}

const SWEEP_EVERY_MS = 60_000;

export function memoryStore(): LimitStore & { readonly size: number } {
  const counts = new Map<string, Count>();
  const levels = new Map<string, Level>();
  let sweptAt = 0;

  const sweep = (now: number): void => {
    if (now - sweptAt < SWEEP_EVERY_MS) return;
    sweptAt = now;
    for (const [name, { endsAt }] of counts) if (endsAt <= now) counts.delete(name);
    for (const [name, { fullAt }] of levels) if (fullAt <= now) levels.delete(name);
  };

  const levelOf = ({ name, most, perSecond }: Bucket, now: number): number => {
    const held = levels.get(name);
    if (held === undefined) return most;
    return Math.min(most, held.points + (Math.max(0, now - held.since) * perSecond) / 1_000);
  };

  return {
    take(_scope, counters, bucket, now) {
      sweep(now);
      const used = counters.map((counter) => countIn(counts, counter).used);
      const refusedBy = counters.findLastIndex(({ most }, place) => (used[place] ?? 0) >= most);
      if (refusedBy === -1) {
        for (const [place, counter] of counters.entries()) used[place] = ++countIn(counts, counter).used;
      }
      return { used, refusedBy, available: Math.floor(levelOf(bucket, now)) };
    },
    draw(_scope, bucket, points, now) {
      const level = levelOf(bucket, now);
      if (points > level) return { isEnough: false, available: Math.floor(level) };
      const left = Math.min(bucket.most, level - points);
      const fullAt = now + ((bucket.most - left) / bucket.perSecond) * 1_000;
      levels.set(bucket.name, { points: left, since: now, fullAt });
      return { isEnough: true, available: Math.floor(left) };
    },
    get size() {
      return counts.size + levels.size;
    },
  };
}

function countIn(counts: Map<string, Count>, { name, endsAt }: Counter): Count {
  const known = counts.get(name);
  if (known !== undefined && known.endsAt === endsAt) return known;
  const begun = { used: 0, endsAt };
  counts.set(name, begun);
  return begun;
}
