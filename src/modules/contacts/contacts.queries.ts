import type { GuardedDb } from '../../guard/guarded-db.js';
import { inWorkspace, type Sql, sql } from '../../guard/sql.js';

/** What goes with a person. */
export interface RowsOfContact {
  readonly conversationIds: readonly string[];
  readonly messageIds: readonly string[];
}

const conversationsOf = (db: GuardedDb, contactId: string): Sql =>
  sql`SELECT v.id FROM conversation v WHERE ${inWorkspace(db, 'Conversation', 'v')} AND v.contact_id = ${contactId}`;
const messagesOf = (db: GuardedDb, contactId: string): Sql => sql`SELECT m.id FROM message m
  WHERE ${inWorkspace(db, 'Message', 'm')}
    AND (m.contact_id = ${contactId} OR m.conversation_id IN (${conversationsOf(db, contactId)}))`;

/** Effects about the person whose payload lies open, as all did once. */
export async function effectsInTheOpen(db: GuardedDb, contactId: string): Promise<readonly string[]> {
  const conversations = conversationsOf(db, contactId);
  const rows = await db.$sql<{ id: string }>(sql`SELECT e.id FROM effect e
    WHERE ${inWorkspace(db, 'Effect', 'e')} AND e.contact_id IS NULL AND CASE e.kind
      WHEN 'message.send' THEN e.payload->>'contactId' = ${contactId}
      WHEN 'agent.trigger' THEN e.payload->>'conversationId' IN (${conversations})
      WHEN 'draft.create' THEN e.payload->>'conversationId' IN (${conversations})
      WHEN 'draft.update' THEN e.payload->>'id' IN (${messagesOf(db, contactId)})
      WHEN 'contact.create' THEN e.payload->>'subjectId' = ${contactId}
      WHEN 'contact.update' THEN e.payload->>'id' = ${contactId}
      ELSE false END`);
  return rows.map(({ id }) => id);
}

/** Deletes the person and all that was said with them; nobody adds to it meanwhile. */
export async function deleteContact(db: GuardedDb, contactId: string): Promise<RowsOfContact> {
  await db.$sql(sql`SELECT c.id FROM contact c
    WHERE ${inWorkspace(db, 'Contact', 'c')} AND c.id = ${contactId} FOR UPDATE`);
  const conversations = await db.$sql<{ id: string }>(sql`${conversationsOf(db, contactId)} ORDER BY v.id FOR UPDATE`);
  const messages = await db.$sql<{ id: string }>(sql`DELETE FROM message m
    WHERE ${inWorkspace(db, 'Message', 'm')} AND m.id IN (${messagesOf(db, contactId)}) RETURNING m.id`);
  const ids = conversations.map(({ id }) => id);
  await db.conversation.deleteMany({ where: { id: { in: ids } } });
  await db.contact.deleteMany({ where: { id: contactId } });
  return { conversationIds: ids, messageIds: messages.map(({ id }) => id) };
}
