// From a caller's arguments to a page request, and from the places that were read to cursors and page info. Pure.
import { badInput } from '../platform/errors.js';
import { type CursorPlace, decodeCursor, encodeCursor } from './cursors.js';
import { type ListRules, type PageRequest, type PageRow, pageSizeMax } from './list-query.js';

export const pageSizeDefault = 20;

export interface ListArguments {
  readonly first?: number | null;
  readonly last?: number | null;
  readonly after?: string | null;
  readonly before?: string | null;
  readonly orderBy?: { readonly field: string; readonly direction: 'ASC' | 'DESC' } | null;
  readonly [filter: string]: unknown;
}

/** What a cursor is bound to, so that it cannot be carried to another list, order, filter or workspace. */
export interface ListPlace {
  readonly workspaceId: string;
  /** The coordinate of the field, for example `Query.contacts`. */
  readonly field: string;
  readonly secrets: readonly Buffer[];
}

export interface Page {
  readonly request: PageRequest;
  readonly place: CursorPlace;
  readonly secrets: readonly Buffer[];
}

/** @throws BAD_USER_INPUT naming the argument at fault. */
export function pageOf(rules: ListRules, args: ListArguments, at: ListPlace, own: PageRequest['own']): Page {
  const backward = isGiven(args.last) || (isGiven(args.before) && !isGiven(args.first));
  requireOneDirection(args);
  const size = sizeOf(backward ? 'last' : 'first', backward ? args.last : args.first);
  const order = args.orderBy ?? rules.defaultOrder;
  const filters: Record<string, unknown> = {};
  for (const name of Object.keys(rules.filters)) {
    const value = args[name];
    if (isGiven(value)) filters[name] = value;
  }
  const place: CursorPlace = {
    workspaceId: at.workspaceId,
    field: at.field,
    order: `${order.field} ${order.direction}`,
    filters,
  };
  const cursor = backward ? args.before : args.after;
  const after = isGiven(cursor)
    ? valuesOf(decodeCursor(cursor, place, at.secrets, backward ? 'before' : 'after'), backward)
    : null;
  return { request: { size, backward, after, filters, order, own }, place, secrets: at.secrets };
}

export interface PlacesOfPage {
  readonly rows: readonly PageRow[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

/** Cuts the one place too many off and puts a page that was read from the end into its order. */
export function cut(places: readonly PageRow[], { size, backward, after }: PageRequest): PlacesOfPage {
  const hasMore = places.length > size;
  const rows = hasMore ? places.slice(0, size) : [...places];
  if (backward) rows.reverse();
  return {
    rows,
    hasNextPage: backward ? after !== null : hasMore,
    hasPreviousPage: backward ? hasMore : after !== null,
  };
}

export const cursorOf = (page: Page, row: PageRow): string =>
  encodeCursor({ ...page.place, values: [row.value, row.id] }, page.secrets);

function requireOneDirection(args: ListArguments): void {
  if (isGiven(args.first) && isGiven(args.last)) throw badInput('Give first or last, not both.', 'last');
  if (isGiven(args.after) && isGiven(args.before)) throw badInput('Give after or before, not both.', 'before');
  if (isGiven(args.after) && isGiven(args.last)) throw badInput('after goes with first, before with last.', 'after');
  if (isGiven(args.before) && isGiven(args.first)) throw badInput('before goes with last, after with first.', 'before');
}

function sizeOf(name: 'first' | 'last', value: number | null | undefined): number {
  if (!isGiven(value)) return pageSizeDefault;
  if (value < 0 || value > pageSizeMax) {
    throw badInput(`${name}: a page has 0 to ${pageSizeMax} items; ask for the next page with a cursor.`, name);
  }
  return value;
}

function valuesOf(values: readonly unknown[], backward: boolean): readonly [string, string] {
  const [value, id] = values;
  if (typeof value !== 'string' || typeof id !== 'string') {
    const name = backward ? 'before' : 'after';
    throw badInput(`${name}: not a cursor of this list`, name);
  }
  return [value, id];
}

const isGiven = <Value>(value: Value | null | undefined): value is Value => value !== null && value !== undefined;
