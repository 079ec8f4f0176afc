// One trail as it lies in the database, read as the owner in pages, for `verify`.
import type { ChainOwner } from './chain-owner.js';
import type { Checkpoint, StoredEntry } from './links.js';
import {
  type ChainReader,
  checkpointsBehind,
  endOf,
  linkedBehind,
  rowsAtOnce,
  unlinkedBehind,
} from './stored-chain.js';
import type { Trail } from './verify.js';
import type { LinkedEntry } from './walk-chain.js';

/**
 * As it is at one moment, also while the sealer goes on: what is linked later counts as not linked yet.
 * @param outside checkpoints kept elsewhere; they vouch for more than those in the same database can
 */
export async function readTrail(
  reader: ChainReader,
  owner: ChainOwner,
  outside: readonly Checkpoint[] = [],
): Promise<Trail> {
  const { linked, signed } = await endOf(reader, owner);
  return {
    owner,
    linked: linkedOf(reader, owner, linked),
    unlinked: unlinkedOf(reader, owner, linked),
    checkpoints: checkpointsOf(reader, owner, signed, outside),
  };
}

async function* checkpointsOf(
  reader: ChainReader,
  owner: ChainOwner,
  lastSeq: number,
  outside: readonly Checkpoint[],
): AsyncGenerator<Checkpoint> {
  let page = await checkpointsBehind(reader, owner, null, lastSeq);
  for (;;) {
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < rowsAtOnce) break;
    page = await checkpointsBehind(reader, owner, last, lastSeq);
  }
  yield* outside;
}

async function* linkedOf(reader: ChainReader, owner: ChainOwner, lastSeq: number): AsyncGenerator<LinkedEntry> {
  for (let seq = 0; ; ) {
    const page = await linkedBehind(reader, owner, { seq, lastSeq });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < rowsAtOnce) return;
    seq = last.link.seq;
  }
}

async function* unlinkedOf(reader: ChainReader, owner: ChainOwner, lastSeq: number): AsyncGenerator<StoredEntry> {
  for (let id = ''; ; ) {
    const page = await unlinkedBehind(reader, owner, { id, lastSeq });
    yield* page;
    const last = page.at(-1);
    if (last === undefined || page.length < rowsAtOnce) return;
    id = last.id;
  }
}
