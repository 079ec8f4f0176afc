// What a verification of several trails comes to, for people and programs.
import type { Verification } from '../audit/verify.js';
import { aligned, type Output, styled } from './output.js';

export interface VerifiedTrails extends Omit<Verification, 'problems'> {
  /** Of a file: when it says that it was written. Later checkpoints were not held against it. */
  readonly exportedAt?: string;
  readonly problems: readonly (Verification['problems'][number] & { readonly workspaceId: string })[];
  readonly workspaces: readonly (Omit<Verification, 'problems'> & { readonly workspaceId: string })[];
}

export function summaryOf(verified: readonly (Verification & { readonly workspaceId: string })[]): VerifiedTrails {
  const sum = (of: 'entries' | 'linked' | 'tail'): number => verified.reduce((total, one) => total + one[of], 0);
  return {
    ok: verified.every(({ ok }) => ok),
    entries: sum('entries'),
    linked: sum('linked'),
    tail: sum('tail'),
    problems: verified.flatMap(({ workspaceId: id, problems }) =>
      problems.map((problem) => ({ workspaceId: id, ...problem })),
    ),
    workspaces: verified.map(({ problems: _, ...facts }) => facts),
  };
}

export function printVerified(output: Output, verified: VerifiedTrails): void {
  const { ok, entries, linked, tail, problems, exportedAt } = verified;
  output.print({
    json: verified,
    lines: [
      ok ? styled('green', 'The audit trail holds.') : styled('red', 'The audit trail does not hold.'),
      ...aligned([
        ['entries', String(entries)],
        ['linked', String(linked)],
        ['tail', `${tail}${tail > 0 ? ' (not linked yet)' : ''}`],
        ['problems', String(problems.length)],
        ...(exportedAt === undefined ? [] : [['exported', exportedAt]]),
      ]),
      ...problems.map(({ workspaceId, kind, seq, message }) => `  ${workspaceId} ${seq ?? '-'} ${kind}: ${message}`),
    ],
  });
}
