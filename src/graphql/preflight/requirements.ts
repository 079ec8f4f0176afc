// What an operation takes, read from its text alone: every field it may execute, with what must hold for that. Walks as
// the executor will: a selection is judged on the object types a value may have, since what is executed is the object's
// field and never the interface's. Where a value may be one of several types, all that the fragments leave are judged,
// so a query over a union takes what its widest answer takes; under `node` and `nodes` the ids' prefixes say which types.

import type { DocumentNode } from 'graphql';
import {
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { type FieldRule, judgeOf, ruleOf } from '../guard-plugin/field-rule.js';
import { type AnyField, type Condition, type Guard, inclusionOf } from './conditions.js';

/** One field of the operation that takes something. */
export interface Need {
  readonly rule: FieldRule;
  readonly field: AnyField;
  readonly node: FieldNode;
  readonly path: readonly string[];
  readonly guards: readonly Guard[];
  /** Where the argument's case is read; null when no argument narrows the field. */
  readonly argument: number | null;
  /** Where the prefixes of its ids are read; null when it names no ids. */
  readonly prefixes: number | null;
  /** The field around it. */
  readonly parent: Need | null;
}

/** A field whose arguments are judged before anything runs. */
export interface InputToJudge {
  readonly field: AnyField;
  readonly node: FieldNode;
  readonly path: readonly string[];
  readonly guards: readonly Guard[];
  readonly judge: (args: unknown) => void;
}

export interface Requirements {
  readonly operation: OperationDefinitionNode;
  readonly needs: readonly Need[];
  readonly conditions: readonly Condition[];
  readonly inputs: readonly InputToJudge[];
  /** Fields `__schema` and `__type`, which INTROSPECTION=keys closes to anonymous requests. */
  readonly introspection: readonly { readonly node: FieldNode; readonly path: readonly string[] }[];
}

/**
 * Past so many visits of a selection the conditions met on the way are ignored, and with them the differences that make
 * a document explode: it is then judged as if each of them held, more strictly and never less.
 */
export const VISITS_MAX = 10_000;

/** Null when the document has no such operation, or several and no name: the executor will say so. */
export const requirementsOf = (
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
): Requirements | null => {
  const operations = document.definitions.filter((node) => node.kind === Kind.OPERATION_DEFINITION);
  const named = operations.filter((node) => !operationName || node.name?.value === operationName);
  const [operation, ...others] = named;
  const root = operation === undefined ? undefined : schema.getRootType(operation.operation);
  if (operation === undefined || others.length > 0 || !root) return null;
  const walk = newWalk(schema, document, operation);
  visitSelection(walk, operation.selectionSet, { type: root, path: [], guards: [], parent: null });
  return walk.found;
};

interface Place {
  readonly type: GraphQLObjectType;
  readonly path: readonly string[];
  readonly guards: readonly number[];
  readonly parent: Need | null;
}

interface Walk {
  readonly schema: GraphQLSchema;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly found: {
    readonly operation: OperationDefinitionNode;
    readonly needs: Need[];
    readonly conditions: Condition[];
    readonly inputs: InputToJudge[];
    readonly introspection: { node: FieldNode; path: readonly string[] }[];
  };
  /** Guards by number, so that a set of them is a short text. */
  readonly guards: Guard[];
  readonly numbers: Map<string, number>;
  readonly seen: Map<SelectionSetNode, Set<string>>;
  visits: number;
}

const newWalk = (schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode): Walk => ({
  schema,
  fragments: new Map(
    document.definitions
      .filter((node) => node.kind === Kind.FRAGMENT_DEFINITION)
      .map((node) => [node.name.value, node] as const),
  ),
  found: { operation, needs: [], conditions: [], inputs: [], introspection: [] },
  guards: [],
  numbers: new Map(),
  seen: new Map(),
  visits: 0,
});

function visitSelection(walk: Walk, set: SelectionSetNode, place: Place): void {
  walk.visits += 1;
  const guards = walk.visits > VISITS_MAX ? [] : place.guards;
  // A fragment met again under the same type and conditions takes nothing new; this also ends cycles.
  const key = `${place.type.name} ${guards.join(',')}`;
  const seen = walk.seen.get(set) ?? new Set<string>();
  if (seen.has(key)) return;
  walk.seen.set(set, seen.add(key));
  for (const selection of set.selections) visitNode(walk, selection, { ...place, guards });
}

function visitNode(walk: Walk, selection: SelectionNode, place: Place): void {
  const inclusion = inclusionOf(selection.directives);
  if (inclusion === 'never') return;
  let { guards } = place;
  for (const { variable, isNot } of inclusion) {
    const condition = addCondition(walk, `$${variable}`, { kind: 'boolean', variable });
    guards = withGuard(walk, guards, { condition, isNot });
  }
  const here = { ...place, guards };
  if (selection.kind === Kind.FIELD) {
    visitField(walk, selection, here);
    return;
  }
  const fragment = selection.kind === Kind.FRAGMENT_SPREAD ? walk.fragments.get(selection.name.value) : selection;
  if (fragment === undefined) return;
  const on = fragment.typeCondition?.name.value;
  if (on === undefined || appliesTo(walk.schema, on, place.type)) visitSelection(walk, fragment.selectionSet, here);
}

function appliesTo(schema: GraphQLSchema, typeName: string, type: GraphQLObjectType): boolean {
  if (typeName === type.name) return true;
  const condition = schema.getType(typeName);
  return isAbstractType(condition) && schema.isSubType(condition, type);
}

function visitField(walk: Walk, node: FieldNode, place: Place): void {
  const name = node.name.value;
  const path = [...place.path, node.alias?.value ?? name];
  if (name === '__typename') return;
  if (name === '__schema' || name === '__type') {
    walk.found.introspection.push({ node, path });
    return;
  }
  const field = place.type.getFields()[name];
  if (field === undefined) return;
  const rule = ruleOf(field);
  if (rule === null) throw new Error(`The field ${place.type.name}.${name} has no declaration.`);
  const need = addNeed(walk, field, node, rule, { ...place, path });
  const named = getNamedType(field.type);
  if (node.selectionSet === undefined) return;
  for (const type of possibleTypes(walk.schema, named)) {
    const guards = need.prefixes === null ? place.guards : guardsOfType(walk, need, need.prefixes, type, place.guards);
    if (guards !== null) visitSelection(walk, node.selectionSet, { type, path, guards, parent: need });
  }
}

/** Null for a type that no id names: such a field never answers with it. */
function guardsOfType(
  walk: Walk,
  { rule }: Need,
  condition: number,
  type: GraphQLObjectType,
  guards: readonly number[],
): readonly number[] | null {
  const entries = [...(rule.byIdPrefix?.nodeTypes ?? [])];
  const [prefix] = entries.find(([, entry]) => entry.typeName === type.name) ?? [];
  return prefix === undefined ? null : withGuard(walk, guards, { condition, prefix });
}

const possibleTypes = (schema: GraphQLSchema, type: ReturnType<typeof getNamedType>): readonly GraphQLObjectType[] => {
  if (isObjectType(type)) return [type];
  return isAbstractType(type) ? schema.getPossibleTypes(type) : [];
};

function addNeed(walk: Walk, field: AnyField, node: FieldNode, rule: FieldRule, place: Place): Need {
  const { found } = walk;
  const at = `${node.loc?.start ?? place.path.join('.')} ${rule.coordinate}`;
  const need: Need = {
    rule,
    field,
    node,
    path: place.path,
    guards: place.guards.map((number) => walk.guards[number]).filter((guard) => guard !== undefined),
    argument:
      rule.byArgument === null ? null : addCondition(walk, `arg ${at}`, { kind: 'argument', field, node, rule }),
    prefixes:
      rule.byIdPrefix === null ? null : addCondition(walk, `ids ${at}`, { kind: 'prefixes', field, node, rule }),
    parent: place.parent,
  };
  found.needs.push(need);
  const judge = judgeOf(rule);
  if (judge !== null) found.inputs.push({ field, node, path: place.path, guards: need.guards, judge });
  return need;
}

function addCondition(walk: Walk, key: string, condition: Condition): number {
  return numbered(walk, key, walk.found.conditions, condition);
}

function withGuard(walk: Walk, guards: readonly number[], guard: Guard): readonly number[] {
  const key = `guard ${JSON.stringify(guard)}`;
  const number = numbered(walk, key, walk.guards, guard);
  return guards.includes(number) ? guards : [...guards, number].sort((one, other) => one - other);
}

function numbered<Item>(walk: Walk, key: string, list: Item[], item: Item): number {
  const known = walk.numbers.get(key);
  if (known !== undefined) return known;
  list.push(item);
  walk.numbers.set(key, list.length - 1);
  return list.length - 1;
}
