// A list as one lateral join: the page with its own LIMIT, its rows as text, its page info, its count. Cursors are signed,
// which no statement can do: their places are marked, and filled in when the answer is made.
import { type FieldNode, type GraphQLObjectType, getNamedType, isObjectType, type SelectionSetNode } from 'graphql';
import { type ListArguments, pageOf } from '../graphql/list-page.js';
import { castOf, filterSql, type ListRules, orderOf, type PageRequest, placesMax } from '../graphql/list-query.js';
import { ownRows } from '../graphql/own-rows.js';
import type { Source } from '../graphql/source.js';
import { columnOf, tableOf } from '../guard/tenancy.js';
import { confined } from './confinement.js';
import { type AnyField, argsOf, type Draft, FAIL, isAgent, setsOf, type Text } from './draft.js';
import { marked } from './marks.js';
import { notCompiled } from './not-compiled.js';
import { objectText, type Row } from './object-text.js';

export interface ListField {
  readonly source: Extract<Source, { kind: 'list' }>;
  readonly type: GraphQLObjectType;
  readonly field: AnyField;
  readonly nodes: readonly [FieldNode, ...FieldNode[]];
  /** Null: a list of its own. */
  readonly parent: Row | null;
  /** Where the list is joined. */
  readonly joins: string[];
  /** Writes one row of it. */
  readonly writeObject: WriteObject;
}

export type WriteObject = (draft: Draft, type: GraphQLObjectType, sets: readonly SelectionSetNode[], row: Row) => Text;

/** One selected column of the rows, gathered into a list: `nodes` or `edges`, under whatever name. */
interface Gathered {
  readonly json: string;
  readonly objects: string | null;
}

export function writeList(draft: Draft, list: ListField): Text {
  const { source, type, field, nodes, joins, writeObject } = list;
  const { rules } = source;
  const number = draft.lists.length;
  const place = { field, node: nodes[0] };
  draft.fields.push(place);
  const coordinate = `${type.name}.${field.name}`;
  draft.lists.push({ ...source, coordinate, args: draft.fields.length - 1 });
  const asked = requestNow(draft, list, coordinate);
  const alias = draft.name('r');
  const join = draft.name('l');
  const connection = getNamedType(field.type);
  if (!isObjectType(connection)) return notCompiled(coordinate);

  const row: Row = { alias, model: rules.model, joins: [] };
  const gathered: Gathered[] = [];
  const columns: string[] = [];
  let needsMore = false;
  let needsEnds = false;
  const gather = (one: Gathered): Text => {
    const index = gathered.push(one) - 1;
    return { json: `${join}.g${index}`, objects: `${join}.n + coalesce(${join}.c${index}, 0)` };
  };
  const cursor = (value: string, id: string) =>
    `'"' || ${marked('cursor', number, [`to_json(${value})::text`, id])} || '"'`;
  const total = () => {
    const where = conditions(draft, list, asked, number).join(' AND ');
    const counted = draft.name('l');
    joins.push(
      `CROSS JOIN LATERAL (SELECT count(*)::int AS total FROM "${tableOf(rules.model)}" t WHERE ${where}) ${counted}`,
    );
    return { json: `${counted}.total::text`, objects: null };
  };
  const answer = objectText(draft, connection, setsOf(nodes), (part, partNodes) => {
    switch (part.name) {
      case 'nodes':
        return gather(writeObject(draft, objectOf(part), setsOf(partNodes), row));
      case 'edges':
        return gather(
          objectText(draft, objectOf(part), setsOf(partNodes), (inner, innerNodes) =>
            inner.name === 'cursor'
              ? { json: cursor(`${alias}.k`, `${alias}.id`), objects: null }
              : writeObject(draft, objectOf(inner), setsOf(innerNodes), row),
          ),
        );
      case 'pageInfo':
        return objectText(draft, objectOf(part), setsOf(partNodes), ({ name }) => {
          switch (name) {
            case 'hasNextPage':
            case 'hasPreviousPage': {
              const isAhead = (name === 'hasNextPage') !== asked.backward;
              if (isAhead) needsMore = true;
              return { json: isAhead ? `${join}.more::text` : `'${asked.after !== null}'`, objects: null };
            }
            case 'startCursor':
            case 'endCursor': {
              needsEnds = true;
              const end = name === 'startCursor' ? 'first' : 'last';
              return {
                json: `CASE WHEN ${join}.n = 0 THEN 'null' ELSE ${cursor(`${join}.${end}_k`, `${join}.${end}_id`)} END`,
                objects: null,
              };
            }
            default:
              return notCompiled(`PageInfo.${name}`);
          }
        });
      case 'totalCount':
        return total();
      default:
        return notCompiled(`${connection.name}.${part.name}`);
    }
  });
  if (gathered.length === 0 && !needsMore && !needsEnds) return answer;

  const order = orderOf(rules, asked.order.field);
  const key = `t.${columnOf(order.field)}`;
  const descending = (asked.order.direction === 'DESC') !== asked.backward;
  const direction = descending ? 'DESC' : 'ASC';
  const size = draft.values.add((asking) => asking.page(number).request.size, 'int');
  const where = [...conditions(draft, list, asked, number), ...behind(draft, rules, asked, number, key, descending)];
  const inOrder = `ORDER BY ${key} ${direction}, t.id ${direction}`;
  const longest = `SELECT t.* FROM "${tableOf(rules.model)}" t WHERE ${where.join(' AND ')} ${inOrder} LIMIT ${placesMax}`;
  const scanned = `SELECT t.*, ${key}::text AS k${needsMore ? `, row_number() OVER (${inOrder}) AS place` : ''}
    FROM (${longest}) t ${inOrder} LIMIT ${size}${needsMore ? ' + 1' : ''}`;
  for (const [index, { json, objects }] of gathered.entries()) {
    columns.push(`coalesce(${json}, ${FAIL}) AS j${index}`);
    if (objects !== null) columns.push(`${objects} AS c${index}`);
  }
  const within = needsMore ? ` FILTER (WHERE o.place <= ${size})` : '';
  // The order of the page: one that was read from the end is turned round.
  const shown = descending === asked.backward ? 'ASC' : 'DESC';
  const turned = shown === 'ASC' ? 'DESC' : 'ASC';
  const ordered = `ORDER BY o.o ${shown}, o.id ${shown}`;
  const reversed = `ORDER BY o.o ${turned}, o.id ${turned}`;
  const results = gathered.flatMap(({ objects }, index) => [
    `'[' || coalesce(string_agg(o.j${index}, ',' ${ordered})${within}, '') || ']' AS g${index}`,
    objects === null ? `0 AS c${index}` : `coalesce(sum(o.c${index})${within}, 0)::int AS c${index}`,
  ]);
  results.push(needsMore ? `least(count(*), ${size})::int AS n` : 'count(*)::int AS n');
  if (needsMore) results.push(`count(*) > ${size} AS more`);
  if (needsEnds) {
    for (const [end, order] of [
      ['first', ordered],
      ['last', reversed],
    ] as const) {
      results.push(
        `(array_agg(o.k ${order})${within})[1] AS ${end}_k`,
        `(array_agg(o.id ${order})${within})[1] AS ${end}_id`,
      );
    }
  }
  joins.push(`CROSS JOIN LATERAL (SELECT ${results.join(', ')}
  FROM (SELECT ${[...columns, `${alias}.${columnOf(order.field)} AS o`, `${alias}.k`, `${alias}.id`, ...(needsMore ? [`${alias}.place`] : [])].join(', ')}
    FROM (${scanned}) ${alias} ${row.joins.join(' ')}) o) ${join}`);
  return answer;
}

