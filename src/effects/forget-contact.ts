// A person is forgotten here, in the transaction that deletes the person's own rows: what waits or is queued to them is
// cancelled, the key of their payloads is destroyed, and what others said beside the payload is cleared. What a person may not
// take out of the books stays: that something was asked for, by whom, at what price, under which seal, and what the trail
// says of it, whose promises lose their salts.
import { inWorkspace, sql } from '../guard/sql.js';
import { cancelOpen, holdAbout } from './about-contact.js';
import { NotYet } from './define-effect.js';
import type { EffectDeps } from './deps.js';
import type { ContactToForget } from './effect-port.js';
import { requireSystem, type World } from './world.js';

/** May run twice. */
export async function forgetContact(
  world: World,
  deps: EffectDeps,
  { contactId, mergedIds, alsoEffectIds, hold }: ContactToForget,
  end: () => Promise<readonly string[]>,
): Promise<readonly string[]> {
  requireSystem(world);
  const { db, vault } = world;
  const about = { contactIds: [contactId, ...mergedIds], alsoEffectIds };
  const { open, keys: destroyed } = await holdAbout(world, about, hold, () => vault.destroy(db, contactId));
  if (!destroyed.every((id) => about.contactIds.includes(id)))
    throw new NotYet('Somebody was merged into this person.');
  // Their payloads cannot be opened any more, so nothing is told of them to the rows that go as well.
  await cancelOpen(world, deps, open, ending);
  const subjectIds = [...mergedIds, ...(await end())];
  const effects = await db.effect.findMany({
    where: {
      OR: [
        { contactId: { in: about.contactIds } },
        { otherContactId: { in: about.contactIds } },
        { id: { in: [...alsoEffectIds] } },
      ],
    },
    select: { id: true },
  });
  const ids = effects.map(({ id }) => id);
  await clearEffects(world, contactId, ids);
  await dropSalts(world, ids, subjectIds);
  await closeRepeats(world, [...ids, ...subjectIds]);
  return ids;
}

const ending = {
  message: 'The person whom it concerned was erased.',
  performing: () => new NotYet('Something to this person is being performed; they are erased once that has ended.'),
};

/**
 * Payloads, also those that no key protected; what providers answered and people wrote. Without the sealed text a key from
 * a copy opens nothing here.
 */
async function clearEffects({ db }: World, contactId: string, ids: readonly string[]): Promise<void> {
  await db.$sql(sql`UPDATE effect e SET contact_id = ${contactId}, other_contact_id = NULL,
      payload = '{"sealed": ""}'::jsonb, result = NULL,
      failure = CASE WHEN e.failure IS NULL THEN NULL
        ELSE jsonb_build_object('code', e.failure->'code', 'message', 'Erased with the person whom it concerned.') END
    WHERE ${inWorkspace(db, 'Effect', 'e')} AND e.id = ANY(${ids}::text[]) RETURNING e.id`);
  await db.$sql(sql`UPDATE effect_decision d SET comment = NULL
    WHERE ${inWorkspace(db, 'EffectDecision', 'd')} AND d.effect_id = ANY(${ids}::text[]) RETURNING d.id`);
}

/** The salts stand beside the chain: it verifies without them, and a promise without its salt can be opened by nobody. */
async function dropSalts({ db }: World, effectIds: readonly string[], subjectIds: readonly string[]): Promise<void> {
  await db.$sql(sql`UPDATE audit_entry a SET details = (
      SELECT jsonb_object_agg(d.key, CASE WHEN jsonb_typeof(d.value) = 'object' AND d.value ? 'salt'
        THEN d.value || '{"salt": null}'::jsonb ELSE d.value END) FROM jsonb_each(a.details) d)
    WHERE ${inWorkspace(db, 'AuditEntry', 'a')}
      AND (a.effect_id = ANY(${effectIds}::text[]) OR a.subject_id = ANY(${subjectIds}::text[]))
      AND jsonb_path_exists(a.details, '$.*.salt') RETURNING a.id`);
}

/** A repeat is refused from now on, and nobody guesses by the hash what the first call said. */
async function closeRepeats({ db }: World, subjectIds: readonly string[]): Promise<void> {
  await db.$sql(sql`UPDATE idempotency_record r SET request_hash = 'erased'
    WHERE ${inWorkspace(db, 'IdempotencyRecord', 'r')} AND r.subject_id = ANY(${subjectIds}::text[]) RETURNING r.id`);
}
