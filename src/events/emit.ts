// An event is written in the transaction of what it tells of, and whoever listens is woken when that commits: a change
// that is rolled back was never heard of. One statement does both.
import type { GuardedDb } from '../guard/guarded-db.js';
import { sql } from '../guard/sql.js';
import { newId } from '../platform/ids.js';
import type { EventCatalogue, EventType } from './catalogue.js';

export interface Events {
  /** @param subjectId what it happened to */
  emit<Type extends EventType>(type: Type, subjectId: string, data: EventCatalogue[Type]): Promise<void>;
}

export const eventsChannel = 'sallyport_events';

/** `Events` in the transaction of `db`. @param told of the id of each event */
export const eventsIn = (db: GuardedDb, told?: (id: string) => void): Events => ({
  emit: async (type, subjectId, data) => {
    const { workspaceId } = db.$tenant;
    const id = newId('evt');
    const notice = JSON.stringify({ workspaceId, id, type, subjectId });
    await db.$send(sql`WITH happened AS (
      INSERT INTO event (workspace_id, id, type, subject_id, data)
      VALUES (${workspaceId}, ${id}, ${type}, ${subjectId}, ${JSON.stringify(data)}::jsonb)
      RETURNING id)
      SELECT pg_notify(${eventsChannel}, ${notice})::text AS told FROM happened`);
    told?.(id);
  },
});
