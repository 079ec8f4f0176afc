// Measures an operation with its fragments written out, in one walk over an explicit stack. Knows nothing of limits but a
// ceiling on the walk itself, so that fragments which spread each other cost no more than anybody else.
import {
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';

export type Schema = GraphQLSchema;

/** Selections that are counted before an operation is too large to be measured on. */
export const SELECTIONS_MAX = 2_000;

/** The page of a list for which neither `first` nor `last` is given, and the largest one; both as lists declare them. */
export const PAGE_SIZE = { default: 20, most: 100 } as const;

export interface Measure {
  /** Fields inside each other; a field of the root has depth 1. */
  readonly depth: number;
  /** Selections in all, at most one more than the ceiling. */
  readonly fields: number;
  readonly rootFields: number;
  readonly aliases: number;
  readonly directives: number;
  /** Objects that lists may return by their declared page sizes. */
  readonly nodes: number;
  /** True when `nodes` would be another with other variables. */
  readonly readsVariables: boolean;
}

export type Variables = Readonly<Record<string, unknown>>;

interface Spread {
  readonly name: string;
  readonly outer: Spread | null;
}

interface Place {
  readonly selectionSet: SelectionSetNode;
  readonly parent: GraphQLNamedType | undefined;
  readonly depth: number;
  /** How many objects this selection set may be asked of. */
  readonly times: number;
  readonly spread: Spread | null;
}

/** Counts up to `ceiling` selections and stops. Unknown fields and fragments are passed over: validation names them. */
export function measureOperation(
  schema: Schema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Variables,
  ceiling: number,
): Measure {
  const found = { depth: 0, fields: 0, rootFields: 0, aliases: 0, nodes: 0, readsVariables: false };
  let directives = operation.directives?.length ?? 0;
  const given = { ...defaultsOf(operation), ...variables };
  const fragments = fragmentsOf(document);
  const root = schema.getRootType(operation.operation) ?? undefined;
  const places: Place[] = [{ selectionSet: operation.selectionSet, parent: root, depth: 1, times: 1, spread: null }];
  for (let place = places.pop(); place !== undefined; place = places.pop()) {
    for (const node of place.selectionSet.selections) {
      found.fields += 1;
      if (found.fields > ceiling) return { ...found, directives };
      directives += (node.directives as readonly DirectiveNode[] | undefined)?.length ?? 0;
      if (node.kind !== Kind.FIELD) {
        const inner = inside(node, place, fragments, schema);
        if (inner !== null) places.push(inner);
        continue;
      }
      if (place.depth === 1) found.rootFields += 1;
      if (node.alias !== undefined) found.aliases += 1;
      found.depth = Math.max(found.depth, place.depth);
      const field = fieldOf(place.parent, node);
      const size = field === undefined ? null : sizeOf(field, node, given);
      if (size?.readsVariables === true) found.readsVariables = true;
      const times = place.times * (size?.most ?? 1);
      if (size !== null) found.nodes += times;
      if (node.selectionSet === undefined) continue;
      const parent = field === undefined ? undefined : getNamedType(field.type);
      places.push({ selectionSet: node.selectionSet, parent, depth: place.depth + 1, times, spread: place.spread });
    }
  }
  return { ...found, directives };
}

type Inside = Exclude<SelectionSetNode['selections'][number], FieldNode>;

function inside(
  node: Inside,
  place: Place,
  fragments: ReadonlyMap<string, FragmentDefinitionNode>,
  schema: Schema,
): Place | null {
  if (node.kind === Kind.INLINE_FRAGMENT) {
    const parent = node.typeCondition === undefined ? place.parent : schema.getType(node.typeCondition.name.value);
    return { ...place, selectionSet: node.selectionSet, parent };
  }
  const name = node.name.value;
  const fragment = fragments.get(name);
  if (fragment === undefined || isInside(place.spread, name)) return null;
  const parent = schema.getType(fragment.typeCondition.name.value);
  return { ...place, selectionSet: fragment.selectionSet, parent, spread: { name, outer: place.spread } };
}

function isInside(spread: Spread | null, name: string): boolean {
  for (let outer = spread; outer !== null; outer = outer.outer) if (outer.name === name) return true;
  return false;
}

function fieldOf(parent: GraphQLNamedType | undefined, node: FieldNode): GraphQLField<unknown, unknown> | undefined {
  return isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[node.name.value] : undefined;
}

interface Size {
  readonly most: number;
  readonly readsVariables: boolean;
}

/** Null: the field is no list with a declared size. A larger page than is allowed is refused later, by name. */
function sizeOf(field: GraphQLField<unknown, unknown>, node: FieldNode, variables: Variables): Size | null {
  const names = field.args.map(({ name }) => name);
  if (names.includes('first') || names.includes('last')) {
    const sizes = ['first', 'last'].map((name) => argument(node, name, variables));
    const asked = sizes
      .map(({ value }) => value)
      .filter((value) => typeof value === 'number' && value >= 0) as number[];
    const most = asked.length === 0 ? PAGE_SIZE.default : Math.min(Math.max(...asked), PAGE_SIZE.most);
    return { most, readsVariables: sizes.some(({ readsVariables }) => readsVariables) };
  }
  if (!names.includes('ids')) return null;
  const { value, readsVariables } = argument(node, 'ids', variables);
  return { most: Array.isArray(value) ? value.length : 1, readsVariables };
}

function argument(node: FieldNode, name: string, variables: Variables): { value: unknown; readsVariables: boolean } {
  const given = node.arguments?.find((one) => one.name.value === name)?.value;
  if (given === undefined) return { value: undefined, readsVariables: false };
  if (given.kind === Kind.VARIABLE) return { value: variables[given.name.value], readsVariables: true };
  return { value: literal(given), readsVariables: false };
}

function literal(node: ValueNode): unknown {
  if (node.kind === Kind.INT) return Number(node.value);
  return node.kind === Kind.LIST ? node.values : undefined;
}

function defaultsOf(operation: OperationDefinitionNode): Variables {
  const defaults: Record<string, unknown> = {};
  for (const { variable, defaultValue } of operation.variableDefinitions ?? []) {
    if (defaultValue !== undefined) defaults[variable.name.value] = literal(defaultValue);
  }
  return defaults;
}

function fragmentsOf(document: DocumentNode): ReadonlyMap<string, FragmentDefinitionNode> {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition);
  }
  return fragments;
}

