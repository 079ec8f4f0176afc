// Which reads compile, as a list of those that do not: a field that drops out of the fast lane is seen here, by its name.
import { isObjectType, parse } from 'graphql';
import { expect, it } from 'vitest';
import { type Principal, principalOfKey, principalOfPerson } from '../../src/auth/principal.js';
import { builder } from '../../src/graphql/builder.js';
import { schema } from '../../src/schema.js';
import { type Operation, operationsOf, textOf } from '../support/generate/operations.js';
import { bareLane } from './bare-lane.js';

const place = { workspaceId: 'wsp_1', organizationId: 'org_1', plan: 'free' } as const;
const askers: readonly Principal[] = [
  principalOfKey({ kind: 'ACCOUNT', keyId: 'key_1', agentId: null, scopes: ['*'], rpm: null, rpd: null, ...place }),
  principalOfPerson({ userId: 'usr_1', role: 'OWNER', ...place }),
];

/** Types of which nothing compiles: what is computed, and what stands in no column. */
const COMPUTED = [
  'AccessExplanation',
  'ApiKeyFindings',
  'ApiKeyInsights',
  'ApiKeyScopeUse',
  'ApiKeySecret',
  'ApprovalSimulation',
  'Billing',
  'ExplainedAction',
  'ExplainedCondition',
  'ExplainedEffect',
  'ExplainedField',
  'ExplainedRule',
  'FieldAccess',
  'NarrowableApiKey',
  'NarrowableApiKeys',
  'OperationPlan',
  'PlannedChange',
  'PlannedEffect',
  'PlannedEvent',
  'ReplayedEffect',
  'Session',
  'Spent',
  'TriedRule',
  'Workplace',
  'WorkplaceOrganization',
];

const prefixes = new Map([...builder.nodeTypes].map(([prefix, { typeName }]) => [typeName, prefix]));

it('all but these', () => {
  const lane = bareLane();
  const compiles = (operation: Operation): boolean => {
    const compiled = lane.compiledOf(parse(textOf(operation)), null);
    const id = `${prefixes.get(operation.nodeType ?? '') ?? 'x'}_1`;
    const variables = { id, ids: [id], id0: id, ids0: [id] };
    return askers.some(
      (principal) => (compiled?.statementFor({ principal, variables, standing: null }) ?? null) !== null,
    );
  };
  const reads = operationsOf(schema).operations.filter(({ root }) => root === 'query');
  const ordinary = reads.filter((operation) => !compiles(operation)).map(({ coordinate }) => coordinate);
  const typeOf = (coordinate: string): string => coordinate.split('.')[0] ?? '';
  const some = ordinary.filter((coordinate) => !COMPUTED.includes(typeOf(coordinate)));
  expect(some).toMatchInlineSnapshot(`
    [
      "ApiKey.scopeUse",
      "ApiKey.secrets",
      "Effect.payload",
      "Me.workspaces",
      "Query.apiKeyInsights",
      "Query.billing",
      "Query.explainAccess",
      "Query.fieldAccess",
      "Query.mySessions",
      "Query.planOperation",
      "Query.simulateApproval",
    ]
  `);
  const compiled = COMPUTED.filter((name) => {
    const type = schema.getType(name);
    const fields = isObjectType(type) ? Object.keys(type.getFields()) : [];
    return fields.some(
      (field) =>
        reads.some(({ coordinate }) => coordinate === `${name}.${field}`) && !ordinary.includes(`${name}.${field}`),
    );
  });
  expect(compiled).toEqual([]);
});
