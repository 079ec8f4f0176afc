import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { auditAsOwner, auditIn, systemActor } from '../../src/audit/record.js';
import { refusalRecorder } from '../../src/audit/refusal.js';
import { type SealerOptions, sealWorkspace, startSealer } from '../../src/audit/sealer.js';
import { readTrail } from '../../src/audit/trail.js';
import { type ProblemKind, verifyTrail } from '../../src/audit/verify.js';
import { principalOfKey } from '../../src/auth/principal.js';
import { asSystem } from '../../src/guard/as-system.js';
import { inTenant } from '../../src/guard/guarded-db.js';
import { sql } from '../../src/guard/sql.js';
import { systemClock } from '../../src/platform/clock.js';
import { newId } from '../../src/platform/ids.js';
import { auditKeyFromSeed } from '../../src/platform/secrets.js';
import { openTestDatabase, type TestDatabase } from '../support/database.js';

const key = auditKeyFromSeed(Buffer.alloc(32, 7));
const publicKeys = new Map([[key.keyId, key.publicKey]]);
const organizationId = newId('org');
const request = { id: 'req_1', ip: '192.0.2.1', allowedBy: 'contacts:write' };
let database: TestDatabase;
let options: SealerOptions;

beforeAll(async () => {
  database = await openTestDatabase();
  await database.owner.organization.create({ data: { id: organizationId, name: 'Acme' } });
  options = { database, key, clock: systemClock, log: { error: () => {} } };
});
afterAll(() => database.close());

const newWorkspace = async (): Promise<string> => {
  const id = newId('wsp');
  await database.owner.workspace.create({ data: { id, organizationId, name: 'Main' } });
  return id;
};
const write = (workspaceId: string, count: number) =>
  inTenant(database.bound, { organizationId, workspaceId, agentId: null }, async (db) => {
    const audit = auditIn(db, { principal: systemActor, request });
    for (let n = 1; n <= count; n++)
      await audit.record({ action: 'contact.create', subjectId: `ctc_${n}`, details: { fields: ['name', 'email'] } });
  });
const verify = async (workspaceId: string) => verifyTrail(await readTrail(database, workspaceId), publicKeys);

