// An agent key is made for one agent. Naming another one of its own workspace is refused before anything runs, as
// FORBIDDEN_AGENT; an agent of anywhere else is not told apart from one that does not exist. It takes the one look-up that
// is wider than the key's own view, and only when a foreign id is really named.
import { type DocumentNode, GraphQLError, visit } from 'graphql';
import type { Principal } from '../auth/principal.js';
import type { Context } from '../context.js';
import { CodedError } from '../platform/errors.js';
import { isId } from '../platform/ids.js';
import type { Gate } from './gate.js';

/** Whether one of these agents is of the principal's workspace. */
export type AgentsExist = (principal: Principal, agentIds: readonly string[]) => Promise<boolean>;

/** @param onRefused told before the answer leaves: the audit trail's entry */
export const agentBinding =
  (
    agentsExist: AgentsExist,
    onRefused?: (context: Context, errors: readonly GraphQLError[]) => void | Promise<void>,
  ): Gate =>
  ({ context, document, variables }) => {
    const { principal } = context;
    if (principal === null || principal.agentId === null) return undefined;
    const named = agentIdsIn(document, variables).filter((id) => id !== principal.agentId);
    if (named.length === 0) return undefined;
    return agentsExist(principal, named).then(async (exist) => {
      if (!exist) return undefined;
      const errors = [forbiddenAgent()];
      await onRefused?.(context, errors);
      return errors;
    });
  };

function forbiddenAgent(): GraphQLError {
  const error = new CodedError('FORBIDDEN_AGENT', 'This key belongs to another agent and reaches that one only.');
  return new GraphQLError(error.message, { originalError: error });
}

/** Every agent id that the caller wrote, in the document or in its variables. */
export function agentIdsIn(document: DocumentNode, variables: unknown): readonly string[] {
  const ids = new Set<string>(writtenIn(document));
  noteIds(variables, ids);
  return [...ids];
}

const written = new WeakMap<DocumentNode, ReadonlySet<string>>();

function writtenIn(document: DocumentNode): ReadonlySet<string> {
  const known = written.get(document);
  if (known !== undefined) return known;
  const ids = new Set<string>();
  visit(document, { StringValue: ({ value }) => noteIds(value, ids) });
  written.set(document, ids);
  return ids;
}

function noteIds(value: unknown, ids: Set<string>): void {
  if (typeof value === 'string') {
    if (isId(value, 'agt')) ids.add(value);
  } else if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) noteIds(part, ids);
  }
}
