import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatKey,
  hashKey,
  KEY_BRAND_PATTERN,
  KEY_PATTERN_ANY,
  keyLength,
  keyPrefixOf,
  keyRegex,
  newKeySecret,
  parseKey,
} from '../../src/auth/key-format.js';
import { newId } from '../../src/platform/ids.js';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const kind = fc.constantFrom('ACCOUNT' as const, 'AGENT' as const);
const brand = fc.stringMatching(KEY_BRAND_PATTERN);
const random = fc.string({ unit: fc.constantFrom(...BASE62), minLength: 32, maxLength: 32 });

describe('the format', () => {
  it('is stable, as computed with another CRC-32', () => {
    expect(formatKey('ACCOUNT', 'sp', '0'.repeat(32))).toBe('sp_acct_000000000000000000000000000000003ifZAX');
    expect(formatKey('AGENT', 'sp', 'abcdefghijklmnopqrstuvwxyzABCDEF')).toBe(
      'sp_agt_abcdefghijklmnopqrstuvwxyzABCDEF2vCPD7',
    );
    expect(keyLength('ACCOUNT', 'sp')).toBe(46);
    expect(keyLength('AGENT', 'sp')).toBe(45);
  });

  it('comes back as it went in, and agrees with its length and its regex', () => {
    fc.assert(
      fc.property(kind, brand, random, (of, by, characters) => {
        const key = formatKey(of, by, characters);
        const keyPrefix = keyPrefixOf(of, by);
        expect(parseKey(key, by)).toEqual({ kind: of, keyPrefix, start: keyPrefix + characters.slice(0, 4) });
        expect(key).toHaveLength(keyLength(of, by));
        expect(key).toMatch(keyRegex(by));
        expect(`see ${key}.`.replace(KEY_PATTERN_ANY, '')).toBe('see .');
      }),
    );
  });

  it('refuses any change of one character', () => {
    fc.assert(
      fc.property(
        kind,
        random,
        fc.nat(),
        fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
        (of, characters, at, other) => {
          const key = formatKey(of, 'sp', characters);
          const place = at % key.length;
          fc.pre(key[place] !== other);
          expect(parseKey(key.slice(0, place) + other + key.slice(place + 1), 'sp')).toBeNull();
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('refuses every change of one base62 character at every place', () => {
    const { key } = newKeySecret('ACCOUNT', 'sp');
    const changed = [...key].flatMap((char, place) =>
      [...BASE62].filter((other) => other !== char).map((other) => key.slice(0, place) + other + key.slice(place + 1)),
    );
    expect(changed.filter((text) => parseKey(text, 'sp') !== null)).toEqual([]);
  });

  it('refuses two neighbours in the other order', () => {
    fc.assert(
      fc.property(kind, random, (of, characters) => {
        const key = formatKey(of, 'sp', characters);
        for (let place = 0; place + 1 < key.length; place++) {
          const [one = '', two = ''] = [key[place], key[place + 1]];
          if (one === two) continue;
          expect(parseKey(key.slice(0, place) + two + one + key.slice(place + 2), 'sp')).toBeNull();
        }
      }),
    );
  });

  it.each([
    ['nothing', () => ''],
    ['a key of another brand', () => newKeySecret('ACCOUNT', 'zz').key],
    ['a key with more behind it', () => `${newKeySecret('ACCOUNT', 'sp').key}0`],
    ['a key cut short', () => newKeySecret('ACCOUNT', 'sp').key.slice(0, -1)],
    ['a key with a line break', () => `${newKeySecret('AGENT', 'sp').key}\n`],
    ['a key with a blank before', () => ` ${newKeySecret('AGENT', 'sp').key}`],
    ['the other kind of the same characters', () => newKeySecret('ACCOUNT', 'sp').key.replace('_acct_', '_agt_')],
    ['an id', () => newId('agt')],
    ['a very long text', () => 'sp_acct_'.repeat(100_000)],
  ])('refuses %s', (_what, text) => {
    expect(parseKey(text(), 'sp')).toBeNull();
  });

  it.each(['', 'SP', 's_p', '9sp', 'sp.*', 'a'.repeat(17)])('refuses the brand %j', (name) => {
    expect(() => keyRegex(name)).toThrow(TypeError);
    expect(() => newKeySecret('AGENT', name)).toThrow(TypeError);
  });
});

describe('a new secret', () => {
  it('names its parts and its hash', () => {
    const secret = newKeySecret('AGENT', 'sp');
    expect(parseKey(secret.key, 'sp')).toEqual({ kind: 'AGENT', keyPrefix: 'sp_agt_', start: secret.key.slice(0, 11) });
    expect(secret.hash).toEqual(createHash('sha256').update(secret.key).digest());
    expect(hashKey(secret.key).equals(secret.hash)).toBe(true);
  });

  it('uses each of the 62 characters equally often', () => {
    const counts = new Map<string, number>();
    const keys = 4_000;
    for (let made = 0; made < keys; made++) {
      for (const char of newKeySecret('ACCOUNT', 'sp').key.slice(8, 40)) counts.set(char, (counts.get(char) ?? 0) + 1);
    }
    const expected = (keys * 32) / 62;
    const chiSquare = [...BASE62].reduce((sum, char) => sum + ((counts.get(char) ?? 0) - expected) ** 2 / expected, 0);
    // 61 degrees of freedom: above 130 less than once in a million runs; a plain modulo of a byte gives some 800 here.
    expect(counts.size).toBe(62);
    expect(chiSquare).toBeLessThan(130);
  });

  it('never comes twice', () => {
    const keys = Array.from({ length: 1_000 }, () => newKeySecret('ACCOUNT', 'sp').key);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('the scrubbing pattern', () => {
  it('leaves ids and starts alone', () => {
    const text = `${newId('agt')} ${newId('key')} ${newKeySecret('AGENT', 'sp').start}`;
    expect(text.replace(KEY_PATTERN_ANY, '')).toBe(text);
  });

  it('takes time linear in the text', () => {
    const began = performance.now();
    'a'.repeat(1_000_000).replace(KEY_PATTERN_ANY, '');
    '_agt_'.repeat(200_000).replace(KEY_PATTERN_ANY, '');
    expect(performance.now() - began).toBeLessThan(2_000);
  });
});
