// Which refusals the audit trail hears of, beside those of the gates, which leave their own entries: a known key that does
// not open the door, a limit, a cap, and whatever else was forbidden once the operation ran.
import type { Principal } from '../auth/principal.js';
import { KeyRefused } from '../auth/refusals.js';
import { type ErrorCode, isCoded } from '../platform/errors.js';
import type { Call, OnRefused } from './call.js';
import type { Result } from './masking.js';
import type { DoorFacts } from './request-facts.js';
import { codedIn } from './verdict.js';

/** Passes on what `authenticate` throws, told first where it knows whose key it is. */
export const refusedKey =
  (onRefused: OnRefused, facts: DoorFacts) =>
  (error: unknown): never => {
    if (error instanceof KeyRefused) onRefused(error.principal, facts, { error, field: null });
    throw error;
  };

/** Passes on what the limits throw. */
export const refusedByLimit =
  (onRefused: OnRefused, principal: Principal, facts: DoorFacts) =>
  (error: unknown): never => {
    if (isCoded(error, 'RATE_LIMITED')) onRefused(principal, facts, { error, field: null });
    throw error;
  };

const ALWAYS: ReadonlySet<ErrorCode> = new Set(['RATE_LIMITED', 'SPEND_CAP_EXCEEDED', 'INSUFFICIENT_CREDITS']);
const WHILE_RUNNING: ReadonlySet<ErrorCode> = new Set(['FORBIDDEN', 'FORBIDDEN_AGENT', 'UNAUTHENTICATED']);

/** What an operation was answered. */
export function tellRefusals(onRefused: OnRefused, { principal, facts }: Call, result: Result): void {
  if (principal === null) return;
  const hasRun = result.data !== undefined;
  for (const thrown of result.errors ?? []) {
    const error = codedIn(thrown);
    if (error === null || !(ALWAYS.has(error.code) || (hasRun && WHILE_RUNNING.has(error.code)))) continue;
    onRefused(principal, facts, { error, field: pathOf(thrown) });
  }
}

/** Names of fields alone: an alias is the caller's own text. */
const pathOf = (thrown: unknown): string | null => {
  const nodes = (thrown as { nodes?: readonly { kind: string; name?: { value: string } }[] }).nodes ?? [];
  const [field] = nodes.flatMap(({ kind, name }) => (kind === 'Field' && name !== undefined ? [name.value] : []));
  return field ?? null;
};
