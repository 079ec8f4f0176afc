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
  for (const [name, nodes] of selectionOf(draft, type, sets)) {
    const before = `${parts.length === 0 ? '{' : ','}"${name}":`;
    const { json, objects } = fieldText(draft, type, nodes as [FieldNode, ...FieldNode[]], value);
    parts.push(`'${before}' || ${json}`);
    counts.push(objects);
  }
  return { json: parts.length === 0 ? `'{}'` : `${parts.join(' || ')} || '}'`, objects: sumOf(counts) };
}

function fieldText(
  draft: Draft,
  type: GraphQLObjectType,
  nodes: readonly [FieldNode, ...FieldNode[]],
  value: (field: AnyField, nodes: readonly [FieldNode, ...FieldNode[]]) => Text,
): Text {
  const [node] = nodes;
  const name = node.name.value;
  if (name === '__typename') return { json: `'"${type.name}"'`, objects: null };
  const field = type.getFields()[name];
  if (field === undefined) return notCompiled(`${type.name}.${name}`);
  requireAllowed(draft, `${type.name}.${name}`, { field, node });
  return value(field, nodes);
}
