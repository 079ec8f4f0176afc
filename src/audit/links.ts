// The chain: each link's hash covers the link before, its own place and everything its entry says. Pure. Change, remove,
// insert or move anything and the hash of that place no longer fits. The salts of commitments stay outside, so that a
// person can be forgotten without breaking the chain.
import { createHash, type KeyObject, sign, verify } from 'node:crypto';
import { canonicalJson } from '../platform/canonical-json.js';
import { type ChainOwner, ownerOf } from './chain-owner.js';
import { isCommitment } from './commitment.js';

/** An entry as it lies in the database. */
export type StoredEntry = ChainOwner & EntryFacts;

interface EntryFacts {
  readonly id: string;
  readonly action: string;
  readonly outcome: string;
  readonly actorKind: string;
  readonly actorId: string;
  readonly apiKeyId: string | null;
  readonly agentId: string | null;
  readonly allowedBy: string | null;
  readonly subjectId: string | null;
  readonly effectId: string | null;
  readonly costCredits: number | null;
  readonly requestId: string;
  readonly ip: string | null;
  readonly details: unknown;
  readonly createdAt: Date;
}

/** A place of the chain as it lies in the database. */
export interface StoredLink {
  readonly seq: number;
  readonly entryId: string;
  readonly hash: string;
}

/** What the first link follows. */
export const chainStart = '0'.repeat(64);

/** The text that is hashed for an entry; the same for equal entries wherever they were read. */
export const entryText = (entry: StoredEntry): string =>
  canonicalJson({
    ...ownerOf(entry),
    id: entry.id,
    action: entry.action,
    outcome: entry.outcome,
    actorKind: entry.actorKind,
    actorId: entry.actorId,
    apiKeyId: entry.apiKeyId,
    agentId: entry.agentId,
    allowedBy: entry.allowedBy,
    subjectId: entry.subjectId,
    effectId: entry.effectId,
    costCredits: entry.costCredits,
    requestId: entry.requestId,
    ip: entry.ip,
    details: withoutSalts(entry.details),
    createdAt: entry.createdAt.toISOString(),
  });

/** Commitments alone: what is hashed, and what leaves in an export. */
export const withoutSalts = (details: unknown): unknown => {
  if (typeof details !== 'object' || details === null || Array.isArray(details)) return details;
  return Object.fromEntries(
    Object.entries(details).map(([field, value]) => [field, isCommitment(value) ? value.commitment : value]),
  );
};

/** @param seq counts from 1 @returns 64 hexadecimal characters */
export const linkHash = (before: string, seq: number, text: string): string =>
  createHash('sha256').update(`${before}\n${seq}\n${text}`).digest('hex');

/** What a checkpoint vouches for: that at this moment the chain of this owner ended with this hash at this place. */
export type CheckpointHead = ChainOwner & HeadFacts;

interface HeadFacts {
  readonly seq: number;
  readonly hash: string;
  readonly createdAt: Date;
  /** Says also that what stood up to this place was dropped on purpose, and that the chain goes on behind it. */
  readonly isCut?: boolean;
}

export type Checkpoint = CheckpointHead & Signed;

interface Signed {
  readonly keyId: string;
  /** Base64 of the Ed25519 signature. */
  readonly signature: string;
}

const headText = (head: CheckpointHead, keyId: string): Buffer => {
  const { seq, hash, createdAt, isCut = false } = head;
  const said = { version: 1, keyId, ...ownerOf(head), seq, hash, createdAt: createdAt.toISOString() };
  return Buffer.from(canonicalJson(isCut ? { ...said, says: 'what stood up to this place was dropped' } : said));
};

export const signHead = <Head extends CheckpointHead>(
  head: Head,
  key: { readonly keyId: string; readonly privateKey: KeyObject },
): Head & Signed => ({
  ...head,
  keyId: key.keyId,
  signature: sign(null, headText(head, key.keyId), key.privateKey).toString('base64'),
});

export const isSignedBy = (checkpoint: Checkpoint, publicKey: KeyObject): boolean =>
  verify(null, headText(checkpoint, checkpoint.keyId), publicKey, Buffer.from(checkpoint.signature, 'base64'));
