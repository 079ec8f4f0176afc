// Which scopes of a key a request used, for whoever narrows it later: what the preflight found, once nothing has refused
// the operation any more. A refused operation uses none; a subscription uses them once, when it begins.
import type { Context } from '../../context.js';
import type { Scope } from '../../guard/scopes.js';
import type { Gate } from '../gate.js';

const USED = Symbol('scopes used');

/** The preflight's finding: the scopes by which the operation passes. */
export const noteScopesUsed = ({ memo }: Context, scopes: readonly Scope[]): void => {
  memo.set(USED, scopes);
};

/** After all gates that may refuse: what they refuse is not counted. */
export const scopeUse: Gate = ({ context }) => {
  const used = context.memo.get(USED) as readonly Scope[] | undefined;
  if (used !== undefined) context.useScopes(used);
  return undefined;
};
