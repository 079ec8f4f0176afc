// Secrets come and go; what they signed goes on being verified, by their public keys, which stay known. A key that nobody
// vouched for is not believed, whoever wrote it into the database.
import { sign } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createApp, ownersAudit } from '../../src/app.js';
import { keepKnownKeys, knownKeys } from '../../src/audit/known-keys.js';
import { signHead } from '../../src/audit/links.js';
import { type AuditKeySet, auditKeySet, publicKeysOf, publicText } from '../../src/audit/public-keys.js';
import { readTrail } from '../../src/audit/trail.js';
import { verifyTrail } from '../../src/audit/verify.js';
import { bootstrap } from '../../src/auth/bootstrap.js';
import { runOperation } from '../../src/cli/operations.js';
import { loadConfig } from '../../src/config.js';
import { canonicalJson } from '../../src/platform/canonical-json.js';
import { newId } from '../../src/platform/ids.js';
import { auditKeyFromSeed, openSecrets } from '../../src/platform/secrets.js';
import { openTestDatabase, type TestDatabase } from '../support/database.js';

const [first, second, third] = ['A', 'B', 'C'].map((letter) => Buffer.alloc(32, letter).toString('base64')) as [
  string,
  string,
  string,
];
const keyIdOf = (secret: string) => openSecrets({ current: secret }).auditKeys[0].keyId;
const keysOf = (current: string, previous?: string) =>
  openSecrets({ current, ...(previous === undefined ? {} : { previous }) }).auditKeys;

let database: TestDatabase;
let dataDir: string;
let workspaceId: string;
beforeAll(async () => {
  database = await openTestDatabase();
  dataDir = await mkdtemp(join(tmpdir(), 'sallyport-keys-'));
  const request = {
    org: 'Acme',
    workspace: 'Main',
    email: 'ann@example.com',
    password: 'correct horse battery staple',
  };
  ({ workspaceId } = await bootstrap({ database, audit: ownersAudit }, request));
});
afterAll(async () => {
  await database?.close();
  await rm(dataDir, { recursive: true, force: true });
});
beforeEach(() =>
  database.executeAsOwner(`ALTER TABLE audit_key DISABLE TRIGGER added_only; DELETE FROM audit_key;
    ALTER TABLE audit_key ENABLE TRIGGER added_only`),
);

const configOf = (current: string, previous?: string) =>
  loadConfig({
    DATA_DIR: dataDir,
    PORT: '0',
    LOG_LEVEL: 'fatal',
    SALLYPORT_SECRET: current,
    ...(previous === undefined ? {} : { SALLYPORT_SECRET_PREVIOUS: previous }),
  });

/** One life of the server: something happens and is sealed. @returns what it publishes */
async function live(current: string, previous?: string): Promise<{ published: string; keyIds: readonly string[] }> {
  const app = await createApp({ config: configOf(current, previous), database });
  const url = await app.listen();
  await database.owner.auditEntry.create({
    data: {
      ...{ workspaceId, id: newId('aud'), action: 'contact.create', outcome: 'DONE', actorKind: 'SYSTEM' },
      ...{ actorId: 'system', requestId: 'req_1', details: {} },
    },
  });
  await app.sealer.sealAll();
  const published = await (await fetch(`${url}/.well-known/sallyport-audit-keys`)).text();
  await app.stop(1_000);
  return { published, keyIds: (JSON.parse(published) as AuditKeySet).keys.map(({ kid }) => kid) };
}

const verifyByCommand = (current: string, previous?: string) => {
  const config = configOf(current, previous);
  const { auditKeys } = openSecrets({ current, ...(previous === undefined ? {} : { previous }) });
  return runOperation('audit.verify', { workspaceId }, { config, database, auditKeys: () => auditKeys });
};

