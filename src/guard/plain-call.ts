// The calls that make up most of what is written, said in SQL: one row found by its fields, rows of one table in an order, a
// row made, rows changed. Inside a transaction they go straight to the driver as one prepared statement, with the same
// arguments, already confined, and the same rows back; whatever says more than that is Prisma's. Nobody writes them here: a
// service calls Prisma's delegates, and does not see the difference.
import { getDatamodel } from '../generated/pothos-types.js';
import { Prisma } from '../generated/prisma/client.js';
import { columnOf, type Model, tableOf } from './tenancy.js';

export interface PlainCall {
  readonly text: string;
  readonly values: readonly unknown[];
  /** Whether it changes and locks nothing. */
  readonly isRead: boolean;
  /** What Prisma would have answered. @throws as Prisma does when the one row that is asked for is not there */
  readonly answer: (rows: readonly object[]) => unknown;
}

type Args = Readonly<Record<string, unknown>>;

interface Field {
  readonly name: string;
  readonly type: string;
  readonly kind: 'scalar' | 'enum' | 'object';
  readonly isList: boolean;
  readonly isUpdatedAt: boolean;
}

interface Column extends Field {
  /** Quoted. */
  readonly column: string;
  /** As it is read: under the name of the field. */
  readonly read: string;
}

interface Shape {
  readonly table: string;
  readonly fields: ReadonlyMap<string, Column>;
  /** Set whenever a row changes. */
  readonly touched: readonly Column[];
  /** All columns under the names of their fields. */
  readonly columns: string;
}

/** What the driver gives back as Prisma does. */
const PLAIN_TYPES: ReadonlySet<string> = new Set(['String', 'Int', 'Boolean', 'DateTime', 'Json']);

const quoted = (name: string): string => `"${name}"`;
const columnFor = (field: Field): Column => {
  const column = quoted(columnOf(field.name));
  // A list that was never given is NULL in the database, and to Prisma an empty one.
  const read = `${field.isList ? `COALESCE(${column}, '{}')` : column} AS ${quoted(field.name)}`;
  return { ...field, column, read };
};

const isPlain = ({ kind, type, isList }: Field): boolean =>
  isList ? type === 'String' : kind === 'enum' || PLAIN_TYPES.has(type);

/** Models of which every column is plain. */
const shapes: ReadonlyMap<string, Shape> = new Map(
  Object.entries(getDatamodel().datamodel.models).flatMap(([model, { fields }]) => {
    const own = (fields as unknown as readonly Field[]).filter(({ kind }) => kind !== 'object');
    if (!own.every(isPlain)) return [];
    const columns = own.map(columnFor);
    const shape: Shape = {
      table: quoted(tableOf(model as Model)),
      fields: new Map(columns.map((column) => [column.name, column])),
      touched: columns.filter(({ isUpdatedAt }) => isUpdatedAt),
      columns: columns.map(({ read }) => read).join(', '),
    };
    return [[model, shape] as const];
  }),
);

/** Thrown and caught here only: the call says more than a plain one. */
const NOT_PLAIN = Symbol('not plain');
const notPlain = (): never => {
  throw NOT_PLAIN;
};

/** @param args as `confine` made them @returns null for a call that is Prisma's to run */
export function plainCall(model: Model, operation: string, args: Args): PlainCall | null {
  const shape = shapes.get(model);
  const write = Object.hasOwn(WRITERS, operation) ? WRITERS[operation] : undefined;
  if (shape === undefined || write === undefined) return null;
  const values: unknown[] = [];
  try {
    const written = write({ shape, args, bind: (value) => `$${values.push(value)}` });
    return { ...written, values, isRead: written.text.startsWith('SELECT ') };
  } catch (refusal) {
    if (refusal === NOT_PLAIN) return null;
    throw refusal;
  }
}

interface Call {
  readonly shape: Shape;
  readonly args: Args;
  /** Puts a value in, and gives its place in the text. */
  readonly bind: (value: unknown) => string;
}
type Written = Omit<PlainCall, 'values' | 'isRead'>;

const first = (rows: readonly object[]): object | null => rows[0] ?? null;
const theOne = (rows: readonly object[]): object => {
  const [row] = rows;
  if (row !== undefined) return row;
  throw new Prisma.PrismaClientKnownRequestError('The row that is asked for is not there.', {
    code: 'P2025',
    clientVersion: Prisma.prismaVersion.client,
  });
};
const all = (rows: readonly object[]): readonly object[] => rows;
const count = (rows: readonly object[]): { count: number } => ({ count: rows.length });

const WRITERS: Readonly<Record<string, (call: Call) => Written>> = {
  findFirst: (call) => ({ text: one(call), answer: first }),
  findUnique: (call) => ({ text: select(call), answer: first }),
  findFirstOrThrow: (call) => ({ text: one(call), answer: theOne }),
  findMany: (call) => ({ text: select(call), answer: all }),
  count: (call) => {
    requireOnly(call.args, ['where']);
    const text = `SELECT count(*)::int AS n FROM ${call.shape.table} WHERE ${where(call)}`;
    return { text, answer: (rows) => (rows as { n: number }[])[0]?.n };
  },
  create: (call) => ({ text: insert(call), answer: theOne }),
  update: (call) => ({ text: update(call, call.shape.columns), answer: theOne }),
  updateMany: (call) => ({ text: update(call, 'TRUE AS changed'), answer: count }),
  updateManyAndReturn: (call) => ({ text: update(call, call.shape.columns), answer: all }),
  delete: (call) => {
    requireOnly(call.args, ['where']);
    const { table, columns } = call.shape;
    return { text: `DELETE FROM ${table} WHERE ${where(call)} RETURNING ${columns}`, answer: theOne };
  },
};

