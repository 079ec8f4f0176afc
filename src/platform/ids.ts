// Ids are TypeIDs: a prefix from a closed list, `_`, and a UUIDv7 in 26 characters of lower-case base32
// (https://github.com/jetify-com/typeid, spec 0.3). The prefix tells what an id names without a look-up; the suffix sorts by creation.
// Within one process and clock every id is greater than the one before, also inside one millisecond and when time steps back.
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomFillSync } from 'node:crypto';
import { type Clock, systemClock } from './clock.js';

export const ID_PREFIXES = [
  'org',
  'wsp',
  'usr',
  'mbr',
  'inv',
  'key',
  'agt',
  'ctc',
  'cnv',
  'msg',
  'inb',
  'cmp',
  'led',
  'cal',
  'out',
  'itg',
  'dom',
  'whe',
  'dlv',
  'eff',
  'apr',
  'aud',
  'oae',
  'run',
  'tex',
  'fil',
  'sec',
  'ses',
  'acc',
  'ver',
  'tfa',
  'evt',
  'exe',
  'idm',
  'lge',
  'req',
  'rul',
  'pau',
  'mai',
] as const;

export type IdPrefix = (typeof ID_PREFIXES)[number];
export type TypeId<P extends IdPrefix = IdPrefix> = `${P}_${string}`;

const KNOWN: ReadonlySet<string> = new Set(ID_PREFIXES);
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const SUFFIX = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** 26 characters, the first of them 0 to 7: 130 bits hold the 128 of a UUID. Throws on anything but a lower-case UUID. */
export const encode = (uuid: string): string => {
  if (!UUID.test(uuid)) throw new TypeError('Not a lower-case UUID.');
  return encodeBytes(Buffer.from(uuid.replaceAll('-', ''), 'hex'));
};

/** The UUID behind a suffix, or null when it is not exactly one: no other case, length, letter or overflow is accepted. */
export const decode = (suffix: string): string | null => {
  if (!SUFFIX.test(suffix)) return null;
  let hex = '';
  let held = 0;
  let bits = -2;
  for (const char of suffix) {
    held = ((held << 5) | ALPHABET.indexOf(char)) & 0xff;
    bits += 5;
    if (bits < 4) continue;
    bits -= 4;
    hex += ((held >>> bits) & 0xf).toString(16);
    if (bits < 4) continue;
    bits -= 4;
    hex += ((held >>> bits) & 0xf).toString(16);
  }
  return hyphenate(hex);
};

const encodeBytes = (bytes: Buffer): string => {
  let suffix = '';
  let held = 0;
  let bits = 2;
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      suffix += ALPHABET.charAt((held >>> bits) & 31);
    }
  }
  return suffix;
};

/** Null for anything that is not an id of a known prefix, so that a malformed id is refused without a look-up. */
export const parseId = (text: string): { prefix: IdPrefix; uuid: string } | null => {
  if (text.length !== 30 || text[3] !== '_') return null;
  const prefix = text.slice(0, 3);
  const uuid = decode(text.slice(4));
  return uuid !== null && isPrefix(prefix) ? { prefix, uuid } : null;
};

/** True for an id of this prefix; without one, for an id of any known prefix. */
export const isId = <P extends IdPrefix = IdPrefix>(text: unknown, prefix?: P): text is TypeId<P> => {
  if (typeof text !== 'string' || text.length !== 30 || text[3] !== '_' || !SUFFIX.test(text.slice(4))) return false;
  return prefix === undefined ? isPrefix(text.slice(0, 3)) : text.startsWith(prefix);
};

const making = new AsyncLocalStorage<Set<string>>();

export const newId = <P extends IdPrefix>(prefix: P, clock: Clock = systemClock): TypeId<P> => {
  const id: TypeId<P> = `${prefix}_${encodeBytes(newUuid(clock))}`;
  making.getStore()?.add(id);
  return id;
};

/** Adds to `ids` every id that is made while `run` is under way, by it and by whatever it calls. */
export const notingNewIds = <T>(ids: Set<string>, run: () => Promise<T>): Promise<T> => making.run(ids, run);

interface Tick {
  ms: number;
  counter: number;
}

// One per clock, so that a test's frozen clock and the system's do not pull each other forward.
const ticks = new WeakMap<Clock, Tick>();
const COUNTER_END = 2 ** 32;

// Drawn for many ids at once: asking the system for sixteen bytes costs more than the rest of an id. None is used twice.
const drawn = Buffer.alloc(4_096);
let used = drawn.length;

const sixteenRandomBytes = (): Buffer => {
  if (used === drawn.length) {
    randomFillSync(drawn);
    used = 0;
  }
  used += 16;
  return Buffer.from(drawn.subarray(used - 16, used));
};

/** RFC 9562, 6.2, method 1: a 32-bit counter seeded in its lower half each millisecond, then 42 random bits. */
const newUuid = (clock: Clock): Buffer => {
  const bytes = sixteenRandomBytes();
  const { ms, counter } = nextTick(clock, bytes.readUInt32BE(0) >>> 1);
  const randomTail = bytes.readUInt16BE(10) & 0x3ff;
  bytes.writeUIntBE(ms, 0, 6);
  bytes.writeUInt16BE(0x7000 | (counter >>> 20), 6);
  bytes.writeUInt32BE(((0x80000000 | ((counter & 0xfffff) << 10)) >>> 0) + randomTail, 8);
  return bytes;
};

const nextTick = (clock: Clock, seed: number): Tick => {
  const now = clock.now().getTime();
  const last = ticks.get(clock);
  let next: Tick;
  if (last === undefined || now > last.ms) next = { ms: now, counter: seed };
  else if (last.counter + 1 < COUNTER_END) next = { ms: last.ms, counter: last.counter + 1 };
  else next = { ms: last.ms + 1, counter: seed };
  ticks.set(clock, next);
  return next;
};

const isPrefix = (text: string): text is IdPrefix => KNOWN.has(text);

const hyphenate = (hex: string): string =>
  `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
