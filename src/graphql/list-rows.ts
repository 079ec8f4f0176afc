// Loading what a page names: the places of a list for many parents in one statement, the rows of many pages in one more.
// Batches live for one request and one field of the response; nothing is cached, so a subscription reads afresh.
import { queryFromInfo } from '@pothos/plugin-prisma';
import DataLoader from 'dataloader';
import type { GraphQLResolveInfo } from 'graphql';
import type { Context } from '../context.js';
import type { GuardedDb } from '../guard/guarded-db.js';
import type { Model } from '../guard/tenancy.js';
import type { Page } from './list-page.js';
import { countRows, type ListRules, noParent, type PageRow, readPlaces } from './list-query.js';

/** The selection paths under which rows of a connection are found. */
const connectionPaths = [[{ name: 'nodes' }], [{ name: 'edges' }, { name: 'node' }]];

export interface ListRead {
  readonly rules: ListRules;
  readonly page: Page;
  /** `noParent` for a list of its own. */
  readonly parentId: string;
}

export const placesLoader = (context: Context, info: GraphQLResolveInfo, read: ListRead) =>
  batch<string, readonly PageRow[]>(context, `places ${pathOf(info)}`, async (parents) => {
    const found = await readPlaces(context.world.db, read.rules, parentsOf(parents), read.page.request);
    return parents.map((parent) => found.get(parent) ?? []);
  });

export const totalLoader = (context: Context, info: GraphQLResolveInfo, read: ListRead) =>
  batch<string, number>(context, `total ${pathOf(info)}`, async (parents) => {
    const found = await countRows(context.world.db, read.rules, parentsOf(parents), read.page.request);
    return parents.map((parent) => found.get(parent) ?? 0);
  });

/**
 * Rows by id with what the client selected of their single relations; null for a row that is gone meanwhile. The
 * selection is planned for each list, because Pothos notes by the list's own place what its rows hold; the statement is
 * one for all of them.
 */
export function rowsLoader(context: Context, info: GraphQLResolveInfo, model: Model): DataLoader<string, Row | null> {
  const query = queryFromInfo({ context, info, paths: connectionPaths });
  return batch<string, Row | null>(context, `rows ${pathOf(info)}`, (ids) =>
    rowsById(context.world.db, model, ids, query),
  );
}

/** Rows by id for a field whose type is an interface, where the client's selection depends on the type found. */
export async function rowsById(
  db: GuardedDb,
  model: Model,
  ids: readonly string[],
  query: object,
): Promise<(Row | null)[]> {
  const delegate = Reflect.get(db, model.charAt(0).toLowerCase() + model.slice(1)) as {
    findMany(args: object): Promise<Row[]>;
  };
  const rows = await delegate.findMany({ ...query, where: { id: { in: [...ids] } } });
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.map((id) => byId.get(id) ?? null);
}

export interface Row {
  readonly id: string;
  readonly [column: string]: unknown;
}

/** A loader that lives as long as the request and caches nothing: equal keys of one tick share one statement. */
export function batch<Key, Value>(
  context: Context,
  name: string,
  load: (keys: readonly Key[]) => Promise<readonly Value[]>,
): DataLoader<Key, Value> {
  let loader = context.memo.get(name) as DataLoader<Key, Value> | undefined;
  if (loader === undefined) {
    loader = new DataLoader<Key, Value>(
      async (keys) => {
        const unique = [...new Set(keys)];
        const values = await load(unique);
        const byKey = new Map(unique.map((key, index) => [key, values[index]]));
        return keys.map((key) => byKey.get(key) as Value);
      },
      { cache: false },
    );
    context.memo.set(name, loader);
  }
  return loader;
}

const parentsOf = (parents: readonly string[]): readonly string[] | null => (parents[0] === noParent ? null : parents);

/** The place in the response without list indices: siblings share it, two aliases do not. */
function pathOf(info: GraphQLResolveInfo): string {
  const names: string[] = [];
  for (let path: typeof info.path | undefined = info.path; path !== undefined; path = path.prev) {
    if (typeof path.key === 'string') names.push(path.key);
  }
  // Two types of one interface may select different fields under one name.
  return `${info.parentType.name}.${info.fieldName} ${names.reverse().join('.')}`;
}
