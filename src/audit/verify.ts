// Reads a trail from its first link to its end and says what does not fit. Pure: it sees entries, links and checkpoints,
// whether they come from a database or from an export, and needs nothing but public keys. Entries that no link has reached
// yet are the unsealed tail, told apart: they are not wrong, only not yet vouched for.
import { type ChainOwner, isOf, kindOf } from './chain-owner.js';
import { type Checkpoint, isSignedBy, type StoredEntry } from './links.js';
import type { Found, Problem } from './problem.js';
import type { PublicKey, PublicKeys } from './public-keys.js';
import { type Cuts, type Heads, isBackdated, type LinkedEntry, walkChain } from './walk-chain.js';

export interface Trail {
  /** Whose it is: an entry or checkpoint of another does not belong to it, however well it fits. */
  readonly owner: ChainOwner;
  /** By place, each with the entry it names; null when that entry is not there. */
  readonly linked: AsyncIterable<LinkedEntry>;
  /** Entries without a link. */
  readonly unlinked: AsyncIterable<StoredEntry>;
  /** Of this owner, in any order; those kept outside may be among them. Of each, only place and hash are held. */
  readonly checkpoints: AsyncIterable<Checkpoint> | Iterable<Checkpoint>;
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

export async function verifyTrail(trail: Trail, publicKeys: PublicKeys): Promise<Verification> {
  const problems: Problem[] = [];
  const found: Found = (kind, seq, entryId, message) => {
    if (problems.length < problemsMax) problems.push({ kind, seq, entryId, message });
  };
  const { heads, cuts, refused } = await signedHeads(trail, publicKeys, found);
  const chain = await walkChain(trail.owner, trail.linked, { heads, cuts }, found);
  judgeEnd(chain.lastSeq, heads, refused, found);
  let tail = 0;
  for await (const entry of trail.unlinked) {
    tail++;
    if (!isOf(entry, trail.owner))
      found('inserted', null, entry.id, `An entry of another ${kindOf(entry)} stands in this trail.`);
    if (isBackdated(entry, chain.latest)) {
      found('inserted', null, entry.id, 'An unlinked entry is dated long before entries that are linked already.');
    }
  }
  const entries = chain.entries + tail;
  return { ok: problems.length === 0, entries, linked: chain.linked, tail, problems };
}

/** The checkpoints whose signature holds, and how many do not. */
async function signedHeads(
  { owner, checkpoints }: Trail,
  publicKeys: PublicKeys,
  found: Found,
): Promise<{ heads: Heads; cuts: Cuts; refused: number }> {
  const cuts = new Map<number, string>();
  const heads = new Map<number, Map<string, Date>>();
  let refused = 0;
  for await (const checkpoint of checkpoints) {
    const { seq, hash, keyId, createdAt } = checkpoint;
    const fault = faultOf(checkpoint, owner, publicKeys.get(keyId));
    if (fault === null) {
      if (checkpoint.isCut === true) cuts.set(seq, hash);
      const known = heads.get(seq);
      if (known === undefined) heads.set(seq, new Map([[hash, createdAt]]));
      else if ((known.get(hash) ?? createdAt) <= createdAt) known.set(hash, createdAt);
    } else {
      refused += 1;
      found(fault.kind, seq, null, fault.message);
    }
  }
  return { heads, cuts, refused };
}

function faultOf(
  checkpoint: Checkpoint,
  owner: ChainOwner,
  key: PublicKey | undefined,
): Pick<Problem, 'kind' | 'message'> | null {
  if (key === undefined)
    return { kind: 'unknown-key', message: `A checkpoint is signed by the unknown key ${checkpoint.keyId}.` };
  if (!isOf(checkpoint, owner))
    return { kind: 'inserted', message: `A checkpoint of another ${kindOf(checkpoint)} stands in this trail.` };
  if (!isSignedBy(checkpoint, key.publicKey))
    return { kind: 'bad-signature', message: 'The signature of a checkpoint does not hold.' };
  if (isInUse(key, checkpoint.createdAt)) return null;
  const message = `A checkpoint of ${checkpoint.createdAt.toISOString()} is signed by a key that was retired before.`;
  return { kind: 'retired-key', message };
}

/** Whether what is dated so may bear its signature. */
export const isInUse = ({ retiredAt = null }: PublicKey, at: Date): boolean => retiredAt === null || at <= retiredAt;

/** What is vouched for and gone, told once, at the last place that is missing; what is there and not vouched for. */
function judgeEnd(lastSeq: number, heads: Heads, refused: number, found: Found): void {
  let vouchedTo = 0;
  for (const seq of heads.keys()) vouchedTo = Math.max(vouchedTo, seq);
  const [at] = heads.get(vouchedTo)?.values() ?? [];
  if (vouchedTo > lastSeq && at !== undefined) {
    const message = `A checkpoint of ${at.toISOString()} vouches for place ${vouchedTo}, but the chain ends at ${lastSeq}.`;
    found('truncated', vouchedTo, null, message);
  }
  // One that was refused has been told of, and may be the one that is missing.
  if (vouchedTo < lastSeq && refused === 0)
    found('unsigned', vouchedTo + 1, null, `No checkpoint vouches for places ${vouchedTo + 1} to ${lastSeq}.`);
}
