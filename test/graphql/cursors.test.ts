import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CursorPlace,
  type CursorSecrets,
  cursorsFor,
  decodeCursor,
  encodeCursor,
} from '../../src/graphql/cursors.js';
import { isCoded } from '../../src/platform/errors.js';

const SECRET = randomBytes(32);
const PLACE: CursorPlace = {
  workspaceId: 'wsp_01h455vb4pex5vsknk084sn02q',
  field: 'Query.contacts',
  order: { field: 'CREATED_AT', direction: 'DESC' },
  filters: { search: 'ada', company: ['x', 'y'] },
};

const text = fc.string({ unit: 'grapheme' });
const value = fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null));
const values = fc.array(value, { maxLength: 4 });
const place: fc.Arbitrary<CursorPlace> = fc.record({
  workspaceId: text,
  field: text,
  order: fc.constantFrom('CREATED_AT DESC', 'NAME ASC', null),
  filters: fc.dictionary(text, fc.oneof(text, fc.integer(), fc.constant(null)), { maxKeys: 3 }),
});

const refusalOf = (cursor: string, at: CursorPlace = PLACE, secrets: CursorSecrets = SECRET, argument?: 'before') => {
  try {
    decodeCursor(cursor, at, secrets, argument);
  } catch (error) {
    if (isCoded(error, 'BAD_USER_INPUT')) return error;
    throw error;
  }
  return null;
};

describe('a cursor', () => {
  it('gives its values back to the list that made it', () => {
    fc.assert(
      fc.property(place, values, (at, sortValues) => {
        const cursor = encodeCursor({ ...at, values: sortValues }, SECRET);
        expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(decodeCursor(cursor, at, SECRET)).toEqual(sortValues);
      }),
    );
  });

  it('does not mind in which order filters were given', () => {
    const cursor = encodeCursor({ ...PLACE, values: ['a', 1] }, SECRET);
    const filters = { company: ['x', 'y'], search: 'ada' };
    expect(decodeCursor(cursor, { ...PLACE, filters }, SECRET)).toEqual(['a', 1]);
  });

  it.each<[string, Partial<CursorPlace>]>([
    ['workspace', { workspaceId: 'wsp_01h455vb4pex5vsknk084sn02r' }],
    ['field', { field: 'Query.agents' }],
    ['order', { order: { field: 'CREATED_AT', direction: 'ASC' } }],
    ['filter', { filters: { search: 'ada' } }],
    ['filters', { filters: null }],
  ])('is refused in another %s', (_what, change) => {
    const cursor = encodeCursor({ ...PLACE, values: ['a'] }, SECRET);
    expect(refusalOf(cursor, { ...PLACE, ...change })?.data).toEqual({ field: 'after' });
  });

  it('of one place is refused at every other', () => {
    fc.assert(
      fc.property(place, place, values, (made, asked, sortValues) => {
        fc.pre(JSON.stringify(made) !== JSON.stringify(asked));
        const cursor = encodeCursor({ ...made, values: sortValues }, SECRET);
        const isSame = JSON.stringify(sorted(made)) === JSON.stringify(sorted(asked));
        expect(refusalOf(cursor, asked) === null).toBe(isSame);
      }),
    );
  });

  it('is refused when any character was changed, added or taken away', () => {
    const cursor = encodeCursor(
      { ...PLACE, values: ['2026-11-22T12:00:00.000Z', 'ctc_01h455vb4pex5vsknk084sn02q'] },
      SECRET,
    );
    fc.assert(
      fc.property(fc.nat(cursor.length - 1), fc.string({ maxLength: 2 }), (at, put) => {
        const changed = cursor.slice(0, at) + put + cursor.slice(at + 1);
        fc.pre(changed !== cursor);
        expect(refusalOf(changed)).not.toBeNull();
      }),
      { numRuns: 2000 },
    );
  });

  it('is refused when any bit was turned', () => {
    const bytes = Buffer.from(encodeCursor({ ...PLACE, values: ['a', 7] }, SECRET), 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const turned = Buffer.from(bytes);
      turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(refusalOf(turned.toString('base64url'))).not.toBeNull();
    }
  });

  it.each(['', 'x', '====', 'AQ', 'not a cursor', 'é', `${'A'.repeat(100)}`, 'A'.repeat(1_000_000)])(
    'is not just any text (%#)',
    (cursor) => {
      expect(refusalOf(cursor)).not.toBeNull();
    },
  );

  it('never throws anything but BAD_USER_INPUT', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.base64String()), (cursor) => refusalOf(cursor) !== null));
  });

  it('has one spelling: padding, blanks and the other alphabet are refused', () => {
    const cursor = encodeCursor({ ...PLACE, values: ['ÿÿÿ>>>???'] }, SECRET);
    expect(refusalOf(cursor)).toBeNull();
    expect(refusalOf(`${cursor}=`)).not.toBeNull();
    expect(refusalOf(` ${cursor}`)).not.toBeNull();
    const standard = Buffer.from(cursor, 'base64url').toString('base64');
    if (standard !== cursor) expect(refusalOf(standard)).not.toBeNull();
  });

  it('names the argument it came in', () => {
    expect(refusalOf('x', PLACE, SECRET, 'before')).toMatchObject({ data: { field: 'before' } });
    expect(refusalOf('x')?.message).toContain('cursor');
  });
});

describe('rotation', () => {
  const [old, current] = [randomBytes(32), randomBytes(32)];

  it('signs with the first secret and accepts all', () => {
    const before = encodeCursor({ ...PLACE, values: [1] }, old);
    expect(decodeCursor(before, PLACE, [current, old])).toEqual([1]);
    const after = encodeCursor({ ...PLACE, values: [1] }, [current, old]);
    expect(after).toBe(encodeCursor({ ...PLACE, values: [1] }, current));
    expect(refusalOf(after, PLACE, old)).not.toBeNull();
  });

  it('needs a secret', () => {
    expect(() => cursorsFor(PLACE, [])).toThrow(TypeError);
  });
});

const sorted = (at: CursorPlace) => ({
  ...at,
  filters: Object.entries(at.filters as Record<string, unknown>).sort(([a], [b]) => (a < b ? -1 : 1)),
});
