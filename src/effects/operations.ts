// GraphQL from inside: a plan, a mission, a tool. There is one way in, with every check that a request passes; what stands
// behind this port is wired by the root. An operation is judged first, outside of any transaction, and run once: with a
// transaction per root field, as at the door, or all of it inside the transaction of the world it is run in.
import type { Principal } from '../auth/principal.js';
import { CodedError, type ErrorCode } from '../platform/errors.js';
import type { RuleVerdict } from './approval-policy.js';
import type { World } from './world.js';

export interface OperationAsked {
  /** The text. */
  readonly document: string;
  readonly operationName?: string | null | undefined;
  /** As they would be sent, not coerced. */
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
}

/** What nothing refuses; good for one run, by the principal it was judged for. */
export interface JudgedOperation {
  readonly principal: Principal;
  readonly kind: 'query' | 'mutation';
  /** The actions and effects that it may ask for. */
  readonly asksFor: readonly string[];
}

/** An error as it leaves: masked, with the data that goes with its code. */
export interface Fault {
  readonly code: ErrorCode;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly path: readonly (string | number)[] | null;
}

/** Answered as its own request would be. */
export const codedOf = ({ code, message, data }: Fault): CodedError => new CodedError(code, message, data);

/** What was written inside one transaction, in the order in which it was written, whatever became of it since. */
export interface Written {
  readonly auditIds: readonly string[];
  readonly eventIds: readonly string[];
  readonly jobs: readonly { readonly name: string; readonly data: unknown }[];
  /** What the rules said, of held and unheld alike. */
  readonly verdicts: readonly RuleVerdict[];
  /** Every id that came to be. */
  readonly newIds: ReadonlySet<string>;
}

export interface Executed {
  readonly data: unknown;
  readonly errors: readonly Fault[];
  /** Null where each root field had a transaction of its own. */
  readonly written: Written | null;
  /** What acts beside the database and must wait until the transaction is committed. */
  readonly afterwards: readonly (() => void)[];
}

export interface OperationPort {
  /**
   * Limits, validation, scopes, an agent key's binding, the cost, which is drawn. Not inside a transaction.
   * @throws the refusal as it would be answered: GRAPHQL_PARSE_FAILED, GRAPHQL_VALIDATION_FAILED, QUERY_TOO_COMPLEX,
   * BAD_USER_INPUT, FORBIDDEN, FORBIDDEN_AGENT, RATE_LIMITED and others
   */
  judge(asked: OperationAsked, principal: Principal, world: World): Promise<JudgedOperation>;
  /** Where `world` is in a transaction it is the owner's, and every root field is a part of it that may fail alone. */
  run(judged: JudgedOperation, world: World): Promise<Executed>;
}

/** Hears what a world writes. */
export interface Witness {
  audited(id: string): void;
  emitted(id: string): void;
  enqueued(name: string, data: unknown): void;
  judged(verdict: RuleVerdict): void;
  /** What acts beside the database waits. */
  later(act: () => void): void;
}
