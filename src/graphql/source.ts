// Where a field's value comes from, said once by the helper that also makes its resolver, and left on the field for the
// read compiler: what one statement can read needs no second declaration.
import type { GraphQLField } from 'graphql';
import type { Principal } from '../auth/principal.js';
import type { Model } from '../guard/tenancy.js';
import type { ListRules } from './list-query.js';

/** Which of the principal's own rows a field is. */
export type PrincipalKey = 'organizationId' | 'workspaceId' | 'agentId' | 'apiKeyId';

/** Which columns of a row name who acted. Without an id it was the server itself. */
export interface ActorColumns {
  /** Null: a person. */
  readonly kind: string | null;
  readonly id: string;
}

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
  | { readonly kind: 'principalValue'; readonly value: (principal: Principal) => unknown };

const SOURCE = 'sallyportSource';

/** For a field's `extensions`. */
export const readsFrom = (source: Source): { readonly [SOURCE]: Source } => ({ [SOURCE]: source });

/** Null: nobody but its resolver knows. */
export const sourceOf = (field: Pick<GraphQLField<unknown, unknown>, 'extensions'>): Source | null =>
  (field.extensions[SOURCE] as Source | undefined) ?? null;
