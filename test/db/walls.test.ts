import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Prisma } from '../../src/generated/prisma/client.js';
import { openTestDatabase, type TestDatabase } from '../support/database.js';
import { fillWorkspace, hashOf, type Place, placeOf } from './two-workspaces.js';

let database: TestDatabase;

beforeAll(async () => {
  database = await openTestDatabase();
  await fillWorkspace(database, 'a');
  await fillWorkspace(database, 'b');
});
afterAll(() => database.close());

async function columnsOf(table: string): Promise<string[]> {
  const { rows } = await database.executeAsOwner(
    `SELECT attname::text AS name FROM pg_attribute WHERE attrelid = '"${table}"'::regclass AND attnum > 0`,
  );
  expect(rows.length).toBeGreaterThan(3);
  return rows.map(({ name }) => String(name));
}
const tableOf = (model: string) => model.replace(/(?<!^)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
const models = Object.values(Prisma.ModelName);
const secretModels = [
  ...['User', 'Session', 'Account', 'Verification', 'TwoFactor', 'ApiKeySecret', 'ApiKeyFormat', 'AuditKey'],
];
const ownedModels = models.filter((model) => !secretModels.includes(model));

interface Binding extends Partial<Place> {
  readonly agentId?: string;
}

/** One statement as the bound role, with these settings. */
async function asBound<Row>(binding: Binding, text: string): Promise<Row[]> {
  const { workspaceId = '', organizationId = '', agentId = '' } = binding;
  const [, rows] = await database.bound.$transaction([
    database.bound.$queryRaw`SELECT set_config('app.workspace_id', ${workspaceId}, true),
      set_config('app.organization_id', ${organizationId}, true), set_config('app.agent_id', ${agentId}, true)`,
    database.bound.$queryRawUnsafe<Row[]>(text),
  ]);
  return rows;
}

const countOf = async (binding: Binding, table: string): Promise<number> =>
  Number((await asBound<{ n: number }>(binding, `SELECT count(*)::int AS n FROM "${table}"`))[0]?.n);

describe('row-level security', () => {
  it('is forced on every table, with exactly the two policies, or the owner’s alone where no stranger may look', async () => {
    const { rows } = await database.executeAsOwner(`
      SELECT c.relname AS name, c.relrowsecurity AND c.relforcerowsecurity AS "isForced",
        ARRAY(SELECT p.polname::text FROM pg_policy p WHERE p.polrelid = c.oid ORDER BY 1) AS policies,
        ARRAY(SELECT p.polname || ' to ' || r.rolname FROM pg_policy p, unnest(p.polroles) o, pg_roles r
          WHERE p.polrelid = c.oid AND r.oid = o AND p.polcmd = '*' ORDER BY 1) AS "heldBy",
        pg_get_userbyid(c.relowner) AS owner
      FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
        AND c.relname <> '_prisma_migrations' ORDER BY 1`);
    expect(rows).toEqual(
      models
        .map((model) => ({ model, name: tableOf(model) }))
        .sort((a, b) => (a.name < b.name ? -1 : 1))
        .map(({ model, name }) => {
          const owner = rows.find((row) => row.name === name)?.owner;
          const isOwned = ownedModels.includes(model);
          return {
            name,
            isForced: true,
            policies: isOwned ? ['system', 'workspace'] : ['system'],
            heldBy: isOwned ? [`system to ${owner}`, 'workspace to sallyport_app'] : [`system to ${owner}`],
            owner,
          };
        }),
    );
  });

  it('binds a role that cannot sign in and passes no policy', async () => {
    const { rows } = await database.executeAsOwner(
      `SELECT rolcanlogin, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = 'sallyport_app'`,
    );
    expect(rows).toEqual([
      { rolcanlogin: false, rolsuper: false, rolbypassrls: false, rolcreaterole: false, rolcreatedb: false },
    ]);
    expect(await asBound({}, 'SELECT current_user::text AS name')).toEqual([{ name: 'sallyport_app' }]);
    expect(await database.query('who', 'SELECT current_user::text AS name', [])).toEqual([{ name: 'sallyport_app' }]);
  });

  it.each(ownedModels)('shows %s of the bound workspace only, and none without a setting', async (model) => {
    const table = tableOf(model);
    const all = Number((await database.executeAsOwner(`SELECT count(*)::int AS n FROM "${table}"`)).rows[0]?.n);
    const own = await countOf(placeOf('a'), table);
    expect(own).toBeGreaterThan(0);
    expect(own * 2).toBe(all);
    expect(await countOf(placeOf('nowhere'), table)).toBe(0);
    expect(await countOf({}, table)).toBe(0);
    expect(await database.query(`all ${table}`, `SELECT FROM "${table}"`, [])).toEqual([]);
  });

  it('keeps an agent key to its agent', async () => {
    const binding = { ...placeOf('a'), agentId: 'agt_a' };
    for (const table of ['agent', 'conversation', 'message']) {
      expect(await countOf(placeOf('a'), table)).toBe(2);
      expect(await countOf(binding, table)).toBe(1);
    }
    expect(await asBound(binding, 'SELECT id FROM api_key')).toEqual([{ id: 'key_agent_a' }]);
    for (const table of ['contact', 'inbox', 'effect']) expect(await countOf(binding, table)).toBe(0);
  });

  it('refuses a row for another workspace, or for none, and moves no row', async () => {
    const insert = `INSERT INTO contact (workspace_id, id, name) VALUES ('wsp_b', 'ctc_new', 'New')`;
    await expect(asBound(placeOf('a'), insert)).rejects.toThrow(/row-level security/);
    await expect(asBound({}, `INSERT INTO contact (id, name) VALUES ('ctc_new', 'New')`)).rejects.toThrow(
      /row-level security/,
    );
    await expect(asBound(placeOf('a'), `UPDATE contact SET workspace_id = 'wsp_b' WHERE id = 'x_a'`)).rejects.toThrow(
      /row-level security/,
    );
    await asBound(placeOf('a'), `UPDATE contact SET name = 'taken' WHERE workspace_id = 'wsp_b'`);
    await asBound(placeOf('a'), `DELETE FROM idempotency_record WHERE workspace_id = 'wsp_b'`);
    expect((await database.owner.contact.findMany()).map(({ name }) => name).sort()).toEqual(['a', 'b']);
    expect(await database.owner.idempotencyRecord.count()).toBe(2);
  });

  it('fills in the bound workspace for whoever leaves it out', async () => {
    const [, contact] = await database.bound.$transaction([
      database.bound.$queryRaw`SELECT set_config('app.workspace_id', 'wsp_a', true)`,
      database.bound.contact.create({ data: { id: 'ctc_filled', name: 'Filled' } }),
    ]);
    expect(contact.workspaceId).toBe('wsp_a');
    await database.owner.contact.delete({ where: { workspaceId_id: { workspaceId: 'wsp_a', id: 'ctc_filled' } } });
  });

  it('refuses a reference into another workspace', async () => {
    await expect(
      asBound(placeOf('a'), `INSERT INTO conversation (id, channel, contact_id) VALUES ('cnv_new', 'EMAIL', 'x_b')`),
    ).rejects.toThrow(/foreign key/i);
  });
});

describe('the bound role', () => {
  it.each(secretModels)('cannot read %s, nor any of its columns', async (model) => {
    await expect(asBound(placeOf('a'), `SELECT FROM "${tableOf(model)}"`)).rejects.toThrow(/permission denied/);
    for (const column of await columnsOf(tableOf(model))) {
      await expect(asBound(placeOf('a'), `SELECT "${column}" FROM "${tableOf(model)}"`)).rejects.toThrow(
        /permission denied/,
      );
    }
  });

  it.each(['audit_entry', 'audit_link', 'audit_checkpoint', 'ledger_entry'])(
    'cannot change, remove or empty %s',
    async (table) => {
      for (const text of [
        `UPDATE ${table} SET workspace_id = workspace_id`,
        `DELETE FROM ${table}`,
        `TRUNCATE ${table}`,
      ]) {
        await expect(asBound(placeOf('a'), text)).rejects.toThrow(/permission denied/);
      }
    },
  );

  it.each(['organization_audit_entry', 'organization_audit_link', 'organization_audit_checkpoint'])(
    'adds nothing to %s, and cannot change, remove or empty it',
    async (table) => {
      const adding = `INSERT INTO ${table} SELECT * FROM ${table}`;
      for (const text of [adding, `UPDATE ${table} SET organization_id = organization_id`, `DELETE FROM ${table}`]) {
        await expect(asBound(placeOf('a'), text)).rejects.toThrow(/permission denied/);
      }
      await expect(asBound(placeOf('a'), `TRUNCATE ${table}`)).rejects.toThrow(/permission denied/);
    },
  );

  it('writes no link and no checkpoint of the audit chain', async () => {
    await expect(
      asBound(placeOf('a'), `INSERT INTO audit_link (seq, entry_id, hash) VALUES (2, 'x', 'h')`),
    ).rejects.toThrow(/permission denied/);
    await expect(
      asBound(placeOf('a'), `INSERT INTO audit_checkpoint (seq, hash, key_id, signature) VALUES (2, 'h', 'k', 's')`),
    ).rejects.toThrow(/permission denied/);
  });

  it.each(['organization', 'member', 'invitation', 'workspace'])('only reads %s', async (table) => {
    await expect(asBound(placeOf('a'), `UPDATE ${table} SET id = id`)).rejects.toThrow(/permission denied/);
    await expect(asBound(placeOf('a'), `DELETE FROM ${table}`)).rejects.toThrow(/permission denied/);
  });

  it('changes of a key what it has spent, and nothing else', async () => {
    await asBound(placeOf('a'), 'UPDATE api_key SET spent_credits = spent_credits + 1, reserved_credits = 2');
    for (const column of await columnsOf('api_key')) {
      if (column === 'spent_credits' || column === 'reserved_credits') continue;
      await expect(asBound(placeOf('a'), `UPDATE api_key SET "${column}" = "${column}"`)).rejects.toThrow(
        /permission denied/,
      );
    }
  });

  it('reads no migration and raises no wall', async () => {
    await expect(asBound({}, 'SELECT FROM _prisma_migrations')).rejects.toThrow(/permission denied/);
    await expect(asBound({}, `SELECT sallyport_raise_walls('agent', NULL)::text`)).rejects.toThrow(/permission denied/);
  });
});

describe('sallyport_find_key', () => {
  const find = (secret: string) => database.query('find-key', 'SELECT * FROM sallyport_find_key($1)', [hashOf(secret)]);

  it('answers with all that the door asks, for a known hash only', async () => {
    expect(await find('a')).toEqual([
      {
        key_id: 'key_a',
        kind: 'ACCOUNT',
        workspace_id: 'wsp_a',
        organization_id: 'org_a',
        workspace_status: 'ACTIVE',
        plan: 'free',
        explicit_spend_scopes: false,
        keys_read_only: false,
        agent_id: null,
        scopes: ['agents:read'],
        key_status: 'ACTIVE',
        deleted_at: null,
        expires_at: null,
        allowed_ips: [],
        rpm: null,
        rpd: null,
        revoked_at: null,
        secret_id: 'sec_a',
        retires_at: null,
        is_expired: false,
        is_retired: false,
      },
    ]);
    expect(await find('unknown')).toEqual([]);
  });

  it('judges expiry and retirement by the database’s clock', async () => {
    const [past, future] = [new Date(Date.now() - 1_000), new Date(Date.now() + 60_000)];
    const where = { workspaceId_id: { workspaceId: 'wsp_b', id: 'key_b' } };
    await database.owner.apiKey.update({ where, data: { expiresAt: future } });
    await database.owner.apiKeySecret.update({ where: { hash: hashOf('b') }, data: { retiresAt: future } });
    expect(await find('b')).toMatchObject([
      { is_expired: false, is_retired: false, expires_at: future, retires_at: future },
    ]);
    await database.owner.apiKey.update({ where, data: { expiresAt: past } });
    await database.owner.apiKeySecret.update({ where: { hash: hashOf('b') }, data: { retiresAt: past } });
    expect(await find('b')).toMatchObject([{ is_expired: true, is_retired: true }]);
  });
});
