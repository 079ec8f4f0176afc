// Who acted, from the columns that name them. A name is looked up as on the ordinary way: among the people of the
// organization and the keys of the workspace, as far as the principal may see either.
import { type FieldNode, getNamedType, isObjectType } from 'graphql';
import type { ActorColumns } from '../graphql/source.js';
import { columnOf, type Model, tableOf } from '../guard/tenancy.js';
import { jsonOfColumn } from './columns.js';
import { confined } from './confinement.js';
import { type AnyField, type Draft, isAgent, setsOf, type Text } from './draft.js';
import { notCompiled } from './not-compiled.js';
import { objectText, type Row } from './object-text.js';

export function writeActor(
  draft: Draft,
  field: AnyField,
  nodes: readonly FieldNode[],
  columns: ActorColumns,
  row: Row,
): Text {
  const type = getNamedType(field.type);
  if (!isObjectType(type)) return notCompiled(`${field.name} is no object`);
  const id = `${row.alias}.${columnOf(columns.id)}`;
  return objectText(draft, type, setsOf(nodes), (inner) => ({
    json: textOf(draft, inner, columns, row, id),
    objects: null,
  }));
}

function textOf(draft: Draft, { name, type }: AnyField, columns: ActorColumns, row: Row, id: string): string {
  switch (name) {
    case 'id':
      return `to_json(coalesce(${id}, 'system'))::text`;
    case 'kind':
      if (columns.kind !== null) return jsonOfColumn(row.model, columns.kind, type, row.alias);
      return `CASE WHEN ${id} IS NULL THEN '"SYSTEM"' ELSE '"SESSION"' END`;
    case 'name':
      return `coalesce(${nameIn(draft, 'Member', 'userId', id)}, ${nameIn(draft, 'ApiKey', 'id', id)},
        CASE WHEN coalesce(${id}, 'system') = 'system' THEN '"Sallyport"' ELSE 'null' END)`;
    default:
      return notCompiled(`Actor.${name}`);
  }
}

function nameIn(draft: Draft, model: Model, by: string, id: string): string {
  const alias = draft.name('r');
  const owned = confined(model, alias, { walls: draft.walls, isAgent: isAgent(draft) });
  return `(SELECT to_json(${alias}.name)::text FROM "${tableOf(model)}" ${alias}
    WHERE ${owned} AND ${alias}.${columnOf(by)} = ${id})`;
}
