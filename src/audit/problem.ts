// What a verification may find, and how it is told.
export type ProblemKind =
  | 'edited'
  | 'removed'
  | 'inserted'
  | 'reordered'
  | 'truncated'
  | 'rewritten'
  /** Linked, and no checkpoint says so: each run that links also signs. */
  | 'unsigned'
  | 'unknown-key'
  | 'bad-signature'
  /** Signed by a key of ours when it was not in use any more, or dated before what it vouches for. */
  | 'retired-key';

export interface Problem {
  readonly kind: ProblemKind;
  /** The place in the chain; null for an entry outside it. */
  readonly seq: number | null;
  readonly entryId: string | null;
  readonly message: string;
}

/** Tells of a problem; at most so many are kept. */
export type Found = (kind: ProblemKind, seq: number | null, entryId: string | null, message: string) => void;
