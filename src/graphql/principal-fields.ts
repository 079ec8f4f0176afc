// Fields made of the principal itself: values it carries, and its own rows. Each states its value once; the resolver and
// the read compiler both take it from there.
import type { TypeParam } from '@pothos/core';
import type { Principal } from '../auth/principal.js';
import type { Context } from '../context.js';
import type { Model } from '../guard/tenancy.js';
import type { Builder, Types } from './builder-types.js';
import type { ScopeDeclaration } from './guard-plugin/access.js';
import type { Row } from './list-rows.js';
import { type Asker, type PrincipalKey, readsFrom } from './source.js';

interface Declared {
  readonly description: string;
  readonly scope?: ScopeDeclaration;
  readonly nullable: boolean;
}

/** A value that the principal carries. */
export function principalValue(
  t: object,
  {
    type,
    value,
    ...declared
  }: Declared & { readonly type: unknown; readonly value: (principal: Principal, asker: Asker) => unknown },
) {
  const fields = t as PothosSchemaTypes.RootFieldBuilder<Types, unknown>;
  return fields.field({
    ...declared,
    type: type as TypeParam<Types>,
    extensions: readsFrom({ kind: 'principalValue', value }),
    resolve: (_parent: unknown, _args: object, { world }: Context) => value(world.principal, world),
  } as never);
}

/** The row that the principal names: its workspace, organization, agent or key. Null where it names none. */
export function principalRow(
  t: object,
  {
    type,
    model,
    by,
    ...declared
  }: Declared & { readonly type: unknown; readonly model: Model; readonly by: PrincipalKey },
) {
  const fields = t as PothosSchemaTypes.RootFieldBuilder<Types, unknown> & {
    prismaField(options: object): ReturnType<Builder['queryField']>;
  };
  const delegate = model.charAt(0).toLowerCase() + model.slice(1);
  return fields.prismaField({
    ...declared,
    type,
    extensions: readsFrom({ kind: 'principalRow', model, by }),
    resolve: async (query: object, _parent: unknown, _args: object, { world }: Context): Promise<Row | null> => {
      const id = world.principal[by];
      if (id === null) return null;
      const { findFirst } = Reflect.get(world.db, delegate) as { findFirst(args: object): Promise<Row | null> };
      const row = await findFirst({ ...query, where: { id } });
      if (row === null && !declared.nullable) throw new Error(`The principal's ${model} is not there.`);
      return row;
    },
  }) as never;
}
