// A plan is nothing stored: the token holds what was planned and what it came to, signed, and is bound to who planned it
// and where. Text: base64url of a version byte, 32 bytes of HMAC-SHA256, and the deflated JSON. Opaque to callers, verified
// before anything in it is read.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { z } from 'zod';
import { CodedError } from '../../platform/errors.js';

export interface SignedPlan {
  readonly document: string;
  readonly operationName: string | null;
  readonly variables: Readonly<Record<string, unknown>>;
  /** Who planned it: kind and id. */
  readonly principal: string;
  readonly workspaceId: string;
  /** Of what it came to. */
  readonly digest: string;
  /** In milliseconds since 1970. */
  readonly expiresAtMs: number;
}

const signedPlan = z.strictObject({
  document: z.string(),
  operationName: z.string().nullable(),
  variables: z.record(z.string(), z.unknown()),
  principal: z.string(),
  workspaceId: z.string(),
  digest: z.string(),
  expiresAtMs: z.number(),
});

const VERSION = 1;
const SIGNATURE_BYTES = 32;
const HEAD_BYTES = 1 + SIGNATURE_BYTES;
/** It goes where other ids go, so it stays far below what a request may hold. */
export const PLAN_CHARACTERS_MAX = 65_536;
/** More than any request holds. */
const PLAN_BYTES_MAX = 2_097_152;

const sign = (secret: Buffer, body: Buffer): Buffer =>
  createHmac('sha256', secret).update(Buffer.of(VERSION)).update(body).digest();

/** @throws QUERY_TOO_COMPLEX when the text would be too long */
export function signPlan(plan: SignedPlan, [secret]: readonly Buffer[]): string {
  if (secret === undefined) throw new TypeError('Plans need a secret.');
  const body = deflateRawSync(Buffer.from(JSON.stringify(plan)));
  const text = Buffer.concat([Buffer.of(VERSION), sign(secret, body), body]).toString('base64url');
  if (text.length > PLAN_CHARACTERS_MAX) throw tooLong(text.length);
  return text;
}

/** Null for a text that this server did not sign. */
export function readPlan(text: string, secrets: readonly Buffer[]): SignedPlan | null {
  if (text.length > PLAN_CHARACTERS_MAX) return null;
  const bytes = Buffer.from(text, 'base64url');
  // Node skips what is not base64url; only the one text that these bytes have is accepted.
  if (bytes.length <= HEAD_BYTES || bytes[0] !== VERSION || bytes.toString('base64url') !== text) return null;
  const signature = bytes.subarray(1, HEAD_BYTES);
  const body = bytes.subarray(HEAD_BYTES);
  if (!secrets.some((secret) => timingSafeEqual(sign(secret, body), signature))) return null;
  return signedPlan.parse(JSON.parse(inflateRawSync(body, { maxOutputLength: PLAN_BYTES_MAX }).toString()));
}

const tooLong = (found: number): CodedError =>
  new CodedError(
    'QUERY_TOO_COMPLEX',
    `The plan would have ${found} characters; at most ${PLAN_CHARACTERS_MAX} are allowed. Plan less at once.`,
    { limit: 'planCharacters', found, most: PLAN_CHARACTERS_MAX, field: 'variables' },
  );
