// What the door is given to answer reads by one statement; made in door.ts, where the database is known.
import type { DocumentNode } from 'graphql';
import type { Expectations } from '../auth/authenticate.js';
import type { Principal } from '../auth/principal.js';
import type { Prepared, ReadLane, ReadRow } from '../fast-lane/read-lane.js';
import type { Scope } from '../guard/scopes.js';
import type { Params } from './graphql-params.js';

export interface Lane {
  readonly reads: ReadLane;
  readonly expectations: Expectations;
  /** The scopes by which an operation passes every gate; null when one would refuse it or has to ask somebody. Pure. */
  passes(asked: {
    readonly document: DocumentNode;
    readonly params: Params;
    readonly principal: Principal;
  }): readonly Scope[] | null;
  /** Counts these scopes as used by a key's request. */
  countScopes(principal: Principal, scopes: readonly Scope[]): void;
  /** One prepared statement of the bound role; null when it failed: the ordinary way tells why. */
  query(prepared: Prepared): Promise<readonly ReadRow[] | null>;
}
