// One request on its way through the door, and what the ways of answering it are given.
import type { DocumentNode, GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import type { ExpectedKey } from '../auth/api-key.js';
import type { Credentials } from '../auth/credentials.js';
import type { Principal } from '../auth/principal.js';
import type { AdmitAnonymous } from '../auth/rate-limit/anonymous-limit.js';
import type { RateLimiter, Standing } from '../auth/rate-limit/rate-limiter.js';
import type { Context } from '../context.js';
import type { Gate } from '../graphql/gate.js';
import type { CodedError } from '../platform/errors.js';
import type { Origins } from './cross-origin.js';
import type { Params } from './graphql-params.js';
import type { Lane } from './lane.js';
import type { MediaType } from './media-type.js';
import type { Metrics, OperationType } from './metrics.js';
import type { Costed } from './query-cost.js';
import type { DoorFacts } from './request-facts.js';
import type { OpenStreams } from './streams.js';

/** Null: anonymous. Throws CodedError for a credential that is no good. */
export type Authenticate = (credentials: Credentials) => Promise<Principal | null>;

/** Makes what resolvers are given; with `expected`, its transactions require that key. Its getters stay getters, so that a part nobody asks for is never made. */
export type ContextFor = (
  principal: Principal | null,
  facts: DoorFacts,
  credentials: Credentials,
  standing: Standing | null,
  expected?: ExpectedKey | null,
) => Context;

/** Hears of what is refused to somebody who is known, for the audit trail. Never waits and never throws. */
export type OnRefused = (
  principal: Principal,
  facts: Pick<DoorFacts, 'id' | 'ip'>,
  refusal: { readonly error: CodedError; readonly field: string | null },
) => void;

export interface DoorLimits {
  readonly limiter: RateLimiter;
  readonly admitAnonymous: AdmitAnonymous;
}

export interface GraphqlOptions {
  readonly schema: GraphQLSchema;
  readonly authenticate: Authenticate;
  readonly contextFor: ContextFor;
  /** Null: nothing is limited. */
  readonly limits: DoorLimits | null;
  /** Asked after limits and validation, in this order; the preflight is one of them. */
  readonly gates: readonly Gate[];
  readonly onRefused: OnRefused;
  /** `off`: everything goes the ordinary way. */
  readonly fastLane: 'on' | 'off';
  /** Reads that compile; null: there are none. */
  readonly lane: Lane | null;
  readonly origins: () => Origins;
  readonly metrics: Metrics;
  readonly streams: OpenStreams;
  readonly log: Logger;
}

/** One request on its way, and how far it got. */
export interface Call {
  readonly facts: DoorFacts;
  readonly principal: Principal | null;
  readonly credentials: Credentials;
  readonly params: Params;
  readonly method: string;
  readonly mediaType: MediaType;
  readonly mayStream: boolean;
  /** Null: anonymous, or nothing is limited. */
  readonly standing: Standing | null;
  document: DocumentNode | null;
  /** Null until the operation is known to be valid. */
  costed: Costed | null;
  type: OperationType;
}
