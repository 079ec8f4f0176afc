// One master secret, one derived key per purpose (HKDF-SHA256, RFC 5869), so that a key for cursors says nothing about
// the one for cookies. While the master is rotated the previous one still verifies; only the current one signs.
import { createHash, createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from 'node:crypto';
import { ConfigurationError } from './errors.js';

export const SECRET_PURPOSES = [
  'cookies',
  'cursors',
  'sealing',
  'audit',
  'uploads',
  'plans',
  'signUp',
  'contacts',
] as const;
export type SecretPurpose = (typeof SECRET_PURPOSES)[number];

/** The first signs, all verify. 32 bytes each. */
export type SecretList = readonly [Buffer, ...Buffer[]];

export interface AuditKey {
  /** 16 hexadecimal characters of the SHA-256 of the public key. */
  readonly keyId: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export interface Secrets extends Readonly<Record<SecretPurpose, SecretList>> {
  /** Ed25519 pairs made from the `audit` secrets, in the same order. */
  readonly auditKeys: readonly [AuditKey, ...AuditKey[]];
}

export const SECRET_BYTES_MIN = 32;
const REMEDY = 'make one with: openssl rand -base64 32';

/** Both are base64 of at least 32 bytes. Throws ConfigurationError naming the variable, never its value. */
export const openSecrets = (given: { current: string; previous?: string | null }): Secrets => {
  const masters: [Buffer, ...Buffer[]] = [masterOf(given.current, 'SALLYPORT_SECRET')];
  if (given.previous) masters.push(masterOf(given.previous, 'SALLYPORT_SECRET_PREVIOUS'));
  const listOf = (purpose: SecretPurpose): SecretList => mapAll(masters, (master) => derive(master, purpose));
  const audit = listOf('audit');
  return {
    cookies: listOf('cookies'),
    cursors: listOf('cursors'),
    sealing: listOf('sealing'),
    audit,
    uploads: listOf('uploads'),
    plans: listOf('plans'),
    signUp: listOf('signUp'),
    contacts: listOf('contacts'),
    auditKeys: mapAll(audit, auditKeyFromSeed),
  };
};

/** The Ed25519 pair of a 32-byte seed (RFC 8032). */
export const auditKeyFromSeed = (seed: Buffer): AuditKey => {
  if (seed.length !== 32) throw new TypeError('An Ed25519 seed has 32 bytes.');
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey);
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  return { keyId: keyIdOf(raw), privateKey, publicKey };
};

/** @param raw the 32 bytes of an Ed25519 public key */
export const keyIdOf = (raw: Buffer): string => createHash('sha256').update(raw).digest('hex').slice(0, 16);

// RFC 8410: a PKCS#8 private key of the algorithm 1.3.101.112, up to where the 32 bytes of the seed begin.
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

const derive = (master: Buffer, purpose: SecretPurpose): Buffer =>
  Buffer.from(hkdfSync('sha256', master, 'sallyport', `sallyport/1/${purpose}`, 32));

const masterOf = (text: string, variable: string): Buffer => {
  const trimmed = text.trim();
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(trimmed)) throw new ConfigurationError(`${variable} is not base64; ${REMEDY}`);
  const bytes = Buffer.from(trimmed, 'base64');
  if (bytes.length < SECRET_BYTES_MIN) {
    throw new ConfigurationError(
      `${variable} holds ${bytes.length} bytes, at least ${SECRET_BYTES_MIN} are needed; ${REMEDY}`,
    );
  }
  return bytes;
};

const mapAll = <From, To>([first, ...rest]: readonly [From, ...From[]], to: (value: From) => To): [To, ...To[]] => [
  to(first),
  ...rest.map(to),
];
