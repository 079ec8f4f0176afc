// What concerns the organization stands in a trail of its own, which outlives the workspaces: linked, signed, exported and
// verified as theirs are, and read by administrators alone.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ExportLine } from '../../src/audit/export-lines.js';
import { publicKeysOf } from '../../src/audit/public-keys.js';
import { verifyExport } from '../../src/audit/read-export.js';
import { auditIn, auditOfOrganization, systemActor } from '../../src/audit/record.js';
import { operations } from '../../src/cli/operations.js';
import { loadConfig } from '../../src/config.js';
import { asSystem } from '../../src/guard/as-system.js';
import { inTenant } from '../../src/guard/guarded-db.js';
import type { Client } from '../support/client.js';
import { type Harness, OWNER, startHarness } from '../support/harness.js';

let harness: Harness;
let owner: Client;
let cookie: string;
let organizationId: string;

beforeAll(async () => {
  harness = await startHarness({ works: false });
  ({ organizationId } = harness.place);
  cookie = (await harness.signIn()).headers.cookie ?? '';
  owner = harness.as({ cookie, workspaceId: harness.place.workspaceId });
});
afterAll(() => harness.stop());

const LIST = `query ($action: String, $after: String) {
  organizationAuditEntries(action: $action, after: $after, first: 100) {
    nodes { id action outcome subjectId allowedBy actor { kind id name } details createdAt } } }`;
interface Entry {
  readonly id: string;
  readonly action: string;
  readonly outcome: string;
  readonly subjectId: string | null;
  readonly actor: { readonly id: string; readonly name: string | null };
}
const entries = async (action: string | null = null, by = owner): Promise<readonly Entry[]> => {
  const { organizationAuditEntries: list } = await by.data<{ organizationAuditEntries: { nodes: readonly Entry[] } }>(
    LIST,
    { action },
  );
  return list.nodes;
};

const desk = () => ({
  config: loadConfig({ DATA_DIR: harness.dataDir, SALLYPORT_SECRET: Buffer.alloc(32, 'z').toString('base64') }),
  database: harness.database,
  auditKeys: () => harness.app.secrets.auditKeys,
});
interface Whose {
  readonly workspaceId: string | null;
  readonly organizationId: string | null;
}
const nothing: Whose = { workspaceId: null, organizationId: null };
const verify = (whose: Partial<Whose> = {}) => operations['audit.verify'].run({ ...nothing, ...whose }, desk());

