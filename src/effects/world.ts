// What a service is a function of. A request builds one from its principal, a job rebuilds one from its row; the rules
// of a module cannot tell the difference. Inside a mutation every part of it shares the root field's transaction.
import type { Audit } from '../audit/record.js';
import type { KeyForms } from '../auth/imported-formats.js';
import type { Plans } from '../auth/plans.js';
import type { Principal } from '../auth/principal.js';
import type { Standing } from '../auth/rate-limit/rate-limiter.js';
import type { Events } from '../events/emit.js';
import type { SystemDb } from '../guard/as-system.js';
import type { GuardedDb } from '../guard/guarded-db.js';
import type { Enqueue } from '../jobs/queue.js';
import type { Clock } from '../platform/clock.js';
import type { ContactVault } from './contact-vault.js';
import type { EffectPort } from './effect-port.js';
import type { Executed, JudgedOperation, OperationAsked } from './operations.js';
import type { PriceBook } from './prices.js';

export interface World {
  /** Sees the principal's workspace only; inside a mutation it is the mutation's transaction. */
  readonly db: GuardedDb;
  readonly principal: Principal;
  /**
   * The transaction of `db` as the owner of the tables, for what no workspace owns: hashes, people, organizations. Null
   * but in an action that says `asSystem`; then `db` is confined by the guard alone.
   */
  readonly system: SystemDb | null;
  /** Writes audit entries in the transaction of `db`. */
  readonly audit: Audit;
  /** Emits events in the transaction of `db`. */
  readonly events: Events;
  readonly enqueue: Enqueue;
  readonly effects: EffectPort;
  /** Closes and opens the payloads that concern one person. */
  readonly vault: ContactVault;
  readonly prices: PriceBook;
  /** What each plan allows here. */
  readonly plans: Plans;
  /** What keys look like here: ours, and those brought along. */
  readonly keyForms: KeyForms;
  readonly clock: Clock;
  readonly request: RequestFacts;
  /** What a request for it would pass, passed for the principal given or one's own. Not inside a transaction. @throws the refusal */
  judge(asked: OperationAsked, principal?: Principal): Promise<JudgedOperation>;
  /**
   * Runs a GraphQL operation from inside, with every check that a request passes. Inside a transaction only what was judged
   * before it began, and only where the transaction is the owner's; then nothing of it is kept unless that is.
   */
  execute(asked: OperationAsked | JudgedOperation, principal?: Principal): Promise<Executed>;
}

/** What the audit trail keeps of the request that caused a change. */
export interface RequestFacts {
  readonly id: string;
  readonly ip: string | null;
  /** The scope or role that let the current root field pass; null outside a mutation. */
  readonly allowedBy: string | null;
  /** When it came in, on this process's `performance.now()`; left out for what no request asked for just now. */
  readonly receivedAtMs?: number;
  /** Where it stands with its limits; left out where none hold. */
  readonly standing?: Standing | null;
}

/** @throws a defect when the mutation did not say that it runs as the system */
export const requireSystem = ({ system }: Pick<World, 'system'>): SystemDb => {
  if (system !== null) return system;
  throw new Error('This runs as the system only; the action that leads here must say `asSystem`.');
};
