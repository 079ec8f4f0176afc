// What a resolver is given. A module adds its service to `Services` by declaration merging in `<noun>.schema.ts`
// and app.ts registers the factory, so a new noun edits nothing here.
import type { Principal } from './auth/principal.js';
import type { Standing } from './auth/rate-limit/rate-limiter.js';
import type { Workplace } from './auth/workplaces.js';
import type { World } from './effects/world.js';
import type { EventType } from './events/catalogue.js';
import type { Walls } from './guard/guarded-db.js';
import type { Scope } from './guard/scopes.js';

/** One entry per noun: `contacts: ReturnType<typeof contactsService>`. */
// biome-ignore lint/suspicious/noEmptyInterface: modules merge their services into it.
export interface Services {}

export interface Inside {
  readonly world: World;
  readonly services: Services;
}

export interface Context extends Inside {
  /** Null for an anonymous request; then `world` and `services` throw UNAUTHENTICATED with reason MISSING. */
  readonly principal: Principal | null;
  readonly requestId: string;
  /** The caller's address; null when it is not known. */
  readonly ip: string | null;
  /** Where the request stands with its limits; null where none hold: anonymous, or asked by the server itself. */
  readonly standing: Standing | null;
  /** `keys`: nobody asks for `__schema` or `__type` without a credential. */
  readonly introspection: 'open' | 'keys';
  /** The first signs the cursors of lists, all verify them. */
  readonly cursorSecrets: readonly Buffer[];
  /** The first signs plans, all verify them. */
  readonly planSecrets: readonly Buffer[];
  /** Both, but where a test proves one alone. */
  readonly walls: Walls;
  /**
   * Runs one mutation root field: rows, audit, events and jobs share one transaction, and a throw leaves none of them.
   * `allowedBy` is the scope or role that let the field pass; the audit trail keeps it. With `asSystem`, the reason why,
   * the transaction is the owner's: `world.system` is there, and `world.db` is confined by the guard alone.
   */
  transact<T>(
    allowedBy: string | null,
    run: (inside: Inside) => Promise<T>,
    options?: { readonly asSystem?: string | undefined },
  ): Promise<T>;
  /**
   * The ids of what such events happen to in this workspace, from now on. Ends when the credential is no longer good for
   * what it was when the subscription began.
   */
  listen(types: readonly EventType[], subjectId?: string): AsyncIterable<string>;
  /** Every workspace that the person may enter, across organizations; wider than `world.db`, and for that person only. */
  workplaces(): Promise<readonly Workplace[]>;
  /** Counts these scopes as used by this request, each once however often it is said; nothing for people. Never waits. */
  useScopes(scopes: readonly Scope[]): void;
  /** Memo of one request for batched look-ups; never outlives it. */
  readonly memo: Map<unknown, unknown>;
}
