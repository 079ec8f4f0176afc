// Every statement that reaches the engine, whichever way it took: the driver itself is watched, below Prisma and our own
// SQL. Bookkeeping of transactions, of the door and of what happens in the background is left out.
import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import { vi } from 'vitest';

export interface StatementWatch {
  /** The texts of the statements that ran since the last call. */
  take(): string[];
  stop(): void;
}

const BOOKKEEPING =
  /^\s*(BEGIN|COMMIT|ROLLBACK|SET|SAVEPOINT|RELEASE|LISTEN|UNLISTEN|DEALLOCATE)\b|set_config\(|sallyport_|pgboss|audit_|pg_notify|pg_advisory|^\s*WITH used AS/i;

/** @param all those of the door and in the background too */
export function watchStatements({ all = false }: { readonly all?: boolean } = {}): StatementWatch {
  const texts: string[] = [];
  const note = (first: unknown): void => {
    const text = typeof first === 'string' ? first : (first as { text?: unknown } | null)?.text;
    if (typeof text === 'string' && (all || !BOOKKEEPING.test(text))) texts.push(shortened(text));
  };
  const stops = [watched(pg.Client.prototype, note), watched(ownerOfQuery(PGlite.prototype), note)];
  return {
    take: () => texts.splice(0),
    stop: () => {
      for (const stop of stops) stop();
    },
  };
}

/** Prisma names every column and writes a placeholder for every id; nobody wants to read that. */
const shortened = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .replace(/(\$\d+,)+/g, '$n,')
    .replace(/^ ?SELECT "public"\..*? FROM /, 'SELECT columns FROM ')
    .trim();

type Asks = { query(...args: unknown[]): unknown };

function watched(prototype: unknown, note: (first: unknown) => void): () => void {
  const target = prototype as Asks;
  const { query } = target;
  const spy = vi.spyOn(target, 'query').mockImplementation(function (this: unknown, ...args: unknown[]) {
    note(args[0]);
    return query.apply(this, args);
  });
  return () => spy.mockRestore();
}

/** PGlite has it from a class it extends. */
function ownerOfQuery(prototype: object): object {
  let owner: object | null = prototype;
  while (owner !== null && !Object.hasOwn(owner, 'query')) owner = Object.getPrototypeOf(owner);
  if (owner === null) throw new Error('PGlite has no query.');
  return owner;
}