interface Measured {
  readonly operation: OperationDefinitionNode;
  readonly measure: Measure;
  /** One request asks twice; weak, so that nobody's variables are kept. */
  readonly nodesBy: WeakMap<Variables, number>;
}

export interface MeasuredOperation {
  readonly operation: OperationDefinitionNode;
  readonly measure: Measure;
  /** With the variables of the request. */
  readonly nodes: number;
}

type Operations = ReadonlyMap<string | undefined, Measured>;

// Documents come from a cache and are measured once; a breadth that hangs on variables is measured each time.
const measuredBySchema = new WeakMap<Schema, WeakMap<DocumentNode, Operations>>();

/** Every operation of a document by name, measured without variables, up to SELECTIONS_MAX; kept with the document. */
export function measuredOperations(schema: Schema, document: DocumentNode): Operations {
  const documents = measuredBySchema.get(schema) ?? new WeakMap<DocumentNode, Operations>();
  measuredBySchema.set(schema, documents);
  const known = documents.get(document);
  if (known !== undefined) return known;
  const operations = new Map<string | undefined, Measured>();
  for (const operation of document.definitions) {
    if (operation.kind !== Kind.OPERATION_DEFINITION) continue;
    const measure = measureOperation(schema, document, operation, {}, SELECTIONS_MAX);
    operations.set(operation.name?.value, { operation, measure, nodesBy: new WeakMap() });
  }
  documents.set(document, operations);
  return operations;
}

/** The one that is named, or the first when none is; null when there is no such operation. */
export function measuredOperation(
  schema: Schema,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Variables | null | undefined,
): MeasuredOperation | null {
  const operations = measuredOperations(schema, document);
  const chosen = operations.get(operationName ?? undefined) ?? (operationName ? undefined : first(operations));
  if (chosen === undefined) return null;
  const { measure, operation, nodesBy } = chosen;
  if (!measure.readsVariables) return { operation, measure, nodes: measure.nodes };
  const given = variables ?? NO_VARIABLES;
  const nodes = nodesBy.get(given) ?? measureOperation(schema, document, operation, given, SELECTIONS_MAX).nodes;
  nodesBy.set(given, nodes);
  return { operation, measure, nodes };
}

const NO_VARIABLES: Variables = {};

const first = (operations: Operations): Measured | undefined => operations.values().next().value;

/** Fields inside each other within one definition, fragments spread in it left out. */
export function nestingOf(definition: FragmentDefinitionNode | OperationDefinitionNode): number {
  let deepest = 0;
  const places: { selectionSet: SelectionSetNode; depth: number }[] = [
    { selectionSet: definition.selectionSet, depth: 1 },
  ];
  for (let place = places.pop(); place !== undefined; place = places.pop()) {
    for (const node of place.selectionSet.selections) {
      if (node.kind === Kind.FRAGMENT_SPREAD) continue;
      if (node.kind === Kind.FIELD) deepest = Math.max(deepest, place.depth);
      const depth = node.kind === Kind.FIELD ? place.depth + 1 : place.depth;
      if (node.selectionSet !== undefined) places.push({ selectionSet: node.selectionSet, depth });
    }
  }
  return deepest;
}
