// The values of a statement: each has its place in the text, and is found anew for each request.
import type { Standing } from '../auth/rate-limit/rate-limiter.js';
import type { Page } from '../graphql/list-page.js';
import type { Variables } from '../graphql/measure.js';
import type { Asker } from '../graphql/source.js';
import type { Sql } from '../guard/sql.js';

/** What the values of one request are made of. */
export interface Asking extends Asker {
  /** Null: nothing is limited. */
  readonly standing: Standing | null;
  readonly variables: Variables;
  /** The arguments of the field with this number. */
  args(field: number): Readonly<Record<string, unknown>>;
  /** The page that the list with this number was asked for. @throws what the ordinary way would */
  page(list: number): Page;
}

export type Value = (asking: Asking) => unknown;

/** How many values come before: those of the tenant. */
const BEFORE = 3;

export class Values {
  readonly #values: Value[] = [];

  /** The place of a value, as text of that type. */
  add(value: Value, type: 'text' | 'int' | 'text[]'): string {
    this.#values.push(value);
    return `$${this.#values.length + BEFORE}::${type}`;
  }

  /** A fragment that was written for one request; `again` gives the values it has for another. */
  fragment(part: Sql, again: (asking: Asking) => Sql): string {
    return part.strings.reduce((text, next, place) => {
      const index = place - 1;
      this.#values.push((asking) => again(asking).values[index]);
      return `${text}$${this.#values.length + BEFORE}${next}`;
    });
  }

  of(asking: Asking): readonly unknown[] {
    return this.#values.map((value) => value(asking));
  }

  /** The place behind the last one, `further` places on. */
  next(further = 1): string {
    return `$${this.#values.length + BEFORE + further}`;
  }
}
