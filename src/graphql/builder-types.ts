// What Pothos knows of our schema: the context, the models, the scalars. Types only.

import type { Context } from '../context.js';
import type PrismaTypes from '../generated/pothos-types.js';
import type { Access } from './guard-plugin/access.js';

export interface BuilderTypes {
  Context: Context;
  PrismaTypes: PrismaTypes;
  AuthScopes: { access: readonly Access[] };
  DefaultAuthStrategy: 'all';
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: Date; Output: Date };
    JSON: { Input: unknown; Output: unknown };
    Scope: { Input: string; Output: string };
  };
}

export type Types = PothosSchemaTypes.ExtendDefaultTypes<BuilderTypes>;
export type Builder = PothosSchemaTypes.SchemaBuilder<Types>;
