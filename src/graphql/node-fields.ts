// `node` and `nodes`: any object by its id. Which scope they take is the named type's own (preflight judges the prefix);
// here the rows are found, many ids of one type in one statement, and what is missing is one NOT_FOUND each.
import type { ObjectRef, TypeParam } from '@pothos/core';
import { queryFromInfo } from '@pothos/plugin-prisma';
import { type GraphQLObjectType, type GraphQLResolveInfo, isObjectType } from 'graphql';
import type { Context } from '../context.js';
import type { Role } from '../guard/roles.js';
import type { Model } from '../guard/tenancy.js';
import { badInput, notFound } from '../platform/errors.js';
import { parseId } from '../platform/ids.js';
import type { Builder, Types } from './builder-types.js';
import type { ScopeDeclaration } from './guard-plugin/access.js';
import { type Row, rowsById } from './list-rows.js';
import { isDeleted, ownRows, scopesShowing } from './own-rows.js';
import { readsFrom } from './source.js';

const idsMax = 100;

export function defineNodeFields(builder: Builder): void {
  builder.queryFields((t) => ({
    node: t.field({
      type: builder.nodeInterface,
      nullable: true,
      authenticated: true,
      scopeByIdPrefix: 'id',
      description: 'An object by its id, whatever its type.',
      args: { id: t.arg.id({ required: true }) },
      extensions: readsFrom({ kind: 'node' }),
      resolve: async (_root, { id }, context, info) => found((await findNodes(builder, [id], context, info))[0]),
    }),
    nodes: t.field({
      type: [builder.nodeInterface],
      nullable: { list: false, items: true },
      authenticated: true,
      scopeByIdPrefix: 'ids',
      description: `Objects by their ids, at most ${idsMax}, in the order asked for; null for one that is unknown.`,
      args: { ids: t.arg.idList({ required: true }) },
      extensions: readsFrom({ kind: 'nodes' }),
      resolve: async (_root, { ids }, context, info) => {
        requireFewIds(ids);
        const nodes = await findNodes(builder, ids, context, info);
        return nodes.map((node) => (node === null ? (notFound('object') as never) : node));
      },
    }),
  }));
}

/** @throws BAD_USER_INPUT for too many */
export function requireFewIds(ids: readonly string[]): void {
  if (ids.length > idsMax) throw badInput(`ids: at most ${idsMax} at once; ask in parts.`, 'ids');
}

interface ByIdPlacement {
  readonly description: string;
  readonly scope?: ScopeDeclaration;
  readonly role?: Role;
  readonly authenticated?: true;
  readonly own?: true;
}

/** One object of a type by its id: null and NOT_FOUND when it is unknown or not this principal's to see. */
export function byIdField(t: object, ref: ObjectRef<Types, unknown>, { description, ...access }: ByIdPlacement) {
  const fields = t as PothosSchemaTypes.RootFieldBuilder<Types, unknown>;
  return fields.field({
    ...access,
    type: ref as unknown as TypeParam<Types>,
    nullable: true,
    description,
    args: { id: fields.arg.id({ required: true }) },
    extensions: readsFrom({ kind: 'byId', typeName: ref.name }),
    resolve: async (_root: unknown, { id }: { id: string }, context: Context, info: GraphQLResolveInfo) =>
      found((await findOfType(ref.name, [id], context, info))[0]),
  } as never);
}

function found(node: Row | null | undefined): Row {
  if (node === null || node === undefined) throw notFound('object');
  return node;
}

async function findNodes(
  builder: Builder,
  ids: readonly string[],
  context: Context,
  info: GraphQLResolveInfo,
): Promise<(Row | null)[]> {
  const byType = new Map<string, string[]>();
  for (const id of ids) {
    const typeName = builder.nodeTypes.get(parseId(id)?.prefix ?? '')?.typeName;
    if (typeName !== undefined) byType.set(typeName, [...(byType.get(typeName) ?? []), id]);
  }
  const nodes = new Map<string, Row>();
  for (const [typeName, wanted] of byType) {
    for (const row of await findOfType(typeName, wanted, context, info)) if (row !== null) nodes.set(row.id, row);
  }
  return ids.map((id) => nodes.get(id) ?? null);
}

async function findOfType(typeName: string, ids: readonly string[], context: Context, info: GraphQLResolveInfo) {
  const type = info.schema.getType(typeName);
  if (!isObjectType(type)) throw new Error(`No object type ${typeName}.`);
  const { world } = context;
  const own = ownRows(typeName, world.principal);
  const query = queryFromInfo({ context, info, typeName });
  const rows = await rowsById(world.db, modelOf(type), ids, query);
  const seen = rows.filter(
    (row) => row !== null && !isDeleted(typeName, row) && (own === null || row[own.field] === own.value),
  );
  context.useScopes(scopesShowing(typeName, world.principal, seen));
  return seen;
}

/** The model that Pothos noted on the type. */
export function modelOf(type: GraphQLObjectType): Model {
  const model: unknown = type.extensions.pothosPrismaModel;
  if (typeof model !== 'string') throw new Error(`The type ${type.name} has no model.`);
  return model as Model;
}
