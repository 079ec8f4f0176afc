// One text for one JSON value (RFC 8785, JSON Canonicalization Scheme): what seals, cursors and chains are computed over.
// Members are sorted by UTF-16 code units and numbers written as ECMAScript writes them, so the order in which a value was
// built never matters. What JSON cannot carry faithfully is refused rather than altered.
import { badInput } from './errors.js';

const DEPTH_MAX = 100;

/**
 * Like JSON.stringify, `toJSON` is honoured and members that are undefined are left out (null inside a list). Throws
 * BAD_USER_INPUT for what a caller may have typed: half a surrogate pair, nesting beyond 100; TypeError for the rest:
 * numbers that are not finite, functions, symbols, bigints, Maps and other objects that are not plain.
 */
export const canonicalJson = (value: unknown): string => {
  const text = write(value, 0);
  if (text === undefined) throw new TypeError('undefined has no canonical JSON.');
  return text;
};

const write = (value: unknown, depth: number): string | undefined => {
  switch (typeof value) {
    case 'string':
      return writeString(value);
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError(`${value} has no canonical JSON.`);
      return JSON.stringify(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'undefined':
      return undefined;
    case 'object':
      return value === null ? 'null' : writeObject(value, depth);
    default:
      throw new TypeError(`A ${typeof value} has no canonical JSON.`);
  }
};

const writeObject = (value: object, depth: number): string | undefined => {
  if (depth >= DEPTH_MAX) throw badInput(`A value is nested more than ${DEPTH_MAX} levels deep.`);
  if ('toJSON' in value && typeof value.toJSON === 'function') return writeConverted(value, value.toJSON(), depth);
  if (Array.isArray(value)) return `[${Array.from(value, (item) => write(item, depth + 1) ?? 'null').join(',')}]`;
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) {
    throw new TypeError(`A ${value.constructor.name} has no canonical JSON.`);
  }
  let members = '';
  for (const name of Object.keys(value).sort()) {
    const text = write((value as Readonly<Record<string, unknown>>)[name], depth + 1);
    if (text !== undefined) members += `${members === '' ? '' : ','}${writeString(name)}:${text}`;
  }
  return `{${members}}`;
};

const writeConverted = (value: object, converted: unknown, depth: number): string | undefined => {
  // An invalid Date converts to null: a different value, silently.
  if (converted === null && value instanceof Date) throw new TypeError('An invalid Date has no canonical JSON.');
  return write(converted, depth + 1);
};

// JSON.stringify escapes exactly as RFC 8785 asks, but for lone surrogates, which it makes printable instead of refusing.
const writeString = (text: string): string => {
  if (!text.isWellFormed()) throw badInput('A text holds half of a surrogate pair; send well-formed Unicode.');
  return JSON.stringify(text);
};
