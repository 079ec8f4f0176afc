// What keys brought along from elsewhere look like. The door must tell them from nonsense without the database, so every
// process holds the list in memory: read at start, anew when another process says so, and every minute in case it went
// unheard. A format says nothing of any key: one too many costs a look-up, one too few answers MALFORMED for a moment.
import type { Database } from '../db/database.js';
import type { SystemDb } from '../guard/as-system.js';
import { badInput } from '../platform/errors.js';
import { ID_PREFIXES } from '../platform/ids.js';
import { addSecretPattern } from './key-format.js';

/** As it is stored and compared. */
export interface KeyFormat {
  readonly prefix: string;
  /** Of the whole key, the prefix included. */
  readonly length: number;
  /** The characters behind the prefix, each once, sorted. */
  readonly alphabet: string;
}

export interface KeyFormats {
  /** Whether the text is a key of one of the formats, as to its form. */
  matches(text: string): boolean;
  /** From now on in this process; the others hear of it from `storeFormat`. */
  add(format: KeyFormat): void;
}

export interface KeyForms {
  /** KEY_BRAND. */
  readonly brand: string;
  readonly imported: KeyFormats;
}

export interface OpenKeyFormats extends KeyFormats {
  close(): Promise<void>;
}

const CHANNEL = 'sallyport_key_format';
const RELOAD_EVERY_MS = 60_000;
/** What a guess has to get right: fewer bits could be found by trying. */
const RANDOM_BITS_MIN = 96;
const LENGTH_MAX = 200;
/** Ends in a separator, so that no ordinary word or hash looks like a key of it. */
const PREFIX = /^[A-Za-z][0-9A-Za-z]*(?:[_-][0-9A-Za-z]+)*[_-]$/;
const PREFIX_CHARACTERS = { min: 3, max: 32 };
/** What travels in a header as it is. */
const ALPHABET = /^[0-9A-Za-z._~+/=-]+$/;

/**
 * @param at path of the format in the caller's arguments
 * @throws BAD_USER_INPUT naming the field
 */
export function judgeFormat(given: KeyFormat, at: string): KeyFormat {
  const { prefix, length } = given;
  const isLong = prefix.length >= PREFIX_CHARACTERS.min && prefix.length <= PREFIX_CHARACTERS.max;
  if (!isLong || !PREFIX.test(prefix)) {
    throw badInput(
      `A prefix has ${PREFIX_CHARACTERS.min} to ${PREFIX_CHARACTERS.max} letters and digits, words parted by _ or -, and ends in one of them, such as ago_.`,
      `${at}.prefix`,
    );
  }
  if (ID_PREFIXES.some((id) => prefix.startsWith(`${id}_`) || `${id}_`.startsWith(prefix))) {
    throw badInput('This prefix is that of ids of this server; such keys cannot be told from ids.', `${at}.prefix`);
  }
  if (!ALPHABET.test(given.alphabet)) {
    throw badInput('An alphabet lists letters, digits and . _ ~ + / = - as they occur.', `${at}.alphabet`);
  }
  const alphabet = [...new Set(given.alphabet)].sort().join('');
  if (!Number.isInteger(length) || length > LENGTH_MAX || length <= prefix.length) {
    throw badInput(`The length is that of the whole key, at most ${LENGTH_MAX} characters.`, `${at}.length`);
  }
  const bits = (length - prefix.length) * Math.log2(alphabet.length);
  if (bits < RANDOM_BITS_MIN) {
    throw badInput(
      `Such keys have ${Math.floor(bits)} random bits; fewer than ${RANDOM_BITS_MIN} could be guessed. Have new keys created instead.`,
      `${at}.length`,
    );
  }
  return { prefix, length, alphabet };
}

/** In the transaction of the import; every process hears of it once that is committed. */
export async function storeFormat(db: SystemDb, format: KeyFormat): Promise<void> {
  await db.apiKeyFormat.createMany({ data: [{ ...format }], skipDuplicates: true });
  await db.$queryRaw`SELECT pg_notify(${CHANNEL}, ${format.prefix})::text`;
}

const escaped = (characters: string): string => characters.replace(/[\\\]^/-]/g, '\\$&');

const regexOf = ({ prefix, length, alphabet }: KeyFormat): RegExp =>
  new RegExp(`^${escaped(prefix)}[${escaped(alphabet)}]{${length - prefix.length}}$`);

/** Also a key that was cut short. */
const patternOf = ({ prefix, alphabet }: KeyFormat): RegExp =>
  new RegExp(`(?<![0-9A-Za-z])${escaped(prefix)}[${escaped(alphabet)}]{12,}`, 'g');

const nameOf = ({ prefix, length, alphabet }: KeyFormat): string => `${prefix} ${length} ${alphabet}`;

/** Formats of one process, without a database. */
export function keyFormats(): KeyFormats {
  const known = new Map<string, { readonly length: number; readonly regex: RegExp }>();
  return {
    matches: (text) => [...known.values()].some(({ length, regex }) => text.length === length && regex.test(text)),
    add(format) {
      const name = nameOf(format);
      if (known.has(name)) return;
      known.set(name, { length: format.length, regex: regexOf(format) });
      addSecretPattern(name, patternOf(format));
    },
  };
}

/** @param onError told when the list could not be read anew; the one before stays */
export async function openKeyFormats(
  database: Pick<Database, 'executeAsOwner' | 'listen'>,
  onError: (error: unknown) => void,
): Promise<OpenKeyFormats> {
  const formats = keyFormats();
  const load = async (): Promise<void> => {
    const { rows } = await database.executeAsOwner('SELECT prefix, length, alphabet FROM api_key_format');
    for (const row of rows) formats.add(row as unknown as KeyFormat);
  };
  const unlisten = await database.listen(CHANNEL, () => void load().catch(onError));
  await load();
  const timer = setInterval(() => void load().catch(onError), RELOAD_EVERY_MS);
  timer.unref();
  return {
    ...formats,
    async close() {
      clearInterval(timer);
      await unlisten();
    },
  };
}
