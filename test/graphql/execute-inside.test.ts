// GraphQL from inside a process, without HTTP: one way in, with every check that a request passes, and every error masked.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Principal, principalOfKey } from '../../src/auth/principal.js';
import { asSystem } from '../../src/guard/as-system.js';
import { confineTransaction, inTenant } from '../../src/guard/guarded-db.js';
import { jointTransaction } from '../../src/guard/joint-transaction.js';
import { sql } from '../../src/guard/sql.js';
import { newId } from '../../src/platform/ids.js';
import { type Shop, startShop } from '../modules/shop.js';

let shop: Shop;
let reader: Principal;
let writer: Principal;
beforeAll(async () => {
  shop = await startShop({ works: false });
  const principal = async (...scopes: string[]): Promise<Principal> => {
    const { id } = await shop.createKey({ kind: 'ACCOUNT', scopes });
    const { organizationId, workspaceId } = shop.place;
    const place = { organizationId, workspaceId, agentId: null, plan: 'free', rpm: null, rpd: null } as const;
    return principalOfKey({ kind: 'ACCOUNT', keyId: id, scopes, ...place });
  };
  reader = await principal('contacts:read');
  writer = await principal('contacts:write', 'contacts:read');
});
afterAll(() => shop?.stop());

const NAME = 'query ($id: ID!) { contact(id: $id) { name } }';
const refusal = (document: string, principal = reader, variables = {}) =>
  shop.app.execute({ document, variables }, principal).then(
    () => null,
    ({ code, data }: { code: string; data: object }) => ({ code, ...data }),
  );

describe('an operation from inside', () => {
  it('answers as the principal is answered, and sees one workspace', async () => {
    const asked = { document: NAME, variables: { id: shop.ids.contactId } };
    expect(await shop.app.execute(asked, reader)).toMatchObject({
      data: { contact: { name: 'Amelia Okafor' } },
      errors: [],
      written: null,
    });
    const foreign = { document: NAME, variables: { id: shop.elsewhere.ids.contactId } };
    expect(await shop.app.execute(foreign, reader)).toMatchObject({
      data: { contact: null },
      errors: [{ code: 'NOT_FOUND', path: ['contact'] }],
    });
  });

  it('passes the same checks before it runs', async () => {
    const name = 'mutation { createContact(input: { name: "A" }) { contact { id } } }';
    await shop.writesNothing(async () => {
      expect(await refusal(name)).toMatchObject({ code: 'FORBIDDEN', missingScopes: ['contacts:write'] });
    });
    expect(await refusal('{')).toMatchObject({ code: 'GRAPHQL_PARSE_FAILED' });
    expect(await refusal('{ nobody }')).toMatchObject({ code: 'GRAPHQL_VALIDATION_FAILED' });
    const many = Array.from({ length: 21 }, (_, i) => `a${i}: __typename`).join(' ');
    expect(await refusal(`{ ${many} }`)).toMatchObject({ code: 'QUERY_TOO_COMPLEX' });
    expect(await refusal('subscription { effectUpdated { id } }')).toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(await refusal('query A { __typename } query B { __typename }')).toMatchObject({ field: 'operationName' });
  });

  it('gives each root field of a mutation a transaction of its own, and masks what went wrong', async () => {
    const document = `mutation {
      good: createContact(input: { name: "From inside" }) { contact { name } }
      bad: createContact(input: { name: "No", email: "no address" }) { contact { name } }
    }`;
    const { data, errors } = await shop.app.execute({ document }, writer);
    expect(data).toEqual({ good: { contact: { name: 'From inside' } }, bad: null });
    expect(errors).toMatchObject([{ code: 'BAD_USER_INPUT', path: ['bad'], data: { field: 'input.email' } }]);
    const entry = await shop.lastEntry('contact.create');
    expect(entry).toMatchObject({ apiKeyId: writer.id, allowedBy: 'contacts:write' });
  });
});

describe('parts of one transaction', () => {
  const tenant = () => ({ ...shop.place, agentId: null });
  const inJoint = <T>(run: (joint: Awaited<ReturnType<typeof jointTransaction>>) => Promise<T>): Promise<T> =>
    asSystem(shop.database, 'try a joint transaction', async (tx) => run(await jointTransaction(tx, tenant())));
  const role = sql`SELECT current_user::text AS role`;
  const create = (name: string) => ({ data: { id: newId('ctc'), name } });
  const count = (name: string) => shop.database.owner.contact.count({ where: { name } });

  it('are bound by row-level security but where they say otherwise, also after one has failed', async () => {
    await inJoint(async (joint) => {
      const roleOf = async (asOwner: boolean) =>
        joint.part(asOwner, async (db) => (await db.$sql<{ role: string }>(role))[0]);
      expect(await roleOf(false)).toEqual({ role: 'sallyport_app' });
      expect(await roleOf(true)).not.toEqual({ role: 'sallyport_app' });
      expect(await joint.db.$sql(role)).toEqual([{ role: 'sallyport_app' }]);
      const failing = joint.part(true, async (db) => {
        await db.$sql(sql`SELECT 1 / 0`);
      });
      await expect(failing).rejects.toThrow();
      expect(await joint.db.$sql(role)).toEqual([{ role: 'sallyport_app' }]);
      // Row-level security by itself: a statement that names no workspace.
      const rows = await joint.db.$sql<{ workspace_id: string }>(sql`SELECT DISTINCT workspace_id FROM contact`);
      expect(rows).toEqual([{ workspace_id: shop.place.workspaceId }]);
      await joint.leave();
    });
  });

  it('fail alone, and are kept or lost together', async () => {
    await inJoint(async (joint) => {
      await joint.part(false, (db) => db.contact.create(create('kept')));
      const failing = joint.part(false, async (db) => {
        await db.contact.create(create('taken back'));
        throw new Error('This part fails.');
      });
      await expect(failing).rejects.toThrow('This part fails.');
      expect(await joint.db.contact.count({ where: { name: { in: ['kept', 'taken back'] } } })).toBe(1);
    });
    expect([await count('kept'), await count('taken back')]).toEqual([1, 0]);
    const lost = inJoint(async (joint) => {
      await joint.part(false, (db) => db.contact.create(create('lost')));
      throw new Error('All of it fails.');
    });
    await expect(lost).rejects.toThrow('All of it fails.');
    expect(await count('lost')).toBe(0);
  });

  it('know that they are in one', async () => {
    await inTenant(shop.database, tenant(), async (db) => expect(db.$isTransaction).toBe(true));
    await asSystem(shop.database, 'look at a handle', async (tx) => {
      expect((await confineTransaction(tx, tenant())).$isTransaction).toBe(true);
    });
  });
});
