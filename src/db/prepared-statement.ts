// A prepared statement as node-postgres sends it, without what repeats: the shape of its rows is asked for once on each
// connection and not with every execution, nothing is copied, and nobody listens to single rows. Most of what the driver
// costs goes that way.
import type { Writable } from 'node:stream';
import pg from 'pg';

/** What its rows are read by. */
interface RowShape {
  readonly columns: readonly { readonly name: string; readonly parse: (text: string) => unknown }[];
  /** A row of which nothing is known yet. */
  readonly empty: Readonly<Record<string, unknown>>;
}

const NO_COLUMNS: RowShape = { columns: [], empty: {} };

/** The driver's own connection, of which its types tell less than this. */
interface Wire {
  readonly stream: Writable;
  /** Texts by name: what the server has parsed, and what it was sent to parse. */
  readonly parsedStatements: Record<string, string | undefined>;
  readonly submittedNamedStatements: Record<string, string | undefined>;
  parse(statement: { readonly name: string; readonly text: string }): void;
  bind(values: { readonly statement: string; readonly values: readonly unknown[] }): void;
  describe(portal: { readonly type: 'P'; readonly name: '' }): void;
}

export interface Statement {
  /** Stands for this text alone; empty: parsed, run and forgotten. */
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

export interface Answer {
  readonly rows: object[];
  /** What was done, as PostgreSQL tags it: `INSERT 0 1`. */
  readonly tag: string;
}

type OnAnswer = (error: Error | null, answer?: Answer) => void;

/** Execute the unnamed portal to its end, then Sync: https://www.postgresql.org/docs/current/protocol-message-formats.html */
const EXECUTE_AND_SYNC = Buffer.from([0x45, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0x53, 0, 0, 0, 4]);

/** By connection and name: a name stands for one text as long as the connection lives. */
const shapesOf = new WeakMap<Wire, Map<string, RowShape>>();

const { prepareValue } = (pg as unknown as { readonly utils: { prepareValue(value: unknown): unknown } }).utils;

// A pipelined connection takes no other class. Whatever the driver's own query would do by itself is done here.
const Query = pg.Query as unknown as new (config: object) => object;
const NOTHING = {};

/** Goes to `client.query` or `pool.query` in the place of a text. */
export class PreparedStatement extends Query implements pg.Submittable {
  readonly name: string;
  readonly text: string;
  /** A pool puts its own in the place of none. */
  callback: OnAnswer | null;
  readonly #values: readonly unknown[];
  readonly #found: object[] = [];
  #shapes: Map<string, RowShape> | null = null;
  #shape: RowShape | null = null;
  #tag = '';
  #failure: Error | null = null;

  /** @throws for a value that the driver cannot write: before anything is sent, so that no half of it is on its way */
  constructor(name: string, text: string, values: readonly unknown[], callback: OnAnswer | null = null) {
    super(NOTHING);
    this.name = name;
    this.text = text;
    this.callback = callback;
    this.#values = values.map(prepareValue);
  }

  /** Answers with why it cannot be sent. */
  submit(connection: object): Error | null {
    const wire = connection as Wire;
    const { name, text } = this;
    const parsed = wire.parsedStatements[name] ?? wire.submittedNamedStatements[name];
    if (parsed !== undefined && parsed !== text) return new Error(`${name} is the name of another statement.`);
    wire.stream.cork();
    try {
      if (parsed === undefined) {
        wire.parse({ name, text });
        if (name !== '') wire.submittedNamedStatements[name] = text;
      }
      wire.bind({ statement: name, values: this.#values });
      this.#shapes = shapesIn(wire);
      this.#shape = this.#shapes.get(name) ?? null;
      if (this.#shape === null) wire.describe({ type: 'P', name: '' });
      if (wire.stream.writable) wire.stream.write(EXECUTE_AND_SYNC);
    } finally {
      wire.stream.uncork();
    }
    return null;
  }

  handleRowDescription({ fields }: { readonly fields: readonly pg.FieldDef[] }): void {
    this.#keep({
      empty: Object.fromEntries(fields.map(({ name }) => [name, null])),
      columns: fields.map(({ name, dataTypeID }) => ({ name, parse: pg.types.getTypeParser(dataTypeID, 'text') })),
    });
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    if (this.#failure !== null || this.#shape === null) return;
    try {
      this.#found.push(rowOf(this.#shape, fields));
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    }
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#tag = text;
    // A statement without rows has no description of them either.
    if (this.#shape === null) this.#keep(NO_COLUMNS);
  }

  handleError(error: Error): void {
    this.callback?.(error);
  }

  handleReadyForQuery(): void {
    if (this.#failure === null) this.callback?.(null, { rows: this.#found, tag: this.#tag });
    else this.callback?.(this.#failure);
  }

  #keep(shape: RowShape): void {
    this.#shape = shape;
    // What has no name is another text each time.
    if (this.name !== '') this.#shapes?.set(this.name, shape);
  }
}

/** @throws what the database says, or that it went away */
export const ask = (connection: pg.ClientBase, { name, text, values }: Statement): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const answered: OnAnswer = (error, answer) => (answer === undefined ? reject(error) : resolve(answer));
    connection.query(new PreparedStatement(name, text, values, answered));
  });

/** On any connection of the pool. @throws what the database says, or that none could be had */
export const askPool = async (pool: pg.Pool, { name, text, values }: Statement): Promise<Answer> =>
  (await pool.query(new PreparedStatement(name, text, values))) as unknown as Answer;

function shapesIn(wire: Wire): Map<string, RowShape> {
  const known = shapesOf.get(wire);
  if (known !== undefined) return known;
  const made = new Map<string, RowShape>();
  shapesOf.set(wire, made);
  return made;
}

function rowOf({ empty, columns }: RowShape, values: readonly (string | null)[]): object {
  // A copy has all its places from the beginning, which is quicker than to add one by one.
  const row = { ...empty };
  for (let place = 0; place < columns.length; place++) {
    const column = columns[place];
    const value = values[place];
    if (column !== undefined && typeof value === 'string') row[column.name] = column.parse(value);
  }
  return row;
}
