// Walks a chain from its first link and judges each place by what stands before it. A hash covers the place it was made
// for, so links that were given new numbers still tell which they had: a removal or insertion is told where it happened,
// and what stands behind it is not blamed. What is held does not grow with the chain.
import { type ChainOwner, isOf, kindOf } from './chain-owner.js';
import { type ChainMisfit, explainMisfits } from './explain-misfits.js';
import { chainStart, entryText, linkHash, type StoredEntry, type StoredLink } from './links.js';
import type { Found } from './problem.js';

export interface LinkedEntry {
  readonly link: StoredLink;
  readonly entry: StoredEntry | null;
}

/** What signed checkpoints vouch for, by place; more than one hash for a place means that one of them is a lie. */
export type Heads = ReadonlyMap<number, ReadonlyMap<string, Date>>;

/** Up to where a chain was dropped on purpose, by place, each with the hash that stood there: signed as that. */
export type Cuts = ReadonlyMap<number, string>;

export interface Chain {
  readonly linked: number;
  readonly entries: number;
  /** By the numbers that the links had when they were made. */
  readonly lastSeq: number;
  /** When the youngest linked entry was written; null for an empty chain. */
  readonly latest: Date | null;
}

/** An entry is linked within seconds; one that claims to be much older than what is linked before it was put there later. */
export const backdatedMs = 15 * 60_000;
export const isBackdated = (entry: Pick<StoredEntry, 'createdAt'>, latest: Date | null): boolean =>
  latest !== null && latest.getTime() - entry.createdAt.getTime() > backdatedMs;

const MISFITS_MAX = 100;
/** So many places that are gone, or were put in between, are recognized by the numbers of those behind. */
const RENUMBERED_MAX = 1_000;
const RECENT_MAX = 1_000;

export async function walkChain(
  owner: ChainOwner,
  linked: AsyncIterable<LinkedEntry>,
  { heads, cuts }: { readonly heads: Heads; readonly cuts: Cuts },
  found: Found,
): Promise<Chain> {
  const recent = recentLinks();
  let begun: Walk | null = null;
  let count = 0;
  let entries = 0;
  let latest: Date | null = null;
  for await (const { link, entry } of linked) {
    count++;
    begun ??= openWalk(heads, found, recent, beginningOf(cuts, link.seq));
    const walk: Walk = begun;
    const twice = recent.seqOf(link.entryId) !== null;
    if (twice) found('inserted', link.seq, link.entryId, 'One entry stands at two places.');
    recent.add(link);
    if (entry === null) {
      found('removed', link.seq, link.entryId, 'The entry that this place names is gone.');
      walk.pass(link);
      continue;
    }
    entries++;
    if (!isOf(entry, owner))
      found('inserted', link.seq, link.entryId, `An entry of another ${kindOf(entry)} stands in this trail.`);
    walk.judge(link, entryText(entry), twice);
    const vouchedAt = heads.get(link.seq)?.get(link.hash);
    // Else a retired key could vouch for what is new, by a date from when it was in use.
    if (vouchedAt !== undefined && isBackdated({ createdAt: vouchedAt }, entry.createdAt))
      found('retired-key', link.seq, link.entryId, 'The checkpoint of this place is dated long before its entry.');
    if (isBackdated(entry, latest))
      found('inserted', link.seq, link.entryId, 'This entry is dated long before the one it follows.');
    if (latest === null || entry.createdAt > latest) latest = entry.createdAt;
  }
  const lastSeq = (begun ?? openWalk(heads, found, recent, beginningOf(cuts, Number.POSITIVE_INFINITY))).end();
  return { linked: count, entries, lastSeq, latest };
}

/** What the first link follows: the beginning of all, or the last cut before it. */
function beginningOf(cuts: Cuts, firstSeq: number): Standing {
  let beginning: Standing = { hash: chainStart, made: 0 };
  for (const [made, hash] of cuts) if (made < firstSeq && made > beginning.made) beginning = { hash, made };
  return beginning;
}

interface Walk {
  /** A link whose entry is gone: its own hash is believed, since those behind it are judged by it. */
  pass(link: StoredLink): void;
  judge(link: StoredLink, text: string, isToldAlready: boolean): void;
  /** @returns the last place, by the number it was made with */
  end(): number;
}

/** Where a link that fits stood when it was made. */
interface Standing {
  readonly hash: string;
  readonly made: number;
}

