import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { openApiKeyDoor } from '../../src/auth/api-key.js';
import { newKeySecret } from '../../src/auth/key-format.js';
import { addressCounts, groupOf } from '../../src/auth/rate-limit/address-counts.js';
import { openGuessGate } from '../../src/auth/rate-limit/guess-gate.js';
import type { Database } from '../../src/db/database.js';
import { CodedError } from '../../src/platform/errors.js';

let now = 0;
beforeEach(() => {
  now = Date.UTC(2031, 0, 1);
});
const clock = { now: () => new Date(now) };

/** A door in front of a database that knows no key at all, and counts its look-ups. */
function doorOf(guesses: number) {
  let lookUps = 0;
  const database: Pick<Database, 'shortQuery'> = {
    shortQuery: async () => {
      lookUps += 1;
      return [];
    },
  };
  const door = openApiKeyDoor(database, 'sp', openGuessGate(clock, guesses));
  const codeOf = async (key: string, ip: string | null) => {
    try {
      await door.judge(key, ip);
      return 'in';
    } catch (error) {
      return error instanceof CodedError ? String(error.data.reason ?? error.code) : String(error);
    }
  };
  return { codeOf, lookUps: () => lookUps };
}

const unknown = (): string => newKeySecret('ACCOUNT', 'sp').key;

describe('guesses from one address', () => {
  it('are refused past their number, malformed ones without a look-up', async () => {
    const { codeOf, lookUps } = doorOf(3);
    const codes = [];
    for (let time = 0; time < 5; time += 1) codes.push(await codeOf('sp_acct_x', '192.0.2.1'));
    expect(codes).toEqual(['MALFORMED', 'MALFORMED', 'MALFORMED', 'RATE_LIMITED', 'RATE_LIMITED']);
    expect(lookUps()).toBe(0);
    expect(await codeOf('sp_acct_x', '192.0.2.2')).toBe('MALFORMED');
    now += 60_000;
    expect(await codeOf('sp_acct_x', '192.0.2.1')).toBe('MALFORMED');
  });

  it('in a flood cost a bounded number of look-ups', async () => {
    const { codeOf, lookUps } = doorOf(3);
    for (let time = 0; time < 3; time += 1) await codeOf(unknown(), '192.0.2.1');
    expect(lookUps()).toBe(3);
    const codes = await Promise.all(Array.from({ length: 500 }, () => codeOf(unknown(), '192.0.2.1')));
    expect(new Set(codes)).toEqual(new Set(['RATE_LIMITED']));
    // A second's line, and what moved up while the last of them were being refused.
    expect(lookUps()).toBeLessThan(3 + 100);
    expect(lookUps()).toBeGreaterThan(3 + 30);
  });

  it('count with the whole /64 of a v6 address, and not at all where no address is known', async () => {
    const { codeOf } = doorOf(2);
    const codes = [];
    for (const tail of [':1', ':ffff:1', 'a:b:c:d']) codes.push(await codeOf('x', `2001:db8:1:2:${tail}`));
    expect(codes).toEqual(['MALFORMED', 'MALFORMED', 'RATE_LIMITED']);
    expect(await codeOf('x', '2001:db8:1:3::3')).toBe('MALFORMED');
    for (let time = 0; time < 5; time += 1) expect(await codeOf('x', null)).toBe('MALFORMED');
  });
});

describe('a key that was good before', () => {
  it('does not wait in the line of its address', async () => {
    const gate = openGuessGate(clock, 1);
    const hash = (text: string) => createHash('sha256').update(text).digest();
    gate.passed(hash('good'));
    for (let time = 0; time < 3; time += 1)
      gate.refusal(new CodedError('UNAUTHENTICATED', 'x', { reason: 'UNKNOWN' }), '192.0.2.1');
    expect(gate.admit(hash('good'), '192.0.2.1')).toBeNull();
    expect(gate.admit(hash('other'), '192.0.2.1')).toBeInstanceOf(Promise);
    expect(gate.admit(hash('other'), '192.0.2.2')).toBeNull();
  });
});

describe('the table of addresses', () => {
  it('never grows beyond its size, and is empty in the next minute', () => {
    const counts = addressCounts(clock, 100);
    for (let place = 0; place < 5_000; place += 1) counts.add(`2001:db8:${place.toString(16)}::1`);
    expect(counts.size).toBe(100);
    now += 60_000;
    counts.add('192.0.2.1');
    expect(counts.size).toBe(1);
  });

  it.each([
    ['192.0.2.1', '192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['2001:db8::1', '2001:db8:0:0:1:2:3:4', true],
    ['2001:db8::1', '2001:db8:0:1::1', false],
    ['::1', '::2', true],
  ])('counts %s and %s as one: %s', (one, other, isOne) => {
    expect(groupOf(one) === groupOf(other)).toBe(isOne);
  });
});
