// The builder all modules write their part of the schema with. Its plugins: scope-auth is the second wall, prisma loads
// what fields are made of, directives puts declarations into the SDL, with-input makes input types, dataloader batches
// what has no relation, and our guard plugin, last in the list, turns each declaration into all of these.
import SchemaBuilder, { MutationFieldBuilder } from '@pothos/core';
import DataloaderPlugin from '@pothos/plugin-dataloader';
import DirectivesPlugin from '@pothos/plugin-directives';
import PrismaPlugin, { getRefFromModel } from '@pothos/plugin-prisma';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import WithInputPlugin from '@pothos/plugin-with-input';
import type { GraphQLSchema } from 'graphql';
import { getDatamodel } from '../generated/pothos-types.js';
import { ROLES } from '../guard/roles.js';
import type { Builder, BuilderTypes, Types } from './builder-types.js';
import { connectionOf, defineNodeInterface, definePageInfo } from './connections.js';
import { defineFieldAccess } from './field-access.js';
import { stateOf } from './guard-plugin/builder-state.js';
import { guardPluginName } from './guard-plugin/index.js';
import { authScopes, unauthorizedError } from './guard-plugin/second-wall.js';
import { defineAction } from './mutations/action.js';
import { actionsOf, bindActions } from './mutations/action-registry.js';
import { defineEffectMutation } from './mutations/effect.js';
import { type MutationBuilder, pascal } from './mutations/mutation-field.js';
import { nodeType } from './node-type.js';
import { DateTimeScalar, JsonScalar, ScopeScalar } from './scalars.js';

export type { Builder, Types };

/** A builder of its own, for a schema of its own; the product's is `builder`. */
export const createBuilder = () => {
  const made = new SchemaBuilder<BuilderTypes>({
    plugins: [ScopeAuthPlugin, PrismaPlugin, DataloaderPlugin, DirectivesPlugin, WithInputPlugin, guardPluginName],
    scopeAuth: {
      authScopes,
      defaultStrategy: 'all',
      authorizeOnSubscribe: true,
      unauthorizedError: (_parent, context, _info, { failure }) => unauthorizedError(context, failure),
    },
    prisma: {
      // The guarded handle has the delegates that the plugin calls and, on purpose, nothing of the client besides.
      client: (context) => context.world.db as never,
      dmmf: getDatamodel(),
    },
    directives: { useGraphQLToolsUnorderedDirectives: true },
    withInput: { typeOptions: { name: ({ fieldName }) => `${pascal(fieldName)}Input` } },
  });
  made.addScalarType('DateTime', DateTimeScalar);
  made.addScalarType('JSON', JsonScalar);
  made.addScalarType('Scope', ScopeScalar);
  made.queryType({ description: 'What can be read.' });
  made.mutationType({ description: 'What can be asked for or changed.' });
  made.subscriptionType({ description: 'What can be listened to, as server-sent events.' });
  return complete(made);
};

/** Gives one builder what global-types.ts promises of every builder. */
const complete = (made: Builder): Builder => {
  const build = made.toSchema.bind(made);
  const roleType = made.enumType('Role', {
    description: 'What a person may do in all workspaces of an organization; each holds what those before it hold.',
    values: Object.fromEntries(ROLES.map((role) => [role, { value: role, description: ROLE_SENTENCES[role] }])),
  });
  const additions = {
    nodeTypes: stateOf(made).nodeTypes,
    actions: actionsOf(made),
    nodeInterface: defineNodeInterface(made),
    roleType,
    pageInfo: definePageInfo(made),
    modelRef: (name: string) => getRefFromModel(name, made),
    nodeType: (model: string, options: never) => nodeType(made, model, options),
    connectionOf: (ref: never) => connectionOf(made, ref),
    toSchema: (...options: Parameters<typeof build>): GraphQLSchema => {
      const schema = build(...options);
      const mutations = schema.getMutationType()?.getFields() ?? {};
      bindActions(made, (name) => mutations[name]?.args.find((arg) => arg.name === 'input')?.type ?? null);
      return schema;
    },
  };
  Object.assign(made, additions);
  defineFieldAccess(made);
  return made;
};

const ROLE_SENTENCES = {
  MEMBER: 'Works with everything but the audit trail.',
  ADMIN: 'Also keys, approvals, members, policies and the audit trail.',
  OWNER: 'Also billing and deletion.',
} as const;

Object.assign(MutationFieldBuilder.prototype, {
  action(this: MutationBuilder, options: Parameters<typeof defineAction>[1]) {
    return defineAction(this, options);
  },
  effect(this: MutationBuilder, options: Parameters<typeof defineEffectMutation>[1]) {
    return defineEffectMutation(this, options);
  },
});

export const builder = createBuilder();

/** What performs a held action once it is approved; complete after `builder.toSchema()`. */
export const actionRegistry = builder.actions;
