// Passwords as better-auth keeps them: scrypt, one account of the provider `credential` per person. Hashing is slow on
// purpose, so it is done before a transaction begins.
import { hashPassword } from 'better-auth/crypto';
import { z } from 'zod';
import type { SystemDb } from '../guard/as-system.js';
import { badInput, conflict } from '../platform/errors.js';
import { newId } from '../platform/ids.js';

export const PASSWORD_MIN = 8;
export const PASSWORD_MAX = 128;

/** @throws BAD_USER_INPUT naming the field */
export function requirePassword(password: string, field: string): string {
  if (password.length >= PASSWORD_MIN && password.length <= PASSWORD_MAX) return password;
  throw badInput(`${field} must have ${PASSWORD_MIN} to ${PASSWORD_MAX} characters.`, field);
}

/** In lower case, without blanks around it. @throws BAD_USER_INPUT naming the field */
export function requireEmail(text: string, field: string): string {
  const email = text.trim().toLowerCase();
  if (z.email().max(254).safeParse(email).success) return email;
  throw badInput(`${field} must be an e-mail address, such as owner@example.com.`, field);
}

export interface NewPerson {
  readonly email: string;
  readonly name: string;
  readonly passwordHash: string;
  /** Whether it is known that the person reads the address. */
  readonly emailVerified: boolean;
}

/**
 * A person and the password account that better-auth will look for: its account id is the person's.
 * @throws CONFLICT when somebody has the address
 */
export async function createPerson(db: SystemDb, { passwordHash, ...person }: NewPerson): Promise<string> {
  const id = newId('usr');
  const { count } = await db.user.createMany({ data: [{ id, ...person }], skipDuplicates: true });
  if (count === 0) throw conflict('Somebody has this address already. Sign in, then open the link again.');
  await setPassword(db, id, passwordHash);
  return id;
}

/** A person whom an identity provider vouches for. @throws CONFLICT when somebody has the address */
export async function createOutsider(db: SystemDb, person: Pick<NewPerson, 'email' | 'name'>): Promise<string> {
  const id = newId('usr');
  const { count } = await db.user.createMany({ data: [{ id, ...person, emailVerified: true }], skipDuplicates: true });
  if (count === 0) throw conflict('Somebody has this address already. Sign in again.');
  return id;
}

/** Also the first password of a person who came by an outside identity. */
export async function setPassword(db: SystemDb, userId: string, password: string): Promise<void> {
  const account = { providerId: 'credential', accountId: userId };
  await db.account.upsert({
    where: { providerId_accountId: account },
    create: { id: newId('acc'), ...account, userId, password },
    update: { password },
  });
}

export { hashPassword };
