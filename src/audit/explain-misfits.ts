// What became of places whose hash does not fit what stands before them: an entry or a whole link that was moved fits
// elsewhere, one that only follows such a place fits once that is seen, and what fits nowhere was edited. Pure.
import { linkHash, type StoredLink } from './links.js';
import type { Found } from './problem.js';

/** A place whose hash does not fit, kept until it is known why. */
export interface ChainMisfit {
  readonly link: StoredLink;
  /** The hash that stands before it. */
  readonly before: string;
  readonly text: string;
  /** The number it would have been made with. */
  readonly made: number;
}

/** Every pair is tried for so many; beyond, each is told by itself. */
const TRIED_MAX = 24;

export function explainMisfits(misfits: readonly ChainMisfit[], found: Found): void {
  const tried = misfits.length <= TRIED_MAX ? misfits : [];
  const hashes = new Set(tried.flatMap(({ before, link }) => [before, link.hash]));
  const places = new Set(tried.map(({ made }) => made));
  for (const misfit of misfits) {
    const { link, before, made, text } = misfit;
    const follows = (place: number): boolean => [...hashes].some((hash) => linkHash(hash, place, text) === link.hash);
    const isEntryMoved = tried.some((other) => other !== misfit && linkHash(before, made, other.text) === link.hash);
    // Only what stands before it is wrong.
    if (!isEntryMoved && follows(made)) continue;
    if (isEntryMoved || [...places].some((place) => place !== made && follows(place)))
      found('reordered', link.seq, link.entryId, 'What belongs here stands at another place.');
    else found('edited', link.seq, link.entryId, 'What this entry says is not what was linked here.');
  }
}
