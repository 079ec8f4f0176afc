// One shape over the two engines: PostgreSQL behind DATABASE_URL, or PGlite inside this process. Both give a client that
// row-level security binds and a client that owns the tables. Only the core imports this folder (see test/architecture).
import type { PrismaClient } from '../generated/prisma/client.js';
import type { Late, OpenTransaction } from './open-transaction.js';

export type { Late, OpenTransaction };

export interface Database {
  readonly engine: 'embedded' | 'server';
  /** Connected as `sallyport_app`: a statement sees the workspace named by `app.workspace_id`, and nothing without it. */
  readonly bound: PrismaClient;
  /** Owns the tables and sees everything; reached through guard/as-system, the key and session look-ups and the queue. */
  readonly owner: PrismaClient;
  /**
   * One transaction on a bound connection. Nothing is kept when `run` throws, or when the database refuses the end.
   * @param opening statements without values that come first, such as the settings that row-level security reads
   */
  transact<T>(opening: string, run: (tx: OpenTransaction) => Promise<T>): Promise<T>;
  /** One prepared statement on a bound connection. One name stands for one text. */
  query<Row extends object>(name: string, text: string, values: readonly unknown[]): Promise<Row[]>;
  /** The same, of a statement that is soon done and answers little: it shares a connection with others, see pipeline.ts. */
  shortQuery: Database['query'];
  /** One prepared statement as the owner: for what is looked up with every request. */
  queryAsOwner: Database['query'];
  /** Plain text as the owner; several statements at once when there are no values (pg-boss needs that). */
  executeAsOwner(text: string, values?: readonly unknown[]): Promise<{ rows: Record<string, unknown>[] }>;
  /** Calls back with the payload of each NOTIFY on the channel, also after a lost connection was made anew. */
  listen(channel: string, onPayload: (payload: string) => void): Promise<() => Promise<void>>;
  /** Resolves when the database answers. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
