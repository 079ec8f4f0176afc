// Reads an exported trail line by line and verifies each chain as it passes: what is held in memory does not grow with
// the file. Needs the file, public keys and, better, checkpoints that were kept elsewhere; no database and no secret.
import { badInput } from '../platform/errors.js';
import { type ChainOwner, isOf, ownerId, ownerNamed, ownerOf } from './chain-owner.js';
import {
  checkpointOf,
  EXPORT_VERSION,
  type ExportHead,
  type ExportLine,
  isHeadSignedBy,
  storedEntry,
} from './export-lines.js';
import type { Checkpoint } from './links.js';
import type { Problem } from './problem.js';
import type { PublicKeys } from './public-keys.js';
import { isInUse, type Trail, type Verification, verifyTrail } from './verify.js';

export interface VerifiedExport {
  readonly owner: ChainOwner;
  readonly verified: Verification;
}

export interface VerifiedFile {
  /** When the file says that it was written: what checkpoints vouch for later cannot be in it. To be told to whoever verifies. */
  readonly exportedAt: string;
  readonly trails: readonly VerifiedExport[];
}

/**
 * @param kept checkpoints kept elsewhere, of any chain: they vouch for more than those in the file itself
 * @throws BAD_USER_INPUT for what is no export at all
 */
export async function verifyExport(
  lines: AsyncIterable<string>,
  publicKeys: PublicKeys,
  kept: readonly Checkpoint[] = [],
): Promise<VerifiedFile> {
  const reader = readerOf(lines);
  const head = await reader.next();
  if (!isHead(head)) throw notRead(head);
  const { exportedAt } = head;
  const fault = faultOfHead(head, publicKeys);
  // What was vouched for later cannot be in the file; but only a head that holds may say when that was.
  const later = ({ createdAt }: Checkpoint) => fault === null && createdAt.toISOString() > exportedAt;
  const outside = [...head.heads.map(checkpointOf), ...kept.filter((one) => !later(one))];
  const verified: VerifiedExport[] = [];
  for (let line = await reader.next(); line !== null; line = await reader.next()) {
    if (line.line !== 'trail') throw misplaced(line);
    const owner = ownerOf(line);
    verified.push({ owner, verified: await verifyNext(reader, owner, publicKeys, outside) });
  }
  const trails = [...verified, ...missing(verified, head, outside)];
  return { exportedAt, trails: fault === null ? trails : trails.map((trail) => withProblem(trail, fault)) };
}

async function verifyNext(
  reader: Reader,
  owner: ChainOwner,
  publicKeys: PublicKeys,
  outside: readonly Checkpoint[],
): Promise<Verification> {
  const checkpoints: Checkpoint[] = outside.filter((one) => isOf(one, owner));
  for (let line = await reader.peek(); line?.line === 'checkpoint'; line = await reader.peek()) {
    checkpoints.push(checkpointOf(line));
    await reader.next();
  }
  const trail: Trail = {
    owner,
    linked: (async function* () {
      for (let line = await reader.peek(); line?.line === 'entry'; line = await reader.peek()) {
        await reader.next();
        const { seq, hash, entryId, entry } = line;
        yield { link: { seq, hash, entryId }, entry: entry === null ? null : storedEntry(entry) };
      }
    })(),
    unlinked: (async function* () {
      for (let line = await reader.peek(); line?.line === 'tail'; line = await reader.peek()) {
        await reader.next();
        yield storedEntry(line.entry);
      }
    })(),
    checkpoints,
  };
  const verified = await verifyTrail(trail, publicKeys);
  const end = await reader.next();
  if (end?.line === 'end' && end.linked === verified.linked && end.tail === verified.tail) return verified;
  const message =
    end?.line === 'end'
      ? `The file says that it holds ${end.linked} linked entries and ${end.tail} others, and holds ${verified.linked} and ${verified.tail}.`
      : 'The file ends, or goes on with something else, before the trail does.';
  const cut: Problem = { kind: 'truncated', seq: verified.linked, entryId: null, message };
  return { ...verified, ok: false, problems: [...verified.problems, cut] };
}

