import { z } from 'zod';
import { defineInsideEffect } from '../../effects/define-effect.js';
import { forgetCapturedJob } from '../../effects/forget-captured.js';
import { type ContactMerge, contactMerge } from './contacts.policy.js';
import {
  deleteContact,
  effectsInTheOpen,
  lockContacts,
  lockRowsOf,
  mergedInto,
  moveContact,
  type RowsCounted,
  type RowsOfContact,
} from './contacts.queries.js';
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
    const mergedIds = await mergedInto(db, contactId);
    const effectIds = await effects.forgetContact(
      {
        contactId,
        mergedIds,
        alsoEffectIds: await effectsInTheOpen(db, contactId, mergedIds),
        hold: (waiting) => lockRowsOf(db, contactId, waiting),
      },
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

/** How many of each are the survivor's by now, and how many requests about the one that is gone were cancelled. */
interface Merged extends RowsCounted {
  readonly cancelled: number;
}

export const mergeContacts = defineInsideEffect<ContactMerge, Merged>({
  kind: 'contact.merge',
  spends: false,
  payload: contactMerge,
  price: () => 0,
  contact: ({ stays }) => stays.id,
  otherContact: ({ goes }) => goes.id,
  subject: ({ stays }) => stays.id,
  asSystem: 'merge two contacts',

  async recheck(payload, world) {
    await contactsService(world).requireMergeable(payload);
  },

  async carryOut(payload, world) {
    const { db, audit, effects, events } = world;
    const { stays, goes } = payload;
    const contacts = contactsService(world);
    const cancelled = await effects.mergeContact({
      contactId: goes.id,
      intoId: stays.id,
      alsoEffectIds: await effectsInTheOpen(db, goes.id),
      hold: async (waiting) => {
        await lockContacts(db, [stays.id, goes.id], waiting);
        await contacts.requireAsSealed(payload);
      },
    });
    const result = { ...(await moveContact(db, goes.id, stays.id)), cancelled };
    const fields = await contacts.becomeMerged(payload);
    await audit.record({ action: 'contact.merge', subjectId: goes.id, details: { into: stays.id, fields, ...result } });
    await events.emit('contact.merged', goes.id, { intoId: stays.id });
    await events.emit('contact.updated', stays.id, {});
    return result;
  },
});
