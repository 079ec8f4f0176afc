// What a stranger needs to verify a trail: the public halves of the keys that sign its checkpoints, the current one first,
// then those that signed before. Nothing here is secret, and nothing here can sign.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { badInput } from '../platform/errors.js';
import { type AuditKey, keyIdOf } from '../platform/secrets.js';

export interface PublicKey {
  readonly publicKey: KeyObject;
  /** What is dated later is not believed. Null or left out: it is in use, as far as is known. */
  readonly retiredAt?: Date | null;
}

/** By `keyId`. */
export type PublicKeys = ReadonlyMap<string, PublicKey>;

/** A JSON Web Key Set (RFC 7517) of Ed25519 keys (RFC 8037); `kid` is the `keyId` of the checkpoints. */
export interface AuditKeySet {
  readonly keys: readonly {
    readonly kty: 'OKP';
    readonly crv: 'Ed25519';
    readonly use: 'sig';
    readonly alg: 'EdDSA';
    readonly kid: string;
    /** The 32 bytes of the public key, base64url. */
    readonly x: string;
    /** Until when it was in use, ISO 8601; left out of one that is. */
    readonly retiredAt?: string;
  }[];
}

export const auditKeySet = (keys: readonly (PublicKey & Pick<AuditKey, 'keyId'>)[]): AuditKeySet => ({
  keys: keys.map(({ keyId, publicKey, retiredAt = null }) => ({
    kty: 'OKP',
    crv: 'Ed25519',
    use: 'sig',
    alg: 'EdDSA',
    kid: keyId,
    x: publicText(publicKey),
    ...(retiredAt === null ? {} : { retiredAt: retiredAt.toISOString() }),
  })),
});

/** The 32 bytes, base64url. */
export const publicText = (publicKey: KeyObject): string =>
  publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64url');

/**
 * Public keys by `keyId`, from what is published: the key set, or the `x` of one key.
 * @throws BAD_USER_INPUT for what is neither
 */
export function publicKeysOf(text: string): PublicKeys {
  const trimmed = text.trim();
  if (/^[A-Za-z0-9_-]{43}$/.test(trimmed)) return new Map([publicKey(trimmed)]);
  try {
    const { keys } = JSON.parse(trimmed) as AuditKeySet;
    return new Map(keys.map(({ x, retiredAt }) => publicKey(x, retiredAt)));
  } catch {
    throw badInput(
      'A public key is the 43 characters of "x" in /.well-known/sallyport-audit-keys, or a file with all of that page.',
      'publicKey',
    );
  }
}

function publicKey(x: string, until?: string): [string, PublicKey] {
  const raw = Buffer.from(x, 'base64url');
  const retiredAt = until === undefined ? null : new Date(until);
  if (retiredAt !== null && Number.isNaN(retiredAt.getTime())) throw new Error('Not a time.');
  return [
    keyIdOf(raw),
    { publicKey: createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }), retiredAt },
  ];
}
