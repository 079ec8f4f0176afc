// What an explanation says in words: on which conditions a field is executed, what variables decide, and the rules that
// no scope or role expresses.
import type { Principal } from '../../auth/principal.js';
import type { Condition, Guard } from '../preflight/conditions.js';
import type { Need, Requirements } from '../preflight/requirements.js';

/** When a field is executed, and what narrows it; null: always, by the text alone. */
export const conditionText = ({ guards, argument, prefixes }: Need, { conditions }: Requirements): string | null => {
  const said = guards.map((guard) => guardText(guard, conditions[guard.condition]));
  if (argument !== null && conditions[argument] !== undefined) said.push(decides(conditions[argument]));
  if (prefixes !== null && conditions[prefixes] !== undefined) said.push(decides(conditions[prefixes]));
  return said.length === 0 ? null : said.join(' and ');
};

const guardText = (guard: Guard, condition: Condition | undefined): string => {
  if (condition === undefined) return 'under a condition';
  if (condition.kind === 'boolean') {
    const isTrue = 'isNot' in guard && guard.isNot === 'false';
    return `where $${condition.variable} is ${isTrue ? 'true' : 'false'}`;
  }
  const prefix = 'prefix' in guard ? guard.prefix : '';
  const typeName = condition.rule.byIdPrefix?.nodeTypes.get(prefix)?.typeName;
  return `where ${condition.rule.byIdPrefix?.argument} names a ${typeName} (${prefix}_…)`;
};

/** What a condition decides. */
export const decides = (condition: Condition): string => {
  switch (condition.kind) {
    case 'boolean':
      return `whether what hangs on $${condition.variable} is executed`;
    case 'argument':
      return `by ${condition.rule.byArgument?.path.join('.')}: what ${condition.rule.coordinate} takes`;
    case 'prefixes':
      return `by ${condition.rule.byIdPrefix?.argument}: which types ${condition.rule.coordinate} answers with`;
  }
};

export interface NotesRequest {
  readonly needs: readonly Need[];
  readonly requiredRole: string | null;
  readonly principal: Principal | null;
  readonly namesForeignAgents: boolean;
  /** Whether some agent key's scopes suffice. */
  readonly suitsAgentKeys: boolean;
}

/** The rules beside scopes and roles that apply, a sentence each. */
export const notesOf = (request: NotesRequest): readonly string[] => {
  const { needs, requiredRole, principal } = request;
  const rules = new Map(needs.map(({ rule }) => [rule.coordinate, rule]));
  const mutates = needs.some(({ rule }) => rule.mutation !== null);
  const notes: string[] = [];
  if (requiredRole !== null) notes.push(`It takes a person with the role ${requiredRole}; no key suffices.`);
  for (const { coordinate, own, mutation } of rules.values()) {
    if (own) notes.push(`${coordinate} gives what the caller asked for itself; what others did needs approvals:read.`);
    if (mutation?.fresh === true) {
      notes.push(`${coordinate} takes a second factor of the last minutes where the workspace asks for one.`);
    }
  }
  const byAgentKey = principal === null ? request.suitsAgentKeys : principal.kind === 'AGENT_KEY';
  if (request.namesForeignAgents && byAgentKey) {
    notes.push('An agent key reaches its own agent; naming another one of its workspace is answered FORBIDDEN_AGENT.');
  }
  if (principal?.isReadOnly === true) notes.push('This workspace lets keys read only.');
  if (mutates && principal !== null && principal.workspaceStatus !== 'ACTIVE') {
    notes.push(`This workspace is ${principal.workspaceStatus}; but for what takes that back, mutations are refused.`);
  }
  return notes;
};

/** `$a, $b` */
export const listed = (names: readonly string[]): string => names.map((name) => `$${name}`).join(', ');
