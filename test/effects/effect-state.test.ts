import { describe, expect, it } from 'vitest';
import {
  EFFECT_STATUSES,
  type EffectStatus,
  FIRST_STATUSES,
  isFinal,
  isMove,
  movesTo,
  requireMove,
} from '../../src/effects/effect-state.js';
import { EffectStatus as StoredStatus } from '../../src/generated/prisma/enums.js';

/** Every legal move, written out once more by hand from the contract. */
const LEGAL = new Set([
  'AWAITING_APPROVAL → QUEUED',
  'AWAITING_APPROVAL → REJECTED',
  'AWAITING_APPROVAL → EXPIRED',
  'AWAITING_APPROVAL → CANCELLED',
  'QUEUED → PERFORMING',
  'QUEUED → CANCELLED',
  'QUEUED → FAILED',
  'PERFORMING → QUEUED',
  'PERFORMING → SUCCEEDED',
  'PERFORMING → FAILED',
  'PERFORMING → UNCERTAIN',
  'UNCERTAIN → SUCCEEDED',
  'UNCERTAIN → FAILED',
]);

const PAIRS = EFFECT_STATUSES.flatMap((from) => EFFECT_STATUSES.map((to): [EffectStatus, EffectStatus] => [from, to]));

describe('the moves of an effect', () => {
  it('are judged for all 81 pairs', () => {
    expect(PAIRS).toHaveLength(81);
    expect(PAIRS.filter(([from, to]) => isMove(from, to))).toHaveLength(LEGAL.size);
  });

  it.each(PAIRS)('%s → %s', (from, to) => {
    if (LEGAL.has(`${from} → ${to}`)) {
      expect(isMove(from, to)).toBe(true);
      expect(() => requireMove(from, to)).not.toThrow();
    } else {
      expect(isMove(from, to)).toBe(false);
      expect(() => requireMove(from, to)).toThrowError(
        expect.objectContaining({ code: 'CONFLICT', data: { status: from }, message: expect.stringContaining(to) }),
      );
    }
  });

  it('end in SUCCEEDED, FAILED, REJECTED, EXPIRED or CANCELLED', () => {
    expect(EFFECT_STATUSES.filter(isFinal)).toEqual(['SUCCEEDED', 'FAILED', 'REJECTED', 'EXPIRED', 'CANCELLED']);
  });

  it('are the same seen from the other end', () => {
    for (const to of EFFECT_STATUSES) {
      expect(movesTo(to)).toEqual(EFFECT_STATUSES.filter((from) => LEGAL.has(`${from} → ${to}`)));
    }
  });

  it('reach every status from the first two, and nothing leads back to waiting', () => {
    const reached = new Set<EffectStatus>(FIRST_STATUSES);
    for (const from of reached) for (const to of EFFECT_STATUSES) if (isMove(from, to)) reached.add(to);
    expect([...reached].sort()).toEqual([...EFFECT_STATUSES].sort());
    expect(movesTo('AWAITING_APPROVAL')).toEqual([]);
  });

  it('know the statuses the database knows', () => {
    expect([...EFFECT_STATUSES].sort()).toEqual(Object.values(StoredStatus).sort());
  });
});
