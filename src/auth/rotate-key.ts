// A key gets a new secret and keeps its id, its rights, its cap and its limits. The secret before works on for a grace, and
// never past the key's own expiry; at most two are alive, so a rotation inside a grace ends the oldest at once. Rotations
// wait for each other at the key's row, and one that was asked for before another was done is refused: whoever asked does
// not know the key as it is by then.
import type { ApiKey } from '../generated/prisma/client.js';
import { badInput, conflict } from '../platform/errors.js';
import { type KeyTransaction, storeSecret } from './create-key.js';
import { newKeySecret } from './key-format.js';
import { changeKey, lockKey, requireNotOver } from './keys.js';

export interface Rotation {
  readonly id: string;
  /** How long the secret before works on; left out: a day. */
  readonly graceSeconds?: number | null | undefined;
  /** When it was asked for, by `performance.now()`, for telling apart who asked at once; left out: just now. */
  readonly askedAtMs?: number;
}

export interface RotatedKey {
  readonly apiKey: ApiKey;
  /** The new secret: hand it on and forget it. */
  readonly key: string;
  /** Until when the secret before works; null without a grace. */
  readonly rotationGraceUntil: Date | null;
}

const GRACE_SECONDS = 86_400;
const GRACE_SECONDS_MAX = 7 * 86_400;

/**
 * @param prefix path of the request in the caller's arguments
 * @throws BAD_USER_INPUT, NOT_FOUND; CONFLICT for a key whose life is over or that was rotated meanwhile
 */
export async function rotateKeyIn(tx: KeyTransaction, rotation: Rotation, prefix = ''): Promise<RotatedKey> {
  const graceSeconds = rotation.graceSeconds ?? GRACE_SECONDS;
  if (!Number.isInteger(graceSeconds) || graceSeconds < 0 || graceSeconds > GRACE_SECONDS_MAX) {
    throw badInput(
      `The grace is a whole number of seconds from 0 to ${GRACE_SECONDS_MAX}, 7 days.`,
      `${prefix}graceSeconds`,
    );
  }
  const { db, workspaceId } = tx;
  const { id } = rotation;
  const askedAt = await momentOf(tx, rotation.askedAtMs);
  const before = await currentSecret(tx, id);
  const locked = await lockKey(tx, id);
  requireNotOver(locked, 'rotated');
  const current = await currentSecret(tx, id);
  const now = await clockOf(tx);
  if (current?.id !== before?.id || (current !== null && current.createdAt > askedAt)) {
    throw conflict('This API key was rotated by somebody else just now. Read it again before rotating it once more.');
  }
  const grace = endOfGrace(now, graceSeconds, locked.apiKey.expiresAt);
  await retire(tx, id, now, grace ?? now);
  const secret = newKeySecret(locked.apiKey.kind, tx.brand);
  const { keyPrefix, start } = secret;
  await storeSecret(db, { workspaceId, keyId: id, hash: secret.hash, start }, now);
  const details = { start, graceSeconds };
  const data = { keyPrefix, start, rotationGraceUntil: grace };
  const apiKey = await changeKey(tx, id, data, { action: 'apiKey.rotate', details });
  await stamp(tx, id);
  return { apiKey, key: secret.key, rotationGraceUntil: grace };
}

const currentSecret = ({ db, workspaceId }: KeyTransaction, keyId: string) =>
  db.apiKeySecretUse.findFirst({
    where: { workspaceId, keyId, retiresAt: null },
    select: { id: true, createdAt: true },
  });

/** As late as can be: whoever asked before this is done asked at once with it. */
async function stamp(tx: KeyTransaction, keyId: string): Promise<void> {
  const { db, workspaceId } = tx;
  const createdAt = await clockOf(tx);
  await db.apiKeySecretUse.updateMany({ where: { workspaceId, keyId, retiresAt: null }, data: { createdAt } });
}

/**
 * A moment of this process by the database's clock. What has passed since is measured after the database told its time, so
 * that waiting makes it earlier and never later: whoever asked at once is refused rather than let through.
 */
async function momentOf(tx: KeyTransaction, atMs: number | undefined): Promise<Date> {
  const now = await clockOf(tx);
  return atMs === undefined ? now : new Date(now.getTime() - Math.max(0, performance.now() - atMs));
}

/** Not the beginning of the transaction, which may have waited since. */
async function clockOf({ db }: KeyTransaction): Promise<Date> {
  const [row] = await db.$queryRaw<{ now: Date }[]>`SELECT clock_timestamp() AS now`;
  return row?.now ?? new Date();
}

function endOfGrace(now: Date, graceSeconds: number, expiresAt: Date | null): Date | null {
  if (graceSeconds === 0) return null;
  const end = new Date(now.getTime() + graceSeconds * 1_000);
  return expiresAt !== null && expiresAt < end ? expiresAt : end;
}

/** The secret so far works until the end of the grace; whatever was in a grace already ends now. */
async function retire({ db, workspaceId }: KeyTransaction, keyId: string, now: Date, end: Date): Promise<void> {
  const older = { where: { workspaceId, keyId, retiresAt: { gt: now } }, data: { retiresAt: now } };
  const current = { where: { workspaceId, keyId, retiresAt: null }, data: { retiresAt: end } };
  await db.apiKeySecret.updateMany(older);
  await db.apiKeySecretUse.updateMany(older);
  await db.apiKeySecret.updateMany(current);
  await db.apiKeySecretUse.updateMany(current);
}
