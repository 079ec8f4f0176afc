import fc from 'fast-check';
import { parseValue } from 'graphql';
import { describe, expect, it } from 'vitest';
import { DateTimeScalar, JsonScalar, parseTime } from '../../src/graphql/scalars.js';

describe('DateTime', () => {
  it.each([
    ['2026-01-31T09:30:00Z', '2026-01-31T09:30:00.000Z'],
    ['2026-01-31T09:30Z', '2026-01-31T09:30:00.000Z'],
    ['2026-01-31T09:30:00.5+05:30', '2026-01-31T04:00:00.500Z'],
    ['2024-02-29T23:59:59-12:00', '2024-03-01T11:59:59.000Z'],
  ])('reads %s', (text, utc) => {
    expect(parseTime(text)?.toISOString()).toBe(utc);
  });

  it.each([
    '2026-01-31T09:30:00',
    '2026-01-31',
    '2026-02-30T00:00:00Z',
    '2025-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-01-31T24:00:00Z',
    '2026-01-31T09:60:00Z',
    '2026-01-31T09:30:00+24:00',
    '2026-01-31 09:30:00Z',
    '2026-01-31t09:30:00z',
    'now',
    '',
  ])('refuses %s, as a variable and in the text', (text) => {
    expect(() => DateTimeScalar.parseValue(text)).toThrow('ISO 8601 with a time zone');
    expect(() => DateTimeScalar.parseLiteral(parseValue(JSON.stringify(text)), {})).toThrow('ISO 8601');
  });

  it.each([7, null, true, {}, new Date()])('refuses what is no text: %s', (value) => {
    expect(() => DateTimeScalar.parseValue(value)).toThrow('ISO 8601');
  });

  it('answers in UTC, and what it answers reads back', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true }), (time) => {
        const text = DateTimeScalar.serialize(time);
        expect(text).toMatch(/Z$/);
        expect(parseTime(text)?.getTime()).toBe(time.getTime());
      }),
    );
  });
});

describe('JSON', () => {
  it('passes values through, and reads literals with variables', () => {
    expect(JsonScalar.parseValue({ a: [1, null] })).toEqual({ a: [1, null] });
    expect(JsonScalar.parseLiteral(parseValue('{ a: [1, "x", true, null, $v] }'), { v: 2 })).toEqual({
      a: [1, 'x', true, null, 2],
    });
  });
});