function objectOf(field: AnyField): GraphQLObjectType {
  const named = getNamedType(field.type);
  return isObjectType(named) ? named : notCompiled(`${field.name} is no object`);
}

/** As asked for now: of it only what the shape holds may be written into the text. */
function requestNow(draft: Draft, { source, field, nodes }: ListField, coordinate: string): PageRequest {
  const { rules, typeName, onlyOwn } = source;
  const args = argsOf(draft, { field, node: nodes[0] }) as ListArguments;
  const { principal } = draft;
  const own = onlyOwn === null ? ownRows(typeName, principal) : { ...onlyOwn, value: principal.id };
  // The cursor is read with each request; here it only matters that there is one.
  const { after, before, ...rest } = args;
  const at = { workspaceId: principal.workspaceId, field: coordinate, secrets: [] };
  const { request } = pageOf(rules, rest, at, own);
  const isGiven = (value: unknown) => value !== null && value !== undefined;
  const backward = request.backward || (isGiven(before) && !isGiven(args.first));
  const hasCursor = isGiven(backward ? before : after);
  return { ...request, backward, after: hasCursor ? ['', ''] : null };
}

function conditions(draft: Draft, { source, parent }: ListField, asked: PageRequest, number: number): string[] {
  const { rules } = source;
  const { values, walls } = draft;
  const parts = [confined(rules.model, 't', { walls, isAgent: isAgent(draft) })];
  if (rules.parentField !== undefined) {
    if (parent === null) return notCompiled(`a list of ${rules.model} without its parent`);
    parts.push(`t.${columnOf(rules.parentField)} = ${parent.alias}.id`);
  }
  const { always } = rules;
  if (always !== undefined) parts.push(values.fragment(always('t'), () => always('t')));
  if (asked.own !== null) {
    parts.push(`t.${columnOf(asked.own.field)} = ${values.add(({ principal }) => principal.id, 'text')}`);
  }
  for (const [name, rule] of Object.entries(rules.filters)) {
    const value = asked.filters[name];
    if (value === undefined || value === null) continue;
    parts.push(
      values.fragment(filterSql(rule, value), (asking) => filterSql(rule, asking.page(number).request.filters[name])),
    );
  }
  return parts;
}

function behind(
  { values }: Draft,
  rules: ListRules,
  asked: PageRequest,
  number: number,
  key: string,
  descending: boolean,
): string[] {
  if (asked.after === null) return [];
  const cast = castOf(orderOf(rules, asked.order.field).cast).strings.join('');
  const value = values.add((asking) => asking.page(number).request.after?.[0], 'text');
  const id = values.add((asking) => asking.page(number).request.after?.[1], 'text');
  return [`(${key}, t.id) ${descending ? '<' : '>'} (${value}${cast}, ${id})`];
}
