// An object as the text that JSON.stringify would make of it, whatever its values come from.
import type { FieldNode, GraphQLObjectType, SelectionSetNode } from 'graphql';
import type { Model } from '../guard/tenancy.js';
import { type AnyField, type Draft, requireAllowed, selectionOf, sumOf, type Text } from './draft.js';
import { notCompiled } from './not-compiled.js';

/** A row in scope, and the joins that are made beside it. */
export interface Row {
  readonly alias: string;
  readonly model: Model;
  readonly joins: string[];
}

/** @param value the text of one field's value */
export function objectText(
  draft: Draft,
  type: GraphQLObjectType,
  sets: readonly SelectionSetNode[],
  value: (field: AnyField, nodes: readonly [FieldNode, ...FieldNode[]]) => Text,
): Text {
  const parts: string[] = [];
  const counts: (string | null)[] = [];
  for (const { before, field, nodes } of fieldsOf(draft, type, sets)) {
    const { json, objects } = field === null ? { json: `'"${type.name}"'`, objects: null } : value(field, nodes);
    parts.push(`'${before}' || ${json}`);
    counts.push(objects);
  }
  return { json: parts.length === 0 ? `'{}'` : `${parts.join(' || ')} || '}'`, objects: sumOf(counts) };
}

export interface SelectedField {
  /** What stands before its value: a brace or comma, and its name. */
  readonly before: string;
  /** Null for `__typename`. */
  readonly field: AnyField | null;
  readonly nodes: readonly [FieldNode, ...FieldNode[]];
}

/** What is selected of an object, each field judged by the second wall. */
export function* fieldsOf(
  draft: Draft,
  type: GraphQLObjectType,
  sets: readonly SelectionSetNode[],
): Generator<SelectedField> {
  let before = '{';
  for (const [as, selected] of selectionOf(draft, type, sets)) {
    const nodes = selected as [FieldNode, ...FieldNode[]];
    const name = nodes[0].name.value;
    const field = type.getFields()[name] ?? null;
    if (field !== null) requireAllowed(draft, `${type.name}.${name}`, { field, node: nodes[0] });
    else if (name !== '__typename') notCompiled(`${type.name}.${name}`);
    yield { before: `${before}"${as}":`, field, nodes };
    before = ',';
  }
}
