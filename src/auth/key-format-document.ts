// The form of this server's keys as data, published for secret scanners: enough to write the check from it alone. Made
// from the constants that keys are made with, so that it cannot say anything else.
import {
  formatKey,
  KEY_ALPHABET,
  KEY_CHECKSUM_LENGTH,
  KEY_KINDS,
  KEY_RANDOM_LENGTH,
  keyLength,
  keyPrefixOf,
} from './key-format.js';

/** @param brand KEY_BRAND */
export function keyFormatDocument(brand: string) {
  const anyPrefix = KEY_KINDS.map((kind) => keyPrefixOf(kind, brand)).join('|');
  const tail = `[0-9A-Za-z]{${KEY_RANDOM_LENGTH + KEY_CHECKSUM_LENGTH}}`;
  return {
    version: 1,
    description:
      'An API key is its prefix, then random characters, then a checksum over everything before it. Compare case by case: ' +
      'no other spelling of a key works. What fits the regex and fails the checksum is no key.',
    brand,
    kinds: KEY_KINDS.map((kind) => {
      const prefix = keyPrefixOf(kind, brand);
      return {
        kind,
        prefix,
        regex: `^${prefix}${tail}$`,
        length: keyLength(kind, brand),
        alphabet: KEY_ALPHABET,
        randomLength: KEY_RANDOM_LENGTH,
        example: exampleOf(formatKey(kind, brand, '0'.repeat(KEY_RANDOM_LENGTH))),
      };
    }),
    checksum: {
      algorithm: 'crc32',
      variant:
        'CRC-32/ISO-HDLC, as in zlib, gzip and PNG: reflected, polynomial 0xEDB88320, start and final XOR 0xFFFFFFFF',
      check: { over: '123456789', crc32: 'cbf43926' },
      over: 'all characters of the key before the checksum, the prefix included, as ASCII bytes',
      encoding: 'base62',
      alphabet: KEY_ALPHABET,
      encodingRule:
        'the 32 bits as one unsigned number, written in base 62 with the digits of the alphabet in its order, the most ' +
        'significant digit first, filled up on the left with the first digit',
      length: KEY_CHECKSUM_LENGTH,
      position: 'the last characters of the key',
    },
    search: `(?<![0-9A-Za-z_])(?:${anyPrefix})${tail}(?![0-9A-Za-z_])`,
  };
}

/** Well-formed, so that a scanner can be tried with it; no server makes a key of zeros. */
function exampleOf(key: string) {
  return { accepted: key, refused: `${key.slice(0, -1)}${key.endsWith('0') ? '1' : '0'}`, isLive: false };
}
