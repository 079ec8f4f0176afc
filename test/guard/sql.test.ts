import { expect, it } from 'vitest';
import { identifier, literal } from '../../src/guard/sql.js';

it.each([1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, '1; DROP TABLE contact' as unknown as number])(
  'writes nothing into the text as a number that is no whole one: %s',
  (value) => {
    expect(() => literal(value)).toThrow('Not a whole number');
    expect(literal(101).text).toBe('101');
  },
);

it.each(['contact" --', 'Contact', '', 'a b'])(
  'writes nothing into the text as a name that would need quotes: %s',
  (name) => {
    expect(() => identifier(name)).toThrow('Not an identifier');
    expect(identifier('contact_key').text).toBe('"contact_key"');
  },
);