function openWalk(heads: Heads, tell: Found, recent: ReturnType<typeof recentLinks>, beginning: Standing): Walk {
  let isTold = false;
  const found: Found = (...problem) => {
    isTold = true;
    tell(...problem);
  };
  /** The first place that did not fit. */
  let doubt: StoredLink | null = null;
  const misfits: ChainMisfit[] = [];
  /** Since the last link that fits, newest last. */
  let pending: ChainMisfit[] = [];
  let before: string = beginning.hash;
  let lastSeq = beginning.made;
  /** The number a link was made with, less the one it has. */
  let shift = 0;
  let lastFit: Standing = beginning;
  /** Links were put in between, if the next one confirms it. */
  let guess: { readonly shift: number; readonly inserted: readonly ChainMisfit[]; readonly last: ChainMisfit } | null =
    null;
  let vouchedTo = beginning.made;
  let isRewritten = false;

  const compare = (link: StoredLink): void => {
    const { seq, entryId, hash } = link;
    const vouched = heads.get(seq + shift);
    if (vouched === undefined) return;
    const other = [...vouched].find(([one]) => one !== hash);
    if (other === undefined) {
      vouchedTo = seq;
      return;
    }
    doubt ??= link;
    // Those behind it differ too; that says nothing new.
    if (isRewritten || pending.length > 0) return;
    isRewritten = true;
    const message = `The checkpoint of ${other[1].toISOString()} vouches for another hash: the chain was made anew somewhere from place ${vouchedTo + 1} to ${seq}.`;
    found('rewritten', seq, entryId, message);
  };
  const keep = (misfit: ChainMisfit): void => {
    doubt ??= misfit.link;
    pending.push(misfit);
    if (misfits.length < MISFITS_MAX) misfits.push(misfit);
  };
  const drop = (gone: readonly ChainMisfit[]): void => {
    for (const one of gone) if (misfits.includes(one)) misfits.splice(misfits.indexOf(one), 1);
  };
  const tellInserted = (first: number, last: number): void => {
    for (let seq = first; seq <= last; seq++)
      found('inserted', seq, recent.idAt(seq), 'This was put in between, and what follows was given new numbers.');
  };
  const confirm = (): void => {
    if (guess === null) return;
    drop([...guess.inserted, guess.last]);
    for (const { link } of guess.inserted) tellInserted(link.seq, link.seq);
    shift = guess.shift;
    guess = null;
    pending = [];
  };
  /** Two neighbours that fit each other under other numbers: what stood between them and those before is gone, or is new. */
  const renumbered = (link: StoredLink, text: string): boolean => {
    const first = pending.at(-1);
    if (first === undefined || misfits.length >= MISFITS_MAX) return false;
    for (let by = 1; by <= RENUMBERED_MAX; by++) {
      for (const change of [by, -by]) {
        if (linkHash(before, link.seq + shift + change, text) !== link.hash) continue;
        drop([first]);
        const { seq } = first.link;
        const made = seq + shift;
        const places = by === 1 ? `place ${made} is` : `places ${made} to ${made + by - 1} are`;
        if (change > 0) found('removed', made, null, `Here ${places} gone, and what follows was given new numbers.`);
        else tellInserted(seq - by, seq - 1);
        shift += change;
        return true;
      }
    }
    return false;
  };
  const fits = (link: StoredLink, text: string): boolean => {
    const made = link.seq + shift;
    if (guess !== null) {
      if (linkHash(before, link.seq + guess.shift, text) === link.hash) {
        confirm();
        return true;
      }
      guess = null;
    }
    if (linkHash(before, made, text) === link.hash) return true;
    const last = pending.at(-1);
    if (last === undefined) return false;
    // Only the hash of the place before is wrong.
    if (linkHash(linkHash(last.before, made - 1, last.text), made, text) === link.hash) return true;
    if (renumbered(link, text)) return true;
    if (linkHash(lastFit.hash, lastFit.made + 1, text) === link.hash) {
      const inserted = [...pending];
      const misfit = { link, before, text, made };
      keep(misfit);
      guess = { shift: lastFit.made + 1 - link.seq, inserted, last: misfit };
    }
    return false;
  };
  const step = (link: StoredLink): void => {
    before = link.hash;
    lastSeq = link.seq;
  };
  return {
    pass(link) {
      if (link.seq !== lastSeq + 1) tellGap(lastSeq, link, found);
      compare(link);
      step(link);
    },
    judge(link, text, isToldAlready) {
      if (link.seq !== lastSeq + 1) {
        // What stood before is not known, so the place itself cannot be judged; the gap is told.
        tellGap(lastSeq, link, found);
        pending = [];
        lastFit = { hash: link.hash, made: link.seq + shift };
      } else if (fits(link, text)) {
        pending = [];
        lastFit = { hash: link.hash, made: link.seq + shift };
      } else if (guess === null && !isToldAlready) keep({ link, before, text, made: link.seq + shift });
      if (pending.length > MISFITS_MAX) pending = pending.slice(-1);
      compare(link);
      step(link);
    },
    end() {
      confirm();
      const [last] = pending.slice(-1);
      const made = last === undefined ? null : signedPlace(heads, last);
      if (last !== undefined && made !== null && made > last.made) {
        drop([last]);
        found(
          'removed',
          last.made,
          null,
          `Here places ${last.made} to ${made - 1} are gone, and what follows was given new numbers.`,
        );
        shift += made - last.made;
      }
      explainMisfits(misfits, found);
      // Hashes that were made to explain each other explain nothing.
      if (doubt !== null && !isTold)
        found('edited', doubt.seq, doubt.entryId, 'What stands here is not what was linked.');
      return lastSeq + shift;
    },
  };
}

/** The place that a checkpoint vouches for this very hash at; null: none does. */
function signedPlace(heads: Heads, { link, made }: ChainMisfit): number | null {
  for (let seq = made; seq <= made + RENUMBERED_MAX; seq++) if (heads.get(seq)?.has(link.hash) === true) return seq;
  return null;
}

const tellGap = (lastSeq: number, { seq }: StoredLink, found: Found): void =>
  found('removed', lastSeq + 1, null, `Places ${lastSeq + 1} to ${seq - 1} are missing from the chain.`);

/** The last places, by number and by entry: one entry at two places stands there by its id, or is found by its hash. */
function recentLinks() {
  const bySeq = new Map<number, string>();
  const byId = new Map<string, number>();
  return {
    add({ seq, entryId }: StoredLink): void {
      bySeq.set(seq, entryId);
      byId.set(entryId, seq);
      if (bySeq.size <= RECENT_MAX) return;
      const [oldest] = bySeq;
      if (oldest === undefined) return;
      bySeq.delete(oldest[0]);
      if (byId.get(oldest[1]) === oldest[0]) byId.delete(oldest[1]);
    },
    seqOf: (entryId: string): number | null => byId.get(entryId) ?? null,
    idAt: (seq: number): string | null => bySeq.get(seq) ?? null,
  };
}
