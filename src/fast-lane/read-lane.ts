// Reads as one statement. An operation whose every field says where its value comes from becomes one prepared statement
// that answers the text of `data`; the server neither parses nor walks it. Of a query with several fields those that do not
// compile may be left to the resolvers. Everything else, and whatever ends in an error, goes the ordinary way whole, so that
// errors are the same by construction. What is compiled is kept with the document, per
// verdict and shape of the variables, a bounded number; nothing of a caller is kept with it.
import {
  type DocumentNode,
  getArgumentValues,
  getOperationAST,
  getVariableValues,
  type OperationDefinitionNode,
  OperationTypeNode,
} from 'graphql';
import type { Plans } from '../auth/plans.js';
import type { Principal } from '../auth/principal.js';
import type { Standing } from '../auth/rate-limit/rate-limiter.js';
import { objectsIn } from '../graphql/cost.js';
import { cursorOf, type ListArguments, type Page, pageOf } from '../graphql/list-page.js';
import type { Variables } from '../graphql/measure.js';
import { ownRows } from '../graphql/own-rows.js';
import type { Tenant } from '../guard/tenancy.js';
import type { Clock } from '../platform/clock.js';
import { valuesOfTenant } from './binding.js';
import type { FieldPlace, ListPlace, MadePlace } from './draft.js';
import { filled } from './marks.js';
import { type ShapeOf, shapeOf } from './shape.js';
import type { Asking } from './values.js';
import { isTold, type Rest, type WriteOptions, type Written, writeOperation } from './write-operation.js';

export interface ReadLane {
  /** Null: there is no such query. */
  compiledOf(document: DocumentNode, operationName: string | null): CompiledRead | null;
}

export interface CompiledRead {
  /** Null: this request goes the ordinary way. */
  statementFor(request: ReadRequest): ReadStatement | null;
}

export interface ReadRequest {
  readonly principal: Principal;
  /** As they came, not coerced. */
  readonly variables: Variables | null;
  /** Read when the answer is made; null: nothing is limited. */
  readonly standing: Standing | null;
}

/** One prepared statement; its answer has `data`, a text, and `objects`, a number. No row, or no text: nothing to tell. */
export interface ReadStatement {
  /** Null: it answers the whole operation. */
  readonly rest: Rest | null;
  /** For a principal that was judged before. */
  byTenant(): Prepared;
  /** For a key that is expected to be what it was; see binding.ts. */
  byKey(hash: Buffer, facts: string): Prepared;
  /** Null: something only the ordinary way can tell, such as NOT_FOUND. */
  answerOf(row: ReadRow | undefined): ReadAnswer | null;
}

export interface Prepared {
  /** Empty: prepared for this once. */
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
  /** A few rows, each found by its id. */
  readonly isShort: boolean;
}

export interface ReadRow {
  readonly data: string | null;
  readonly objects: number;
}

export interface ReadAnswer {
  /** The text of `data`. */
  readonly data: string;
  readonly objectsInLists: number;
  /** As of its statement. */
  readonly rest: Rest | null;
}

export interface ReadLaneOptions extends WriteOptions {
  /** The first signs the cursors of lists, all verify them. */
  readonly cursorSecrets: readonly Buffer[];
  readonly plans: Plans;
  readonly clock: Clock;
}

/** Verdicts and shapes that one operation is compiled for at a time. */
const SHAPES_MAX = 64;

export function openReadLane(options: ReadLaneOptions): ReadLane {
  const known = new WeakMap<DocumentNode, Map<string, CompiledRead | null>>();
  return {
    compiledOf(document, operationName) {
      const operations = known.get(document) ?? new Map<string, CompiledRead | null>();
      known.set(document, operations);
      const kept = operations.get(operationName ?? '');
      if (kept !== undefined) return kept;
      const operation = getOperationAST(document, operationName);
      // A name that is not in the document is not kept: there is no end of those.
      if (operation === null || operation === undefined) return null;
      const isQuery = operation.operation === OperationTypeNode.QUERY;
      const compiled = isQuery ? openOperation(options, document, operation) : null;
      operations.set(operationName ?? '', compiled);
      return compiled;
    },
  };
}

const NO_VARIABLES: Variables = {};