const one = (call: Call): string => (call.args.take === undefined ? `${select(call)} LIMIT 1` : notPlain());

function select(call: Call): string {
  const { shape, args } = call;
  requireOnly(args, ['where', 'select', 'orderBy', 'take']);
  const { take } = args;
  if (take !== undefined && !(Number.isInteger(take) && Number(take) > 0)) notPlain();
  // A place of its own in the text: the number says nothing about the shape of the call.
  const condition = where(call);
  const limit = take === undefined ? '' : ` LIMIT ${call.bind(take)}`;
  return `SELECT ${selected(shape, args.select)} FROM ${shape.table} WHERE ${condition}${ordered(shape, args.orderBy)}${limit}`;
}

function insert({ shape, args, bind }: Call): string {
  requireOnly(args, ['data']);
  const columns: string[] = [];
  const places: string[] = [];
  for (const [name, value] of entriesOf(args.data)) {
    const field = fieldOf(shape, name);
    columns.push(field.column);
    places.push(bind(stored(field, value)));
  }
  return `INSERT INTO ${shape.table} (${columns.join(', ')}) VALUES (${places.join(', ')}) RETURNING ${shape.columns}`;
}

function update(call: Call, returning: string): string {
  const { shape, args, bind } = call;
  requireOnly(args, ['where', 'data']);
  const given = entriesOf(args.data);
  if (given.length === 0) notPlain();
  const changes = given.map(([name, value]) => {
    const field = fieldOf(shape, name);
    return `${field.column} = ${bind(stored(field, value))}`;
  });
  for (const { name, column } of shape.touched) {
    if (!given.some(([one]) => one === name)) changes.push(`${column} = ${bind(new Date())}`);
  }
  return `UPDATE ${shape.table} SET ${changes.join(', ')} WHERE ${where(call)} RETURNING ${returning}`;
}

const selected = (shape: Shape, given: unknown): string => {
  if (given === undefined) return shape.columns;
  return entriesOf(given)
    .filter(([, isSelected]) => isSelected === true || (isSelected !== false && notPlain()))
    .map(([name]) => fieldOf(shape, name).read)
    .join(', ');
};

function ordered(shape: Shape, given: unknown): string {
  if (given === undefined) return '';
  const parts = (Array.isArray(given) ? given : [given]).flatMap((one) =>
    entriesOf(one).map(([name, direction]) => {
      if (direction !== 'asc' && direction !== 'desc') notPlain();
      return `${fieldOf(shape, name).column} ${String(direction)}`;
    }),
  );
  return parts.length === 0 ? '' : ` ORDER BY ${parts.join(', ')}`;
}

/** All conditions must hold. None at all would be every row of the table, which no confined call asks for. */
function where(call: Call): string {
  const conditions: string[] = [];
  addConditions(call, call.args.where, conditions);
  return conditions.length === 0 ? notPlain() : conditions.join(' AND ');
}

function addConditions(call: Call, given: unknown, conditions: string[]): void {
  for (const [name, value] of entriesOf(given)) {
    if (name === 'AND') {
      for (const part of Array.isArray(value) ? value : [value]) addConditions(call, part, conditions);
      continue;
    }
    const field = call.shape.fields.get(name);
    if (field !== undefined) conditions.push(condition(call, field, value));
    // A unique key of several fields, by the name that Prisma gives it.
    else if (/^[a-zA-Z]+(_[a-zA-Z]+)+$/.test(name) && isRecord(value)) addConditions(call, value, conditions);
    else notPlain();
  }
}

const IN_MAX = 20;

function condition({ bind }: Call, field: Column, value: unknown): string {
  if (field.isList || field.type === 'Json') return notPlain();
  const { column } = field;
  if (value === null) return `${column} IS NULL`;
  if (!isRecord(value)) return `${column} = ${bind(stored(field, value))}`;
  const [[operator, compared] = [], ...more] = entriesOf(value);
  if (operator !== 'in' || !Array.isArray(compared) || compared.length > IN_MAX || more.length > 0) return notPlain();
  if (compared.length === 0) return 'FALSE';
  return `${column} IN (${compared.map((one) => bind(stored(field, one ?? notPlain()))).join(', ')})`;
}

/** As the driver takes it. */
function stored(field: Field, value: unknown): unknown {
  if (field.type === 'Json') {
    if (value === Prisma.DbNull) return null;
    return value === null || isJsonNull(value) ? notPlain() : JSON.stringify(value);
  }
  if (field.isList) return Array.isArray(value) && value.every(isText) ? value : notPlain();
  if (value === null || value instanceof Date) return value;
  return isRecord(value) || typeof value === 'bigint' ? notPlain() : value;
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isJsonNull = (value: unknown): boolean => value === Prisma.JsonNull || value === Prisma.AnyNull;

const isRecord = (value: unknown): value is Args =>
  typeof value === 'object' && value !== null && !(value instanceof Date);

/** Without what is undefined, which to Prisma is as good as left out. */
const entriesOf = (given: unknown): (readonly [string, unknown])[] => {
  if (given === undefined) return [];
  if (!isRecord(given) || Array.isArray(given)) return notPlain();
  const entries = Object.entries(given);
  return entries.some(isUndefined) ? entries.filter((entry) => !isUndefined(entry)) : entries;
};
const isUndefined = ([, value]: readonly [string, unknown]): boolean => value === undefined;

const fieldOf = (shape: Shape, name: string): Column => shape.fields.get(name) ?? notPlain();

const requireOnly = (args: Args, names: readonly string[]): void => {
  for (const name in args) if (args[name] !== undefined && !names.includes(name)) notPlain();
};
