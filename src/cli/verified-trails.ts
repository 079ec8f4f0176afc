// What a verification of several trails comes to, for people and programs.
import { type ChainOwner, kindOf, ownerId } from '../audit/chain-owner.js';
import type { Verification } from '../audit/verify.js';
import { aligned, type Output, styled } from './output.js';

export interface VerifiedTrails extends Omit<Verification, 'problems'> {
  /** Of a file: when it says that it was written. Later checkpoints were not held against it. */
  readonly exportedAt?: string;
  readonly problems: readonly (Verification['problems'][number] & ChainOwner)[];
  readonly organizations: readonly VerifiedTrail[];
  readonly workspaces: readonly VerifiedTrail[];
}

type VerifiedTrail = Omit<Verification, 'problems'> & ChainOwner;

export interface OwnedVerification {
  readonly owner: ChainOwner;
  readonly verified: Verification;
}

export function summaryOf(trails: readonly OwnedVerification[]): VerifiedTrails {
  const sum = (of: 'entries' | 'linked' | 'tail'): number => trails.reduce((total, one) => total + one.verified[of], 0);
  const of = (kind: ReturnType<typeof kindOf>): VerifiedTrail[] =>
    trails
      .filter(({ owner }) => kindOf(owner) === kind)
      .map(({ owner, verified: { problems: _, ...facts } }) => ({ ...owner, ...facts }));
  return {
    ok: trails.every(({ verified }) => verified.ok),
    entries: sum('entries'),
    linked: sum('linked'),
    tail: sum('tail'),
    problems: trails.flatMap(({ owner, verified }) => verified.problems.map((problem) => ({ ...owner, ...problem }))),
    organizations: of('organization'),
    workspaces: of('workspace'),
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
      ...problems.map((one) => `  ${ownerId(one)} ${one.seq ?? '-'} ${one.kind}: ${one.message}`),
    ],
  });
}
