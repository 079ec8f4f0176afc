// The life of an effect as one table. Every change of status in the product is one of these moves, made by an UPDATE that
// names the status it starts from; no other move exists. UNCERTAIN waits for a person to settle what the provider did.
import { conflict } from '../platform/errors.js';

export const EFFECT_STATUSES = [
  'AWAITING_APPROVAL',
  'QUEUED',
  'PERFORMING',
  'SUCCEEDED',
  'FAILED',
  'UNCERTAIN',
  'REJECTED',
  'EXPIRED',
  'CANCELLED',
] as const;

export type EffectStatus = (typeof EFFECT_STATUSES)[number];

/** An effect begins waiting for a decision, or queued when its rule asks for none. */
export const FIRST_STATUSES: readonly EffectStatus[] = ['AWAITING_APPROVAL', 'QUEUED'];

const MOVES: Readonly<Record<EffectStatus, readonly EffectStatus[]>> = {
  AWAITING_APPROVAL: ['QUEUED', 'REJECTED', 'EXPIRED', 'CANCELLED'],
  QUEUED: ['PERFORMING', 'CANCELLED', 'FAILED'],
  PERFORMING: ['QUEUED', 'SUCCEEDED', 'FAILED', 'UNCERTAIN'],
  UNCERTAIN: ['SUCCEEDED', 'FAILED'],
  SUCCEEDED: [],
  FAILED: [],
  REJECTED: [],
  EXPIRED: [],
  CANCELLED: [],
};

export const isMove = (from: EffectStatus, to: EffectStatus): boolean => MOVES[from].includes(to);

/** Nothing moves from here; what was reserved has been charged or released. */
export const isFinal = (status: EffectStatus): boolean => MOVES[status].length === 0;

/** The statuses from which an UPDATE may move to this one. */
export const movesTo = (to: EffectStatus): readonly EffectStatus[] =>
  EFFECT_STATUSES.filter((from) => isMove(from, to));

/** Throws CONFLICT, with the status found, unless the move exists. */
export const requireMove = (from: EffectStatus, to: EffectStatus): void => {
  if (isMove(from, to)) return;
  const remedy = isFinal(from) ? 'it is final' : `from here it can only become ${MOVES[from].join(', ')}`;
  throw conflict(`This effect is ${from} and cannot become ${to}: ${remedy}.`, { status: from });
};
