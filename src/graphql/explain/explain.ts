import type { OperationTypeNode } from 'graphql';
import { ROLES, type Role } from '../../guard/roles.js';
import { badInput } from '../../platform/errors.js';
import { agentIdsIn } from '../agent-binding.js';
import { isAllowed } from '../guard-plugin/access.js';
import { variablesOf } from '../preflight/conditions.js';
import { requirementsFor } from '../preflight/preflight.js';
import type { Need, Requirements } from '../preflight/requirements.js';
import {
  closedIntrospection,
  type Demand,
  demandsOf,
  errorsOf,
  isIntrospectionClosed,
  judge,
  scopesInAll,
} from '../preflight/verdict.js';
import { askedFor, costIn, type Foreseeing, WITHOUT_WORKSPACE } from './asked-for.js';
import { explainField, explainIntrospection, FIELDS_MAX } from './explain-field.js';
import type {
  AccessExplained,
  ExplainedCondition,
  ExplainedField,
  ExplainRequest,
  Explanation,
} from './explanation.js';
import { type ReadValues, readValues } from './read-values.js';
import { KEY_KINDS, smallestSufficientSets } from './sufficient-sets.js';
import { conditionText, decides, listed, notesOf } from './words.js';

/** What it takes and what it asks for. @throws as `explainAccess` */
export const explain = async (
  request: ExplainRequest,
  foreseeing: Foreseeing = WITHOUT_WORKSPACE,
): Promise<Explanation> => {
  const { requirements, read } = readingOf(request);
  const { principal } = request;
  const reached = reachedIn(requirements, read);
  return { ...explainAccess(request), ...(await askedFor(reached, { requirements, read, principal, foreseeing })) };
};

/** @throws BAD_USER_INPUT with `field`: no such operation, or variables that do not fit it */
const readingOf = ({ schema, document, operationName, variables }: ExplainRequest) => {
  const requirements = requirementsFor(schema, document, operationName ?? '');
  if (requirements === null) throw noSuchOperation(operationName);
  return { requirements, read: readValues(schema, requirements, variables) };
};

/** Which operation is meant, and the actions and effects it may ask for. @throws BAD_USER_INPUT: the document has no such one */
export const requireOperation = (
  asked: Pick<ExplainRequest, 'schema' | 'document' | 'operationName'>,
): { readonly operation: OperationTypeNode; readonly asksFor: readonly string[] } => {
  const { schema, document, operationName } = asked;
  const requirements = requirementsFor(schema, document, operationName ?? '');
  if (requirements === null) throw noSuchOperation(operationName);
  const asksFor = requirements.needs.flatMap(
    ({ rule: { mutation } }) => mutation?.action ?? mutation?.effect?.kind ?? [],
  );
  return { operation: requirements.operation.operation, asksFor: [...new Set(asksFor)] };
};

/** Those that may be executed. */
const reachedIn = ({ needs }: Requirements, { values }: ReadValues): readonly Need[] =>
  needs.filter((need) => demandsOf(need, values, 'most').length > 0);

/** The part that hangs on nothing but the schema and who asks. @throws as `readingOf` */
export const explainAccess = (request: ExplainRequest): AccessExplained => {
  const { document, principal, variables } = request;
  const { requirements, read } = readingOf(request);
  const least = requirements.needs.flatMap((need) => demandsOf(need, read.values, 'least'));
  const most = requirements.needs.flatMap((need) => demandsOf(need, read.values, 'most'));
  const isSettled = textOf(least) === textOf(most);
  const deciding = decidingVariables(requirements, read);
  const reached = reachedIn(requirements, read);
  const fields = explainFields(request, requirements, read);
  const sufficient = setsOf(request, most);
  const requiredRole = isSettled ? roleIn(most) : null;
  return {
    operation: requirements.operation.operation,
    operationName: requirements.operation.name?.value ?? null,
    principal,
    ...verdictOf(request, requirements, { read, most }),
    missingVariables: read.missing,
    unknownReason: isSettled
      ? null
      : `It hangs on ${listed(deciding)}: send ${deciding.length > 1 ? 'them' : 'it'} in variables.`,
    ...(isSettled ? scopesInAll(most, principal ?? NOBODY) : { requiredScopes: null, missingScopes: null }),
    requiredRole,
    smallestSufficientSets: isSettled ? sufficient.sets : null,
    fields: fields.slice(0, FIELDS_MAX),
    isComplete: fields.length <= FIELDS_MAX && (!isSettled || sufficient.isComplete),
    conditions: conditionsOf(requirements, read),
    notes: notesOf({
      needs: reached,
      requiredRole,
      principal,
      namesForeignAgents: agentIdsIn(document, variables).some((id) => id !== principal?.agentId),
      suitsAgentKeys: sufficient.sets.some((set) => set.some((scope) => scope.startsWith('agent:'))),
    }),
    ...costIn(request, read.missing),
  };
};

