// Fields that are computed: from columns of their row, or from the value that they are a part of. Each states its rule once;
// the resolver and the read compiler both take it from there, so a rule is pure and reads no more than it names.
import type { Context } from '../context.js';
import type { Workspace } from '../generated/prisma/client.js';
import { type Asker, readsFrom, type Source } from './source.js';

type Computed = Extract<Source, { kind: 'computed' }>;

/**
 * For the options of a field of a model: from the columns named, of its row and of the workspace's own.
 * @example ...computedFrom<ApiKeyRow>()(['status', 'expiresAt'], statusOf)
 */
export const computedFrom =
  <Row extends object>() =>
  <Column extends keyof Row & string, Value, Beside extends keyof Workspace & string = never>(
    columns: readonly Column[],
    value: (row: Pick<Row, Column>, asker: Asker, workspace: Pick<Workspace, Beside>) => Value,
    workspace: readonly Beside[] = [],
  ) => ({
    extensions: readsFrom({ kind: 'computed', columns, workspace, value: value as unknown as Computed['value'] }),
    resolve: (row: Pick<Row, Column>, _args: object, context: Context): Value | Promise<Value> =>
      workspace.length === 0
        ? value(row, context.world, {} as Pick<Workspace, Beside>)
        : workspaceOf(context, workspace).then((found) => value(row, context.world, found)),
  });

/** For the options of a field of a value that is no row. */
export const partOf = <Whole, Value>(value: (whole: Whole) => Value) => ({
  extensions: readsFrom({ kind: 'part', value: value as (whole: unknown) => unknown }),
  resolve: (whole: Whole): Value => value(whole),
});

/** Read once per request. */
function workspaceOf<Column extends keyof Workspace & string>(
  { memo, world }: Pick<Context, 'memo' | 'world'>,
  columns: readonly Column[],
): Promise<Pick<Workspace, Column>> {
  const name = `workspace ${columns.join()}`;
  const known = memo.get(name) as Promise<Pick<Workspace, Column>> | undefined;
  const select = Object.fromEntries(columns.map((column) => [column, true]));
  const read =
    known ?? (world.db.workspace.findFirstOrThrow({ select }) as unknown as Promise<Pick<Workspace, Column>>);
  memo.set(name, read);
  return read;
}
