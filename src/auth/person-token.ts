// A token that travels by mail and proves that an address is read: 32 random bytes, here only as their SHA-256. It is made
// when the mail leaves, so no job and no log ever holds one; it works once, and a newer one of its kind ends the older.
import { createHash, randomBytes } from 'node:crypto';
import { Prisma } from '../generated/prisma/client.js';
import type { SystemDb } from '../guard/as-system.js';
import { newId } from '../platform/ids.js';

export type TokenPurpose = 'invitation' | 'password-reset' | 'email-verification';

const LIFE: Readonly<Record<TokenPurpose, string>> = {
  invitation: '7 days',
  'password-reset': '1 hour',
  'email-verification': '1 day',
};

const TOKEN_FORM = /^[\w-]{43}$/;

const nameOf = (purpose: TokenPurpose, token: string): string =>
  `${purpose}:${createHash('sha256').update(token).digest('hex')}`;

/** @param subject what it is good for: a person and an address, or an invitation */
export async function makeToken(db: SystemDb, purpose: TokenPurpose, subject: string): Promise<string> {
  await endTokens(db, purpose, subject);
  const token = randomBytes(32).toString('base64url');
  await db.$executeRaw(Prisma.sql`
    INSERT INTO verification (id, identifier, value, expires_at, updated_at)
    VALUES (${newId('ver')}, ${nameOf(purpose, token)}, ${subject}, now() + ${LIFE[purpose]}::interval, now())`);
  return token;
}

/** What the token is good for, by the database's clock; null for one that is unknown, used or too old. It is used up by this. */
export async function takeToken(db: SystemDb, purpose: TokenPurpose, token: unknown): Promise<string | null> {
  if (typeof token !== 'string' || !TOKEN_FORM.test(token)) return null;
  const [found] = await db.$queryRaw<{ value: string; isLive: boolean }[]>(Prisma.sql`
    DELETE FROM verification WHERE identifier = ${nameOf(purpose, token)} RETURNING value, expires_at > now() AS "isLive"`);
  return found?.isLive === true ? found.value : null;
}

/** Ends what was made for the subject, and sweeps out what is too old. */
export async function endTokens(db: SystemDb, purpose: TokenPurpose, subject: string): Promise<void> {
  await db.$executeRaw(Prisma.sql`
    DELETE FROM verification WHERE expires_at < now() - interval '1 day'
      OR (value = ${subject} AND starts_with(identifier, ${`${purpose}:`}))`);
}

/**
 * Whether one was made for the subject within the last minute: then no further mail is due. Of two who ask at once, the
 * second waits until the transaction of the first has ended.
 */
export async function wasJustMade(db: SystemDb, purpose: TokenPurpose, subject: string): Promise<boolean> {
  await db.$queryRaw(Prisma.sql`
    SELECT pg_advisory_xact_lock(hashtextextended(${`token:${purpose}:${subject}`}::text, 0))::text AS locked`);
  const found = await db.$queryRaw<unknown[]>(Prisma.sql`
    SELECT id FROM verification WHERE value = ${subject} AND starts_with(identifier, ${`${purpose}:`})
      AND created_at > now() - interval '1 minute' LIMIT 1`);
  return found.length > 0;
}