const isHead = (line: ExportLine | null): line is ExportHead =>
  line?.line === 'export' &&
  (line.version === 1 || (line.version === EXPORT_VERSION && Array.isArray(line.organizationIds))) &&
  Array.isArray(line.workspaceIds) &&
  Array.isArray(line.heads) &&
  [line.exportedAt, line.keyId, line.signature].every((value) => typeof value === 'string');

const notRead = (head: ExportLine | null) =>
  head?.line === 'export' && typeof head.version === 'number' && head.version > EXPORT_VERSION
    ? badInput(`This file is an export of version ${head.version}; this version of Sallyport reads 1 and 2.`, 'file')
    : badInput('This file is not an export of an audit trail that this version reads.', 'file');

/** Null: the head is what one of the keys signed. */
function faultOfHead(head: ExportHead, publicKeys: PublicKeys): Problem | null {
  const key = publicKeys.get(head.keyId);
  const at = { seq: null, entryId: null };
  if (key === undefined) {
    return { kind: 'unknown-key', ...at, message: `The head of the file is signed by the unknown key ${head.keyId}.` };
  }
  if (!isHeadSignedBy(head, key.publicKey))
    return { kind: 'bad-signature', ...at, message: 'The signature of the head of the file does not hold.' };
  if (isInUse(key, new Date(head.exportedAt))) return null;
  return { kind: 'retired-key', ...at, message: 'The head of the file is signed by a key that was retired before.' };
}

const withProblem = ({ owner, verified }: VerifiedExport, problem: Problem): VerifiedExport => ({
  owner,
  verified: { ...verified, ok: false, problems: [problem, ...verified.problems] },
});

/** Trails that the head names, or that checkpoints vouch for in an export of everything, and that are not there. */
function missing(
  verified: readonly VerifiedExport[],
  { workspaceId, organizationId = null, organizationIds = [], workspaceIds, version }: ExportHead,
  outside: readonly Checkpoint[],
): readonly VerifiedExport[] {
  const there = new Set(verified.map(({ owner }) => ownerId(owner)));
  const isAll = workspaceId === null && organizationId === null;
  // A file of version 1 never held any trail of an organization.
  const known = outside.filter((one) => version > 1 || one.workspaceId !== undefined);
  const wanted = [...organizationIds, ...workspaceIds, ...(isAll ? known.map(ownerId) : [])];
  const gone = new Set(wanted.filter((id) => !there.has(id)));
  return [...gone].map((id) => {
    const message = 'The head of the file or a checkpoint names this trail, and the file holds nothing of it.';
    const problem: Problem = { kind: 'removed', seq: null, entryId: null, message };
    return { owner: ownerNamed(id), verified: { ok: false, entries: 0, linked: 0, tail: 0, problems: [problem] } };
  });
}

interface Reader {
  /** Null at the end. */
  next(): Promise<ExportLine | null>;
  peek(): Promise<ExportLine | null>;
}

function readerOf(lines: AsyncIterable<string>): Reader {
  const iterator = lines[Symbol.asyncIterator]();
  let number = 0;
  let held: ExportLine | null | undefined;
  const read = async (): Promise<ExportLine | null> => {
    for (;;) {
      const { done, value } = await iterator.next();
      if (done === true) return null;
      number += 1;
      if (value.trim() !== '') return parsed(value, number);
    }
  };
  return {
    async next() {
      const line = held === undefined ? await read() : held;
      held = undefined;
      return line;
    },
    async peek() {
      if (held === undefined) held = await read();
      return held;
    },
  };
}

function parsed(text: string, number: number): ExportLine {
  try {
    const line = JSON.parse(text) as ExportLine;
    if (typeof line.line === 'string') return line;
  } catch {
    // Said below, with its place.
  }
  throw badInput(`Line ${number} of the file is not one of an exported audit trail.`, 'file');
}

const misplaced = ({ line }: ExportLine) => badInput(`The file has a line "${line}" where a trail begins.`, 'file');
