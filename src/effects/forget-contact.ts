// A person is forgotten here, in the transaction that deletes the person's own rows: what waits or is queued to them is
// cancelled, the key of their payloads is destroyed, and what others said beside the payload is cleared. What a person may not
// take out of the books stays: that something was asked for, by whom, at what price, under which seal, and what the trail
// says of it, whose promises lose their salts.
import { inWorkspace, sql } from '../guard/sql.js';
import { NotYet } from './define-effect.js';
import type { EffectDeps } from './deps.js';
import type { ContactToForget } from './effect-port.js';
import { endEffect } from './end-effect.js';
import { requireSystem, type World } from './world.js';

/** May run twice. */
export async function forgetContact(
  world: World,
  deps: EffectDeps,
  { contactId, alsoEffectIds }: ContactToForget,
  end: () => Promise<readonly string[]>,
): Promise<readonly string[]> {
  requireSystem(world);
  const { db, vault } = world;
  // Effects before the key, the way of whoever amends; then once more, for what was asked for in the meantime.
  await cancelOpen(world, deps, await lockOpen(world, contactId, alsoEffectIds));
  await vault.destroy(db, contactId);
  const open = await lockOpen(world, contactId, alsoEffectIds);
  // Their payloads cannot be opened any more, so nothing is told of them to the rows that go as well.
  await cancelOpen(world, deps, open);
  const subjectIds = await end();
  const effects = await db.effect.findMany({
    where: { OR: [{ contactId }, { id: { in: [...alsoEffectIds] } }] },
    select: { id: true },
  });
  const ids = effects.map(({ id }) => id);
  await clearEffects(world, contactId, ids);
  await dropSalts(world, ids, subjectIds);
  await closeRepeats(world, [...ids, ...subjectIds]);
  return ids;
}

interface Open {
  readonly id: string;
  readonly status: string;
}

const lockOpen = ({ db }: World, contactId: string, ids: readonly string[]): Promise<Open[]> =>
  db.$sql<Open>(sql`SELECT e.id, e.status::text AS status FROM effect e
    WHERE ${inWorkspace(db, 'Effect', 'e')} AND (e.contact_id = ${contactId} OR e.id = ANY(${ids}::text[]))
      AND e.status IN ('AWAITING_APPROVAL', 'QUEUED', 'PERFORMING') ORDER BY e.id FOR UPDATE`);

async function cancelOpen(world: World, deps: EffectDeps, open: readonly Open[]): Promise<void> {
  if (open.some(({ status }) => status === 'PERFORMING')) {
    throw new NotYet('Something to this person is being performed; they are erased once that has ended.');
  }
  const failure = { code: 'CANCELLED', message: 'The person whom it concerned was erased.' };
  const effects = await world.db.effect.findMany({
    where: { id: { in: open.map(({ id }) => id) } },
    orderBy: { id: 'asc' },
  });
  for (const effect of effects) {
    const { kind, status, seal } = await endEffect(world, deps, effect, { status: 'CANCELLED', failure });
    await world.audit.record({ action: 'effect.cancel', effectId: effect.id, details: { kind, status, seal } });
  }
}

/**
 * Payloads, also those that no key protected; what providers answered and people wrote. Without the sealed text a key from
 * a copy opens nothing here.
 */
async function clearEffects({ db }: World, contactId: string, ids: readonly string[]): Promise<void> {
  await db.$sql(sql`UPDATE effect e SET contact_id = ${contactId}, payload = '{"sealed": ""}'::jsonb, result = NULL,
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
