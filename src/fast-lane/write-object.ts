// An object as the text that JSON.stringify would make of it. Its columns come from the row it stands for, its single
// relations and lists from joins beside that row.
import {
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNamedType,
  isNonNullType,
  isObjectType,
  type SelectionSetNode,
} from 'graphql';
import { sourceOf } from '../graphql/source.js';
import { columnOf, type Model, tableOf } from '../guard/tenancy.js';
import { isFreeJson, jsonOfColumn, type ModelField } from './columns.js';
import { confined } from './confinement.js';
import { type AnyField, type Draft, FAIL, isAgent, setsOf, type Text } from './draft.js';
import { notCompiled } from './not-compiled.js';
import { objectText, type Row } from './object-text.js';
import { writeActor } from './write-actor.js';
import { writeComputed, writeFreeJson } from './write-computed.js';
import { writeList } from './write-list.js';

export function writeObject(draft: Draft, type: GraphQLObjectType, sets: readonly SelectionSetNode[], row: Row): Text {
  return objectText(draft, type, sets, (field, nodes) => writeField(draft, type, field, nodes, row));
}

function writeField(
  draft: Draft,
  type: GraphQLObjectType,
  field: AnyField,
  nodes: readonly [FieldNode, ...FieldNode[]],
  row: Row,
): Text {
  const source = sourceOf(field);
  if (source?.kind === 'list')
    return writeList(draft, { source, type, field, nodes, parent: row, joins: row.joins, writeObject });
  if (source?.kind === 'actor') return writeActor(draft, field, nodes, source.columns, row);
  if (source?.kind === 'computed') return writeComputed(draft, field, nodes, source, row);
  const { pothosExposedField: column, pothosPrismaRelationField: relation, pothosOptions } = field.extensions;
  if (source === null && typeof column === 'string') {
    if (isFreeJson(row.model, column, field.type)) return writeFreeJson(draft, field, column, row);
    return { json: jsonOfColumn(row.model, column, field.type, row.alias), objects: null };
  }
  const isPlain = (pothosOptions as { query?: unknown } | undefined)?.query === undefined && field.args.length === 0;
  if (source === null && relation !== undefined && isPlain) {
    return writeRelation(draft, field.type, setsOf(nodes), relation as ModelField, row);
  }
  return notCompiled(`${type.name}.${field.name}`);
}

/** By the composite key that every reference between rows of a workspace has. */
function writeRelation(
  draft: Draft,
  type: GraphQLOutputType,
  sets: readonly SelectionSetNode[],
  relation: ModelField,
  row: Row,
): Text {
  const model = relation.type as Model;
  const id = relation.relationFromFields?.at(-1);
  const isByOwner = relation.relationFromFields?.length === (id === 'organizationId' || id === 'workspaceId' ? 1 : 2);
  if (relation.isList || id === undefined || !isByOwner) return notCompiled(`the relation ${relation.name}`);
  const where = (alias: string) => `${alias}.id = ${row.alias}.${columnOf(id)}`;
  return writeRow(draft, type, sets, { model, where, joins: row.joins });
}

interface RowPlace {
  readonly model: Model;
  /** What chooses the row, beside the condition of its owner. */
  readonly where: (alias: string) => string;
  /** Where the row is joined. */
  readonly joins: string[];
  /** What stands in for a row that is not there; left out: null where the type allows that. */
  readonly otherwise?: string;
}

/** One row, as a join; null where there is none and the type allows that. */
export function writeRow(
  draft: Draft,
  type: GraphQLOutputType,
  sets: readonly SelectionSetNode[],
  { model, where, joins, otherwise }: RowPlace,
): Text {
  const named = getNamedType(type);
  if (!isObjectType(named) || named.extensions.pothosPrismaModel !== model) return notCompiled(`rows as ${named.name}`);
  const alias = draft.name('r');
  const join = draft.name('l');
  const inner: string[] = [];
  const { json, objects } = writeObject(draft, named, sets, { alias, model, joins: inner });
  const owned = confined(model, alias, { walls: draft.walls, isAgent: isAgent(draft) });
  joins.push(`LEFT JOIN LATERAL (SELECT ${json} AS j${objects === null ? '' : `, ${objects} AS c`}
  FROM "${tableOf(model)}" ${alias} ${inner.join(' ')}
  WHERE ${owned} AND ${where(alias)}) ${join} ON true`);
  return {
    json: `coalesce(${join}.j, ${otherwise ?? (isNonNullType(type) ? FAIL : `'null'`)})`,
    objects: objects === null ? null : `coalesce(${join}.c, 0)`,
  };
}
