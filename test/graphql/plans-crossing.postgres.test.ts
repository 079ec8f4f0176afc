// Two plans over the same rows in opposite orders, performed at once: PostgreSQL ends one of them, which is run again as a
// whole, so both are done and nobody is answered with a race.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newId } from '../../src/platform/ids.js';
import { type Shop, startShop } from '../modules/shop.js';

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
});
afterAll(() => shop?.stop());

const PLAN = 'query P($document: String!) { planOperation(document: $document) { planId } }';
const PERFORM = 'mutation P($id: String!) { performPlan(input: { planId: $id }) { data } }';

async function twoContacts() {
  const ids = [newId('ctc'), newId('ctc')] as const;
  const { workspaceId } = shop.place;
  await shop.database.owner.contact.createMany({ data: ids.map((id) => ({ workspaceId, id, name: 'Before' })) });
  return ids;
}

/** Each after the other, and slowly, so that both are held when the second is asked for. */
async function planned(ids: readonly string[], notes: string): Promise<string> {
  const fields = ids.map(
    (id, n) => `c${n}: updateContact(input: { id: "${id}", notes: "${notes}" }) { contact { id } }`,
  );
  const { planOperation } = await shop.owner.data<{ planOperation: { planId: string } }>(PLAN, {
    document: `mutation { ${fields.join(' ')} }`,
  });
  return planOperation.planId;
}

const deadlocks = async (): Promise<number> => {
  const { rows } = await shop.database.executeAsOwner(
    'SELECT deadlocks::int AS n FROM pg_stat_database WHERE datname = current_database()',
  );
  return Number(rows[0]?.n);
};

it('both are performed, each as planned, and each leaves its entries once', { timeout: 120_000 }, async () => {
  const [one, other] = await twoContacts();
  const plans = [await planned([one, other], 'First.'), await planned([other, one], 'Second.')];
  await shop.database.executeAsOwner(`CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_sleep(0.4); RETURN NULL; END $$`);
  await shop.database.executeAsOwner(
    'CREATE TRIGGER slowly AFTER UPDATE ON contact FOR EACH ROW EXECUTE FUNCTION slowly()',
  );
  const before = await deadlocks();
  const answers = await Promise.all(plans.map((id) => shop.owner.ask<{ performPlan: unknown }>(PERFORM, { id })));
  expect(answers.map(({ errors }) => errors)).toEqual([[], []]);
  // Statistics are written a moment later.
  await expect.poll(deadlocks, { timeout: 20_000 }).toBeGreaterThan(before);
  const contacts = await shop.database.owner.contact.findMany({ where: { id: { in: [one, other] } } });
  const notes = new Set(contacts.map((contact) => contact.notes));
  expect(notes.size).toBe(1);
  for (const id of [one, other]) {
    expect((await shop.trail('contact.update')).filter(({ subjectId }) => subjectId === id)).toHaveLength(2);
  }
  expect(await shop.trail('plan.perform')).toHaveLength(2);
});
