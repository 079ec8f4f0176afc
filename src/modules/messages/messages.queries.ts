import type { Message, Prisma } from '../../generated/prisma/client.js';
import type { GuardedDb } from '../../guard/guarded-db.js';
import { inWorkspace, sql } from '../../guard/sql.js';

/** Locked until the transaction ends, so that of two who ask for one draft the second sees what the first did; null when unknown. */
export async function lockMessage(db: GuardedDb, id: string): Promise<Message | null> {
  await db.$sql(sql`SELECT m.id FROM message m WHERE ${inWorkspace(db, 'Message', 'm')} AND m.id = ${id} FOR UPDATE`);
  return db.message.findFirst({ where: { id } });
}

/** The person of the conversation found; null where there is none. */
export const contactOf = async (db: GuardedDb, where: Prisma.ConversationWhereInput): Promise<string | null> =>
  (await db.conversation.findFirst({ where, select: { contactId: true } }))?.contactId ?? null;
