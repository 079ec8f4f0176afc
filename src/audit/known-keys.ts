// The public keys of everything that ever signed here, also when their secret is long gone from the configuration. They lie
// in the database, where whoever writes there could add one: so each stands under the signature of a key that knew it, and
// only the word of a key that is configured counts. At its first start a new key vouches for the one before it, which is
// configured beside it then, and for all that that one vouched for; and says until when each was in use, so that whoever
// comes by an old secret signs nothing new with it.
import { createPublicKey, sign, verify } from 'node:crypto';
import type { Database } from '../db/database.js';
import { asSystem, type SystemDb } from '../guard/as-system.js';
import { canonicalJson } from '../platform/canonical-json.js';
import { type AuditKey, keyIdOf } from '../platform/secrets.js';
import { type PublicKey, publicText } from './public-keys.js';

/** Null where it is in use, or where nobody said until when it was. */
export interface KnownKey extends PublicKey {
  readonly keyId: string;
  readonly retiredAt: Date | null;
}
type ConfiguredKeys = readonly [AuditKey, ...AuditKey[]];

/** Servers that were not started anew yet go on signing with the key before: for as long as both are to be configured. */
const HANDED_OVER_MS = 3_600_000;

interface Voucher {
  readonly keyId: string;
  readonly x: string;
  readonly voucherId: string;
  readonly retiredAt: Date | null;
  readonly signature: string;
}

const voucherText = ({ keyId, x, voucherId, retiredAt }: Omit<Voucher, 'signature'>): Buffer => {
  const said = { says: 'this key signs audit checkpoints', keyId, x, voucherId };
  if (retiredAt === null) return Buffer.from(canonicalJson({ version: 1, ...said }));
  return Buffer.from(canonicalJson({ version: 2, ...said, retiredAt: retiredAt.toISOString() }));
};

/** The configured keys, then those that one of them vouches for, the youngest first. */
export const knownKeys = (database: Pick<Database, 'owner'>, configured: ConfiguredKeys): Promise<KnownKey[]> =>
  asSystem(database, 'read the public keys of audit checkpoints', (db) => readKeys(db, configured));

/**
 * The same, and the current key vouches for all of them from now on: once for each, so what it said first goes on counting.
 * May run twice, and in several processes at once.
 */
export const keepKnownKeys = (
  database: Pick<Database, 'owner'>,
  configured: ConfiguredKeys,
  now: Date = new Date(),
): Promise<KnownKey[]> =>
  asSystem(database, 'keep the public keys of audit checkpoints', async (db) => {
    const known = await readKeys(db, configured);
    const [current] = configured;
    const handedOver = new Date(now.getTime() + HANDED_OVER_MS);
    const data = known.map(({ keyId, publicKey, retiredAt }): Voucher => {
      const until = keyId === current.keyId ? null : (retiredAt ?? handedOver);
      const said = { keyId, x: publicText(publicKey), voucherId: current.keyId, retiredAt: until };
      return { ...said, signature: sign(null, voucherText(said), current.privateKey).toString('base64') };
    });
    await db.auditKey.createMany({ data, skipDuplicates: true });
    return readKeys(db, configured);
  });

async function readKeys(db: SystemDb, configured: ConfiguredKeys): Promise<KnownKey[]> {
  const [current] = configured;
  const known = new Map<string, KnownKey>(
    configured.map(({ keyId, publicKey }) => [keyId, { keyId, publicKey, retiredAt: null }]),
  );
  const vouchers = await db.auditKey.findMany({
    where: { voucherId: { in: configured.map(({ keyId }) => keyId) }, keyId: { not: current.keyId } },
    orderBy: [{ createdAt: 'desc' }, { keyId: 'asc' }],
  });
  // The current key knows when those before it were retired; what they say of themselves does not count beside it.
  const told = new Set<string>();
  const isOfCurrent = ({ voucherId }: Voucher) => voucherId === current.keyId;
  for (const voucher of [...vouchers.filter(isOfCurrent), ...vouchers.filter((one) => !isOfCurrent(one))]) {
    const by = configured.find(({ keyId }) => keyId === voucher.voucherId);
    if (by === undefined || told.has(voucher.keyId)) continue;
    if (!verify(null, voucherText(voucher), by.publicKey, Buffer.from(voucher.signature, 'base64'))) continue;
    told.add(voucher.keyId);
    const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: voucher.x }, format: 'jwk' });
    const keyId = keyIdOf(Buffer.from(voucher.x, 'base64url'));
    known.set(voucher.keyId, { keyId, publicKey, retiredAt: voucher.retiredAt });
  }
  return [...known.values()];
}
