// The one way out, as seen from inside: a mutation, a held action and a person's decision meet here. Every call works in
// the transaction of the world it belongs to, so what it changes stands or falls with the caller's own rows.
import type { Effect, EffectPause, Prisma } from '../generated/prisma/client.js';
import type { ApprovalFacts, KnownFacts, RuleTried, RuleVerdict } from './approval-policy.js';
import type { EffectKind } from './effect-kind.js';

export type { Effect, EffectPause };

type JsonValue = Prisma.JsonValue;

export interface ClaimRequest {
  /** The mutation's name: the same key under another mutation is another request, and a conflict. */
  readonly mutation: string;
  /** The whole input, the idempotency key included or not, but always the same way. */
  readonly input: unknown;
  readonly idempotencyKey: string;
  /** What the first request is about to make. */
  readonly subjectId: string;
}

export interface Redemption {
  readonly action: string;
  /** As the call names it now, without `effectId`. */
  readonly input: unknown;
  readonly effectId: string;
}

export type Claim = { readonly first: true } | { readonly first: false; readonly subjectId: string };

export interface ProposeOptions {
  /** An `eff_` id made by the caller beforehand, so that rows may name the effect that carries them. */
  readonly effectId: string;
  /**
   * What the requester must still hold when it is performed: scopes, or `role:ADMIN`. Left out: what let the current
   * root field pass (`world.request.allowedBy`).
   */
  readonly scopes?: readonly string[];
  /** The request that this one replaces. */
  readonly amends?: Amended;
}

export interface Amended {
  readonly effectId: string;
  /** Everybody who shaped it beside its requester. */
  readonly coRequesterIds: readonly string[];
}

export interface Simulation {
  readonly rule: RuleVerdict;
  /** The rules in the order in which they were asked, up to the one that matched. */
  readonly tried: readonly RuleTried[];
}

/** A stored effect, and the rule that would decide on it today. */
export interface Replayed {
  readonly effect: Effect;
  readonly rule: RuleVerdict;
}

export interface Foresight {
  /** Every rule that may decide; one where what is known settles it. */
  readonly rules: readonly RuleVerdict[];
  /** The workspace only rehearses, and nothing costs anything. */
  readonly isSandbox: boolean;
}

export interface Decided {
  readonly effectId: string;
  readonly effect: Effect | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

export interface PauseRequest {
  readonly apiKeyId?: string | null | undefined;
  readonly agentId?: string | null | undefined;
  readonly kind?: string | null | undefined;
  readonly reason?: string | null | undefined;
}

/** Whether a lock that somebody has is waited for, or refuses at once. */
export type Waiting = 'WAIT' | 'NOWAIT';

export interface ContactToForget {
  readonly contactId: string;
  /** All who were merged into that one. */
  readonly mergedIds: readonly string[];
  /** What was stored before payloads lay under keys. */
  readonly alsoEffectIds: readonly string[];
  /** Locks the person's own rows. May run again. */
  hold(waiting: Waiting): Promise<void>;
}

export interface ContactToMerge {
  /** The one that goes. */
  readonly contactId: string;
  readonly intoId: string;
  readonly alsoEffectIds: readonly string[];
  /** Locks the rows of both and judges them once more. May run again. */
  hold(waiting: Waiting): Promise<void>;
}

export interface EffectPort {
  /**
   * Takes an idempotency key for the principal, waiting for a concurrent first request to end.
   * @returns `first: false` and what the first request made when it asked for the same.
   * @throws IDEMPOTENCY_CONFLICT when the first asked for something else; BAD_USER_INPUT for an empty or overlong key.
   */
  claim(request: ClaimRequest): Promise<Claim>;

  /**
   * Freezes, prices and seals a payload that wants to leave, reserves its price and lets it wait or queue, by the rules.
   * @throws BAD_USER_INPUT, INSUFFICIENT_CREDITS, SPEND_CAP_EXCEEDED; FORBIDDEN when it spends and no spending scope allowed it.
   */
  propose<Payload>(kind: EffectKind<Payload>, payload: Payload, options: ProposeOptions): Promise<Effect>;

  /** The rule that holds an action of the principal's. Null: nothing does, go on. Reads alone. */
  ruleHolding(action: string): Promise<RuleVerdict | null>;
  /**
   * Stores an action that a rule holds, as an effect to be decided.
   * @param contactId the one person whom the input tells of
   */
  holdAction(action: string, rule: RuleVerdict, input: unknown, contactId: string | null): Promise<Effect>;

