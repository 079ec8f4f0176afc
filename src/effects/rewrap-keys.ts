// While SALLYPORT_SECRET is rotated, the keys of contacts move from the previous secret to the current one, so that nothing
// is lost when the previous one is dropped. Bounded steps; each row is locked, so two servers do no harm.
import type { Database } from '../db/database.js';
import { asSystem, type SystemDb } from '../guard/as-system.js';
import type { Chore } from '../jobs/worker.js';
import type { SecretList } from '../platform/secrets.js';
import { nameOfSecret, unwrap, type WrappedKey, wrap } from './contact-vault.js';
import { effectLimits } from './limits.js';

interface Rewrapping {
  readonly database: Pick<Database, 'owner'>;
  readonly secrets: SecretList;
  readonly log: { info(facts: object, message: string): void; error(facts: object, message: string): void };
}

interface PlacedKey extends WrappedKey {
  readonly workspaceId: string;
}

/** None where there is no previous secret. */
export const rewrapChores = (deps: Rewrapping): readonly Chore[] =>
  deps.secrets.length === 1
    ? []
    : [{ name: 'contactKeys.rewrap', everyMs: effectLimits.rewrapEveryMs, run: () => rewrapKeys(deps) }];

/** Every key that is under another secret, once. A key that no secret opens is logged and left. @returns how many moved */
export async function rewrapKeys(deps: Rewrapping, atOnce: number = effectLimits.rewrapAtOnce): Promise<number> {
  let keys = 0;
  for (let after: Pick<PlacedKey, 'workspaceId' | 'contactId'> | null = { workspaceId: '', contactId: '' }; after; ) {
    const step: Step = await rewrapSome(deps, after, atOnce);
    keys += step.moved;
    after = step.last;
  }
  if (keys > 0) deps.log.info({ keys }, 'keys of contacts are under the current secret now');
  return keys;
}

interface Step {
  readonly moved: number;
  /** Null when there is none behind it. */
  readonly last: PlacedKey | null;
}

const rewrapSome = (
  deps: Rewrapping,
  after: Pick<PlacedKey, 'workspaceId' | 'contactId'>,
  atOnce: number,
): Promise<Step> =>
  asSystem(deps.database, 'move the keys of contacts to the current secret', async (db) => {
    const current = nameOfSecret(deps.secrets[0]);
    const rows = await db.$queryRaw<PlacedKey[]>`SELECT
        k.workspace_id AS "workspaceId", k.contact_id AS "contactId", k.wrapped,
        k.wrapped_by AS "wrappedBy" FROM contact_key k
      WHERE k.wrapped_by <> ${current} AND (k.workspace_id, k.contact_id) > (${after.workspaceId}, ${after.contactId})
      ORDER BY k.workspace_id, k.contact_id LIMIT ${atOnce}::int FOR UPDATE`;
    let moved = 0;
    for (const row of rows) if (await rewrapOne(db, deps, row)) moved++;
    return { moved, last: rows.at(-1) ?? null };
  });

async function rewrapOne(db: SystemDb, deps: Rewrapping, row: PlacedKey): Promise<boolean> {
  const { secrets, log } = deps;
  const place = { workspaceId: row.workspaceId, contactId: row.contactId };
  let key: Buffer;
  try {
    key = unwrap(secrets, row, row.workspaceId);
  } catch (error) {
    log.error({ err: error, ...place }, 'the key of a contact could not be moved to the current secret');
    return false;
  }
  const data = { wrapped: wrap(secrets[0], key, place), wrappedBy: nameOfSecret(secrets[0]) };
  await db.contactKey.update({ where: { workspaceId_contactId: place }, data });
  return true;
}