function openOperation(
  options: ReadLaneOptions,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): CompiledRead {
  const { schema } = options;
  const definitions = operation.variableDefinitions ?? [];
  const shapes = new Map<string, Written | null>();
  let shape: ShapeOf | null = null;
  return {
    statementFor({ principal, variables: sent, standing }) {
      const variables =
        definitions.length === 0 ? NO_VARIABLES : getVariableValues(schema, definitions, sent ?? {}).coerced;
      if (variables === undefined) return null;
      shape ??= shapeOf(schema, document, operation);
      const about = shape(variables);
      const key = about === '' ? principal.verdictKey : `${principal.verdictKey} ${about}`;
      let written = shapes.get(key);
      if (written === undefined) {
        if (shapes.size >= SHAPES_MAX) shapes.clear();
        written = writeOperation(options, document, operation, principal, variables);
        shapes.set(key, written);
      }
      return written === null ? null : statementOf(options, written, { principal, variables, standing });
    },
  };
}

function statementOf(
  options: ReadLaneOptions,
  written: Written,
  request: ReadRequest & { readonly variables: Variables },
): ReadStatement | null {
  const asking = askingOf(options, written, request);
  let own: readonly unknown[];
  try {
    own = written.values.of(asking);
    // Also of the lists whose page no value is read from: what is wrong with it is for the ordinary way to say.
    for (const index of written.lists.keys()) asking.page(index);
  } catch (error) {
    if (isTold(error)) return null;
    throw error;
  }
  const values = [...valuesOfTenant(request.principal as Tenant), ...own];
  const { rest, isShort } = written;
  return {
    rest,
    byTenant() {
      const { name, text } = written.byTenant();
      return { name, text, values, isShort };
    },
    byKey(hash, facts) {
      const { name, text } = written.byKey();
      return { name, text, values: [...values, hash, facts], isShort };
    },
    answerOf(row) {
      if (row === undefined || row.data === null) return null;
      const { data, objects } = row;
      return written.isMarked ? withMade(written, data, objects, asking) : { data, objectsInLists: objects, rest };
    },
  };
}

function askingOf(
  { cursorSecrets: secrets, plans, clock }: ReadLaneOptions,
  { fields, lists }: Written,
  { principal, variables, standing }: ReadRequest & { readonly variables: Variables },
): Asking {
  const args: Readonly<Record<string, unknown>>[] = [];
  const pages: Page[] = [];
  const asking: Asking = {
    principal,
    variables,
    standing,
    plans,
    clock,
    args(place) {
      const { field, node } = fields[place] as FieldPlace;
      args[place] ??= getArgumentValues(field, node, variables);
      return args[place] as Readonly<Record<string, unknown>>;
    },
    page(place) {
      const { rules, coordinate, typeName, onlyOwn, args: number } = lists[place] as ListPlace;
      const own = onlyOwn === null ? ownRows(typeName, principal) : { ...onlyOwn, value: principal.id };
      const at = { workspaceId: principal.workspaceId, field: coordinate, secrets };
      pages[place] ??= pageOf(rules, asking.args(number) as ListArguments, at, own);
      return pages[place] as Page;
    },
  };
  return asking;
}

/** Null: a value could not be made, which the ordinary way tells. */
function withMade({ made, rest }: Written, data: string, objects: number, asking: Asking): ReadAnswer | null {
  let objectsInLists = objects;
  let isWhole = true;
  const text = filled(data, (kind, place, [first = '', second = '']) => {
    if (kind === 'cursor') return cursorOf(asking.page(place), { value: JSON.parse(first) as string, id: second });
    const one = madeOf(made[place] as MadePlace, first, asking);
    if (one === null) isWhole = false;
    // As on the ordinary way, objects of free JSON count as well.
    else if (one.includes('{')) objectsInLists += objectsIn(JSON.parse(one));
    return one ?? '';
  });
  return isWhole ? { data: text, objectsInLists, rest } : null;
}

/** What a rule throws, the resolver that calls the same rule tells. */
function madeOf(place: MadePlace, raw: string, asking: Asking): string | null {
  try {
    return place(JSON.parse(raw), asking);
  } catch {
    return null;
  }
}

const DIVISION_BY_ZERO = '22012';

/** Whether a statement failed where it was written to fail: a row or value that must be there was not. See `FAIL`. */
export const hasNothingToTell = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === DIVISION_BY_ZERO;