describe('the trail in the database', () => {
  it('is linked and signed after the commit, and verifies with its tail told apart', async () => {
    const workspaceId = await newWorkspace();
    await write(workspaceId, 3);
    expect(await verify(workspaceId)).toMatchObject({ ok: true, entries: 3, linked: 0, tail: 3 });
    expect(await sealWorkspace(options, workspaceId)).toBe(3);
    expect(await sealWorkspace(options, workspaceId)).toBe(0);
    await write(workspaceId, 1);
    expect(await verify(workspaceId)).toEqual({ ok: true, entries: 4, linked: 3, tail: 1, problems: [] });
    await sealWorkspace(options, workspaceId);
    expect(await verify(workspaceId)).toEqual({ ok: true, entries: 4, linked: 4, tail: 0, problems: [] });
  });

  it('has one chain although two processes seal at once, longer than one batch', async () => {
    const workspaceId = await newWorkspace();
    const rows = Array.from({ length: 700 }, (_, n) => ({
      ...({
        workspaceId,
        id: newId('aud'),
        action: 'contact.create',
        outcome: 'DONE',
        actorKind: 'SYSTEM',
        actorId: 'system',
      } as const),
      ...{ requestId: 'req_1', details: { n } },
    }));
    await database.owner.auditEntry.createMany({ data: rows });
    const sealed = await Promise.all([sealWorkspace(options, workspaceId), sealWorkspace(options, workspaceId)]);
    expect(sealed[0] + sealed[1]).toBe(700);
    expect(await verify(workspaceId)).toMatchObject({ ok: true, linked: 700, tail: 0 });
  });

  it('is sealed by the running sealer soon after each commit', async () => {
    const workspaceId = await newWorkspace();
    const checkpoints: string[] = [];
    const sealer = await startSealer({ ...options, onCheckpoint: (made) => void checkpoints.push(made.workspaceId) });
    await write(workspaceId, 2);
    const end = Date.now() + 5_000;
    while (!checkpoints.includes(workspaceId) && Date.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 20));
    await sealer.stop();
    expect(await verify(workspaceId)).toMatchObject({ ok: true, linked: 2, tail: 0 });
  });

  it.each<[string, ProblemKind, (workspaceId: string) => Promise<unknown>]>([
    [
      'an edited detail',
      'edited',
      (workspaceId) =>
        database.owner.auditEntry.updateMany({
          where: { workspaceId, subjectId: 'ctc_2' },
          data: { details: { fields: ['name'] } },
        }),
    ],
    [
      'an edited actor',
      'edited',
      (workspaceId) =>
        database.owner.auditEntry.updateMany({
          where: { workspaceId, subjectId: 'ctc_2' },
          data: { actorId: 'usr_1' },
        }),
    ],
    [
      'an edited time',
      'edited',
      (workspaceId) =>
        database.owner.auditEntry.updateMany({
          where: { workspaceId, subjectId: 'ctc_2' },
          data: { createdAt: new Date() },
        }),
    ],
    [
      'a removed entry',
      'removed',
      (workspaceId) => database.owner.auditEntry.deleteMany({ where: { workspaceId, subjectId: 'ctc_2' } }),
    ],
    [
      'a removed link',
      'removed',
      (workspaceId) => database.owner.auditLink.deleteMany({ where: { workspaceId, seq: 2 } }),
    ],
    [
      'a cut chain',
      'truncated',
      (workspaceId) => database.owner.auditLink.deleteMany({ where: { workspaceId, seq: { gt: 2 } } }),
    ],
    [
      'a forged hash',
      'edited',
      (workspaceId) =>
        database.owner.auditLink.updateMany({ where: { workspaceId, seq: 2 }, data: { hash: 'f'.repeat(64) } }),
    ],
    [
      'a forged checkpoint',
      'bad-signature',
      (workspaceId) =>
        database.owner.auditCheckpoint.updateMany({ where: { workspaceId }, data: { hash: 'f'.repeat(64) } }),
    ],
    [
      'a chain made anew',
      'rewritten',
      async (workspaceId) => {
        await database.owner.auditEntry.updateMany({
          where: { workspaceId, subjectId: 'ctc_2' },
          data: { actorId: 'usr_1' },
        });
        const kept = await database.owner.auditCheckpoint.findMany({ where: { workspaceId } });
        await database.owner.auditLink.deleteMany({ where: { workspaceId } });
        await database.owner.auditCheckpoint.deleteMany({ where: { workspaceId } });
        await sealWorkspace(options, workspaceId);
        await database.owner.auditCheckpoint.deleteMany({ where: { workspaceId } });
        await database.owner.auditCheckpoint.createMany({ data: kept });
      },
    ],
  ])('tells of %s', async (_, kind, tamper) => {
    const workspaceId = await newWorkspace();
    await write(workspaceId, 4);
    await sealWorkspace(options, workspaceId);
    expect((await verify(workspaceId)).ok).toBe(true);
    await tamper(workspaceId);
    const { ok, problems } = await verify(workspaceId);
    expect(ok).toBe(false);
    expect(problems.map((problem) => problem.kind)).toContain(kind);
  });

  it('tells of a trail that was cut together with its checkpoints, by one that was kept outside', async () => {
    const workspaceId = await newWorkspace();
    await write(workspaceId, 4);
    await sealWorkspace(options, workspaceId);
    const outside = await database.owner.auditCheckpoint.findMany({ where: { workspaceId } });
    await database.owner.auditLink.deleteMany({ where: { workspaceId, seq: { gt: 2 } } });
    await database.owner.auditCheckpoint.deleteMany({ where: { workspaceId } });
    const { problems } = await verifyTrail(await readTrail(database, workspaceId, outside), publicKeys);
    expect(problems.map(({ kind }) => kind)).toEqual(['truncated']);
  });

  it('cannot be altered or linked by the role that the application has', async () => {
    const workspaceId = await newWorkspace();
    await write(workspaceId, 1);
    const statements = [
      sql`UPDATE audit_entry SET action = 'x'`,
      sql`DELETE FROM audit_entry`,
      sql`INSERT INTO audit_link (workspace_id, seq, entry_id, hash) VALUES (${workspaceId}, 1, 'aud_1', 'x')`,
      sql`DELETE FROM audit_checkpoint`,
    ];
    for (const statement of statements) {
      const run = inTenant(database.bound, { organizationId, workspaceId, agentId: null }, (db) => db.$sql(statement));
      await expect(run).rejects.toThrow('permission denied');
    }
  });
});

describe('recording', () => {
  it('gives a refusal a transaction of its own', async () => {
    const workspaceId = await newWorkspace();
    const principal = principalOfKey({
      ...({ organizationId, workspaceId, plan: 'free', kind: 'ACCOUNT', keyId: newId('key'), agentId: null } as const),
      ...{ scopes: ['contacts:read'], rpm: null, rpd: null },
    });
    await refusalRecorder(database.bound)(
      principal,
      { id: 'req_9', ip: null },
      {
        action: 'access.refused',
        details: { code: 'FORBIDDEN', missingScopes: ['messages:send'] },
      },
    );
    const [entry] = await database.owner.auditEntry.findMany({ where: { workspaceId } });
    expect(entry).toMatchObject({
      action: 'access.refused',
      outcome: 'REFUSED',
      actorId: principal.id,
      requestId: 'req_9',
    });
  });

  it('leaves nothing of an entry whose change was rolled back', async () => {
    const workspaceId = await newWorkspace();
    const broken = inTenant(database.bound, { organizationId, workspaceId, agentId: null }, async (db) => {
      await auditIn(db, { principal: systemActor, request }).record({ action: 'agent.pause' });
      throw new Error('a defect');
    });
    await expect(broken).rejects.toThrow('a defect');
    expect(await database.owner.auditEntry.count({ where: { workspaceId } })).toBe(0);
  });

  it('shares the transaction of the owner where that makes the change', async () => {
    const workspaceId = await newWorkspace();
    await asSystem(database, 'a test', (tx) =>
      auditAsOwner(tx, workspaceId, { principal: systemActor, request }).record({
        action: 'member.create',
        details: { email: 'ann@example.com' },
      }),
    );
    const [entry] = await database.owner.auditEntry.findMany({ where: { workspaceId } });
    expect(entry?.details).toEqual({
      email: { commitment: expect.stringMatching(/^hmac-sha256:/), salt: expect.any(String) },
    });
  });
});
