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

/** Whether anything that was sent ever went to this person. */
export async function wasWrittenTo(db: GuardedDb, contactId: string): Promise<boolean> {
  const [found] = await db.$sql<{ is_written_to: boolean }>(sql`SELECT EXISTS (SELECT FROM message m
    JOIN conversation c ON c.workspace_id = m.workspace_id AND c.id = m.conversation_id
    WHERE ${inWorkspace(db, 'Message', 'm')} AND ${inWorkspace(db, 'Conversation', 'c')} AND c.contact_id = ${contactId}
      AND m.direction = 'OUTBOUND' AND m.status = 'SENT') AS is_written_to`);
  return found?.is_written_to === true;
}
