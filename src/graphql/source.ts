// Where a field's value comes from, said once by the helper that also makes its resolver, and left on the field for the
// read compiler: what one statement can read needs no second declaration.
import type { GraphQLField } from 'graphql';
import type { Plans } from '../auth/plans.js';
import type { Principal } from '../auth/principal.js';
import type { Model } from '../guard/tenancy.js';
import type { Clock } from '../platform/clock.js';
import type { ListRules } from './list-query.js';

/** Which of the principal's own rows a field is. */
export type PrincipalKey = 'organizationId' | 'workspaceId' | 'agentId' | 'apiKeyId';

/** Which columns of a row name who acted. Without an id it was the server itself. */
export interface ActorColumns {
  /** Null: a person. */
  readonly kind: string | null;
  readonly id: string;
}

/** What a computed value may know beside what it is computed from. A world is one. */
export interface Asker {
  readonly principal: Principal;
  readonly plans: Plans;
  readonly clock: Clock;
}

type Columns = Readonly<Record<string, unknown>>;

export type Source =
  | {
      readonly kind: 'list';
      readonly rules: ListRules;
      readonly typeName: string;
      /** Only what the principal itself asked for, whatever scopes it holds. */
      readonly onlyOwn: { readonly field: string } | null;
    }
  /** One row by the argument `id`. */
  | { readonly kind: 'byId'; readonly typeName: string }
  /** `node` and `nodes`: the types are those that the ids' prefixes name. */
  | { readonly kind: 'node' | 'nodes' }
  | { readonly kind: 'actor'; readonly columns: ActorColumns }
  /** The principal, as an object of its own. */
  | { readonly kind: 'principal' }
  | { readonly kind: 'principalRow'; readonly model: Model; readonly by: PrincipalKey }
  | { readonly kind: 'principalValue'; readonly value: (principal: Principal, asker: Asker) => unknown }
  /** Computed from these columns of its row and those of the workspace's. */
  | {
      readonly kind: 'computed';
      readonly columns: readonly string[];
      readonly workspace: readonly string[];
      readonly value: (row: Columns, asker: Asker, workspace: Columns) => unknown;
    }
  /** Computed from the value that it is a part of, which is no row. */
  | { readonly kind: 'part'; readonly value: (whole: unknown) => unknown }
  /** Where the request stands with its limits, when the answer is made. */
  | { readonly kind: 'standing' };

const SOURCE = 'sallyportSource';

/** For a field's `extensions`. */
export const readsFrom = (source: Source): { readonly [SOURCE]: Source } => ({ [SOURCE]: source });

/** Null: nobody but its resolver knows. */
export const sourceOf = (field: Pick<GraphQLField<unknown, unknown>, 'extensions'>): Source | null =>
  (field.extensions[SOURCE] as Source | undefined) ?? null;
