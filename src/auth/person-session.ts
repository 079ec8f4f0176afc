// Sessions that this folder itself begins and ends, beside better-auth's: after a sign-up, an accepted invitation, a new
// password. A session gets a new token whenever what it is worth changes, so one that was known before is worth nothing.
import { randomBytes } from 'node:crypto';
import { Prisma } from '../generated/prisma/client.js';
import type { SystemDb } from '../guard/as-system.js';
import { newId } from '../platform/ids.js';
import { tellCredentialChanged } from './credential-notice.js';

export const SESSION_DAYS = 7;

export interface Started {
  readonly sessionId: string;
  readonly token: string;
}

export interface SessionOrigin {
  readonly ip: string | null;
  readonly userAgent: string | null;
}

/** @param replaced the session that this one takes the place of; its second factor goes along, its token ends */
export async function startSession(
  db: SystemDb,
  userId: string,
  origin: SessionOrigin,
  replaced: string | null = null,
): Promise<Started> {
  const started = { sessionId: newId('ses'), token: randomBytes(24).toString('base64url') };
  await db.$executeRaw(Prisma.sql`
    INSERT INTO session (id, token, user_id, expires_at, ip_address, user_agent, second_factor_at, updated_at)
    VALUES (${started.sessionId}, ${started.token}, ${userId}, now() + ${`${SESSION_DAYS} days`}::interval, ${origin.ip},
      ${origin.userAgent}, (SELECT second_factor_at FROM session WHERE id = ${replaced}), now())`);
  if (replaced !== null) await endSessions(db, { userId, id: replaced });
  return started;
}

/** Refused from the next request on, in every process; open streams close at once. @returns how many there were */
export async function endSessions(
  db: SystemDb,
  which: { readonly userId: string; readonly id?: string | { readonly not: string } },
): Promise<number> {
  const ended = await db.session.findMany({ where: which, select: { id: true } });
  await db.session.deleteMany({ where: { id: { in: ended.map(({ id }) => id) } } });
  for (const { id } of ended) await tellCredentialChanged(db, id);
  return ended.length;
}
