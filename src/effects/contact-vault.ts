// What is stored of a request that concerns one person lies under a key of that person: erasing the person destroys the key,
// and no copy of the payload can be read without it, while seals, ledger, decisions and the audit trail stay as they are. The
// key is itself wrapped by one made of SALLYPORT_SECRET, so that a copy of the database alone opens nothing; one from before
// the erasure opens with the secret of its time. Seals are made of the payload as it was asked for, and compared after it
// is opened again. What concerns two people lies under both keys at once, and either erasure destroys it; whoever became a
// part of another contact keeps a key of their own, which goes with that of the other.
import { createHash, createHmac, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Effect, Prisma } from '../generated/prisma/client.js';
import type { GuardedDb } from '../guard/guarded-db.js';
import { inWorkspace, sql } from '../guard/sql.js';
import { CodedError, conflict } from '../platform/errors.js';
import { BOX_KEY_BYTES, open, seal } from '../platform/secret-box.js';
import type { SecretList } from '../platform/secrets.js';

/** An effect as it lies in the database. */
export type Stored = Pick<Effect, 'id' | 'workspaceId' | 'contactId' | 'payload'> & {
  readonly otherContactId?: string | null;
};

/** Whose keys a payload lies under, and the effect that it is bound to. */
export interface ClosingPlace {
  readonly effectId: string;
  readonly contactId: string;
  readonly otherContactId?: string | null;
}

export interface ContactVault {
  /**
   * The payload as it is stored, under the key of the contact, which is made when there is none. Until the transaction ends
   * nobody erases or merges the contact.
   * @throws CONFLICT when the contact was erased, or merged into another
   */
  close(db: GuardedDb, place: ClosingPlace, payload: unknown): Promise<Prisma.InputJsonObject>;
  /**
   * The payloads as they were asked for, in their order: null where the contact was erased since, APPROVAL_MISMATCH where
   * what is stored was altered, the key included, and SERVICE_UNAVAILABLE where this server lacks the secret of the key.
   */
  open(db: GuardedDb, effects: readonly Stored[]): Promise<readonly (Prisma.JsonValue | CodedError)[]>;
  /**
   * For good, with the keys of all who were merged into the contact. @returns whose keys are destroyed
   * @throws CONFLICT when the contact itself was merged into another
   */
  destroy(db: GuardedDb, contactId: string): Promise<readonly string[]>;
  /**
   * The key of a contact, and of all who were merged into it, goes with that of another from now on, and nothing more is
   * closed with it. @throws CONFLICT when one of the two was erased or merged meanwhile
   */
  merge(db: GuardedDb, contactId: string, intoId: string): Promise<void>;
}

/** The key of a contact as it is stored. */
export interface WrappedKey {
  readonly contactId: string;
  readonly wrapped: string;
  readonly wrappedBy: string | null;
}

/** `subjectId` stays readable: a repeat finds by it what the first call asked for. */
const closedPayload = z.strictObject({ sealed: z.string(), subjectId: z.string().optional() });

interface KeyRow {
  readonly contactId: string;
  readonly wrapped: string | null;
  readonly wrappedBy: string | null;
  readonly mergedIntoId: string | null;
}

