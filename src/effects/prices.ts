// What things cost, in whole credits. An effect stores the version of the book that priced it and its seal covers both,
// so a later book never changes what was approved: add a book, never edit one that was in use.

export type PriceItem = 'message.EMAIL' | 'message.CHAT' | 'message.SMS' | 'voice.minute';

export interface PriceBook {
  readonly version: string;
  /** Whole credits, never negative. Throws on an item the book does not know. */
  of(item: PriceItem): number;
}

const bookOf = (version: string, prices: Readonly<Record<PriceItem, number>>): PriceBook => ({
  version,
  of: (item) => {
    if (!Object.hasOwn(prices, item)) throw new TypeError(`The price book ${version} has no price for ${item}.`);
    return prices[item];
  },
});

export const priceBook: PriceBook = bookOf('2026-11', {
  'message.EMAIL': 1,
  'message.CHAT': 1,
  'message.SMS': 5,
  'voice.minute': 10,
});
