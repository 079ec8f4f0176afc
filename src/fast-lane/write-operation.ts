// An operation as one statement, for one verdict and shape of the variables. Of a query with several fields, some of which do
// not compile, those that do: the others are left to the resolvers.
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLObjectType,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import type { Principal } from '../auth/principal.js';
import type { Variables } from '../graphql/measure.js';
import type { Walls } from '../guard/tenancy.js';
import { isCoded } from '../platform/errors.js';
import { boundByKey, boundByTenant } from './binding.js';
import { type Draft, type FieldPlace, type ListPlace, type MadePlace, selectionOf } from './draft.js';
import { hasMarks } from './marks.js';
import { NotCompiled } from './not-compiled.js';
import { Values } from './values.js';
import { writeRoot } from './write-root.js';

export interface WriteOptions {
  readonly schema: GraphQLSchema;
  readonly walls: Walls;
  /** Reads `facts` of the key whose hash has this place; see `factsOfKey`. */
  readonly factsOfKey: (hash: string) => string;
}

export interface Written {
  /** Named when it is first sent. */
  byTenant(): Named;
  byKey(): Named;
  readonly values: Values;
  readonly fields: readonly FieldPlace[];
  readonly lists: readonly ListPlace[];
  readonly made: readonly MadePlace[];
  /** Something of the answer only Node can make. */
  readonly isMarked: boolean;
  readonly isShort: boolean;
  /** Beside what the principal carries. */
  readonly readsRows: boolean;
  readonly rest: Rest | null;
}

export interface Named {
  readonly name: string;
  readonly text: string;
}

/** What of an operation the resolvers answer. */
export interface Rest {
  /** The operation with the fields that did not compile, and only those. */
  readonly document: DocumentNode;
  /** All fields of the operation in the order of the answer, by the names they have there. */
  readonly names: readonly string[];
}

/** Null: it does not compile for this principal and shape, or not enough of it. */
export function writeOperation(
  options: WriteOptions,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  principal: Principal,
  variables: Variables,
): Written | null {
  const root = options.schema.getQueryType();
  if (root === null || root === undefined) return null;
  const writeFields = (set: SelectionSetNode) =>
    writeSet(options, newDraft(options, document, principal, variables), root, set);
  const whole = writeFields(operation.selectionSet);
  if (whole !== null) return whole;
  const fields = [...selectionOf(newDraft(options, document, principal, variables), root, [operation.selectionSet])];
  const compiles = fields.map(([, nodes]) => writeFields(setOf(nodes)) !== null);
  const nodesThat = (wanted: boolean) =>
    fields.flatMap(([, nodes], place) => (compiles[place] === wanted ? nodes : []));
  const written = compiles.includes(true) ? writeFields(setOf(nodesThat(true))) : null;
  // What asks no table is told by the resolvers as fast.
  if (written === null || !written.readsRows) return null;
  const names = fields.map(([name]) => name);
  return { ...written, rest: { document: withFields(document, operation, nodesThat(false)), names } };
}

const setOf = (selections: readonly FieldNode[]): SelectionSetNode => ({ kind: Kind.SELECTION_SET, selections });

const withFields = (
  document: DocumentNode,
  operation: OperationDefinitionNode,
  fields: readonly FieldNode[],
): DocumentNode => ({
  ...document,
  definitions: document.definitions.map((one) =>
    one === operation ? { ...operation, selectionSet: setOf(fields) } : one,
  ),
});

function newDraft(
  { schema, walls }: WriteOptions,
  document: DocumentNode,
  principal: Principal,
  variables: Variables,
): Draft {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const one of document.definitions) if (one.kind === Kind.FRAGMENT_DEFINITION) fragments.set(one.name.value, one);
  let names = 0;
  const written = { values: new Values(), fields: [], lists: [], made: [] };
  return { schema, fragments, principal, variables, walls, ...written, name: (kind) => `${kind}${++names}` };
}

function writeSet(
  { factsOfKey }: WriteOptions,
  draft: Draft,
  root: GraphQLObjectType,
  set: SelectionSetNode,
): Written | null {
  try {
    const { values, fields, lists, made } = draft;
    const joins: string[] = [];
    const { json, objects } = writeRoot(draft, root, [set], joins);
    const select = `SELECT ${json} AS data, ${objects ?? '0'} AS objects FROM ctx ${joins.join('\n')}`;
    return {
      byTenant: once(() => named(boundByTenant(select))),
      byKey: once(() => named(boundByKey(select, factsOfKey(values.next(1)), values.next(2)))),
      values,
      fields,
      lists,
      made,
      isShort: objects === null,
      isMarked: hasMarks(select),
      readsRows: joins.length > 0,
      rest: null,
    };
  } catch (error) {
    // What a caller is to be told of its arguments, the ordinary way says.
    if (error instanceof NotCompiled || isTold(error)) return null;
    throw error;
  }
}

/** Something wrong with the arguments. */
export const isTold = (error: unknown): boolean => isCoded(error) || error instanceof GraphQLError;

/** Each connection keeps what it prepared, and callers shape texts: past so many names a text is prepared anew each time. */
const NAMES_MAX = 500;
const names = new Map<string, string>();

function named(text: string): Named {
  const known = names.get(text);
  if (known !== undefined) return { name: known, text };
  if (names.size >= NAMES_MAX) return { name: '', text };
  const name = `read_${names.size}`;
  names.set(text, name);
  return { name, text };
}

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
