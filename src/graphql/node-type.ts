// An object over a model that has an id of its own. Says in one place what it takes: the read scope for its fields, the
// read or the write scope for its id, so that a write-only key can name what it made.
import type { FieldMap, InterfaceParam, SchemaTypes } from '@pothos/core';
import type { PrismaModelTypes, PrismaObjectRef } from '@pothos/plugin-prisma';
import type { Role } from '../guard/roles.js';
import type { IdPrefix } from '../platform/ids.js';
import { type Access, eitherAccess, type ScopeDeclaration, scopesAccess } from './guard-plugin/access.js';
import { stateOf } from './guard-plugin/builder-state.js';
import { readAccess } from './guard-plugin/declaration.js';

export interface NodeTypeOptions<Types extends SchemaTypes, Model extends PrismaModelTypes> {
  /** What ids of this type start with. */
  prefix: IdPrefix;
  /** What its fields take. Left out: `authenticated`, as for effects. */
  read?: ScopeDeclaration | undefined;
  /** Suffices for the `id`, beside the read scope. */
  write?: ScopeDeclaration | undefined;
  /** Instead of `read`: people with this role. */
  role?: Role | undefined;
  /** Instead of `read`: any credential, its own rows only. */
  own?: true | undefined;
  /** The GraphQL name, where it is not the model's. */
  name?: string | undefined;
  description: string;
  interfaces?: readonly InterfaceParam<Types>[] | undefined;
  /** All fields but `id`. */
  fields: (t: PothosSchemaTypes.PrismaObjectFieldBuilder<Types, Model, Model['Shape']>) => FieldMap;
}

type AnyBuilder = PothosSchemaTypes.SchemaBuilder<SchemaTypes>;

export const nodeType = <Types extends SchemaTypes, Model extends PrismaModelTypes>(
  builder: PothosSchemaTypes.SchemaBuilder<Types>,
  model: string,
  options: NodeTypeOptions<Types, Model>,
): PrismaObjectRef<Types, Model, Model['Shape']> => {
  const { prefix, read, role, write, own, fields, interfaces = [], name = model, description } = options;
  const others = role === undefined ? ({ authenticated: true, own } as const) : { role };
  const declared = read === undefined ? others : { scope: read };
  const idAccess = accessOfId(declared, write);
  register(builder, prefix, name, idAccess);
  const idScope = idAccess.kind === 'scopes' ? { scope: idAccess.anyOf } : others;
  return (builder as unknown as AnyBuilder).prismaObject(
    model as never,
    {
      ...(name === model ? {} : { name }),
      ...declared,
      description,
      interfaces: [builder.nodeInterface, ...interfaces],
      fields: (t: PothosSchemaTypes.PrismaObjectFieldBuilder<SchemaTypes, PrismaModelTypes, { id: string }>) => ({
        id: t.exposeID(
          'id' as never,
          {
            ...idScope,
            nullable: false,
            description: `Names the object everywhere and for ever; starts with \`${prefix}_\`.`,
          } as never,
        ),
        ...fields(t as never),
      }),
    } as never,
  ) as never;
};

const accessOfId = (declared: Parameters<typeof readAccess>[0], write: ScopeDeclaration | undefined): Access => {
  const access = readAccess(declared);
  if (access === null || typeof access === 'string') throw new Error('A node type declares its read scope.');
  return write === undefined ? access : eitherAccess(access, scopesAccess(write));
};

const register = (builder: object, prefix: string, typeName: string, access: Access): void => {
  const { nodeTypes } = stateOf(builder);
  const taken = nodeTypes.get(prefix);
  if (taken !== undefined) throw new Error(`The id prefix ${prefix} names ${taken.typeName} already, not ${typeName}.`);
  nodeTypes.set(prefix, { typeName, access });
};

/** Registers a type that is no Prisma object (tests, look-ups by hand) under an id prefix. */
export const registerNodeType = (
  builder: object,
  prefix: string,
  typeName: string,
  scopes: { readonly read: ScopeDeclaration; readonly write?: ScopeDeclaration },
): void => register(builder, prefix, typeName, accessOfId({ scope: scopes.read }, scopes.write));
