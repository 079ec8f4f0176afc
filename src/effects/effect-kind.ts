// What must be known of an effect to ask for it: how its payload looks, what it costs, what rules may look at. The part
// that acts on the world is in define-effect.ts; a caller of the port needs only this.
import type { z } from 'zod';
import type { AuditAction } from '../audit/actions.js';
import type { PriceBook } from './prices.js';

/** Facts of a payload that approval rules may look at. */
export interface PayloadFacts {
  /** Left out: one. */
  readonly recipients?: number;
  /** Left out: false. */
  readonly firstContact?: boolean;
  /** EMAIL, SMS, CHAT, VOICE; left out: none, and no rule about channels matches. */
  readonly channel?: string;
  /** The agent through which the effect acts, when the requester is not that agent's own key; null: none. */
  readonly agentId?: string | null;
}

/** What can be said of an effect before anybody asks for it, by reads alone. */
export interface Foreseen {
  /** As of its payload; what is left out is not known. */
  readonly facts: PayloadFacts;
  /** Whole credits; null when that is not known. */
  readonly credits: number | null;
}

export interface EffectKind<Payload = unknown> {
  /** `noun.verb`; the same words as the mutation and the audit entry. */
  readonly kind: AuditAction;
  /** True when credits leave: such an effect is asked for under a scope that spends. */
  readonly spends: boolean;
  /** All that the recipient or provider will see. Parsed when asked for and again when performed. */
  readonly payload: z.ZodType<Payload>;
  /** Whole credits, reserved when asked for and charged when done. */
  price(payload: Payload, inside: { readonly prices: PriceBook }): number;
  facts?(payload: Payload): PayloadFacts;
  /** The one person it concerns: the payload is stored under that person's key. Left out, or null: as it is. */
  contact?(payload: Payload): string | null;
  /** A second person it tells of: then it lies under the keys of both, and goes when either is erased. */
  otherContact?(payload: Payload): string | null;
  /** The object it is about, for the audit trail. */
  subject?(payload: Payload): string | null;
}
