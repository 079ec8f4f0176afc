// What is said of GraphQL that is run from inside: what is asked for, what came of it, what was written. The port through
// which it is run is in operation-port.ts.
import type { Principal } from '../auth/principal.js';
import { CodedError, type ErrorCode } from '../platform/errors.js';
import type { RuleVerdict } from './approval-policy.js';

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
  /** Only where two writes came into each other's way, and the same may be run again as it is. */
  readonly cause?: unknown;
}

/** Answered as its own request would be. */
export const codedOf = ({ code, message, data, cause }: Fault): CodedError =>
  new CodedError(code, message, data, cause === undefined ? {} : { cause });

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

/** Hears what a world writes. */
export interface Witness {
  audited(id: string): void;
  emitted(id: string): void;
  enqueued(name: string, data: unknown): void;
  judged(verdict: RuleVerdict): void;
  /** What acts beside the database waits. */
  later(act: () => void): void;
}