/** @param secrets the first wraps, all unwrap */
export function contactVault(secrets: SecretList): ContactVault {
  return {
    async close(db, place, payload) {
      const { contactId, otherContactId = null } = place;
      const keys = new Map<string, Buffer>();
      // One after the other in one order, so that of two who close nobody waits in a circle.
      for (const id of [contactId, ...(otherContactId === null ? [] : [otherContactId])].sort()) {
        keys.set(id, await keyToClose(db, secrets, id));
      }
      const key = keyOf(place, keys);
      if (!Buffer.isBuffer(key)) throw new Error('The key of a contact is not there to close with.');
      const content = Buffer.from(JSON.stringify(payload));
      const { subjectId } = payload as { readonly subjectId?: unknown };
      const sealed = seal(key, content, payloadContext(db.$tenant.workspaceId, place));
      return { sealed, ...(typeof subjectId === 'string' ? { subjectId } : {}) };
    },

    async open(db, effects) {
      const named = effects.flatMap(({ contactId, otherContactId }) => [contactId ?? [], otherContactId ?? []].flat());
      const keys = await keysOf(db, secrets, [...new Set(named)]);
      return effects.map((effect) => {
        const { contactId, otherContactId = null } = effect;
        if (contactId === null) return effect.payload;
        const place = { effectId: effect.id, contactId, otherContactId };
        const key = keyOf(place, keys);
        if (key === undefined) return altered();
        return Buffer.isBuffer(key) ? openPayload(key, effect, place) : key;
      });
    },

    async destroy(db, contactId) {
      const [row] = await db.$sql<Pick<KeyRow, 'mergedIntoId'>>(sql`
        INSERT INTO contact_key AS k (workspace_id, contact_id, erased_at)
        VALUES (${db.$tenant.workspaceId}, ${contactId}, now())
        ON CONFLICT (workspace_id, contact_id) DO UPDATE SET wrapped = NULL, wrapped_by = NULL,
          erased_at = COALESCE(k.erased_at, now())
        RETURNING k.merged_into_id AS "mergedIntoId"`);
      if (typeof row?.mergedIntoId === 'string') throw merged(row.mergedIntoId);
      const parts = await db.$sql<Pick<KeyRow, 'contactId'>>(sql`UPDATE contact_key k SET wrapped = NULL,
          wrapped_by = NULL, erased_at = COALESCE(k.erased_at, now())
        WHERE ${inWorkspace(db, 'ContactKey', 'k')} AND k.merged_into_id = ${contactId}
        RETURNING k.contact_id AS "contactId"`);
      return [contactId, ...parts.map((part) => part.contactId)];
    },

    async merge(db, contactId, intoId) {
      const rows = await db.$sql<KeyRow>(sql`SELECT k.contact_id AS "contactId", k.wrapped,
          k.wrapped_by AS "wrappedBy", k.merged_into_id AS "mergedIntoId" FROM contact_key k
        WHERE ${inWorkspace(db, 'ContactKey', 'k')} AND k.contact_id IN (${contactId}, ${intoId})
        ORDER BY k.contact_id FOR UPDATE`);
      // Whatever asks for a merge is closed with both keys, so both are there.
      if (rows.length !== 2) throw new Error('Two contacts are merged by what lies under the keys of both.');
      for (const row of rows) requireUsable(row);
      await db.$sql(sql`UPDATE contact_key k SET merged_into_id = ${intoId}
        WHERE ${inWorkspace(db, 'ContactKey', 'k')} AND (k.contact_id = ${contactId} OR k.merged_into_id = ${contactId})
        RETURNING k.contact_id`);
    },
  };
}

/** Names a server's key in the rows that it wraps, without telling anything of it. */
export const nameOfSecret = (secret: Buffer): string => createHash('sha256').update(secret).digest('hex').slice(0, 16);

export const wrap = (secret: Buffer, key: Buffer, place: { workspaceId: string; contactId: string }): string =>
  seal(secret, key, keyContext(place));

/** @throws a defect that says why nothing can be read with it, and what the operator can do */
export function unwrap(secrets: SecretList, row: WrappedKey, workspaceId: string): Buffer {
  const key = openKey(secrets, row, workspaceId);
  if (key === null) throw new Error(whyClosed(secrets, row));
  return key;
}

function openKey(secrets: SecretList, { contactId, wrapped }: WrappedKey, workspaceId: string): Buffer | null {
  for (const secret of secrets) {
    const key = open(secret, wrapped, keyContext({ workspaceId, contactId }));
    if (key !== null) return key;
  }
  return null;
}

const isOurs = (secrets: SecretList, { wrappedBy }: WrappedKey): boolean =>
  secrets.some((secret) => nameOfSecret(secret) === wrappedBy);

const whyClosed = (secrets: SecretList, row: WrappedKey): string =>
  isOurs(secrets, row)
    ? `The stored key of ${row.contactId} is damaged; what it closed is lost unless its row is brought back.`
    : `The key of ${row.contactId} was made under another SALLYPORT_SECRET; set that one as SALLYPORT_SECRET_PREVIOUS.`;

