// Reads a trail from its first link to its end and says what does not fit. Pure: it sees entries, links and checkpoints,
// whether they come from a database or from an export, and needs nothing but public keys. Entries that no link has reached
// yet are the unsealed tail, told apart: they are not wrong, only not yet vouched for.
import type { KeyObject } from 'node:crypto';
import { type Checkpoint, chainStart, entryText, isSignedBy, linkHash, type StoredEntry } from './links.js';

export interface StoredLink {
  readonly seq: number;
  readonly entryId: string;
  readonly hash: string;
}

export interface Trail {
  /** Whose it is: an entry or checkpoint of another workspace does not belong to it, however well it fits. */
  readonly workspaceId: string;
  /** By place, each with the entry it names; null when that entry is not there. */
  readonly linked: AsyncIterable<{ readonly link: StoredLink; readonly entry: StoredEntry | null }>;
  /** Entries without a link. */
  readonly unlinked: AsyncIterable<StoredEntry>;
  /** Of this workspace, by place; those kept outside may be among them. */
  readonly checkpoints: readonly Checkpoint[];
}

export type ProblemKind =
  | 'edited'
  | 'removed'
  | 'inserted'
  | 'reordered'
  | 'truncated'
  | 'rewritten'
  | 'unknown-key'
  | 'bad-signature';

export interface Problem {
  readonly kind: ProblemKind;
  /** The place in the chain; null for an entry outside it. */
  readonly seq: number | null;
  readonly entryId: string | null;
  readonly message: string;
}

export interface Verification {
  readonly ok: boolean;
  /** All entries, linked or not. */
  readonly entries: number;
  readonly linked: number;
  /** Committed, not linked yet. */
  readonly tail: number;
  /** At most 100; what follows the first is often its echo. */
  readonly problems: readonly Problem[];
}

const problemsMax = 100;
/** An entry is linked within seconds; one that claims to be much older than what is linked before it was put there later. */
const backdatedMs = 15 * 60_000;

export async function verifyTrail(trail: Trail, publicKeys: ReadonlyMap<string, KeyObject>): Promise<Verification> {
  const problems: Problem[] = [];
  const found = (kind: ProblemKind, seq: number | null, entryId: string | null, message: string) => {
    if (problems.length < problemsMax) problems.push({ kind, seq, entryId, message });
  };
  const heads = signedHeads(trail, publicKeys, found);
  const chain = await walkChain(trail, heads, found);
  for (const [seq, [checkpoint]] of heads) {
    if (seq > chain.lastSeq && checkpoint !== undefined) {
      found(
        'truncated',
        seq,
        null,
        `A checkpoint of ${checkpoint.createdAt.toISOString()} vouches for place ${seq}, but the chain ends at ${chain.lastSeq}.`,
      );
    }
  }
  let tail = 0;
  for await (const entry of trail.unlinked) {
    tail++;
    if (entry.workspaceId !== trail.workspaceId)
      found('inserted', null, entry.id, 'An entry of another workspace stands in this trail.');
    if (isBackdated(entry, chain.latest)) {
      found('inserted', null, entry.id, 'An unlinked entry is dated long before entries that are linked already.');
    }
  }
  const entries = chain.entries + tail;
  return { ok: problems.length === 0, entries, linked: chain.linked, tail, problems };
}

type Found = (kind: ProblemKind, seq: number | null, entryId: string | null, message: string) => void;

/** By place: a chain that stood still was vouched for more than once. */
type Heads = ReadonlyMap<number, readonly Checkpoint[]>;

/** The checkpoints whose signature holds. */
function signedHeads(
  { workspaceId, checkpoints }: Trail,
  publicKeys: ReadonlyMap<string, KeyObject>,
  found: Found,
): Heads {
  const heads = new Map<number, Checkpoint[]>();
  for (const checkpoint of checkpoints) {
    const key = publicKeys.get(checkpoint.keyId);
    if (key === undefined)
      found('unknown-key', checkpoint.seq, null, `A checkpoint is signed by the unknown key ${checkpoint.keyId}.`);
    else if (checkpoint.workspaceId !== workspaceId)
      found('inserted', checkpoint.seq, null, 'A checkpoint of another workspace stands in this trail.');
    else if (!isSignedBy(checkpoint, key))
      found('bad-signature', checkpoint.seq, null, 'The signature of a checkpoint does not hold.');
    else heads.set(checkpoint.seq, [...(heads.get(checkpoint.seq) ?? []), checkpoint]);
  }
  return heads;
}

interface Chain {
  readonly linked: number;
  readonly entries: number;
  readonly lastSeq: number;
  /** When the youngest linked entry was written; null for an empty chain. */
  readonly latest: Date | null;
}

/** A place whose hash does not fit, kept until it is known whether its entry was edited or moved. */
interface Misfit {
  readonly link: StoredLink;
  readonly before: string;
  readonly text: string;
}

async function walkChain({ workspaceId, linked }: Trail, heads: Heads, found: Found): Promise<Chain> {
  const misfits: Misfit[] = [];
  const seen = new Set<string>();
  let count = 0;
  let entries = 0;
  let before = chainStart;
  let lastSeq = 0;
  let latest: Date | null = null;
  for await (const { link, entry } of linked) {
    count++;
    if (link.seq !== lastSeq + 1) {
      found('removed', lastSeq + 1, null, `Places ${lastSeq + 1} to ${link.seq - 1} are missing from the chain.`);
    }
    if (seen.has(link.entryId)) found('inserted', link.seq, link.entryId, 'One entry stands at two places.');
    seen.add(link.entryId);
    if (entry === null) {
      found('removed', link.seq, link.entryId, 'The entry that this place names is gone.');
    } else {
      entries++;
      if (entry.workspaceId !== workspaceId)
        found('inserted', link.seq, link.entryId, 'An entry of another workspace stands in this trail.');
      const text = entryText(entry);
      // After a gap the hash before is unknown, so the place itself cannot be judged; the gap is reported already.
      if (link.seq === lastSeq + 1 && linkHash(before, link.seq, text) !== link.hash)
        misfits.push({ link, before, text });
      if (isBackdated(entry, latest))
        found('inserted', link.seq, link.entryId, 'This entry is dated long before the one it follows.');
      if (latest === null || entry.createdAt > latest) latest = entry.createdAt;
    }
    const head = heads.get(link.seq)?.find(({ hash }) => hash !== link.hash);
    if (head !== undefined) {
      found(
        'rewritten',
        link.seq,
        link.entryId,
        `The checkpoint of ${head.createdAt.toISOString()} vouches for another hash: the chain was made anew.`,
      );
    }
    before = link.hash;
    lastSeq = link.seq;
  }
  explain(misfits.slice(0, problemsMax), found);
  return { linked: count, entries, lastSeq, latest };
}

function explain(misfits: readonly Misfit[], found: Found): void {
  for (const { link, before } of misfits) {
    const isMoved = misfits.some(
      (other) => other.link !== link && linkHash(before, link.seq, other.text) === link.hash,
    );
    if (isMoved) found('reordered', link.seq, link.entryId, 'The entry that belongs here stands at another place.');
    else found('edited', link.seq, link.entryId, 'What this entry says is not what was linked here.');
  }
}

const isBackdated = (entry: StoredEntry, latest: Date | null): boolean =>
  latest !== null && latest.getTime() - entry.createdAt.getTime() > backdatedMs;
