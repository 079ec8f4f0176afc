import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownerId } from '../../src/audit/chain-owner.js';
import { entryText, linkHash } from '../../src/audit/links.js';
import type { Problem } from '../../src/audit/problem.js';
import { auditAsOwner, auditIn, systemActor } from '../../src/audit/record.js';
import { refusalRecorder } from '../../src/audit/refusal.js';
import { type SealerOptions, sealChain, startSealer } from '../../src/audit/sealer.js';
import { readTrail } from '../../src/audit/trail.js';
import { verifyTrail } from '../../src/audit/verify.js';
import { principalOfKey } from '../../src/auth/principal.js';
import type { AuditEntry, Prisma } from '../../src/generated/prisma/client.js';
import { asSystem } from '../../src/guard/as-system.js';
import { inTenant } from '../../src/guard/guarded-db.js';
import { sql } from '../../src/guard/sql.js';
import { systemClock } from '../../src/platform/clock.js';
import { newId } from '../../src/platform/ids.js';
import { auditKeyFromSeed } from '../../src/platform/secrets.js';
import { openTestDatabase, type TestDatabase } from '../support/database.js';

const key = auditKeyFromSeed(Buffer.alloc(32, 7));
const publicKeys = new Map([[key.keyId, key]]);
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
const write = (workspaceId: string, count: number, from = 1) =>
  inTenant(database, { organizationId, workspaceId, agentId: null }, async (db) => {
    const audit = auditIn(db, { principal: systemActor, request });
    for (let n = from; n < from + count; n++)
      await audit.record({ action: 'contact.create', subjectId: `ctc_${n}`, details: { fields: ['name', 'email'] } });
  });
const verify = async (workspaceId: string) => verifyTrail(await readTrail(database, { workspaceId }), publicKeys);

/** Kind, place, and the subject of the entry that is named. */
type Place = readonly [Problem['kind'], number | null, string | null];

const edit = (workspaceId: string, n: number, data: Prisma.AuditEntryUpdateManyMutationInput) =>
  database.owner.auditEntry.updateMany({ where: { workspaceId, subjectId: `ctc_${n}` }, data });
const linkAt = (workspaceId: string, seq: number) =>
  database.owner.auditLink.findUniqueOrThrow({ where: { workspaceId_seq: { workspaceId, seq } } });
const hashAt = async (workspaceId: string, seq: number): Promise<string> => (await linkAt(workspaceId, seq)).hash;
const textOf = async (workspaceId: string, id: string): Promise<string> =>
  entryText(await database.owner.auditEntry.findUniqueOrThrow({ where: { workspaceId_id: { workspaceId, id } } }));
const link = (workspaceId: string, seq: number, entryId: string, hash: string) =>
  database.owner.auditLink.create({ data: { workspaceId, seq, entryId, hash } });

async function planted(workspaceId: string): Promise<string> {
  const last = await database.owner.auditEntry.findFirstOrThrow({ where: { workspaceId }, orderBy: { id: 'desc' } });
  const { id, details } = { ...last, id: newId('aud') };
  await database.owner.auditEntry.create({ data: { ...last, id, subjectId: 'planted', details: details ?? {} } });
  return id;
}

async function cutOut(workspaceId: string, from: number, to: number): Promise<void> {
  const gone = await database.owner.auditLink.findMany({ where: { workspaceId, seq: { gte: from, lte: to } } });
  await database.owner.auditLink.deleteMany({ where: { workspaceId, seq: { gte: from, lte: to } } });
  await database.owner.auditEntry.deleteMany({
    where: { workspaceId, id: { in: gone.map(({ entryId }) => entryId) } },
  });
}

/** By way of numbers that nobody has, since each number is there once. */
async function renumber(workspaceId: string, from: number, by: number): Promise<void> {
  const set = (to: string) =>
    database.executeAsOwner(`UPDATE audit_link SET seq = ${to} WHERE workspace_id = $1`, [workspaceId]);
  await set(`CASE WHEN seq >= ${from} THEN -(seq + ${by}) ELSE seq END`);
  await set('abs(seq)');
}

