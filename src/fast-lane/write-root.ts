// The fields of Query: lists, rows by id, and what is made of the principal.
import {
  type FieldNode,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNamedType,
  isObjectType,
  type SelectionSetNode,
} from 'graphql';
import { ruleOf } from '../graphql/guard-plugin/field-rule.js';
import { requireFewIds } from '../graphql/node-fields.js';
import { deletedField, hasOwnRows, ownRows } from '../graphql/own-rows.js';
import { type Source, sourceOf } from '../graphql/source.js';
import { columnOf, type Model } from '../guard/tenancy.js';
import { type AnyField, argsOf, type Draft, FAIL, setsOf, sumOf, type Text } from './draft.js';
import { textMaker } from './made-text.js';
import { notCompiled } from './not-compiled.js';
import { objectText } from './object-text.js';
import { writeStanding } from './write-computed.js';
import { writeList } from './write-list.js';
import { writeObject, writeRow } from './write-object.js';

type Nodes = readonly [FieldNode, ...FieldNode[]];

/** @param joins where the tables that the fields read are joined */
export const writeRoot = (
  draft: Draft,
  type: GraphQLObjectType,
  sets: readonly SelectionSetNode[],
  joins: string[],
): Text => objectText(draft, type, sets, (field, nodes) => writeField(draft, type, field, nodes, joins));

function writeField(draft: Draft, type: GraphQLObjectType, field: AnyField, nodes: Nodes, joins: string[]): Text {
  const source = sourceOf(field);
  switch (source?.kind) {
    case 'list':
      return writeList(draft, { source, type, field, nodes, parent: null, joins, writeObject });
    case 'byId':
      return writeById(draft, field, nodes, source.typeName, joins);
    case 'node':
      return writeNode(draft, field, nodes, joins);
    case 'nodes':
      return writeNodes(draft, field, nodes, joins);
    case 'principal':
      return objectText(draft, objectOf(field.type), setsOf(nodes), (inner, innerNodes) =>
        writeField(draft, objectOf(field.type), inner, innerNodes, joins),
      );
    case 'principalRow':
      return writePrincipalRow(draft, field, nodes, source, joins);
    case 'principalValue': {
      const { value } = source;
      const text = textMaker(draft, field.type, setsOf(nodes));
      return { json: draft.values.add((asking) => text(value(asking.principal, asking)), 'text'), objects: null };
    }
    case 'standing':
      return writeStanding(draft, field, nodes);
    default:
      return notCompiled(`${type.name}.${field.name}`);
  }
}

function writePrincipalRow(
  draft: Draft,
  field: AnyField,
  nodes: Nodes,
  { model, by }: Extract<Source, { kind: 'principalRow' }>,
  joins: string[],
): Text {
  if (draft.principal[by] === null) return { json: `'null'`, objects: null };
  const id = draft.values.add(({ principal }) => principal[by], 'text');
  return writeRow(draft, field.type, setsOf(nodes), { model, where: (alias) => `${alias}.id = ${id}`, joins });
}

function writeById(draft: Draft, field: AnyField, nodes: Nodes, typeName: string, joins: string[]): Text {
  const number = draft.fields.push({ field, node: nodes[0] }) - 1;
  const id = draft.values.add((asking) => asking.args(number).id, 'text');
  return writeFound(draft, typeName, nodes, joins, (alias) => `${alias}.id = ${id}`);
}

function writeNode(draft: Draft, field: AnyField, nodes: Nodes, joins: string[]): Text {
  const place = { field, node: nodes[0] };
  const number = draft.fields.push(place) - 1;
  const { id: now } = argsOf(draft, place) as { id: string };
  const typeName = ruleOf(field)?.byIdPrefix?.nodeTypes.get(now.slice(0, Math.max(0, now.indexOf('_'))))?.typeName;
  if (typeName === undefined) return notCompiled('an id of no type');
  const id = draft.values.add((asking) => asking.args(number).id, 'text');
  return writeFound(draft, typeName, nodes, joins, (alias) => `${alias}.id = ${id}`);
}

/** In the order of the ids; each row is read where its id stands. */
function writeNodes(draft: Draft, field: AnyField, nodes: Nodes, joins: string[]): Text {
  const place = { field, node: nodes[0] };
  const number = draft.fields.push(place) - 1;
  const { ids: now } = argsOf(draft, place) as { ids: readonly string[] };
  const nodeTypes = ruleOf(field)?.byIdPrefix?.nodeTypes;
  const prefixes = [...new Set(now.map((id) => id.slice(0, Math.max(0, id.indexOf('_')))))].sort();
  const ids = draft.values.add((asking) => {
    const wanted = asking.args(number).ids as readonly string[];
    requireFewIds(wanted);
    return wanted;
  }, 'text[]');
  const asked = draft.name('r');
  const join = draft.name('l');
  const inner: string[] = [];
  const found = prefixes.map((prefix) => {
    const typeName = nodeTypes?.get(prefix)?.typeName;
    if (typeName === undefined) return notCompiled('an id of no type');
    return { prefix, text: writeFound(draft, typeName, nodes, inner, (alias) => `${alias}.id = ${asked}.id`, 'NULL') };
  });
  const cases = found.map(({ prefix, text }) => `WHEN starts_with(${asked}.id, '${prefix}_') THEN ${text.json}`);
  const counts = sumOf(found.map(({ text }) => text.objects));
  joins.push(`CROSS JOIN LATERAL (SELECT count(*)::int AS n,
    '[' || coalesce(string_agg(o.j, ',' ORDER BY o.place), '') || ']' AS j, coalesce(sum(o.c), 0)::int AS c
    FROM (SELECT ${asked}.place, coalesce(${cases.length === 0 ? FAIL : `CASE ${cases.join(' ')} END`}, ${FAIL}) AS j, ${counts ?? '0'} AS c
      FROM unnest(${ids}) WITH ORDINALITY ${asked}(id, place) ${inner.join(' ')}) o) ${join}`);
  return { json: `${join}.j`, objects: `${join}.n + ${join}.c` };
}

/** A row of a type by its id. Not there: NOT_FOUND, which the ordinary way says. */
function writeFound(
  draft: Draft,
  typeName: string,
  nodes: Nodes,
  joins: string[],
  where: (alias: string) => string,
  otherwise = FAIL,
): Text {
  const type = draft.schema.getType(typeName);
  const model = isObjectType(type) ? (type.extensions.pothosPrismaModel as Model | undefined) : undefined;
  if (!isObjectType(type) || model === undefined) return notCompiled(`${typeName} has no model`);
  const own = ownRows(typeName, draft.principal);
  // Whether it took a scope to show the row is known only when it is found: the ordinary way counts its use.
  if (own === null && hasOwnRows(typeName) && draft.principal.apiKeyId !== null) {
    return notCompiled(`${typeName} by its id, of anybody`);
  }
  const owner = own === null ? null : draft.values.add(({ principal }) => principal.id, 'text');
  const deleted = deletedField(typeName);
  const shown = (alias: string) =>
    (own === null ? '' : ` AND ${alias}.${columnOf(own.field)} = ${owner}`) +
    (deleted === null ? '' : ` AND ${alias}.${columnOf(deleted)} IS NULL`);
  return writeRow(draft, type, setsOf(nodes), {
    model,
    where: (alias) => where(alias) + shown(alias),
    joins,
    otherwise,
  });
}

function objectOf(type: GraphQLOutputType): GraphQLObjectType {
  const named = getNamedType(type);
  return isObjectType(named) ? named : notCompiled(`${named.name} is no object`);
}
