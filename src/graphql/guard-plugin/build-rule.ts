// From a declaration to a rule, when the schema is built. Every contradiction becomes a sentence; none is guessed at.
import { type Access, quotedRequirement, requiresLine, scopesAccess } from './access.js';
import { type FieldAccessDeclaration, implies, readAccess } from './declaration.js';
import type { ArgumentRule, FieldRule, MutationFacts, NodeTypes } from './field-rule.js';

/** What a type hands down to its fields. */
export interface Inherited {
  readonly access: Access;
  readonly own: boolean;
}

export interface RuleRequest {
  readonly coordinate: string;
  readonly declared: FieldAccessDeclaration;
  readonly inherited: Inherited | null;
  readonly mutation: MutationFacts | null;
  readonly isMutation: boolean;
  readonly argumentNames: readonly string[];
  readonly nodeTypes: NodeTypes;
  readonly judgeArguments: ((args: unknown) => void) | null;
}

const ACTION_NAME = /^[a-z][A-Za-z]*\.[a-z][A-Za-z]*$/;

/** The rule, or the sentences that say why there is none. */
export const buildRule = (request: RuleRequest): FieldRule | readonly string[] => {
  const { coordinate, declared, inherited, mutation } = request;
  const answer = readAccess(declared);
  const access = answer ?? inherited?.access ?? null;
  const problems: string[] = mutationProblems(request);
  if (typeof access === 'string') return [...problems, access];
  if (access === null) return [...problems, 'declares no scope, role, authenticated or public'];
  const own = declared.own ?? (answer === null && inherited?.own === true);
  if (own && access.kind !== 'authenticated') problems.push('is `own` without being authenticated');
  const byArgument = argumentRule(declared, access);
  if (typeof byArgument === 'string') return [...problems, byArgument];
  for (const name of [byArgument?.path[0], declared.scopeByIdPrefix]) {
    if (name !== undefined && !request.argumentNames.includes(name))
      problems.push(`has no argument ${name} to judge by`);
  }
  if (problems.length > 0) return problems;
  const byIdPrefix =
    declared.scopeByIdPrefix === undefined
      ? null
      : { argument: declared.scopeByIdPrefix, nodeTypes: request.nodeTypes };
  const judging = request.judgeArguments === null ? {} : { judgeArguments: request.judgeArguments };
  return { coordinate, access, own, byArgument, byIdPrefix, mutation, ...judging };
};

const mutationProblems = ({ isMutation, mutation }: RuleRequest): string[] => {
  if (!isMutation) return mutation === null ? [] : ['is an action or effect, which only a mutation can be'];
  if (mutation?.action === undefined && mutation?.effect === undefined) {
    return ['is neither an action nor an effect; write t.action or t.effect'];
  }
  if (mutation.action !== undefined && mutation.effect !== undefined) return ['is both an action and an effect'];
  const name = mutation.action ?? mutation.effect?.kind ?? '';
  return ACTION_NAME.test(name) ? [] : [`is named ${name}, which is not noun.verb`];
};

/** Null where no argument narrows the field. */
const argumentRule = (
  { scopeByArgument, roleByArgument }: FieldAccessDeclaration,
  access: Access,
): ArgumentRule | null | string => {
  if (scopeByArgument !== undefined && roleByArgument !== undefined) return 'is narrowed by scope and by role; say one';
  const path = scopeByArgument?.path ?? roleByArgument?.path;
  if (path === undefined) return null;
  const declared: readonly (readonly [string, Access])[] = [
    ...Object.entries(scopeByArgument?.values ?? {}).map(([value, scope]) => [value, scopesAccess(scope)] as const),
    ...Object.entries(roleByArgument?.values ?? {}).map(([value, role]) => [value, { kind: 'role', role }] as const),
  ];
  for (const [value, narrowed] of declared) {
    if (implies(narrowed, access)) continue;
    const what = narrowed.kind === 'role' ? 'role' : 'scope';
    return `widens its ${what} where ${path} is ${value}; a case may only narrow it`;
  }
  return { path: path.split('.'), cases: new Map(declared) };
};

/** The sentences that introspection shows after the field's own description. */
export const accessLines = (rule: FieldRule): string => {
  const lines = [requiresLine(rule.access)];
  if (rule.own) lines.push('What others asked for needs `approvals:read`.');
  if (rule.byIdPrefix !== null) lines.push('What the id names takes the scopes of its type.');
  if (rule.byArgument !== null) {
    const path = rule.byArgument.path.join('.');
    for (const [value, access] of rule.byArgument.cases) {
      if (access.kind === 'scopes') lines.push(`Where \`${path}\` is ${value}: ${quotedRequirement(access.anyOf)}.`);
      if (access.kind === 'role') lines.push(`Where \`${path}\` is ${value}: the role ${access.role}.`);
    }
  }
  return lines.join(' ');
};