it('what a secret signed is verified after it was dropped, by the command and by what is published', async () => {
  expect((await live(first)).keyIds).toEqual([keyIdOf(first)]);
  expect((await live(second, first)).keyIds).toEqual([keyIdOf(second), keyIdOf(first)]);
  expect(new Set((await live(third, second)).keyIds)).toEqual(new Set([third, second, first].map(keyIdOf)));
  // Long after: the third alone.
  const { published, keyIds } = await live(third);
  expect(new Set(keyIds)).toEqual(new Set([third, second, first].map(keyIdOf)));
  const signers = await database.owner.auditCheckpoint.groupBy({ by: ['keyId'], where: { workspaceId } });
  expect(new Set(signers.map(({ keyId }) => keyId))).toEqual(new Set([third, second, first].map(keyIdOf)));
  expect(await verifyByCommand(third)).toMatchObject({ ok: true, problems: [] });
  const verified = await verifyTrail(await readTrail(database, { workspaceId }), publicKeysOf(published));
  expect(verified).toMatchObject({ ok: true, tail: 0 });
});

it('a start leaves what is known as it is, also several at once', async () => {
  const keys = keysOf(second, first);
  await Promise.all([keepKnownKeys(database, keys), keepKnownKeys(database, keys)]);
  const before = await database.owner.auditKey.findMany({ orderBy: { keyId: 'asc' } });
  await keepKnownKeys(database, keys);
  expect(await database.owner.auditKey.findMany({ orderBy: { keyId: 'asc' } })).toEqual(before);
  expect(before).toHaveLength(2);
});

it('a key that was written into the database by somebody else is not believed, nor what it signed', async () => {
  await keepKnownKeys(database, keysOf(third));
  const rogue = auditKeyFromSeed(Buffer.alloc(32, 66));
  const said = { keyId: rogue.keyId, x: publicText(rogue.publicKey) };
  const sealed = (voucherId: string) =>
    sign(
      null,
      Buffer.from(canonicalJson({ version: 1, says: 'this key signs audit checkpoints', ...said, voucherId })),
      rogue.privateKey,
    ).toString('base64');
  const [own] = await database.owner.auditKey.findMany();
  await database.owner.auditKey.createMany({
    data: [
      { ...said, voucherId: rogue.keyId, signature: sealed(rogue.keyId) },
      // In the name of the current key, under a signature that is not its own, and under one that it gave for another.
      { ...said, voucherId: keyIdOf(third), signature: sealed(keyIdOf(third)) },
      { ...said, keyId: 'other', voucherId: keyIdOf(third), signature: own?.signature ?? '' },
    ],
  });
  const known = await knownKeys(database, keysOf(third));
  expect(known.map(({ keyId }) => keyId)).toEqual([keyIdOf(third)]);
  // Nor does a later start take it over.
  expect(await keepKnownKeys(database, keysOf(second, third))).toHaveLength(2);
  const last = await database.owner.auditLink.findFirstOrThrow({ where: { workspaceId }, orderBy: { seq: 'desc' } });
  const forged = signHead({ workspaceId, seq: last.seq, hash: 'f'.repeat(64), createdAt: new Date() }, rogue);
  await database.owner.auditCheckpoint.create({ data: forged });
  const { problems } = (await verifyByCommand(third)) as { problems: readonly { kind: string; message: string }[] };
  expect(problems).toContainEqual(expect.objectContaining({ kind: 'unknown-key', seq: last.seq }));
  await database.owner.auditCheckpoint.deleteMany({ where: { keyId: rogue.keyId } });
});

it('nobody vouches for a secret that was replaced without being kept as the previous one', async () => {
  await keepKnownKeys(database, keysOf(first));
  await keepKnownKeys(database, keysOf(second));
  expect((await knownKeys(database, keysOf(second))).map(({ keyId }) => keyId)).toEqual([keyIdOf(second)]);
});

