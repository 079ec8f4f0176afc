// A value that is there already as the text that JSON.stringify would make of what the executor completes it to: values of
// the principal, and what a rule in TypeScript makes of columns. The writer of the text is made once per selection.
import {
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNullableType,
  isLeafType,
  isListType,
  isObjectType,
  type SelectionSetNode,
} from 'graphql';
import { sourceOf } from '../graphql/source.js';
import type { AnyField, Draft } from './draft.js';
import { setsOf } from './draft.js';
import { notCompiled } from './not-compiled.js';
import { fieldsOf } from './object-text.js';

/** Null where the executor would raise an error, so that there is no answer and the ordinary way tells it. */
export type TextOf = (value: unknown) => string | null;

export function textMaker(draft: Draft, type: GraphQLOutputType, sets: readonly SelectionSetNode[]): TextOf {
  const nullable = getNullableType(type);
  const isNullable = nullable === type;
  const text = textOfPresent(draft, nullable, sets);
  return (value) => (value === null || value === undefined ? (isNullable ? 'null' : null) : text(value));
}

function textOfPresent(draft: Draft, type: GraphQLOutputType, sets: readonly SelectionSetNode[]): TextOf {
  if (isListType(type)) return listText(textMaker(draft, type.ofType, sets));
  if (isLeafType(type)) return (value) => leafText(type, value);
  return isObjectType(type) ? objectMaker(draft, type, sets) : notCompiled(`a value as ${String(type)}`);
}

const listText =
  (one: TextOf): TextOf =>
  (value) => {
    if (!Array.isArray(value)) return null;
    const items = value.map(one);
    return items.includes(null) ? null : `[${items.join(',')}]`;
  };

function leafText(type: GraphQLLeafType, value: unknown): string | null {
  try {
    const serialized = type.serialize(value);
    return serialized === null || serialized === undefined ? null : JSON.stringify(serialized);
  } catch {
    return null;
  }
}

function objectMaker(draft: Draft, type: GraphQLObjectType, sets: readonly SelectionSetNode[]): TextOf {
  const parts = [...fieldsOf(draft, type, sets)].map(({ before, field, nodes }) => {
    if (field === null) return { before, text: () => `"${type.name}"` };
    const part = partIn(type, field);
    const text = textMaker(draft, field.type, setsOf(nodes));
    return { before, text: (whole: unknown) => text(part(whole)) };
  });
  return (whole) => {
    let made = '';
    for (const { before, text } of parts) {
      const one = text(whole);
      if (one === null) return null;
      made += before + one;
    }
    return parts.length === 0 ? '{}' : `${made}}`;
  };
}

/** How a field's value is found in the whole. */
function partIn(type: GraphQLObjectType, field: AnyField): (whole: unknown) => unknown {
  const source = sourceOf(field);
  const { pothosExposedField: exposed } = field.extensions;
  if (source?.kind === 'part') return source.value;
  if (source !== null || typeof exposed !== 'string') return notCompiled(`${type.name}.${field.name}`);
  return (whole) => Reflect.get(whole as object, exposed);
}
