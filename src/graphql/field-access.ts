// What a field takes, as data: the same declaration that the check reads, for clients that want to ask for no more than
// they may have. Public, since the SDL says the same.
import { type GraphQLSchema, isInterfaceType, isObjectType } from 'graphql';
import { badInput } from '../platform/errors.js';
import type { Builder } from './builder-types.js';
import { accessText } from './guard-plugin/access.js';
import { type FieldRule, ruleOf } from './guard-plugin/field-rule.js';

const COORDINATES_MAX = 500;

/** The rule at a coordinate such as `Contact.name`; null when there is no such field of ours. */
export const ruleAt = (schema: GraphQLSchema, coordinate: string): FieldRule | null => {
  const [typeName = '', fieldName = '', ...rest] = coordinate.split('.');
  const type = schema.getType(typeName);
  if (rest.length > 0 || !(isObjectType(type) || isInterfaceType(type))) return null;
  const field = type.getFields()[fieldName];
  return field === undefined ? null : ruleOf(field);
};

export const defineFieldAccess = (builder: Builder): void => {
  const FieldAccess = defineFieldAccessType(builder);
  builder.queryField('fieldAccess', (t) =>
    t.field({
      type: [FieldAccess],
      nullable: false,
      public: 'the schema says the same to everybody.',
      description: 'What each of these fields takes, before asking for it.',
      args: {
        coordinates: t.arg.stringList({
          required: true,
          description: `At most ${COORDINATES_MAX}, each a type and a field: \`Query.contacts\`.`,
        }),
      },
      resolve: (_root, { coordinates }, _context, { schema }) => {
        if (coordinates.length > COORDINATES_MAX) {
          throw badInput(`coordinates: at most ${COORDINATES_MAX}, not ${coordinates.length}.`, 'coordinates');
        }
        return coordinates.map((coordinate) => requireRule(schema, coordinate));
      },
    }),
  );
};

const requireRule = (schema: GraphQLSchema, coordinate: string): FieldRule => {
  const rule = ruleAt(schema, coordinate);
  if (rule !== null) return rule;
  const shown = coordinate.slice(0, 100);
  throw badInput(`coordinates: no field ${shown}. Write a type and a field, as in Query.contacts.`, 'coordinates');
};

const defineFieldAccessType = (builder: Builder) =>
  builder.objectRef<FieldRule>('FieldAccess').implement({
    description: 'What one field takes.',
    public: 'the schema says the same to everybody.',
    fields: (t) => ({
      coordinate: t.string({
        nullable: false,
        description: 'The type and the field.',
        resolve: (rule) => rule.coordinate,
      }),
      access: t.string({
        nullable: false,
        description: 'In one line: scopes, a role, `authenticated` or `public`.',
        resolve: (rule) => accessText(rule.access),
      }),
      scopes: t.field({
        type: t.listRef(t.listRef('Scope', { nullable: false }), { nullable: false }),
        nullable: true,
        description: 'Any of these lists, all of the list held; null when no scope is required.',
        resolve: (rule) => (rule.access.kind === 'scopes' ? rule.access.anyOf : null),
      }),
      role: t.field({
        type: builder.roleType,
        nullable: true,
        description: 'The role a person needs; null when none is required.',
        resolve: (rule) => (rule.access.kind === 'role' ? rule.access.role : null),
      }),
      publicReason: t.string({
        nullable: true,
        description: 'Why no credential is needed; null when one is.',
        resolve: (rule) => (rule.access.kind === 'public' ? rule.access.reason : null),
      }),
      action: t.string({
        nullable: true,
        description: 'The action a mutation is audited as; null for everything else.',
        resolve: (rule) => rule.mutation?.action ?? null,
      }),
      effect: t.string({
        nullable: true,
        description: 'The effect a mutation asks for; null for everything else.',
        resolve: (rule) => rule.mutation?.effect?.kind ?? null,
      }),
      spends: t.boolean({
        nullable: false,
        description: 'Whether it asks for something that costs credits.',
        resolve: (rule) => rule.mutation?.effect?.spends === true,
      }),
      own: t.boolean({
        nullable: false,
        description: 'Whether it gives a principal its own rows, and those of others only with `approvals:read`.',
        resolve: (rule) => rule.own,
      }),
    }),
  });
