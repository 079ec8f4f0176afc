// The public keys of everything that ever signed here, also when their secret is long gone from the configuration. They lie
// in the database, where whoever writes there could add one: so each stands under the signature of a key that knew it, and
// only the word of a key that is configured counts. At its first start a new key vouches for the one before it, which is
// configured beside it then, and for all that that one vouched for.
import { createPublicKey, sign, verify } from 'node:crypto';
import type { Database } from '../db/database.js';
import { asSystem, type SystemDb } from '../guard/as-system.js';
import { canonicalJson } from '../platform/canonical-json.js';
import { type AuditKey, keyIdOf } from '../platform/secrets.js';
import { publicText } from './public-keys.js';

export type KnownKey = Pick<AuditKey, 'keyId' | 'publicKey'>;
type ConfiguredKeys = readonly [AuditKey, ...AuditKey[]];

interface Voucher {
  readonly keyId: string;
  readonly x: string;
  readonly voucherId: string;
  readonly signature: string;
}

const voucherText = ({ keyId, x, voucherId }: Omit<Voucher, 'signature'>): Buffer =>
  Buffer.from(canonicalJson({ version: 1, says: 'this key signs audit checkpoints', keyId, x, voucherId }));

/** The configured keys, then those that one of them vouches for, the youngest first. */
export const knownKeys = (database: Pick<Database, 'owner'>, configured: ConfiguredKeys): Promise<KnownKey[]> =>
  asSystem(database, 'read the public keys of audit checkpoints', (db) => readKeys(db, configured));

/** The same, and the current key vouches for all of them from now on. May run twice, and in several processes at once. */
export const keepKnownKeys = (database: Pick<Database, 'owner'>, configured: ConfiguredKeys): Promise<KnownKey[]> =>
  asSystem(database, 'keep the public keys of audit checkpoints', async (db) => {
    const known = await readKeys(db, configured);
    const [current] = configured;
    const data = known.map(({ keyId, publicKey }): Voucher => {
      const said = { keyId, x: publicText(publicKey), voucherId: current.keyId };
      return { ...said, signature: sign(null, voucherText(said), current.privateKey).toString('base64') };
    });
    await db.auditKey.createMany({ data, skipDuplicates: true });
    return known;
  });

async function readKeys(db: SystemDb, configured: ConfiguredKeys): Promise<KnownKey[]> {
  const known = new Map<string, KnownKey>(configured.map((key) => [key.keyId, key]));
  const voucherIds = configured.map(({ keyId }) => keyId);
  const vouchers = await db.auditKey.findMany({
    where: { voucherId: { in: voucherIds } },
    orderBy: [{ createdAt: 'desc' }, { keyId: 'asc' }],
  });
  for (const voucher of vouchers) {
    const by = configured.find(({ keyId }) => keyId === voucher.voucherId);
    if (by === undefined || known.has(voucher.keyId)) continue;
    if (!verify(null, voucherText(voucher), by.publicKey, Buffer.from(voucher.signature, 'base64'))) continue;
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: voucher.x }, format: 'jwk' });
    known.set(voucher.keyId, { keyId: keyIdOf(Buffer.from(voucher.x, 'base64url')), publicKey });
  }
  return [...known.values()];
}
