// What the door found out about a credential just now: whose it is, and how long that can last if nobody changes anything.
import type { Credentials } from './credentials.js';
import type { Principal } from './principal.js';

export interface Admission {
  readonly principal: Principal;
  /** `sec_…` of the secret that a key came with; null for a session. */
  readonly secretId: string | null;
  /** Until it expires or its rotation grace ends, by the database's clock; null: never by itself. */
  readonly endsInMs: number | null;
}

/** Null for an anonymous request; throws a CodedError for a credential that does not open the door. */
export type Judge = (credentials: Credentials) => Promise<Admission | null>;
