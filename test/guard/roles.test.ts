import { expect, it } from 'vitest';
import { type Role, roleAtLeast } from '../../src/guard/roles.js';

const TABLE: readonly [Role | null, Role, boolean][] = [
  [null, 'MEMBER', false],
  [null, 'ADMIN', false],
  [null, 'OWNER', false],
  ['MEMBER', 'MEMBER', true],
  ['MEMBER', 'ADMIN', false],
  ['MEMBER', 'OWNER', false],
  ['ADMIN', 'MEMBER', true],
  ['ADMIN', 'ADMIN', true],
  ['ADMIN', 'OWNER', false],
  ['OWNER', 'MEMBER', true],
  ['OWNER', 'ADMIN', true],
  ['OWNER', 'OWNER', true],
];

it.each(TABLE)('%s where %s is required: %s', (role, required, allowed) => {
  expect(roleAtLeast(role, required)).toBe(allowed);
});