describe('a key that was retired', () => {
  const day = 86_400_000;
  const rotatedAt = new Date(Date.now() - 10 * day);
  const headSignedBy = async (secret: string, createdAt: Date) => {
    const [key] = keysOf(secret);
    const last = await database.owner.auditLink.findFirstOrThrow({ where: { workspaceId }, orderBy: { seq: 'desc' } });
    return signHead({ workspaceId, seq: last.seq + 1, hash: 'f'.repeat(64), createdAt }, key);
  };
  const kindsWith = async (data: Awaited<ReturnType<typeof headSignedBy>>): Promise<string[]> => {
    await database.owner.auditCheckpoint.create({ data });
    const { problems } = (await verifyByCommand(second)) as {
      problems: readonly { kind: string; seq: number | null }[];
    };
    const { seq, createdAt } = data;
    await database.owner.auditCheckpoint.deleteMany({ where: { workspaceId, seq, createdAt } });
    return problems.filter((one) => one.seq === seq).map(({ kind }) => kind);
  };

  it('is not believed for what is dated after it was in use, also by what is published', async () => {
    await keepKnownKeys(database, keysOf(first), new Date(rotatedAt.getTime() - day));
    await keepKnownKeys(database, keysOf(second, first), rotatedAt);
    // A later start says nothing else.
    const known = await keepKnownKeys(database, keysOf(second));
    const retiredAt = known.find(({ keyId }) => keyId === keyIdOf(first))?.retiredAt ?? null;
    expect(retiredAt?.getTime()).toBe(rotatedAt.getTime() + 3_600_000);
    expect(known.find(({ keyId }) => keyId === keyIdOf(second))?.retiredAt).toBeNull();
    const late = await headSignedBy(first, new Date());
    expect(await kindsWith(late)).toEqual(['retired-key']);
    // Of its own time it is believed, and tells of a place that is not there.
    expect(await kindsWith(await headSignedBy(first, rotatedAt))).toEqual(['truncated']);
    const published = publicKeysOf(JSON.stringify(auditKeySet(known)));
    const { problems } = await verifyTrail(await readTrail(database, { workspaceId }, [late]), published);
    expect(problems).toContainEqual(expect.objectContaining({ kind: 'retired-key', seq: late.seq }));
  });

  it('cannot be given a longer life by whoever writes in the database, and its row is neither changed nor removed', async () => {
    await keepKnownKeys(database, keysOf(second, first), rotatedAt);
    const change = `UPDATE audit_key SET retired_at = NULL`;
    for (const text of [change, 'DELETE FROM audit_key', 'TRUNCATE audit_key'])
      await expect(database.executeAsOwner(text)).rejects.toThrow('added, never changed or removed');
    // By somebody who takes the trigger away.
    await database.executeAsOwner(`ALTER TABLE audit_key DISABLE TRIGGER added_only; ${change};
      ALTER TABLE audit_key ENABLE TRIGGER added_only`);
    expect((await knownKeys(database, keysOf(second))).map(({ keyId }) => keyId)).toEqual([keyIdOf(second)]);
  });

  it('vouches for nothing new under a date from when it was in use', async () => {
    const linked = await database.owner.auditLink.findFirstOrThrow({
      where: { workspaceId },
      orderBy: { seq: 'desc' },
    });
    const [key] = keysOf(first);
    const { seq, hash } = linked;
    const backdated = signHead({ workspaceId, seq, hash, createdAt: new Date(Date.now() - day) }, key);
    const checkpoints = { where: { workspaceId, seq } };
    const kept = await database.owner.auditCheckpoint.findMany(checkpoints);
    await database.owner.auditCheckpoint.deleteMany(checkpoints);
    await database.owner.auditCheckpoint.create({ data: backdated });
    const { problems } = await verifyTrail(
      await readTrail(database, { workspaceId }),
      new Map([first, second, third].flatMap((secret) => keysOf(secret).map((one) => [one.keyId, one] as const))),
    );
    await database.owner.auditCheckpoint.deleteMany(checkpoints);
    await database.owner.auditCheckpoint.createMany({ data: kept });
    expect(problems.map(({ kind }) => kind)).toEqual(['retired-key']);
  });
});