/** Of one that is damaged nothing can be done any more; one whose secret is missing may come back. The log has the cause. */
function closed(secrets: SecretList, row: WrappedKey): CodedError {
  const cause = new Error(whyClosed(secrets, row));
  return isOurs(secrets, row)
    ? new CodedError('APPROVAL_MISMATCH', 'What is stored of this request cannot be read any more.', {}, { cause })
    : new CodedError('SERVICE_UNAVAILABLE', 'What is stored of this request cannot be read for now.', {}, { cause });
}

const keyContext = ({ workspaceId, contactId }: { workspaceId: string; contactId: string }): string =>
  `contact key ${workspaceId} ${contactId}`;
const payloadContext = (workspaceId: string, { effectId, contactId, otherContactId = null }: ClosingPlace): string =>
  [`effect payload ${workspaceId} ${effectId} ${contactId}`, ...(otherContactId === null ? [] : [otherContactId])].join(
    ' ',
  );

/**
 * Of two people neither key alone gives anything. Null: one of them is destroyed; undefined: one was never there; else why
 * one of them does not open.
 */
function keyOf<Not extends null | CodedError>(
  { contactId, otherContactId = null }: ClosingPlace,
  keys: ReadonlyMap<string, Buffer | Not>,
): Buffer | Not | undefined {
  const key = keys.get(contactId);
  if (otherContactId === null || key === null) return key;
  const other = keys.get(otherContactId);
  if (!Buffer.isBuffer(key) || !Buffer.isBuffer(other))
    return other === null ? other : Buffer.isBuffer(key) ? other : key;
  return createHmac('sha256', key).update(other).digest();
}

function requireUsable<Row extends KeyRow>(row: Row): Row & { readonly wrapped: string } {
  if (row.mergedIntoId !== null) throw merged(row.mergedIntoId);
  if (row.wrapped === null) throw conflict('The person was erased. Nothing can be asked for about them any more.');
  return { ...row, wrapped: row.wrapped };
}

/** Also told to whoever wants to erase a contact that is a part of another by now. */
export const merged = (intoId: string): CodedError =>
  conflict(`This contact was merged into ${intoId}. Ask for that one.`, { mergedIntoId: intoId });

/** Shared with whoever else asks for something at this moment, and kept from whoever erases or merges. */
const findKeyShared = async (db: GuardedDb, contactId: string): Promise<KeyRow | null> => {
  const [row] = await db.$sql<KeyRow>(sql`SELECT k.contact_id AS "contactId", k.wrapped,
      k.wrapped_by AS "wrappedBy", k.merged_into_id AS "mergedIntoId" FROM contact_key k
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
  return unwrap(secrets, requireUsable(row), workspaceId);
}

/** Null: destroyed. One that does not open leaves the others alone. */
async function keysOf(
  db: GuardedDb,
  secrets: SecretList,
  contactIds: readonly string[],
): Promise<ReadonlyMap<string, Buffer | CodedError | null>> {
  if (contactIds.length === 0) return new Map();
  const { workspaceId } = db.$tenant;
  const rows = await db.contactKey.findMany({ where: { contactId: { in: [...contactIds] } } });
  return new Map(
    rows.map(({ contactId, wrapped, wrappedBy }) => {
      if (wrapped === null) return [contactId, null];
      const row = { contactId, wrapped, wrappedBy };
      return [contactId, openKey(secrets, row, workspaceId) ?? closed(secrets, row)];
    }),
  );
}

function openPayload(key: Buffer, effect: Stored, place: ClosingPlace): Prisma.JsonValue | CodedError {
  const closed = closedPayload.safeParse(effect.payload);
  if (!closed.success) return altered();
  const content = open(key, closed.data.sealed, payloadContext(effect.workspaceId, place));
  if (content === null) return altered();
  const payload = JSON.parse(content.toString()) as Prisma.JsonValue;
  // It stands beside what is sealed, so it is compared with it.
  const { subjectId } = payload as { readonly subjectId?: unknown };
  return closed.data.subjectId === subjectId ? payload : altered();
}

const altered = (): CodedError =>
  new CodedError('APPROVAL_MISMATCH', 'The stored request is not what was sealed. Ask for it again.');
