import { expect, it } from 'vitest';
import { type PriceItem, priceBook } from '../../src/effects/prices.js';

it.each<[PriceItem, number]>([
  ['message.EMAIL', 1],
  ['message.CHAT', 1],
  ['message.SMS', 5],
  ['voice.minute', 10],
])('%s costs %i', (item, credits) => {
  expect(priceBook.of(item)).toBe(credits);
});

it('has a version, and no price for what it does not know', () => {
  expect(priceBook.version).toBe('2026-11');
  const unknown = ['constructor', 'message.FAX'] as unknown as PriceItem[];
  for (const item of unknown) expect(() => priceBook.of(item)).toThrow(TypeError);
});
