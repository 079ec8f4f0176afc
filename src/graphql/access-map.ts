// The whole of what the schema takes on one page, a line per field, kept in git: a change of access is a line in a diff.
import { type GraphQLSchema, isInterfaceType, isObjectType } from 'graphql';
import { accessText } from './guard-plugin/access.js';
import { type FieldRule, ruleOf } from './guard-plugin/field-rule.js';

/** Every rule of the schema, by coordinate. */
export const rulesOf = (schema: GraphQLSchema): readonly FieldRule[] =>
  Object.values(schema.getTypeMap())
    .flatMap((type) => (isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : []))
    .map(ruleOf)
    .filter((rule) => rule !== null)
    .sort((one, other) => (one.coordinate < other.coordinate ? -1 : 1));

/** `Type.field  access  action-or-effect`, aligned, one line each, with a line end after the last. */
export const accessMap = (schema: GraphQLSchema): string => {
  const rows = rulesOf(schema).map((rule) => [rule.coordinate, accessColumn(rule), mutationColumn(rule)] as const);
  const width = (column: 0 | 1): number => Math.max(0, ...rows.map((row) => row[column].length));
  const [first, second] = [width(0), width(1)];
  return rows
    .map(([coordinate, access, mutation]) => `${coordinate.padEnd(first)}  ${access.padEnd(second)}  ${mutation}`)
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
};

const accessColumn = (rule: FieldRule): string => {
  const narrowed = [...(rule.byArgument?.cases ?? [])].map(
    ([value, access]) => `${rule.byArgument?.path.join('.')} ${value}: ${accessText(access)}`,
  );
  const extra = [
    ...(rule.own ? ['own'] : []),
    ...(rule.byIdPrefix === null ? [] : [`by prefix of ${rule.byIdPrefix.argument}`]),
    ...narrowed,
  ];
  return extra.length === 0 ? accessText(rule.access) : `${accessText(rule.access)} (${extra.join('; ')})`;
};

const mutationColumn = ({ mutation }: FieldRule): string => {
  if (mutation?.action !== undefined) return `action ${mutation.action}`;
  if (mutation?.effect === undefined) return '';
  return `effect ${mutation.effect.kind}${mutation.effect.spends ? ' spends' : ''}`;
};
