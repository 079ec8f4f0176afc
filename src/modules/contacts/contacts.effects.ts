import { z } from 'zod';
import { defineInsideEffect } from '../../effects/define-effect.js';
import { forgetCapturedJob } from '../../effects/forget-captured.js';
import { deleteContact, effectsInTheOpen, type RowsOfContact } from './contacts.queries.js';
import { contactsService } from './contacts.service.js';

/** The person is named by id alone: what is erased is not told once more. */
const erasure = z.object({ contactId: z.string() });
type Erasure = z.output<typeof erasure>;

/** How many of each are gone, or say nothing of the person any more. */
interface Erased {
  readonly conversations: number;
  readonly messages: number;
  readonly effects: number;
}

const filesAtOnce = 1_000;

export const eraseContact = defineInsideEffect<Erasure, Erased>({
  kind: 'contact.erase',
  spends: false,
  payload: erasure,
  price: () => 0,
  subject: ({ contactId }) => contactId,
  asSystem: 'erase a person',

  async recheck({ contactId }, world) {
    await contactsService(world).requireErasable(contactId);
  },

  async carryOut({ contactId }, { db, effects, events, enqueue }) {
    const { workspaceId } = db.$tenant;
    let rows: RowsOfContact = { conversationIds: [], messageIds: [] };
    const effectIds = await effects.forgetContact(
      { contactId, alsoEffectIds: await effectsInTheOpen(db, contactId) },
      async () => {
        rows = await deleteContact(db, contactId);
        return [contactId, ...rows.conversationIds, ...rows.messageIds];
      },
    );
    for (let at = 0; at < effectIds.length; at += filesAtOnce) {
      await enqueue(forgetCapturedJob, { workspaceId, effectIds: effectIds.slice(at, at + filesAtOnce) });
    }
    await events.emit('contact.erased', contactId, {});
    const { conversationIds, messageIds } = rows;
    return { conversations: conversationIds.length, messages: messageIds.length, effects: effectIds.length };
  },
});