describe('the organization’s trail', () => {
  it('tells how it began, and who came in or was refused', async () => {
    const begun = await entries();
    expect(begun.map(({ action }) => action)).toEqual(
      expect.arrayContaining(['organization.create', 'member.create', 'workspace.create', 'session.create']),
    );
    await fetch(`${harness.url}/api/auth/sign-in/email`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: harness.url },
      body: JSON.stringify({ email: OWNER.email, password: 'a wrong one indeed' }),
    });
    // The answer does not wait for it.
    await expect
      .poll(() => entries('session.refused'), { timeout: 10_000 })
      .toMatchObject([{ outcome: 'REFUSED', subjectId: harness.place.userId }]);
  });

  it('tells each change of people and workspaces once, with who did it, beside the workspace’s own trail', async () => {
    const { inviteMember } = await owner.data<{ inviteMember: { invitation: { id: string } } }>(
      'mutation { inviteMember(input: { email: "new@halberd.example", role: MEMBER }) { invitation { id } } }',
    );
    const { id } = inviteMember.invitation;
    const told = await entries('member.invite');
    expect(told).toMatchObject([{ subjectId: id, actor: { id: harness.place.userId, name: 'Olive Owner' } }]);
    const { workspaceId } = harness.place;
    const { auditEntry } = harness.database.owner;
    expect(await auditEntry.count({ where: { workspaceId, action: 'member.invite', subjectId: id } })).toBe(1);
    expect(JSON.stringify(told)).not.toContain('new@halberd.example');
    // What concerns one workspace alone does not.
    await owner.data('mutation { createContact(input: { name: "Ada" }) { contact { id } } }');
    expect(await entries('contact.*')).toEqual([]);
  });

  it('keeps what became of a workspace that is gone', async () => {
    const { createWorkspace } = await owner.data<{ createWorkspace: { workspace: { id: string } } }>(
      'mutation { createWorkspace(input: { name: "Brief" }) { workspace { id } } }',
    );
    const { id } = createWorkspace.workspace;
    await harness
      .as({ cookie, workspaceId: id })
      .data('mutation { deleteWorkspace(input: { name: "Brief" }) { workspace { id } } }');
    const of = (await entries('workspace.*')).filter(({ subjectId }) => subjectId === id);
    expect(of.map(({ action }) => action)).toEqual(['workspace.delete', 'workspace.create']);
  });

  it('is read by administrators of the organization, and by nobody else', async () => {
    const admin = await harness.addPerson('ADMIN');
    const member = await harness.addPerson('MEMBER');
    const at = { workspaceId: harness.place.workspaceId };
    const as = async (person: typeof admin) =>
      harness.as({ cookie: (await harness.signIn(person)).headers.cookie ?? '', ...at });
    expect((await entries(null, await as(admin))).length).toBeGreaterThan(3);
    const [some] = await entries();
    const { key } = await harness.createKey({ kind: 'ACCOUNT', scopes: ['audit:read', '*:read'] });
    for (const client of [await as(member), harness.as({ key })]) {
      expect((await client.refused(LIST)).extensions.code).toBe('FORBIDDEN');
    }
    const other = await harness.addPlace('Elsewhere');
    const stranger = await harness.signIn(other);
    const theirs = await entries(null, stranger);
    expect(theirs.map(({ id }) => id)).not.toContain(some?.id);
    const text = 'query ($id: ID!) { organizationAuditEntry(id: $id) { id } }';
    expect((await owner.data(text, { id: some?.id })) as object).toEqual({ organizationAuditEntry: { id: some?.id } });
    expect((await stranger.refused(text, { id: some?.id })).extensions.code).toBe('NOT_FOUND');
  });

  it('is written by the owner of the tables alone, and only with what concerns an organization', async () => {
    const origin = { principal: systemActor, request: { id: 'req_1', ip: null, allowedBy: null } };
    const tenant = { organizationId, workspaceId: harness.place.workspaceId, agentId: null };
    const bound = inTenant(harness.database, tenant, (db) =>
      auditIn(db, origin).record({ action: 'member.update', subjectId: 'mbr_1' }),
    );
    await expect(bound).rejects.toThrow(/permission denied/);
    const system = asSystem(harness.database, 'try', (db) =>
      auditOfOrganization(db, organizationId, origin).record({ action: 'contact.create' }),
    );
    await expect(system).rejects.toThrow('does not concern an organization');
  });
});

