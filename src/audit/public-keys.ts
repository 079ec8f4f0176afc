// What a stranger needs to verify a trail: the public halves of the keys that sign its checkpoints, the current one first,
// then those that signed before. Nothing here is secret, and nothing here can sign.
import type { AuditKey } from '../platform/secrets.js';

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
  }[];
}

export const auditKeySet = (keys: readonly Pick<AuditKey, 'keyId' | 'publicKey'>[]): AuditKeySet => ({
  keys: keys.map(({ keyId, publicKey }) => ({
    kty: 'OKP',
    crv: 'Ed25519',
    use: 'sig',
    alg: 'EdDSA',
    kid: keyId,
    x: publicKey.export({ format: 'der', type: 'spki' }).subarray(-32).toString('base64url'),
  })),
});
