// Secrets come and go; what they signed goes on being verified, by their public keys, which stay known. A key that nobody
// vouched for is not believed, whoever wrote it into the database.
import { sign } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createApp, ownersAudit } from '../../src/app.js';
import { keepKnownKeys, knownKeys } from '../../src/audit/known-keys.js';
import { signHead } from '../../src/audit/links.js';
import { type AuditKeySet, publicKeysOf, publicText } from '../../src/audit/public-keys.js';
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
beforeEach(() => database.owner.auditKey.deleteMany());

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
  const verified = await verifyTrail(await readTrail(database, workspaceId), publicKeysOf(published));
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
