// One trail as lines of an export, a page at a time: each page is one answer of the command's socket, and says from where
// the next one goes on. What is old may be dropped between two pages; where that took what was not written yet, the trail is
// written anew from its beginning, which is another by then.
import { type ChainOwner, ownerOf } from './chain-owner.js';
import { type ExportLine, lineOf, linkedLine, tailLine, writtenCheckpoint } from './export-lines.js';
import { type Checkpoint, signHead } from './links.js';
import {
  type ChainReader,
  checkpointsBehind,
  lastCut,
  lastLink,
  linkedBehind,
  rowsAtOnce,
  unlinkedBehind,
} from './stored-chain.js';

/** Where a page begins. What was linked after the export began is left to the next one. */
export interface ExportPlace {
  readonly part: 'checkpoints' | 'linked' | 'tail';
  /** Behind this place of the chain. */
  readonly seq: number;
  /** Behind this id. */
  readonly id: string;
  readonly linked: number;
  readonly tail: number;
  /** The last place of the chain when the export of this trail began. */
  readonly lastSeq: number;
  /** Up to where the chain had been dropped when the export of this trail began. */
  readonly cutSeq: number;
}

export interface ExportPage {
  readonly lines: readonly string[];
  /** Null: that was all of this trail. */
  readonly next: ExportPlace | null;
  /** What was written of this trail so far is no beginning of what is left of it; it is taken back, and `next` is null. */
  readonly isOvertaken: boolean;
}

const overtaken: ExportPage = { lines: [], next: null, isOvertaken: true };

/** Whether places behind `seq` were dropped since the export of this trail began. Asked after reading them. */
const isOvertaken = async (reader: ChainReader, owner: ChainOwner, { seq, cutSeq }: ExportPlace): Promise<boolean> => {
  const cut = await lastCut(reader, owner);
  return cut > cutSeq && cut > seq;
};

/** Where the chain ends now, signed; null: it has not begun. What an export promises to hold. */
export async function headOfChain(
  reader: ChainReader,
  owner: ChainOwner,
  { key, createdAt }: { readonly key: Parameters<typeof signHead>[1]; readonly createdAt: Date },
): Promise<Checkpoint | null> {
  const last = await lastLink(reader, owner);
  return last === null ? null : signHead({ ...ownerOf(owner), seq: last.seq, hash: last.hash, createdAt }, key);
}

export async function exportPage(
  reader: ChainReader,
  owner: ChainOwner,
  place: ExportPlace | null,
): Promise<ExportPage> {
  if (place === null) return begin(reader, owner);
  return place.part === 'tail' ? tailPage(reader, owner, place) : linkedPage(reader, owner, place);
}

async function begin(reader: ChainReader, owner: ChainOwner): Promise<ExportPage> {
  // Before all else, so that what is dropped meanwhile is noticed.
  const cutSeq = await lastCut(reader, owner);
  const lastSeq = (await lastLink(reader, owner))?.seq ?? 0;
  const checkpoints: Checkpoint[] = [];
  for (let page = await checkpointsBehind(reader, owner, null, lastSeq); ; ) {
    checkpoints.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < rowsAtOnce) break;
    page = await checkpointsBehind(reader, owner, last, lastSeq);
  }
  const lines: ExportLine[] = [
    { line: 'trail', ...ownerOf(owner) },
    ...checkpoints.map((one): ExportLine => ({ line: 'checkpoint', ...writtenCheckpoint(one) })),
  ];
  const next = { part: 'linked', seq: 0, id: '', linked: 0, tail: 0, lastSeq, cutSeq } as const;
  return { lines: lines.map(lineOf), next, isOvertaken: false };
}

async function linkedPage(reader: ChainReader, owner: ChainOwner, place: ExportPlace): Promise<ExportPage> {
  const page = await linkedBehind(reader, owner, place);
  if (await isOvertaken(reader, owner, place)) return overtaken;
  const lines = page.map(({ link, entry }) => lineOf(linkedLine(link, entry)));
  const seq = page.at(-1)?.link.seq ?? place.seq;
  const part = page.length < rowsAtOnce ? 'tail' : 'linked';
  return { lines, next: { ...place, part, seq, linked: place.linked + page.length }, isOvertaken: false };
}

/** Entries that the chain as it was had not reached; some may have been linked since. */
async function tailPage(reader: ChainReader, owner: ChainOwner, place: ExportPlace): Promise<ExportPage> {
  const entries = await unlinkedBehind(reader, owner, place);
  const lines = entries.map((entry) => lineOf(tailLine(entry)));
  const tail = place.tail + entries.length;
  const last = entries.at(-1);
  if (last !== undefined && entries.length === rowsAtOnce)
    return { lines, next: { ...place, id: last.id, tail }, isOvertaken: false };
  const end = lineOf({ line: 'end', ...ownerOf(owner), linked: place.linked, tail });
  return { lines: [...lines, end], next: null, isOvertaken: false };
}
