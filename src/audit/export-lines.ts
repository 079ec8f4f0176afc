// An exported trail: one line of JSON after the other, so that it can be read by any program, in any length, from front to
// back. Head first; then for each organization and workspace its name, its checkpoints, its linked entries by place, those
// not linked yet, and how many there were. Salts of commitments stay behind: the chain holds without them.

import { type KeyObject, sign, verify } from 'node:crypto';
import { canonicalJson } from '../platform/canonical-json.js';
import { type ChainOwner, ownerOf } from './chain-owner.js';
import { type Checkpoint, type StoredEntry, type StoredLink, withoutSalts } from './links.js';
import type { AuditKeySet } from './public-keys.js';

/** Files of version 1 hold workspaces alone; they are read as ever. */
export const EXPORT_VERSION = 2;

export type ExportLine =
  | {
      readonly line: 'export';
      readonly version: number;
      readonly exportedAt: string;
      /** Null, and no organization either: everything there is. */
      readonly workspaceId: string | null;
      /** From version 2 on. */
      readonly organizationId?: string | null;
      /** Whose trails follow, in this order: first those of organizations. */
      readonly organizationIds?: readonly string[];
      readonly workspaceIds: readonly string[];
      /** Where each chain ended when the export began: nothing can be cut off behind it. */
      readonly heads: readonly WrittenCheckpoint[];
      readonly keyId: string;
      /** Of all of the above; base64 of the Ed25519 signature. */
      readonly signature: string;
      /** As published under `/.well-known/sallyport-audit-keys`; who verifies takes the keys from there, not from here. */
      readonly keys: AuditKeySet['keys'];
    }
  | ({ readonly line: 'trail' } & ChainOwner)
  | ({ readonly line: 'checkpoint' } & WrittenCheckpoint)
  | {
      readonly line: 'entry';
      readonly seq: number;
      readonly hash: string;
      readonly entryId: string;
      readonly entry: WrittenEntry | null;
    }
  | { readonly line: 'tail'; readonly entry: WrittenEntry }
  | ({ readonly line: 'end'; readonly linked: number; readonly tail: number } & ChainOwner);

type Written<T extends { readonly createdAt: Date }> = T extends unknown
  ? Omit<T, 'createdAt'> & { readonly createdAt: string }
  : never;
export type WrittenEntry = Written<StoredEntry>;
export type WrittenCheckpoint = Written<Checkpoint>;

export type ExportHead = Extract<ExportLine, { readonly line: 'export' }>;

const written = <T extends { readonly createdAt: Date }>(value: T): Written<T> =>
  ({ ...value, createdAt: value.createdAt.toISOString() }) as unknown as Written<T>;

const read = <T extends { readonly createdAt: Date }>(value: Written<T>): T =>
  ({ ...value, createdAt: new Date(value.createdAt) }) as unknown as T;

const entryOf = (entry: StoredEntry): WrittenEntry => written({ ...entry, details: withoutSalts(entry.details) });

export const lineOf = (line: ExportLine): string => JSON.stringify(line);

export const linkedLine = ({ seq, hash, entryId }: StoredLink, entry: StoredEntry | null): ExportLine => ({
  line: 'entry',
  seq,
  hash,
  entryId,
  entry: entry === null ? null : entryOf(entry),
});

export const tailLine = (entry: StoredEntry): ExportLine => ({ line: 'tail', entry: entryOf(entry) });

/** Also the form in which checkpoints are kept outside. */
export const writtenCheckpoint = (checkpoint: Checkpoint): WrittenCheckpoint => {
  const { seq, hash, createdAt, keyId, signature } = checkpoint;
  return written<Checkpoint>({ ...ownerOf(checkpoint), seq, hash, createdAt, keyId, signature, ...cut(checkpoint) });
};

export const checkpointOf = (checkpoint: WrittenCheckpoint): Checkpoint => {
  const { seq, hash, createdAt, keyId, signature } = checkpoint;
  return { ...ownerOf(checkpoint), seq, hash, createdAt: new Date(createdAt), keyId, signature, ...cut(checkpoint) };
};

const cut = ({ isCut = false }: { readonly isCut?: boolean }) => (isCut ? { isCut } : {});

export const storedEntry = (entry: WrittenEntry): StoredEntry => read<StoredEntry>(entry);

/** What version 1 did not have is not there to be signed, so whoever puts it in breaks the signature. */
const headText = (head: Omit<ExportHead, 'signature'>): Buffer => {
  const { version, exportedAt, workspaceId, organizationId, organizationIds, workspaceIds, heads, keyId } = head;
  const signed = { version, exportedAt, workspaceId, organizationId, organizationIds, workspaceIds, heads, keyId };
  return Buffer.from(canonicalJson(signed));
};

type HeadFacts = Pick<ExportHead, 'exportedAt' | 'workspaceId' | 'workspaceIds' | 'keys'> &
  Required<Pick<ExportHead, 'organizationId' | 'organizationIds'>> & { readonly heads: readonly Checkpoint[] };

/** What is signed is when, of whom, and up to where: a file that was cut, or dated back, no longer fits its head. */
export function exportHead(
  facts: HeadFacts,
  key: { readonly keyId: string; readonly privateKey: KeyObject },
): ExportHead {
  const { keyId, privateKey } = key;
  const head = {
    ...facts,
    line: 'export' as const,
    version: EXPORT_VERSION,
    keyId,
    heads: facts.heads.map(writtenCheckpoint),
  };
  return { ...head, signature: sign(null, headText(head), privateKey).toString('base64') };
}

export const isHeadSignedBy = (head: ExportHead, publicKey: KeyObject): boolean =>
  verify(null, headText(head), publicKey, Buffer.from(head.signature, 'base64'));
