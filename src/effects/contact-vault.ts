// What is stored of a request that concerns one person lies under a key of that person: erasing the person destroys the key,
// and no copy of the payload can be read without it, while seals, ledger, decisions and the audit trail stay as they are. The
// key is itself wrapped by one made of SALLYPORT_SECRET, so that a copy of the database alone opens nothing; one from before
// the erasure opens with the secret of its time. Seals are made of the payload as it was asked for, and compared after it
// is opened again.
import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Effect, Prisma } from '../generated/prisma/client.js';
import type { GuardedDb } from '../guard/guarded-db.js';
import { inWorkspace, sql } from '../guard/sql.js';
import { CodedError, conflict } from '../platform/errors.js';
import { BOX_KEY_BYTES, open, seal } from '../platform/secret-box.js';
import type { SecretList } from '../platform/secrets.js';

/** An effect as it lies in the database. */
export type Stored = Pick<Effect, 'id' | 'workspaceId' | 'contactId' | 'payload'>;

export interface ContactVault {
  /**
   * The payload as it is stored, under the key of the contact, which is made when there is none. Until the transaction ends
   * nobody erases the contact.
   * @throws CONFLICT when the contact was erased
   */
  close(
    db: GuardedDb,
    place: { contactId: string; effectId: string },
    payload: unknown,
  ): Promise<Prisma.InputJsonObject>;
  /**
   * The payloads as they were asked for, in their order: null where the contact was erased since, APPROVAL_MISMATCH where
   * what is stored was altered.
   * @throws a defect when the server's secret is not the one under which they were closed
   */
  open(db: GuardedDb, effects: readonly Stored[]): Promise<readonly (Prisma.JsonValue | CodedError)[]>;
  /** For good. */
  destroy(db: GuardedDb, contactId: string): Promise<void>;
}

/** `subjectId` stays readable: a repeat finds by it what the first call asked for. */
const closedPayload = z.strictObject({ sealed: z.string(), subjectId: z.string().optional() });

interface KeyRow {
  readonly contactId: string;
  readonly wrapped: string | null;
}

/** @param secrets the first wraps, all unwrap */
export function contactVault(secrets: SecretList): ContactVault {
  return {
    async close(db, { contactId, effectId }, payload) {
      const key = await keyToClose(db, secrets, contactId);
      const content = Buffer.from(JSON.stringify(payload));
      const { subjectId } = payload as { readonly subjectId?: unknown };
      const sealed = seal(key, content, payloadContext(db.$tenant.workspaceId, effectId, contactId));
      return { sealed, ...(typeof subjectId === 'string' ? { subjectId } : {}) };
    },

    async open(db, effects) {
      const contactIds = [...new Set(effects.flatMap(({ contactId }) => contactId ?? []))];
      const keys = await keysOf(db, secrets, contactIds);
      return effects.map((effect) => {
        if (effect.contactId === null) return effect.payload;
        const key = keys.get(effect.contactId);
        if (key === undefined) return altered();
        return key === null ? null : openPayload(key, effect, effect.contactId);
      });
    },

    async destroy(db, contactId) {
      await db.$sql(sql`INSERT INTO contact_key AS k (workspace_id, contact_id, erased_at)
        VALUES (${db.$tenant.workspaceId}, ${contactId}, now())
        ON CONFLICT (workspace_id, contact_id) DO UPDATE SET wrapped = NULL, wrapped_by = NULL,
          erased_at = COALESCE(k.erased_at, now())
        RETURNING k.contact_id`);
    },
  };
}

/** Names a server's key in the rows that it wraps, without telling anything of it. */
export const nameOfSecret = (secret: Buffer): string => createHash('sha256').update(secret).digest('hex').slice(0, 16);

export const wrap = (secret: Buffer, key: Buffer, place: { workspaceId: string; contactId: string }): string =>
  seal(secret, key, keyContext(place));

/** @throws a defect: nothing can be read until the operator brings the secret back */
export function unwrap(
  secrets: SecretList,
  wrapped: string,
  place: { workspaceId: string; contactId: string },
): Buffer {
  for (const secret of secrets) {
    const key = open(secret, wrapped, keyContext(place));
    if (key !== null) return key;
  }
  throw new Error(
    `The key of ${place.contactId} was made under another SALLYPORT_SECRET; set that one as SALLYPORT_SECRET_PREVIOUS.`,
  );
}

const keyContext = ({ workspaceId, contactId }: { workspaceId: string; contactId: string }): string =>
  `contact key ${workspaceId} ${contactId}`;
const payloadContext = (workspaceId: string, effectId: string, contactId: string): string =>
  `effect payload ${workspaceId} ${effectId} ${contactId}`;

/** Shared with whoever else asks for something at this moment, and kept from whoever erases. */
const findKeyShared = async (db: GuardedDb, contactId: string): Promise<KeyRow | null> => {
  const [row] = await db.$sql<KeyRow>(sql`SELECT k.contact_id AS "contactId", k.wrapped FROM contact_key k
    WHERE ${inWorkspace(db, 'ContactKey', 'k')} AND k.contact_id = ${contactId} FOR SHARE`);
  return row ?? null;
};

async function keyToClose(db: GuardedDb, secrets: SecretList, contactId: string): Promise<Buffer> {
  const { workspaceId } = db.$tenant;
  let row = await findKeyShared(db, contactId);
  if (row === null) {
    const wrapped = wrap(secrets[0], randomBytes(BOX_KEY_BYTES), { workspaceId, contactId });
    // Of two that ask for the first time at once, one makes the key and the other waits for it.
    await db.$sql(sql`INSERT INTO contact_key AS k (workspace_id, contact_id, wrapped, wrapped_by)
      VALUES (${workspaceId}, ${contactId}, ${wrapped}, ${nameOfSecret(secrets[0])})
      ON CONFLICT DO NOTHING RETURNING k.contact_id`);
    row = await findKeyShared(db, contactId);
  }
  if (row === null) throw new Error('The key of a contact vanished while it was being made.');
  if (row.wrapped === null) throw conflict('The person was erased. Nothing can be asked for about them any more.');
  return unwrap(secrets, row.wrapped, { workspaceId, contactId });
}

/** Null: destroyed. */
async function keysOf(
  db: GuardedDb,
  secrets: SecretList,
  contactIds: readonly string[],
): Promise<ReadonlyMap<string, Buffer | null>> {
  if (contactIds.length === 0) return new Map();
  const { workspaceId } = db.$tenant;
  const rows = await db.contactKey.findMany({ where: { contactId: { in: [...contactIds] } } });
  return new Map(
    rows.map(({ contactId, wrapped }) => [
      contactId,
      wrapped === null ? null : unwrap(secrets, wrapped, { workspaceId, contactId }),
    ]),
  );
}

function openPayload(key: Buffer, effect: Stored, contactId: string): Prisma.JsonValue | CodedError {
  const closed = closedPayload.safeParse(effect.payload);
  if (!closed.success) return altered();
  const content = open(key, closed.data.sealed, payloadContext(effect.workspaceId, effect.id, contactId));
  if (content === null) return altered();
  const payload = JSON.parse(content.toString()) as Prisma.JsonValue;
  // It stands beside what is sealed, so it is compared with it.
  const { subjectId } = payload as { readonly subjectId?: unknown };
  return closed.data.subjectId === subjectId ? payload : altered();
}

const altered = (): CodedError =>
  new CodedError('APPROVAL_MISMATCH', 'The stored request is not what was sealed. Ask for it again.');