async function swap(workspaceId: string, one: number, other: number, columns: string): Promise<void> {
  const [first, second] = [await linkAt(workspaceId, one), await linkAt(workspaceId, other)];
  const set = ({ seq }: typeof first, { entryId, hash }: Pick<typeof first, 'entryId' | 'hash'>) =>
    database.owner.auditLink.update({
      where: { workspaceId_seq: { workspaceId, seq } },
      data: columns === 'entry_id' ? { entryId } : { entryId, hash },
    });
  await set(first, { entryId: 'aud_between', hash: first.hash });
  await set(second, first);
  await set(first, second);
}

async function linkAnew(workspaceId: string, seq: number): Promise<void> {
  const { entryId } = await linkAt(workspaceId, seq);
  const hash = linkHash(await hashAt(workspaceId, seq - 1), seq, await textOf(workspaceId, entryId));
  await database.owner.auditLink.update({ where: { workspaceId_seq: { workspaceId, seq } }, data: { hash } });
}

describe('the trail in the database', () => {
  it('is linked and signed after the commit, and verifies with its tail told apart', async () => {
    const workspaceId = await newWorkspace();
    await write(workspaceId, 3);
    expect(await verify(workspaceId)).toMatchObject({ ok: true, entries: 3, linked: 0, tail: 3 });
    expect(await sealChain(options, { workspaceId })).toBe(3);
    expect(await sealChain(options, { workspaceId })).toBe(0);
    await write(workspaceId, 1);
    expect(await verify(workspaceId)).toEqual({ ok: true, entries: 4, linked: 3, tail: 1, problems: [] });
    await sealChain(options, { workspaceId });
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
    const sealed = await Promise.all([sealChain(options, { workspaceId }), sealChain(options, { workspaceId })]);
    expect(sealed[0] + sealed[1]).toBe(700);
    expect(await verify(workspaceId)).toMatchObject({ ok: true, linked: 700, tail: 0 });
  });

  it('has one chain although entries of another order are linked between the reading of the head and the linking', async () => {
    const workspaceId = await newWorkspace();
    await write(workspaceId, 2);
    let isFirst = true;
    const executeAsOwner: TestDatabase['executeAsOwner'] = async (text, values) => {
      const answer = await database.executeAsOwner(text, values);
      if (!isFirst) return answer;
      isFirst = false;
      await write(workspaceId, 2, 3);
      await edit(workspaceId, 4, { createdAt: new Date(Date.now() - 60_000) });
      await sealChain(options, { workspaceId });
      return answer;
    };
    expect(await sealChain({ ...options, database: { ...database, executeAsOwner } }, { workspaceId })).toBe(0);
    expect(await verify(workspaceId)).toMatchObject({ ok: true, linked: 4, tail: 0 });
  });

  it('is not written over where places were linked, and dropped as old, since its head was read', async () => {
    const workspaceId = await newWorkspace();
    await write(workspaceId, 2);
    let isFirst = true;
    const executeAsOwner: TestDatabase['executeAsOwner'] = async (text, values) => {
      const answer = await database.executeAsOwner(text, values);
      if (!isFirst) return answer;
      isFirst = false;
      await write(workspaceId, 2, 3);
      await sealChain(options, { workspaceId });
      // The places that were read as free are free again.
      await database.executeAsOwner(
        `WITH dropped AS (DELETE FROM audit_link WHERE workspace_id = $1 AND seq <= 2 RETURNING entry_id)
         DELETE FROM audit_entry WHERE workspace_id = $1 AND id IN (SELECT entry_id FROM dropped)`,
        [workspaceId],
      );
      return answer;
    };
    expect(await sealChain({ ...options, database: { ...database, executeAsOwner } }, { workspaceId })).toBe(0);
    const links = await database.owner.auditLink.findMany({ where: { workspaceId }, orderBy: { seq: 'asc' } });
    expect(links.map(({ seq }) => seq)).toEqual([3, 4]);
    expect((await database.owner.auditCheckpoint.findMany({ where: { workspaceId } })).map(({ seq }) => seq)).toEqual([
      4,
    ]);
  });

  it('is sealed by the running sealer soon after each commit', async () => {
    const workspaceId = await newWorkspace();
    const checkpoints: string[] = [];
    const sealer = await startSealer({ ...options, onCheckpoint: (made) => void checkpoints.push(ownerId(made)) });
    await write(workspaceId, 2);
    const end = Date.now() + 5_000;
    while (!checkpoints.includes(workspaceId) && Date.now() < end)
      await new Promise((resolve) => setTimeout(resolve, 20));
    await sealer.stop();
    expect(await verify(workspaceId)).toMatchObject({ ok: true, linked: 2, tail: 0 });
  });

  it('is looked through near its end alone once a process has read it whole, and nothing that was committed late is missed', async () => {
    const workspaceId = await newWorkspace();
    await write(workspaceId, 1);
    await sealChain(options, { workspaceId });
    const [last] = await database.owner.auditEntry.findMany({ where: { workspaceId } });
    const dated = async (minutes: number) => {
      const createdAt = new Date((last?.createdAt.getTime() ?? 0) - minutes * 60_000);
      const { details, ...entry } = { ...last, id: newId('aud'), createdAt } as AuditEntry;
      await database.owner.auditEntry.create({ data: { ...entry, details: details ?? {} } });
    };
    await dated(2 / 60);
    await dated(14);
    await dated(60);
    expect(await sealChain(options, { workspaceId }, 'fresh')).toBe(1);
    expect(await sealChain(options, { workspaceId }, 'fresh')).toBe(0);
    expect(await sealChain(options, { workspaceId }, 'young')).toBe(1);
    expect(await sealChain(options, { workspaceId }, 'young')).toBe(0);
    expect(await sealChain(options, { workspaceId })).toBe(1);
  });

  it.each<[string, (workspaceId: string) => Promise<unknown>, readonly Place[]]>([
    ['an edited detail', (id) => edit(id, 2, { details: { fields: ['name'] } }), [['edited', 2, 'ctc_2']]],
    ['an edited actor', (id) => edit(id, 2, { actorId: 'usr_1' }), [['edited', 2, 'ctc_2']]],
    ['an edited time', (id) => edit(id, 2, { createdAt: new Date() }), [['edited', 2, 'ctc_2']]],
    ['an edited first entry', (id) => edit(id, 1, { ip: null }), [['edited', 1, 'ctc_1']]],
    ['an edited last entry', (id) => edit(id, 8, { ip: null }), [['edited', 8, 'ctc_8']]],
    [
      'two edited neighbours',
      async (id) => {
        await edit(id, 3, { ip: null });
        await edit(id, 4, { ip: null });
      },
      [
        ['edited', 3, 'ctc_3'],
        ['edited', 4, 'ctc_4'],
      ],
    ],
    [
      'a removed entry',
      (id) => database.owner.auditEntry.deleteMany({ where: { workspaceId: id, subjectId: 'ctc_2' } }),
      [['removed', 2, 'ctc_2']],
    ],
    [
      'an entry that is no longer linked',
      (id) => database.owner.auditLink.deleteMany({ where: { workspaceId: id, seq: 2 } }),
      [['removed', 2, null]],
    ],
    [
      'a removed entry with its link, and those behind it given new numbers',
      async (id) => {
        await cutOut(id, 3, 3);
        await renumber(id, 4, -1);
      },
      [['removed', 3, null]],
    ],
    [
      'three removed entries with their links, and those behind them given new numbers',
      async (id) => {
        await cutOut(id, 3, 5);
        await renumber(id, 6, -3);
      },
      [['removed', 3, null]],
    ],
    [
      'the last but one removed, and the last given its number',
      async (id) => {
        await cutOut(id, 7, 7);
        await renumber(id, 8, -1);
      },
      [['removed', 7, null]],
    ],
    [
      'an entry put in between, with a hash of its own, and those behind it given new numbers',
      async (id) => {
        await renumber(id, 3, 1);
        await link(id, 3, await planted(id), 'a'.repeat(64));
      },
      [['inserted', 3, 'planted']],
    ],
    [
      'an entry put in between, with the hash that fits there, and those behind it given new numbers',
      async (id) => {
        await renumber(id, 3, 1);
        const entryId = await planted(id);
        await link(id, 3, entryId, linkHash(await hashAt(id, 2), 3, await textOf(id, entryId)));
      },
      [['inserted', 3, 'planted']],
    ],
    [
      'an entry added to the end, with the hash that fits there, which nobody signed',
      async (id) => {
        const entryId = await planted(id);
        await link(id, 9, entryId, linkHash(await hashAt(id, 8), 9, await textOf(id, entryId)));
      },
      [['unsigned', 9, null]],
    ],
    [
      'two entries that changed places',
      (id) => swap(id, 2, 5, 'entry_id'),
      [
        ['reordered', 2, 'ctc_5'],
        ['reordered', 5, 'ctc_2'],
      ],
    ],
    [
      'two links that changed places',
      (id) => swap(id, 2, 5, 'entry_id, hash'),
      [
        ['reordered', 2, 'ctc_5'],
        ['reordered', 5, 'ctc_2'],
      ],
    ],
    [
      'two neighbouring links that changed places',
      (id) => swap(id, 4, 5, 'entry_id, hash'),
      [
        ['reordered', 4, 'ctc_5'],
        ['reordered', 5, 'ctc_4'],
      ],
    ],
    [
      'a cut chain',
      (id) => database.owner.auditLink.deleteMany({ where: { workspaceId: id, seq: { gt: 6 } } }),
      [['truncated', 8, null]],
    ],
    [
      'a forged hash',
      (id) =>
        database.owner.auditLink.updateMany({ where: { workspaceId: id, seq: 2 }, data: { hash: 'f'.repeat(64) } }),
      [['edited', 2, 'ctc_2']],
    ],
    [
      'a forged checkpoint',
      (id) =>
        database.owner.auditCheckpoint.updateMany({
          where: { workspaceId: id, seq: 4 },
          data: { hash: 'f'.repeat(64) },
        }),
      [['bad-signature', 4, null]],
    ],
    [
      'all checkpoints gone',
      (id) => database.owner.auditCheckpoint.deleteMany({ where: { workspaceId: id } }),
      [['unsigned', 1, null]],
    ],
    [
      'a chain made anew from its sixth place on, with hashes that fit',
      async (id) => {
        await edit(id, 6, { actorId: 'usr_1' });
        for (let seq = 6; seq <= 8; seq++) await linkAnew(id, seq);
      },
      // Somewhere from place 5 on, says the checkpoint behind it; the one at place 4 still holds.
      [['rewritten', 8, 'ctc_8']],
    ],
    [
      'a chain made anew from its second place on, with hashes that fit',
      async (id) => {
        await edit(id, 2, { actorId: 'usr_1' });
        for (let seq = 2; seq <= 8; seq++) await linkAnew(id, seq);
      },
      [['rewritten', 4, 'ctc_4']],
    ],
  ])('tells of %s, at its place and nowhere else', async (_, tamper, places) => {
    const workspaceId = await newWorkspace();
    await write(workspaceId, 4);
    await sealChain(options, { workspaceId });
    await write(workspaceId, 4, 5);
    await sealChain(options, { workspaceId });
    expect((await verify(workspaceId)).ok).toBe(true);
    const { owner } = database;
    const before = await owner.auditEntry.findMany({ where: { workspaceId }, select: { id: true, subjectId: true } });
    await tamper(workspaceId);
    const now = await owner.auditEntry.findMany({ where: { workspaceId }, select: { id: true, subjectId: true } });
    const subjects = new Map([...before, ...now].map(({ id, subjectId }) => [id, subjectId]));
    const { ok, problems } = await verify(workspaceId);
    const told = problems.map(({ kind, seq, entryId }) => [kind, seq, entryId && (subjects.get(entryId) ?? entryId)]);
    expect(told, JSON.stringify(problems)).toEqual(places);
    expect(ok).toBe(false);
  });

  it('tells of a trail that was cut together with its checkpoints, by one that was kept outside', async () => {
    const workspaceId = await newWorkspace();
    await write(workspaceId, 4);
    await sealChain(options, { workspaceId });
    const outside = await database.owner.auditCheckpoint.findMany({ where: { workspaceId } });
    await database.owner.auditLink.deleteMany({ where: { workspaceId, seq: { gt: 2 } } });
    await database.owner.auditCheckpoint.deleteMany({ where: { workspaceId } });
    const { problems } = await verifyTrail(await readTrail(database, { workspaceId }, outside), publicKeys);
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
      const run = inTenant(database, { organizationId, workspaceId, agentId: null }, (db) => db.$sql(statement));
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
    await refusalRecorder(database)(
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
    const broken = inTenant(database, { organizationId, workspaceId, agentId: null }, async (db) => {
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
