import { describe, expect, it } from 'vitest';
import { documentCache } from '../../src/graphql/document-cache.js';

describe('the document cache', () => {
  it('forgets the least recently used first', () => {
    const cache = documentCache<number>(2);
    cache.set('a', 1);
    cache.set('b', 2);
    expect(cache.get('a')).toBe(1);
    cache.set('c', 3);
    expect([cache.get('a'), cache.get('b'), cache.get('c')]).toEqual([1, undefined, 3]);
  });

  it('keeps no large text', () => {
    const cache = documentCache<number>(2, 3);
    cache.set('four', 1);
    expect(cache.get('four')).toBeUndefined();
  });
});