  /**
   * Takes up an action that was held and approved, for its requester; `settleRedeemed` closes it in the same transaction.
   * @throws NOT_FOUND, CONFLICT, APPROVAL_MISMATCH, or what a re-check refuses
   */
  redeem(redemption: Redemption): Promise<{ readonly effect: Effect; readonly subjectId: string | null }>;
  /** The effect keeps which objects the result names, and nothing else of it. */
  settleRedeemed(effect: Effect, result: unknown): Promise<Effect>;

  /** Cancels what a key asked for and nobody has begun, around `end`, which ends the key. @returns how many there were */
  cancelOfKey(keyId: string, end: () => Promise<void>): Promise<number>;

  /** Gives the principal's yes to what it saw under this seal. @throws NOT_FOUND, FORBIDDEN, APPROVAL_MISMATCH, CONFLICT, or what a re-check refuses; the status then stays. */
  approve(decision: { effectId: string; seal: string; comment?: string | null | undefined }): Promise<Effect>;
  /** @throws NOT_FOUND, FORBIDDEN, CONFLICT */
  reject(decision: { effectId: string; reason?: string | null | undefined }): Promise<Effect>;
  /** The requester's own yes where the rule asks for no more. @throws like `approve` */
  confirm(decision: { effectId: string; seal: string }): Promise<Effect>;
  /** By its requester, or by an ADMIN. @throws NOT_FOUND, CONFLICT once it is being performed */
  cancel(decision: { effectId: string }): Promise<Effect>;

  /**
   * Takes a waiting request back and asks anew with other content, for the same requester; whoever amends shaped it and
   * does not decide it. @throws NOT_FOUND, CONFLICT, BAD_USER_INPUT for a kind or a change that cannot be amended
   */
  amend(amendment: { effectId: string; changes: unknown; comment?: string | null | undefined }): Promise<Effect>;
  /** What a person found out about an UNCERTAIN effect: its money is charged or released. @throws NOT_FOUND, CONFLICT */
  settle(settlement: {
    effectId: string;
    status: 'SUCCEEDED' | 'FAILED';
    comment?: string | null | undefined;
  }): Promise<Effect>;
  /**
   * Several decisions, each in a part of the transaction of its own: what one refuses leaves the others alone.
   * @throws BAD_USER_INPUT for none or more than 100
   */
  decideEach<Decision extends { readonly effectId: string }>(
    decisions: readonly Decision[],
    decide: (decision: Decision) => Promise<Effect>,
  ): Promise<readonly Decided[]>;
  /** Holds what is queued and what will be, until it is resumed. With no fields: all of the workspace. */
  pause(request: PauseRequest): Promise<EffectPause>;
  /** Lets go what the pause held. @throws NOT_FOUND */
  resume(pauseId: string): Promise<EffectPause>;

  /** Which rule would decide, and why. */
  simulate(facts: ApprovalFacts): Promise<Simulation>;
  /** Which rules may decide on a request of which not everything is known. */
  foresee(facts: KnownFacts): Promise<Foresight>;
  /** The rules of today over the effects of late, newest first. */
  replay(last: number): Promise<readonly Replayed[]>;

  /** As it was asked for; null once the person it concerns was erased. @throws APPROVAL_MISMATCH when it was altered */
  payloadOf(effect: Effect): Promise<JsonValue>;
  /** The same for many, a refusal in the place of each that was altered. */
  payloadsOf(effects: readonly Effect[]): Promise<readonly (JsonValue | Error)[]>;

  /**
   * Erases what effects hold of a person: cancels what waits or is queued, destroys the key of their payloads, and clears
   * what people and providers said. As the system only.
   * @param end deletes the domain's own rows, while everything that speaks of them is locked; gives their ids
   * @returns the ids of the effects
   * @throws NotYet while one of them is being performed
   */
  forgetContact(wish: ContactToForget, end: () => Promise<readonly string[]>): Promise<readonly string[]>;

  /**
   * Makes what effects hold of one person a part of what they hold of another: cancels what waits or is queued about the
   * first, and binds the key of its payloads to that of the other. As the system only, from the effect that tells of both.
   * @returns how many were cancelled
   * @throws CONFLICT while one of them is being performed, or when one of the two was erased or merged meanwhile
   */
  mergeContact(wish: ContactToMerge): Promise<number>;
  /** @throws CONFLICT while something to one of these persons is being performed */
  requireNothingPerformed(contactIds: readonly string[]): Promise<void>;

  /** Null for an id that is unknown here, or of another principal's request that this one may not read. */
  find(effectId: string): Promise<Effect | null>;
}
