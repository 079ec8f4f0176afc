// What an API key looks like: `<brand>_acct_` or `<brand>_agt_`, 32 random characters of base62, and 6 characters of
// CRC-32 over all before, as GitHub's tokens carry it. A typo is refused here, without the database; a secret scanner can
// tell a real key from a look-alike. Only the SHA-256 of the whole is ever stored.
import { hash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { KeyKind } from '../guard/scopes.js';

const MARKS: Readonly<Record<KeyKind, string>> = { ACCOUNT: 'acct', AGENT: 'agt' };
export const KEY_KINDS: readonly KeyKind[] = ['ACCOUNT', 'AGENT'];
/** The digits of base62, in order. */
export const KEY_ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
export const KEY_RANDOM_LENGTH = 32;
export const KEY_CHECKSUM_LENGTH = 6;
const START_LENGTH = 4;

/** What KEY_BRAND may be. No underscore, so that a key is read in one way only. */
export const KEY_BRAND_PATTERN = /^[a-z][a-z0-9]{0,15}$/;

/**
 * Anything that looks like a key of any brand, also one cut short: for scrubbing logs. Ids (`agt_…`) and `start` do not
 * match. Global: hand it to `replace`, never to `test`.
 */
export const KEY_PATTERN_ANY = /[0-9A-Za-z]{0,16}_(?:acct|agt)_[0-9A-Za-z]{12,}/g;

const imported = new Map<string, RegExp>();
let patterns: readonly RegExp[] = [KEY_PATTERN_ANY];

/** For the whole process: what one server has learnt to be secret is written down by none. */
export const addSecretPattern = (name: string, pattern: RegExp): void => {
  if (imported.has(name)) return;
  imported.set(name, pattern);
  patterns = [KEY_PATTERN_ANY, ...imported.values()];
};

/** What keys look like, those brought along included; another list as soon as there are more. */
export const keyPatterns = (): readonly RegExp[] => patterns;

export const holdsKey = (text: string): boolean => patterns.some((pattern) => text.search(pattern) >= 0);

/** The text with every key in it taken out. */
export const withoutKeys = (text: string): string =>
  patterns.reduce((rest, pattern) => rest.replace(pattern, '[key]'), text);

export interface ParsedKey {
  readonly kind: KeyKind;
  /** The fixed part, for example `sp_acct_`. */
  readonly keyPrefix: string;
  /** The fixed part and the first four random characters: enough to recognise a key, not to guess it. */
  readonly start: string;
}

export interface NewKey extends ParsedKey {
  /** The secret itself: shown once, never stored or logged. */
  readonly key: string;
  /** What is stored: see `hashKey`. */
  readonly hash: Buffer;
}

export const keyPrefixOf = (kind: KeyKind, brand: string): string => `${brand}_${MARKS[kind]}_`;

export const keyLength = (kind: KeyKind, brand: string): number =>
  keyPrefixOf(kind, brand).length + KEY_RANDOM_LENGTH + KEY_CHECKSUM_LENGTH;

/** Matches both kinds of a brand as to form; the checksum is for `parseKey` to judge. */
export const keyRegex = (brand: string): RegExp =>
  new RegExp(`^${requireBrand(brand)}_(acct|agt)_[0-9A-Za-z]{${KEY_RANDOM_LENGTH + KEY_CHECKSUM_LENGTH}}$`);

/** The key that carries these 32 base62 characters. Throws on any other length or letter. */
export const formatKey = (kind: KeyKind, brand: string, random: string): string => {
  if (!/^[0-9A-Za-z]{32}$/.test(random)) throw new TypeError('A key takes 32 base62 characters.');
  const body = `${keyPrefixOf(kind, requireBrand(brand))}${random}`;
  return body + checksumOf(body);
};

/** A fresh key of 190 random bits. */
export const newKeySecret = (kind: KeyKind, brand: string): NewKey => {
  const key = formatKey(kind, brand, randomBase62(KEY_RANDOM_LENGTH));
  return { kind, ...partsOf(key, kind, brand), key, hash: hashKey(key) };
};

/** Null unless the text is a well-formed key of this brand with a true checksum. Says nothing about whether the key exists. */
export const parseKey = (text: string, brand: string): ParsedKey | null => {
  const kind = text.startsWith(keyPrefixOf('ACCOUNT', brand)) ? 'ACCOUNT' : 'AGENT';
  if (text.length !== keyLength(kind, brand) || !text.startsWith(keyPrefixOf(kind, brand))) return null;
  if (!/^[0-9A-Za-z]{38}$/.test(text.slice(-KEY_RANDOM_LENGTH - KEY_CHECKSUM_LENGTH))) return null;
  const body = text.slice(0, -KEY_CHECKSUM_LENGTH);
  return checksumOf(body) === text.slice(-KEY_CHECKSUM_LENGTH) ? { kind, ...partsOf(text, kind, brand) } : null;
};

/** SHA-256 of the whole key, 32 bytes. No salt: 190 random bits need none, and the look-up is by equality. */
export const hashKey = (key: string): Buffer => hash('sha256', key, 'buffer');

const partsOf = (key: string, kind: KeyKind, brand: string) => {
  const keyPrefix = keyPrefixOf(kind, brand);
  return { keyPrefix, start: key.slice(0, keyPrefix.length + START_LENGTH) };
};

const requireBrand = (brand: string): string => {
  if (!KEY_BRAND_PATTERN.test(brand)) throw new TypeError('A key brand is 1 to 16 lower-case letters and digits.');
  return brand;
};

const checksumOf = (body: string): string => {
  let rest = crc32(body);
  let text = '';
  for (let place = 0; place < KEY_CHECKSUM_LENGTH; place++) {
    text = KEY_ALPHABET.charAt(rest % 62) + text;
    rest = Math.floor(rest / 62);
  }
  return text;
};

// Bytes from 248 up are thrown away: 248 is the last multiple of 62, so each character is equally likely.
const randomBase62 = (length: number): string => {
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < 248 && text.length < length) text += KEY_ALPHABET.charAt(byte % 62);
    }
  }
  return text;
};
