// Cursors are ours: a place in one list of one workspace, signed, so that a caller can neither make one up nor carry it
// to another workspace, field, order or filter. Text: base64url of a version byte, 16 bytes of HMAC-SHA256, and the sort
// values of the row as JSON. Opaque to callers, verified before anything in it is read.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { canonicalJson } from '../platform/canonical-json.js';
import { badInput } from '../platform/errors.js';

export type CursorValue = string | number | boolean | null;

/** What a cursor is good for. `order` and `filters` are JSON; the order of their members does not matter. */
export interface CursorPlace {
  readonly workspaceId: string;
  /** Coordinate of the connection's field, for example `Query.contacts` or `Contact.conversations`. */
  readonly field: string;
  readonly order: unknown;
  readonly filters: unknown;
}

/** One secret, or several while they are rotated: the first signs, all verify. */
export type CursorSecrets = Buffer | readonly Buffer[];

export interface Cursors {
  encode(values: readonly CursorValue[]): string;
  /** The values as encoded. Throws BAD_USER_INPUT naming the argument for anything this list did not give out. */
  decode(text: string, argument?: 'after' | 'before'): readonly CursorValue[];
}

const VERSION = 1;
const SIGNATURE_BYTES = 16;
const HEAD_BYTES = 1 + SIGNATURE_BYTES;
const TEXT_LENGTH_MAX = 16_384;

/** The codec of one list: what binds it is computed once, then used for every row. */
export const cursorsFor = (place: CursorPlace, secrets: CursorSecrets): Cursors => {
  const [current, ...previous] = Buffer.isBuffer(secrets) ? [secrets] : secrets;
  if (current === undefined) throw new TypeError('Cursors need a secret.');
  const { workspaceId, field, order, filters } = place;
  const bound = canonicalJson([VERSION, workspaceId, field, order ?? null, filters ?? null]);
  const sign = (secret: Buffer, body: string | Buffer): Buffer =>
    createHmac('sha256', secret).update(bound).update('\n').update(body).digest().subarray(0, SIGNATURE_BYTES);

  return {
    encode: (values) => {
      const body = canonicalJson(values);
      return Buffer.concat([Buffer.of(VERSION), sign(current, body), Buffer.from(body)]).toString('base64url');
    },
    decode: (text, argument = 'after') => {
      const bytes = bytesOf(text);
      if (bytes === null || bytes[0] !== VERSION) throw refusal(argument);
      const signature = bytes.subarray(1, HEAD_BYTES);
      const body = bytes.subarray(HEAD_BYTES);
      const isOurs = [current, ...previous].some((secret) => timingSafeEqual(sign(secret, body), signature));
      if (!isOurs) throw refusal(argument);
      return JSON.parse(body.toString()) as CursorValue[];
    },
  };
};

export const encodeCursor = (
  cursor: CursorPlace & { readonly values: readonly CursorValue[] },
  secrets: CursorSecrets,
): string => cursorsFor(cursor, secrets).encode(cursor.values);

export const decodeCursor = (
  text: string,
  expected: CursorPlace,
  secrets: CursorSecrets,
  argument: 'after' | 'before' = 'after',
): readonly CursorValue[] => cursorsFor(expected, secrets).decode(text, argument);

// Node skips what is not base64url; only the one text that these bytes have is accepted.
const bytesOf = (text: string): Buffer | null => {
  if (text.length > TEXT_LENGTH_MAX) return null;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.length > HEAD_BYTES && bytes.toString('base64url') === text ? bytes : null;
};

const refusal = (argument: 'after' | 'before') =>
  badInput(
    `This cursor does not belong to this list: it was changed, or made for another list, order, filter or workspace. Start again without \`${argument}\`.`,
    argument,
  );
