import type { Waiting } from '../../effects/effect-port.js';
import type { GuardedDb } from '../../guard/guarded-db.js';
import { inWorkspace, type Sql, sql } from '../../guard/sql.js';

/** What is of a person, and goes with them. */
export interface RowsOfContact {
  readonly conversationIds: readonly string[];
  readonly messageIds: readonly string[];
}

export interface RowsCounted {
  readonly conversations: number;
  readonly messages: number;
}

const conversationsOf = (db: GuardedDb, contactId: string): Sql =>
  sql`SELECT v.id FROM conversation v WHERE ${inWorkspace(db, 'Conversation', 'v')} AND v.contact_id = ${contactId}`;
const messagesOf = (db: GuardedDb, contactId: string): Sql => sql`SELECT m.id FROM message m
  WHERE ${inWorkspace(db, 'Message', 'm')}
    AND (m.contact_id = ${contactId} OR m.conversation_id IN (${conversationsOf(db, contactId)}))`;

/** Effects about these persons, the conversations of whom one has by now, whose payload lies open, as all did once. */
export async function effectsInTheOpen(
  db: GuardedDb,
  contactId: string,
  mergedIds: readonly string[] = [],
): Promise<readonly string[]> {
  const conversations = conversationsOf(db, contactId);
  const ids = [contactId, ...mergedIds];
  const rows = await db.$sql<{ id: string }>(sql`SELECT e.id FROM effect e
    WHERE ${inWorkspace(db, 'Effect', 'e')} AND e.contact_id IS NULL AND CASE e.kind
      WHEN 'message.send' THEN e.payload->>'contactId' = ANY(${ids}::text[])
      WHEN 'agent.trigger' THEN e.payload->>'conversationId' IN (${conversations})
      WHEN 'draft.create' THEN e.payload->>'conversationId' IN (${conversations})
      WHEN 'draft.update' THEN e.payload->>'id' IN (${messagesOf(db, contactId)})
      WHEN 'contact.create' THEN e.payload->>'subjectId' = ANY(${ids}::text[])
      WHEN 'contact.update' THEN e.payload->>'id' = ANY(${ids}::text[])
      ELSE false END`);
  return rows.map(({ id }) => id);
}

/** Who became a part of this contact. */
export const mergedInto = async (db: GuardedDb, contactId: string): Promise<readonly string[]> =>
  (await db.contactKey.findMany({ where: { mergedIntoId: contactId } })).map((key) => key.contactId);

/** Nobody changes them, or begins a conversation with them, until the transaction ends. */
export async function lockContacts(db: GuardedDb, ids: readonly string[], waiting: Waiting): Promise<void> {
  await db.$sql(sql`SELECT c.id FROM contact c
    WHERE ${inWorkspace(db, 'Contact', 'c')} AND c.id = ANY(${ids}::text[]) ORDER BY c.id ${forUpdate(waiting)}`);
}

/**
 * Nobody changes this person, or says more with them, until the transaction ends. Messages come before their conversations,
 * as for whoever sends one, and these before the person, as for whoever says something in one.
 */
export async function lockRowsOf(db: GuardedDb, contactId: string, waiting: Waiting): Promise<void> {
  await db.$sql(sql`SELECT m.id FROM message m
    WHERE ${inWorkspace(db, 'Message', 'm')} AND m.id IN (${messagesOf(db, contactId)}) ORDER BY m.id ${forUpdate(waiting)}`);
  await db.$sql(sql`SELECT v.id FROM conversation v
    WHERE ${inWorkspace(db, 'Conversation', 'v')} AND v.contact_id = ${contactId} ORDER BY v.id ${forUpdate(waiting)}`);
  await lockContacts(db, [contactId], waiting);
}

const forUpdate = (waiting: Waiting): Sql => (waiting === 'WAIT' ? sql`FOR UPDATE` : sql`FOR UPDATE NOWAIT`);

/** How many conversations and messages are of this person. */
export async function countRowsOf(db: GuardedDb, contactId: string): Promise<RowsCounted> {
  const [counted] = await db.$sql<RowsCounted>(sql`SELECT
    (SELECT count(*)::int FROM conversation v
      WHERE ${inWorkspace(db, 'Conversation', 'v')} AND v.contact_id = ${contactId}) AS conversations,
    (SELECT count(*)::int FROM message m
      WHERE ${inWorkspace(db, 'Message', 'm')} AND m.id IN (${messagesOf(db, contactId)})) AS messages`);
  return counted ?? { conversations: 0, messages: 0 };
}

/** Everything that was said with the one was said with the other from now on; the one's own row goes. */
export async function moveContact(db: GuardedDb, contactId: string, intoId: string): Promise<RowsCounted> {
  const moved = await countRowsOf(db, contactId);
  await db.message.updateMany({ where: { contactId }, data: { contactId: intoId } });
  await db.conversation.updateMany({ where: { contactId }, data: { contactId: intoId } });
  await db.contact.deleteMany({ where: { id: contactId } });
  return moved;
}

/** Deletes the person and all that was said with them. Their rows are locked, so that nobody adds to it meanwhile. */
export async function deleteContact(db: GuardedDb, contactId: string): Promise<RowsOfContact> {
  const conversations = await db.$sql<{ id: string }>(sql`${conversationsOf(db, contactId)} ORDER BY v.id`);
  const messages = await db.$sql<{ id: string }>(sql`DELETE FROM message m
    WHERE ${inWorkspace(db, 'Message', 'm')} AND m.id IN (${messagesOf(db, contactId)}) RETURNING m.id`);
  const ids = conversations.map(({ id }) => id);
  await db.conversation.deleteMany({ where: { id: { in: ids } } });
  await db.contact.deleteMany({ where: { id: contactId } });
  return { conversationIds: ids, messageIds: messages.map(({ id }) => id) };
}
