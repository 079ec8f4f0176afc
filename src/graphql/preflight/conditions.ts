// What an operation's requirements hang on besides its text: boolean variables of @skip and @include, arguments that
// change a field's scope, ids whose prefix names a type. Each is read once per request, as a short text; the texts
// together are the key under which a verdict is kept.
import {
  type DirectiveNode,
  type FieldNode,
  type GraphQLField,
  GraphQLIncludeDirective,
  GraphQLSkipDirective,
  getArgumentValues,
  Kind,
  type ValueNode,
  visit,
} from 'graphql';
import { caseOf, type FieldRule, prefixesIn } from '../guard-plugin/field-rule.js';

export type Variables = Readonly<Record<string, unknown>>;

export type Condition =
  | { readonly kind: 'boolean'; readonly variable: string }
  /** The case an argument selects, or ''. */
  | { readonly kind: 'argument'; readonly field: AnyField; readonly node: FieldNode; readonly rule: FieldRule }
  /** The known prefixes among the ids given, with commas. */
  | { readonly kind: 'prefixes'; readonly field: AnyField; readonly node: FieldNode; readonly rule: FieldRule };

export type AnyField = GraphQLField<unknown, unknown>;

/** Something that must hold for a field to be executed at all. */
export type Guard =
  | { readonly condition: number; readonly isNot: 'true' | 'false' }
  /** One of the ids has this prefix. */
  | { readonly condition: number; readonly prefix: string };

/** What each condition is read as; null where nobody can tell, which a request never leaves open. */
export type Values = readonly (string | null)[];

/** @param ifUnknown the answer where the condition's value is not known */
export const holds = (guard: Guard, values: Values, ifUnknown = false): boolean => {
  const value = values[guard.condition] ?? '';
  if (values[guard.condition] === null) return ifUnknown;
  return 'isNot' in guard ? value !== guard.isNot : value.split(',').includes(guard.prefix);
};

export const readCondition = (condition: Condition, variables: Variables): string => {
  if (condition.kind === 'boolean') return String(variables[condition.variable]);
  const args = argumentsOf(condition.field, condition.node, variables);
  if (condition.kind === 'argument') {
    return condition.rule.byArgument === null ? '' : (caseOf(condition.rule.byArgument, args) ?? '');
  }
  return condition.rule.byIdPrefix === null ? '' : prefixesIn(condition.rule.byIdPrefix, args).join(',');
};

/** The variables that its value is read from. Others in the same argument change nothing. */
export const variablesOf = (condition: Condition): readonly string[] => {
  if (condition.kind === 'boolean') return [condition.variable];
  const { byArgument, byIdPrefix } = condition.rule;
  const [name, ...inner] = condition.kind === 'argument' ? (byArgument?.path ?? []) : [byIdPrefix?.argument];
  let value = condition.node.arguments?.find((argument) => argument.name.value === name)?.value;
  for (const key of inner) {
    if (value?.kind !== Kind.OBJECT) break;
    value = value.fields.find((field) => field.name.value === key)?.value;
  }
  return value === undefined ? [] : variablesIn(value);
};

const variablesIn = (value: ValueNode): readonly string[] => {
  const names = new Set<string>();
  visit(value, { Variable: ({ name }) => void names.add(name.value) });
  return [...names];
};

/** As the executor will read them; nothing when it will refuse them itself. */
export const argumentsOf = (
  field: AnyField,
  node: FieldNode,
  variables: Variables,
): Readonly<Record<string, unknown>> => {
  try {
    return getArgumentValues(field, node, variables);
  } catch {
    return {};
  }
};

/** The `if` of @skip and @include: decided by the text, or by a variable and the value at which the field falls away. */
export const inclusionOf = (
  directives: readonly DirectiveNode[] | undefined,
): 'never' | readonly { readonly variable: string; readonly isNot: 'true' | 'false' }[] => {
  const open: { variable: string; isNot: 'true' | 'false' }[] = [];
  for (const directive of directives ?? []) {
    const { value: name } = directive.name;
    if (name !== GraphQLSkipDirective.name && name !== GraphQLIncludeDirective.name) continue;
    const dropsAt = name === GraphQLSkipDirective.name;
    const value = directive.arguments?.find((argument) => argument.name.value === 'if')?.value;
    if (value?.kind === Kind.BOOLEAN && value.value === dropsAt) return 'never';
    if (value?.kind === Kind.VARIABLE) open.push({ variable: value.name.value, isNot: dropsAt ? 'true' : 'false' });
  }
  return open;
};