const NOBODY = { effectiveScopes: new Set<never>() };

interface Demands {
  readonly read: ReadValues;
  readonly most: readonly Demand[];
}

/** Refused whatever the missing variables are, allowed whatever they are, or not known. */
const verdictOf = (
  { principal, introspection }: ExplainRequest,
  requirements: Requirements,
  { read, most }: Demands,
): Pick<AccessExplained, 'allowed' | 'refusal'> => {
  const refused = isIntrospectionClosed(requirements, principal, introspection)
    ? closedIntrospection(requirements.introspection)
    : errorsOf(judge(requirements, principal, read.values) ?? [], principal);
  if (refused.length > 0) return { allowed: false, refusal: refused[0]?.message ?? null };
  return { allowed: most.every(({ access }) => isAllowed(access, principal)) ? true : null, refusal: null };
};

/** Equal texts, equal demands. */
const textOf = (demands: readonly Demand[]): string =>
  [...new Set(demands.map(({ access }) => JSON.stringify(access)))].sort().join('\n');

/** The missing variables that a condition is read from. */
const decidingVariables = ({ conditions }: Requirements, { missing }: ReadValues): readonly string[] => {
  const read = new Set(conditions.flatMap(variablesOf));
  return missing.filter((name) => read.has(name));
};

/** The highest. */
const roleIn = (demands: readonly Demand[]): Role | null => {
  const roles = demands.flatMap(({ access }) => (access.kind === 'role' ? [access.role] : []));
  return ROLES.toReversed().find((role) => roles.includes(role)) ?? null;
};

const setsOf = ({ kinds = KEY_KINDS }: ExplainRequest, demands: readonly Demand[]) =>
  roleIn(demands) === null
    ? smallestSufficientSets(
        demands.flatMap(({ access }) => (access.kind === 'scopes' ? [access.anyOf] : [])),
        kinds,
      )
    : { sets: [], isComplete: true };

const explainFields = (
  { principal, introspection }: ExplainRequest,
  requirements: Requirements,
  { values }: ReadValues,
): readonly ExplainedField[] => {
  const fields = new Map<string, ExplainedField>();
  const add = (field: ExplainedField): void => {
    // One more than is told, to know that there are more.
    if (fields.size > FIELDS_MAX) return;
    fields.set(`${field.path.join('.')} ${field.coordinate} ${field.condition} ${field.access}`, field);
  };
  for (const need of requirements.needs) {
    add(explainField(need, { principal, values, condition: conditionText(need, requirements) }));
  }
  for (const asked of requirements.introspection) add(explainIntrospection(asked, principal, introspection));
  return [...fields.values()];
};

const conditionsOf = ({ conditions }: Requirements, { values }: ReadValues): readonly ExplainedCondition[] =>
  conditions
    .map((condition, place) => ({
      variables: variablesOf(condition),
      decides: decides(condition),
      value: values[place] ?? null,
    }))
    .filter((condition) => condition.variables.length > 0);

const noSuchOperation = (name: string | null) =>
  name === null
    ? badInput('operationName: the document has several operations; say which one is meant.', 'operationName')
    : badInput('operationName: the document has no operation of this name.', 'operationName');
