// How long a stranger needs to verify a trail: an export of so many entries, read line by line with the public key alone.
import { randomBytes } from 'node:crypto';
import { commit } from '../src/audit/commitment.js';
import { exportHead, lineOf, linkedLine, writtenCheckpoint } from '../src/audit/export-lines.js';
import { chainStart, entryText, linkHash, type StoredEntry, signHead } from '../src/audit/links.js';
import { verifyExport } from '../src/audit/read-export.js';
import { newId } from '../src/platform/ids.js';
import { auditKeyFromSeed } from '../src/platform/secrets.js';

const ENTRIES = 100_000;
/** As the sealer signs: every so many entries. */
const CHECKPOINT_EVERY = 500;

export async function measureAudit(): Promise<string> {
  const key = auditKeyFromSeed(randomBytes(32));
  const lines = exportOf(key);
  const megabytes = Math.round(lines.reduce((sum, line) => sum + line.length, 0) / 1_000_000);
  const startedAt = performance.now();
  const { trails } = await verifyExport(each(lines), new Map([[key.keyId, key]]));
  const seconds = (performance.now() - startedAt) / 1_000;
  const verified = trails[0]?.verified;
  if (verified?.ok !== true || verified.linked !== ENTRIES) throw new Error('The trail of the bench does not verify.');
  return `Verifying an exported trail of ${ENTRIES} entries (${megabytes} MB): ${seconds.toFixed(1)} s.\n`;
}

function exportOf(key: ReturnType<typeof auditKeyFromSeed>): readonly string[] {
  const workspaceId = newId('wsp');
  const checkpoints: string[] = [];
  const entries: string[] = [];
  let hash = chainStart;
  for (let seq = 1; seq <= ENTRIES; seq++) {
    const entry = entryOf(workspaceId, seq);
    hash = linkHash(hash, seq, entryText(entry));
    entries.push(lineOf(linkedLine({ seq, hash, entryId: entry.id }, entry)));
    if (seq % CHECKPOINT_EVERY !== 0) continue;
    const head = signHead({ workspaceId, seq, hash, createdAt: entry.createdAt }, key);
    checkpoints.push(lineOf({ line: 'checkpoint', ...writtenCheckpoint(head) }));
  }
  return [
    lineOf(
      exportHead(
        {
          ...{ exportedAt: new Date().toISOString(), workspaceId, organizationId: null },
          ...{ organizationIds: [], workspaceIds: [workspaceId], heads: [], keys: [] },
        },
        key,
      ),
    ),
    lineOf({ line: 'trail', workspaceId }),
    ...checkpoints,
    ...entries,
    lineOf({ line: 'end', workspaceId, linked: ENTRIES, tail: 0 }),
  ];
}

const entryOf = (workspaceId: string, seq: number): StoredEntry => ({
  workspaceId,
  id: newId('aud'),
  action: 'contact.create',
  outcome: 'DONE',
  actorKind: 'ACCOUNT_KEY',
  actorId: 'key_01h455vb4pex5vsknk084sn02q',
  apiKeyId: 'key_01h455vb4pex5vsknk084sn02q',
  agentId: null,
  allowedBy: 'contacts:write',
  subjectId: newId('ctc'),
  effectId: null,
  costCredits: null,
  requestId: newId('req'),
  ip: '192.0.2.1',
  details: { fields: ['name', 'email'], email: commit(`"person${seq}@example.com"`) },
  createdAt: new Date(Date.UTC(2026, 0, 1) + seq * 1_000),
});

async function* each(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}
