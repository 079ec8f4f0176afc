// Keeps parsed documents by their text, the least recently used going first. Bounded in number and in length, so that a
// caller who sends a new large document each time fills neither the memory nor the place of everybody else.

const ENTRIES_MAX = 1_000;
const CHARACTERS_MAX = 16_384;

export interface DocumentCache<T> {
  get(text: string): T | undefined;
  set(text: string, value: T): void;
}

export function documentCache<T>(entriesMax = ENTRIES_MAX, charactersMax = CHARACTERS_MAX): DocumentCache<T> {
  const entries = new Map<string, T>();
  return {
    get(text) {
      const value = entries.get(text);
      if (value !== undefined) {
        entries.delete(text);
        entries.set(text, value);
      }
      return value;
    },
    set(text, value) {
      if (text.length > charactersMax) return;
      entries.set(text, value);
      if (entries.size <= entriesMax) return;
      const oldest = entries.keys().next();
      if (oldest.done !== true) entries.delete(oldest.value);
    },
  };
}
