// Keys that people hold already, brought along as SHA-256 of each with the form they have: nobody has to change a secret to
// move here, and nobody here ever sees one. All or nothing, and a hash that is known anywhere is refused: one secret opens
// one door.
import type { ApiKey } from '../generated/prisma/client.js';
import { badInput, conflict } from '../platform/errors.js';
import { newId } from '../platform/ids.js';
import { factsOf, type KeyTransaction, requireAgents } from './create-key.js';
import { judgeFormat, type KeyFormat, storeFormat } from './imported-formats.js';
import { type JudgedKey, judgeKeyRequest, type KeyRequest } from './key-request.js';

export interface ImportedKey extends KeyRequest {
  /** SHA-256 of the whole key, 64 hexadecimal characters. */
  readonly hash: string;
  /** The prefix and at most four characters more, to tell keys apart; left out: the prefix. */
  readonly start?: string | null | undefined;
}

export interface KeyImport {
  readonly format: KeyFormat;
  readonly keys: readonly ImportedKey[];
}

export interface ImportedKeys {
  readonly apiKeys: readonly ApiKey[];
  readonly warnings: readonly string[];
  /** To be known by this process at once. */
  readonly format: KeyFormat;
}

const KEYS_MAX = 1_000;
const START_CHARACTERS_MAX = 4;

interface ReadyKey extends JudgedKey {
  readonly hash: string;
  readonly start: string;
}

/**
 * @param prefix path of the import in the caller's arguments, for example `input.`
 * @throws BAD_USER_INPUT naming the field; CONFLICT when one of the hashes is known already; no row is written then
 */
export async function importKeysIn(tx: KeyTransaction, asked: KeyImport, prefix = ''): Promise<ImportedKeys> {
  const format = judgeFormat(asked.format, `${prefix}format`);
  if (asked.keys.length === 0 || asked.keys.length > KEYS_MAX) {
    throw badInput(`Import 1 to ${KEYS_MAX} keys at once.`, `${prefix}keys`);
  }
  const facts = await factsOf(tx);
  const hashes = new Set<string>();
  const keys = asked.keys.map((key, index): ReadyKey => {
    const at = `${prefix}keys.${index}.`;
    const judged = judgeKeyRequest(key, facts, at, 'IMPORT');
    const hash = requireHash(key.hash, hashes, `${at}hash`);
    return { ...judged, hash, start: requireStart(key.start ?? format.prefix, format, `${at}start`) };
  });
  await requireAgents(
    tx,
    keys.map(({ agentId }) => agentId),
    (index) => `${prefix}keys.${index}.agentId`,
  );
  const apiKeys = await store(tx, keys, format);
  await storeFormat(tx.db, format);
  await tx.record({ action: 'apiKey.import', subjectId: null, details: { count: apiKeys.length } });
  const warnings = keys.flatMap(({ name, warnings: of }) => of.map((warning) => `${name}: ${warning}`));
  return { apiKeys, warnings, format };
}

function requireHash(text: string, seen: Set<string>, field: string): string {
  const hash = text.toLowerCase();
  if (!/^[0-9a-f]{64}$/.test(hash)) {
    throw badInput('A hash is the SHA-256 of the whole key in 64 hexadecimal characters.', field);
  }
  if (seen.has(hash)) throw badInput('This hash is listed twice.', field);
  seen.add(hash);
  return hash;
}

/** No more of a secret than is needed to recognise it. */
function requireStart(start: string, { prefix, alphabet }: KeyFormat, field: string): string {
  const rest = start.slice(prefix.length);
  if (
    start.startsWith(prefix) &&
    rest.length <= START_CHARACTERS_MAX &&
    [...rest].every((one) => alphabet.includes(one))
  ) {
    return start;
  }
  throw badInput(`The start is ${prefix} and at most ${START_CHARACTERS_MAX} characters more.`, field);
}

async function store(tx: KeyTransaction, keys: readonly ReadyKey[], format: KeyFormat): Promise<readonly ApiKey[]> {
  const { db, workspaceId, byUserId } = tx;
  const rows = keys.map((key) => ({ key, id: newId('key'), secretId: newId('sec') }));
  const { count } = await db.apiKeySecret.createMany({
    data: rows.map(({ key, id, secretId }) => ({
      hash: new Uint8Array(Buffer.from(key.hash, 'hex')),
      id: secretId,
      workspaceId,
      keyId: id,
    })),
    skipDuplicates: true,
  });
  if (count !== rows.length) {
    throw conflict(
      'One of these keys is known to this server already. Nothing was imported; leave it out, or revoke it there.',
    );
  }
  await db.apiKey.createMany({
    data: rows.map(({ id, key: { warnings: _, hash: __, scopes, allowedIps, ...columns } }) => ({
      ...columns,
      workspaceId,
      id,
      scopes: [...scopes],
      allowedIps: [...allowedIps],
      keyPrefix: format.prefix,
      needsRescope: scopes.includes('*'),
      createdById: byUserId,
    })),
  });
  await db.apiKeySecretUse.createMany({
    data: rows.map(({ key: { start }, id, secretId }) => ({ id: secretId, workspaceId, keyId: id, start })),
  });
  const stored = await db.apiKey.findMany({ where: { workspaceId, id: { in: rows.map(({ id }) => id) } } });
  const byId = new Map(stored.map((key) => [key.id, key]));
  return rows.flatMap(({ id }) => byId.get(id) ?? []);
}
