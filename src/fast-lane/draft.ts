// What is known while one statement is written: for one operation, under one verdict, with variables of one shape.
import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getArgumentValues,
  getDirectiveValues,
  isAbstractType,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { Principal } from '../auth/principal.js';
import { isAllowed } from '../graphql/guard-plugin/access.js';
import { accessesFor, ruleOf } from '../graphql/guard-plugin/field-rule.js';
import type { ListRules } from '../graphql/list-query.js';
import type { Variables } from '../graphql/measure.js';
import type { Walls } from '../guard/tenancy.js';
import { notCompiled } from './not-compiled.js';
import type { Asking, Values } from './values.js';

export type AnyField = GraphQLField<unknown, unknown>;

/** A field whose arguments are read anew for each request. */
export interface FieldPlace {
  readonly field: AnyField;
  readonly node: FieldNode;
}

/** A list whose page is asked for anew for each request. */
export interface ListPlace {
  readonly rules: ListRules;
  /** For example `Query.contacts`: cursors are bound to it. */
  readonly coordinate: string;
  readonly typeName: string;
  readonly onlyOwn: { readonly field: string } | null;
  /** Its place among the fields. */
  readonly args: number;
}

/** Makes the text at a marked place from what the statement wrote there; null: the ordinary way has something to tell. */
export type MadePlace = (raw: unknown, asking: Asking) => string | null;

export interface Draft {
  readonly schema: GraphQLSchema;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly principal: Principal;
  /** Coerced; of their values only what the shape holds may be written into the text. */
  readonly variables: Variables;
  readonly walls: Walls;
  readonly values: Values;
  readonly fields: FieldPlace[];
  readonly lists: ListPlace[];
  readonly made: MadePlace[];
  /** A name that no other row or join of the statement has. */
  name(kind: 'r' | 'l'): string;
}

/** An object or list as text, and how many objects stand in lists within it. */
export interface Text {
  readonly json: string;
  /** An expression of int; null: none can. */
  readonly objects: string | null;
}

export const isAgent = ({ principal }: Draft): boolean => principal.agentId !== null;

export const sumOf = (counts: readonly (string | null)[]): string | null => {
  const some = counts.filter((count) => count !== null);
  return some.length === 0 ? null : some.join(' + ');
};

/** Stands where a value must be and is not: the statement fails, and the ordinary way says what is wrong. */
export const FAIL = '(1 / (length(ctx.w) - length(ctx.w)))::text';

export const argsOf = ({ variables }: Draft, { field, node }: FieldPlace): Readonly<Record<string, unknown>> =>
  getArgumentValues(field, node, variables);

/** The second wall on this path: what the principal may not read is not written into any statement. */
export function requireAllowed(draft: Draft, coordinate: string, place: FieldPlace): void {
  const rule = ruleOf(place.field);
  if (rule === null) notCompiled(`${coordinate} declares nothing`);
  if (rule.judgeArguments !== undefined) notCompiled(`${coordinate} judges its arguments`);
  const takesArguments = rule.byArgument !== null || rule.byIdPrefix !== null;
  const accesses = accessesFor(rule, takesArguments ? argsOf(draft, place) : {});
  if (!accesses.every((access) => isAllowed(access, draft.principal))) notCompiled(`${coordinate} is refused`);
}

/** What is selected of an object, by the name it has in the answer, in the order of the answer. */
export function selectionOf(
  draft: Draft,
  type: GraphQLObjectType,
  sets: readonly SelectionSetNode[],
): ReadonlyMap<string, readonly FieldNode[]> {
  const found = new Map<string, FieldNode[]>();
  const seen = new Set<string>();
  const collect = (set: SelectionSetNode): void => {
    for (const node of set.selections) {
      if (!isIncluded(draft, node)) continue;
      if (node.kind === Kind.FIELD) {
        const name = node.alias?.value ?? node.name.value;
        const nodes = found.get(name);
        if (nodes === undefined) found.set(name, [node]);
        else nodes.push(node);
        continue;
      }
      if (node.kind === Kind.INLINE_FRAGMENT) {
        if (applies(draft, node.typeCondition?.name.value, type)) collect(node.selectionSet);
        continue;
      }
      const fragment = draft.fragments.get(node.name.value);
      if (fragment === undefined || seen.has(node.name.value)) continue;
      seen.add(node.name.value);
      if (applies(draft, fragment.typeCondition.name.value, type)) collect(fragment.selectionSet);
    }
  };
  for (const set of sets) collect(set);
  return found;
}

export const setsOf = (nodes: readonly FieldNode[]): readonly SelectionSetNode[] =>
  nodes.flatMap(({ selectionSet }) => selectionSet ?? []);

function isIncluded({ variables }: Draft, node: SelectionNode): boolean {
  if (node.directives === undefined || node.directives.length === 0) return true;
  if (getDirectiveValues(GraphQLSkipDirective, node, variables)?.if === true) return false;
  return getDirectiveValues(GraphQLIncludeDirective, node, variables)?.if !== false;
}

function applies({ schema }: Draft, condition: string | undefined, type: GraphQLObjectType): boolean {
  if (condition === undefined || condition === type.name) return true;
  const named = schema.getType(condition);
  return isAbstractType(named) && schema.isSubType(named, type);
}
