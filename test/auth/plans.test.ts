import { expect, it } from 'vitest';
import { DEFAULT_PLANS, limitsOf } from '../../src/auth/plans.js';

it.each([
  ['free', null, null, { rpm: 30, rpd: 2_000 }],
  ['pro', null, null, { rpm: 120, rpd: 20_000 }],
  ['scale', null, null, { rpm: 600, rpd: 200_000 }],
  ['pro', 10, null, { rpm: 10, rpd: 20_000 }],
  ['pro', null, 500, { rpm: 120, rpd: 500 }],
  ['free', 600, 200_000, { rpm: 30, rpd: 2_000 }],
] as const)('%s with %s rpm and %s rpd allows %j', (plan, rpm, rpd, limits) => {
  expect(limitsOf(DEFAULT_PLANS, plan, { rpm, rpd })).toEqual(limits);
});
