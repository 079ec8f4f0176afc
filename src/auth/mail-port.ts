// The system's own mail to its people, as this folder asks for it. The queue stands above auth in the walk, so app.ts hands
// in how a mail is enqueued; it leaves exactly when the transaction of `db` is kept.
import { z } from 'zod';
import type { SystemDb } from '../guard/as-system.js';

/**
 * No token and no link: those are made when the mail leaves. A reset names only the address that was typed in, whether
 * anybody has it or not, so that asking for one costs the same for both.
 */
export const personMail = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('password-reset'), email: z.string(), requestId: z.string() }),
  z.object({ kind: z.literal('email-verification'), userId: z.string(), requestId: z.string() }),
  z.object({
    kind: z.literal('invitation'),
    organizationId: z.string(),
    workspaceId: z.string(),
    invitationId: z.string(),
    requestId: z.string(),
  }),
  /** What it tells lies in the rows that name the mail, and is judged anew when it leaves. */
  z.object({ kind: z.literal('approvals'), userId: z.string(), mailId: z.string(), requestId: z.string() }),
]);
export type PersonMail = z.output<typeof personMail>;

export type EnqueueMail = (db: SystemDb, mail: PersonMail) => Promise<void>;
