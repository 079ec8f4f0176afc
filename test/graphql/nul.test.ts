import { parse } from 'graphql';
import { describe, expect, it } from 'vitest';
import { requireDocumentWithoutNul, requireVariablesWithoutNul } from '../../src/graphql/nul.js';

const judge = (variables: unknown) => requireVariablesWithoutNul(variables, JSON.stringify(variables));
const judgeText = (text: string) => requireDocumentWithoutNul(parse(text), text);

describe('a NUL character', () => {
  it('is refused wherever it stands in the variables, by name', () => {
    expect(() => judge({ input: { names: ['a', 'b\0'] } })).toThrow('input.names.1: holds a NUL character');
    expect(() => judge({ id: '\0' })).toThrow(
      expect.objectContaining({ code: 'BAD_USER_INPUT', data: { field: 'id' } }),
    );
  });

  it('is refused in a text of the operation, however it is spelt', () => {
    expect(() => judgeText('{ a(b: "x\\u0000") }')).toThrow('query: holds a NUL character');
    expect(() => judgeText('{ a(b: ["\\u{000}"]) }')).toThrow('query: holds a NUL character');
  });

  it('is not seen in the characters that spell one', () => {
    expect(() => judge({ text: '\\u0000', list: [null, 1, true] })).not.toThrow();
    expect(() => judgeText('{ a(b: "\\\\u0000") } # \\u0000')).not.toThrow();
    expect(() => requireVariablesWithoutNul(undefined, '')).not.toThrow();
  });

  it('is found in variables nested deeper than the stack', () => {
    const deep = `${'['.repeat(200_000)}"\\u0000"${']'.repeat(200_000)}`;
    expect(() => requireVariablesWithoutNul(JSON.parse(deep), deep)).toThrow('holds a NUL character');
  });
});
