// What must hold before a valid operation runs, in the order of the list: the preflight, an agent key's binding, the cost.
// Asked the same way whoever runs the operation: the door, Yoga, or the server itself.
import type { DocumentNode, GraphQLSchema } from 'graphql';
import type { Context } from '../context.js';

/** An operation that is valid and within limits, about to run. */
export interface Asked {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  /** As they came, not coerced. */
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
  readonly context: Context;
}

/** Errors refuse the operation, and so does whatever is thrown; nothing, or none, lets it pass. */
export type Gate = (asked: Asked) => Refusal | undefined | Promise<Refusal | undefined>;

export type Refusal = readonly unknown[];

/** The first refusal; undefined when the operation may run. Waits only where a gate does. */
export function passGates(
  gates: readonly Gate[],
  asked: Asked,
  from = 0,
): Refusal | undefined | Promise<Refusal | undefined> {
  for (let place = from; place < gates.length; place++) {
    const refusal = gates[place]?.(asked);
    if (refusal instanceof Promise) {
      return refusal.then((late) => (isRefused(late) ? late : passGates(gates, asked, place + 1)));
    }
    if (isRefused(refusal)) return refusal;
  }
  return undefined;
}

const isRefused = (refusal: Refusal | undefined): refusal is Refusal => refusal !== undefined && refusal.length > 0;
