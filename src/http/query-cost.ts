// What an operation costs is drawn from the workspace's bucket before it runs, after everything else that may refuse it,
// and told in `extensions.cost` as Shopify tells it; what it did not use is given back. While limits should be shared across
// processes and cannot be, an operation that spends is not run at all.
import type { DocumentNode, GraphQLSchema } from 'graphql';
import type { Principal } from '../auth/principal.js';
import { drawnFor, type RateLimiter, type Standing } from '../auth/rate-limit/rate-limiter.js';
import { costOf, costWithoutObjects } from '../graphql/cost.js';
import type { Refusal } from '../graphql/gate.js';
import { spends } from '../graphql/spending.js';
import { CodedError, isCoded } from '../platform/errors.js';

/** One operation of an authenticated request, as far as it got. */
export interface Costed {
  readonly principal: Principal;
  readonly standing: Standing;
  readonly document: DocumentNode;
  readonly operationName: string | null | undefined;
  /** The cost when every list is empty. */
  readonly least: number;
  /** It was drawn: the operation ran. */
  hasRun: boolean;
}

interface Asked {
  readonly principal: Principal;
  readonly standing: Standing;
  readonly document: DocumentNode;
  readonly params: {
    readonly operationName?: string | null;
    readonly variables?: Readonly<Record<string, unknown>> | null;
  };
}

/** Null for an operation that the document does not have. */
export function costed(schema: GraphQLSchema, { principal, standing, document, params }: Asked): Costed | null {
  const { operationName, variables } = params;
  const cost = costOf(schema, document, operationName, variables);
  if (cost === null) return null;
  standing.cost = cost;
  const least = costWithoutObjects(schema, document, operationName);
  return { principal, standing, document, operationName, least, hasRun: false };
}

/**
 * The last of the gates: whatever is refused by another one costs nothing.
 * @returns what refuses the operation; nothing when it may run
 */
export function drawCost(
  limiter: RateLimiter,
  schema: GraphQLSchema,
  of: Costed,
): Refusal | undefined | Promise<Refusal | undefined> {
  if (limiter.isAlone && spends(schema, of.document, of.operationName)) return [spendingWaits()];
  of.hasRun = true;
  if (drawnFor(of.standing.cost) === 0) return undefined;
  return drawPoints(limiter, of).then(
    () => undefined,
    (error: unknown) => {
      of.hasRun = false;
      if (!isCoded(error)) throw error;
      return [error];
    },
  );
}

async function drawPoints(limiter: RateLimiter, { principal, standing }: Costed): Promise<void> {
  standing.available = await limiter.draw(principal, standing.allowance, standing.cost);
}

const spendingWaits = (): CodedError =>
  new CodedError(
    'SERVICE_UNAVAILABLE',
    'Limits cannot be shared between the servers at the moment, so nothing that spends is accepted. Try again in a few seconds.',
  );

/**
 * `extensions.cost`; settles what was drawn and not used.
 * @param objects counts those that stand in lists of the answer
 */
export function costExtension(limiter: RateLimiter, of: Costed, objects: () => number) {
  const { principal, standing, least } = of;
  const { allowance, cost: requested } = standing;
  const actual = of.hasRun ? Math.min(requested, least + (requested > least ? objects() : 0)) : 0;
  const unused = of.hasRun ? drawnFor(requested) - drawnFor(actual) : 0;
  const currentlyAvailable = limiter.giveBack(principal, allowance, unused, standing.available);
  const { most: maximumAvailable, perSecond: restoreRate } = allowance.bucket;
  return { requested, actual, throttleStatus: { maximumAvailable, currentlyAvailable, restoreRate } };
}

/** Whether it may run, and its cost was drawn. */
export async function isPaid({ schema, limits }: Limited, of: Costed | null): Promise<boolean> {
  if (limits === null || of === null) return true;
  return (await drawCost(limits.limiter, schema, of)) === undefined;
}

/** As though it had not run. */
export function takeBack({ limits }: Limited, of: Costed | null): void {
  if (limits === null || of === null) return;
  const { principal, standing } = of;
  limits.limiter.giveBack(principal, standing.allowance, drawnFor(standing.cost), standing.available);
}

interface Limited {
  readonly schema: GraphQLSchema;
  readonly limits: { readonly limiter: RateLimiter } | null;
}
