// Attempts, counted in memory and bounded. Whoever guesses at an account from one address is held there; where many guess at
// it from many, each address is left a few attempts of its own. So a guesser never locks the owner out: an address that has
// not tried yet gets in.

export interface Throttle {
  /** Counts one attempt under the key. @returns how many there were within the window, this one included */
  count(key: string): number;
  /** Seconds until the count under the key begins anew. */
  secondsLeft(key: string): number;
  /** A good attempt does not count. */
  forgive(key: string): void;
}

interface Window {
  count: number;
  readonly endsAt: number;
}

const KEYS_MAX = 50_000;

/** @param windowMs from the first attempt on */
export function openThrottle(windowMs: number, now: () => number = Date.now, keysMax = KEYS_MAX): Throttle {
  const windows = new Map<string, Window>();
  const makeRoom = (): void => {
    for (const [key, { endsAt }] of windows) if (endsAt <= now()) windows.delete(key);
    // Still full: the oldest go.
    for (const key of windows.keys()) {
      if (windows.size < keysMax) return;
      windows.delete(key);
    }
  };
  return {
    count(key) {
      const known = windows.get(key);
      if (known !== undefined && known.endsAt > now()) return ++known.count;
      windows.delete(key);
      if (windows.size >= keysMax) makeRoom();
      windows.set(key, { count: 1, endsAt: now() + windowMs });
      return 1;
    },
    secondsLeft: (key) => Math.max(1, Math.ceil(((windows.get(key)?.endsAt ?? 0) - now()) / 1_000)),
    forgive(key) {
      const known = windows.get(key);
      if (known === undefined) return;
      known.count -= 1;
      if (known.count <= 0) windows.delete(key);
    },
  };
}
