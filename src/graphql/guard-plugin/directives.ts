// How the SDL says what a field takes. The shapes follow Apollo Federation where it has one (@requiresScopes,
// @authenticated); the rest is ours. Introspection shows no applied directives, hence the "Requires" lines beside them.
import {
  DirectiveLocation,
  GraphQLBoolean,
  GraphQLDirective,
  type GraphQLInputType,
  GraphQLList,
  GraphQLNonNull,
  GraphQLString,
} from 'graphql';
import type { Access } from './access.js';
import type { MutationFacts } from './field-rule.js';

const text = new GraphQLNonNull(GraphQLString);
const onFields = (name: string, description: string, args: Record<string, GraphQLInputType>): GraphQLDirective =>
  new GraphQLDirective({
    name,
    description,
    locations: [DirectiveLocation.FIELD_DEFINITION],
    args: Object.fromEntries(Object.entries(args).map(([arg, type]) => [arg, { type }])),
  });

/** The definitions, over the schema's own `Scope` and `Role`. */
export const directiveDefinitions = (scope: GraphQLInputType, role: GraphQLInputType): readonly GraphQLDirective[] => {
  const allOf = new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(scope)));
  return [
    onFields('requiresScopes', 'The field takes any of these lists of scopes, all of the list held.', {
      scopes: new GraphQLNonNull(new GraphQLList(allOf)),
    }),
    onFields('requiresRole', 'The field takes a person with this role or a higher one.', {
      role: new GraphQLNonNull(role),
    }),
    onFields('authenticated', 'The field takes any credential.', {}),
    onFields('public', 'The field takes no credential, for the reason given.', { reason: text }),
    onFields('action', 'The mutation stays in the database and is audited under this name.', { kind: text }),
    onFields('effect', 'The mutation asks for something that leaves through approval and audit.', {
      kind: text,
      spends: new GraphQLNonNull(GraphQLBoolean),
    }),
  ];
};

export interface AppliedDirective {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

export const accessDirective = (access: Access): AppliedDirective => {
  switch (access.kind) {
    case 'scopes':
      return { name: 'requiresScopes', args: { scopes: access.anyOf } };
    case 'role':
      return { name: 'requiresRole', args: { role: access.role } };
    case 'authenticated':
      return { name: 'authenticated', args: {} };
    case 'public':
      return { name: 'public', args: { reason: access.reason } };
  }
};

export const mutationDirectives = ({ action, effect }: MutationFacts): readonly AppliedDirective[] => [
  ...(action === undefined ? [] : [{ name: 'action', args: { kind: action } }]),
  ...(effect === undefined ? [] : [{ name: 'effect', args: { kind: effect.kind, spends: effect.spends } }]),
];
