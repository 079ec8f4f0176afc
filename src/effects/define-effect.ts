// How a noun leaves the building, said once: what is frozen, what it costs, what must still be true when it goes, and the
// one call that touches the world, or the one change that cannot be taken back. Everything between (rules, approval, money,
// retries, audit) belongs to the engine.
import type { Connectors } from '../connectors/connector.js';
import type { EffectKind } from './effect-kind.js';
import type { World } from './world.js';

export type EffectEnd = 'SUCCEEDED' | 'FAILED' | 'UNCERTAIN' | 'REJECTED' | 'EXPIRED' | 'CANCELLED';

/** A refusal or failure as stored with the effect: a code and a sentence for the requester. */
export interface EffectFailure {
  readonly code: string;
  readonly message: string;
}

export interface EffectOutcome<Result> {
  readonly effectId: string;
  readonly status: EffectEnd;
  /** What `perform` returned; null unless SUCCEEDED. */
  readonly result: Result | null;
  readonly failure: EffectFailure | null;
}

export interface PerformInside {
  readonly connectors: Connectors;
  /** The effect's id: the same at every attempt, so that a provider that takes keys acts once. */
  readonly idempotencyKey: string;
  /** Aborted when the attempt has taken too long. */
  readonly signal: AbortSignal;
}

interface AnyEffect<Payload, Result> extends EffectKind<Payload> {
  /** The domain's own rows that name the effect, in the transaction that asked for it. */
  proposed?(payload: Payload, effectId: string, world: World): Promise<void>;
  /**
   * The payload anew, with what an approver wants changed of it; the old request was taken back in the same transaction.
   * Left out: this kind cannot be amended. @throws BAD_USER_INPUT for a change it does not know
   */
  amend?(payload: Payload, changes: unknown, world: World, amendsId: string): Promise<Payload>;
  /**
   * Refuses, by a coded error, what should not leave any more (opted out, paused, changed). Runs when approved and when
   * performed, inside a transaction: reads only, never alters.
   */
  recheck(payload: Payload, world: World): Promise<void>;
  /** The domain's own rows, in the transaction that ends the effect (or makes it UNCERTAIN). May run again if that fails. */
  settled?(payload: Payload, outcome: EffectOutcome<Result>, world: World): Promise<void>;
}

export interface OutsideEffect<Payload = unknown, Result = unknown> extends AnyEffect<Payload, Result> {
  /** The name of the connector that will be called; decides whether a lost attempt may be repeated. */
  connector(payload: Payload, connectors: Connectors): string;
  /** The one call to the outside, in no transaction. Throws ConnectorError; its result is stored as JSON. */
  perform(payload: Payload, inside: PerformInside): Promise<Result>;
  carryOut?: never;
}

/** What cannot be taken back, although it reaches nobody: it changes our own rows only. */
export interface InsideEffect<Payload = unknown, Result = unknown> extends AnyEffect<Payload, Result> {
  /** Why its transaction is the owner's; null: it is the workspace's. */
  readonly asSystem: string | null;
  /**
   * All of it, in the transaction that ends the effect: what it throws leaves nothing of it. Its result is stored as JSON.
   * @throws NotYet to be tried again later; a coded refusal, by which the effect fails
   */
  carryOut(payload: Payload, world: World): Promise<Result>;
  perform?: never;
}

export type EffectDefinition<Payload = unknown, Result = unknown> =
  | OutsideEffect<Payload, Result>
  | InsideEffect<Payload, Result>;

/** Something stands in the way for the moment; the queue tries again. */
export class NotYet extends Error {
  override readonly name = 'NotYet';
}

/** Gives back what it is given, with `Payload` and `Result` inferred. */
export const defineEffect = <Payload, Result>(
  definition: OutsideEffect<Payload, Result>,
): OutsideEffect<Payload, Result> => definition;

/** The same for what stays inside. */
export const defineInsideEffect = <Payload, Result>(
  definition: InsideEffect<Payload, Result>,
): InsideEffect<Payload, Result> => definition;