describe('verifying', () => {
  it('takes in the chains of organizations and tells each by its owner', async () => {
    await harness.app.sealer.sealAll();
    const whole = await verify();
    expect(whole).toMatchObject({ ok: true, problems: [] });
    const own = whole.organizations.find((one) => one.organizationId === organizationId);
    expect(own?.linked).toBeGreaterThan(5);
    expect(own?.tail).toBe(0);
    expect(whole.workspaces.length).toBeGreaterThan(1);
    expect((await verify({ organizationId })).workspaces).toEqual([]);
  });

  const run = (sql: string) => harness.database.executeAsOwner(`${sql} organization_id = $1`, [organizationId]);
  const tampered: readonly (readonly [string, () => Promise<unknown>, string, number])[] = [
    [
      'an edited entry',
      () =>
        harness.database.executeAsOwner(
          `UPDATE organization_audit_entry SET actor_id = 'usr_else' WHERE organization_id = $1
           AND id = (SELECT entry_id FROM organization_audit_link WHERE organization_id = $1 AND seq = 3)`,
          [organizationId],
        ),
      'edited',
      3,
    ],
    [
      'a removed entry',
      () =>
        harness.database.executeAsOwner(
          `DELETE FROM organization_audit_entry WHERE organization_id = $1
           AND id = (SELECT entry_id FROM organization_audit_link WHERE organization_id = $1 AND seq = 4)`,
          [organizationId],
        ),
      'removed',
      4,
    ],
    [
      'a forged hash',
      () => run(`UPDATE organization_audit_link SET hash = repeat('f', 64) WHERE seq = 2 AND`),
      'edited',
      2,
    ],
    ['a cut chain', () => run('DELETE FROM organization_audit_link WHERE seq > 5 AND'), 'truncated', 0],
  ];

  it.each(tampered)('tells of %s, at its place', async (_title, tamper, kind, seq) => {
    const tables = ['organization_audit_entry', 'organization_audit_link', 'organization_audit_checkpoint'];
    for (const table of tables) await harness.database.executeAsOwner(`CREATE TABLE kept_${table} AS TABLE ${table}`);
    const { linked } = await verify({ organizationId });
    try {
      await tamper();
      const { ok, problems } = await verify({ organizationId });
      expect(ok).toBe(false);
      expect(problems[0]).toMatchObject({ organizationId, kind, seq: seq === 0 ? linked : seq });
      expect((await verify({ workspaceId: harness.place.workspaceId })).ok).toBe(true);
    } finally {
      for (const table of tables) {
        await harness.database.executeAsOwner(
          `DELETE FROM ${table}; INSERT INTO ${table} TABLE kept_${table}; DROP TABLE kept_${table}`,
        );
      }
    }
    expect((await verify({ organizationId })).ok).toBe(true);
  });
});

describe('an export', () => {
  const keys = async () => publicKeysOf(await (await fetch(`${harness.url}/.well-known/sallyport-audit-keys`)).text());
  const exported = async (whose: Partial<Whose> = {}): Promise<string[]> => {
    const { head, trailIds } = await operations['audit.export.begin'].run({ ...nothing, ...whose }, desk());
    const lines = [head];
    for (const trailId of trailIds) {
      let page = await operations['audit.export.page'].run({ trailId, place: null }, desk());
      lines.push(...page.lines);
      while (page.next !== null) {
        page = await operations['audit.export.page'].run({ trailId, place: page.next }, desk());
        lines.push(...page.lines);
      }
    }
    return lines;
  };
  const verified = async (lines: readonly string[]) =>
    verifyExport(
      (async function* () {
        yield* lines;
      })(),
      await keys(),
    );

  it('holds the trails of organizations and workspaces, verifies offline, and tells what is missing', async () => {
    const lines = await exported();
    const { trails } = await verified(lines);
    expect(trails.flatMap(({ verified: one }) => one.problems)).toEqual([]);
    expect(trails.map(({ owner: of }) => of)).toContainEqual({ organizationId });
    const begins = lines.findIndex((line) => line.startsWith(`{"line":"trail","organizationId":"${organizationId}"`));
    const ends = lines.findIndex((line) => line.startsWith(`{"line":"end","organizationId":"${organizationId}"`));
    const without = await verified(lines.filter((_, index) => index < begins || index > ends));
    const told = without.trails.filter(({ verified: one }) => !one.ok);
    expect(told).toMatchObject([{ owner: { organizationId }, verified: { problems: [{ kind: 'removed' }] } }]);
    const [head = ''] = lines;
    const unnamed = JSON.parse(head) as ExportLine & { organizationIds: string[] };
    const forged = JSON.stringify({ ...unnamed, organizationIds: [] });
    const { trails: signed } = await verified([forged, ...lines.slice(1)]);
    expect(signed.every(({ verified: one }) => !one.ok)).toBe(true);
  });

  it('of one organization holds no workspace, and is refused from a version that is not known', async () => {
    const lines = await exported({ organizationId });
    expect(lines.some((line) => line.includes('"line":"trail","workspaceId"'))).toBe(false);
    const [head = '', ...rest] = lines;
    const later = JSON.stringify({ ...(JSON.parse(head) as object), version: 3 });
    await expect(verified([later, ...rest])).rejects.toThrow('This file is an export of version 3');
  });
});
