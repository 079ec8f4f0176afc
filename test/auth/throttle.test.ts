import { describe, expect, it } from 'vitest';
import { attempt } from '../../src/auth/attempts.js';
import { openThrottle } from '../../src/auth/throttle.js';

const isHeld = (run: () => void): boolean => {
  try {
    run();
    return false;
  } catch (error) {
    expect(error).toMatchObject({ code: 'RATE_LIMITED' });
    return true;
  }
};

describe('attempts at an account', () => {
  it('are held per address, for that address alone, and begin anew', () => {
    let now = 0;
    const throttle = openThrottle(1_000, () => now);
    const guess = (ip: string, account = 'olive@example.com') =>
      isHeld(() => attempt(throttle, 'sign-in', account, ip));
    const guesses = Array.from({ length: 12 }, () => guess('192.0.2.1'));
    expect(guesses).toEqual([...Array.from({ length: 10 }, () => false), true, true]);
    expect(guess('192.0.2.1', 'OLIVE@example.com')).toBe(true);
    expect(guess('192.0.2.1', 'other@example.com')).toBe(false);
    expect(guess('192.0.2.2')).toBe(false);
    now = 1_001;
    expect(guess('192.0.2.1')).toBe(false);
  });

  it('from many addresses leave each only a few, and never lock the owner out', () => {
    const throttle = openThrottle(60_000);
    const guess = (ip: string) => isHeld(() => attempt(throttle, 'sign-in', 'olive@example.com', ip));
    for (let n = 0; n < 50; n++) expect(guess(`192.0.2.${n}`)).toBe(false);
    const late = Array.from({ length: 5 }, () => guess('198.51.100.1'));
    expect(late).toEqual([false, false, false, true, true]);
    expect(guess('203.0.113.9')).toBe(false);
  });

  it('that succeed do not count', () => {
    const throttle = openThrottle(60_000);
    for (let n = 0; n < 100; n++) attempt(throttle, 'sign-in', 'olive@example.com', '192.0.2.1').succeeded();
    expect(isHeld(() => attempt(throttle, 'sign-in', 'olive@example.com', '192.0.2.1'))).toBe(false);
  });

  it('take no more memory than was set aside', () => {
    const throttle = openThrottle(60_000, Date.now, 100);
    throttle.count('first');
    for (let n = 0; n < 1_000; n++) throttle.count(`key ${n}`);
    expect(throttle.count('first')).toBe(1);
    expect(throttle.count('key 999')).toBe(2);
  });
});
