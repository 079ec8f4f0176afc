// The shortest way through the door for a change by a key that opened it lately: the key is looked up by the first statement
// of the mutation's own transaction, and travels with those behind it. Until that statement has told that the key is what it
// was expected to be, nothing is kept and nothing is told; where it tells something else, all of it is taken back and the
// request goes the ordinary way. One root field whose transaction is the workspace's; the rest is not tried.
import type { ServerResponse } from 'node:http';
import { type DocumentNode, execute, type GraphQLSchema, Kind, OperationTypeNode } from 'graphql';
import type { Expectation } from '../auth/api-key.js';
import type { Credentials } from '../auth/credentials.js';
import type { Standing } from '../auth/rate-limit/rate-limiter.js';
import type { Documents } from '../graphql/documents.js';
import { ruleOf } from '../graphql/guard-plugin/field-rule.js';
import type { Call, GraphqlOptions } from './call.js';
import type { Params } from './graphql-params.js';
import type { Lane } from './lane.js';
import type { MediaType } from './media-type.js';
import { sendResult } from './post.js';
import { costed, isPaid, takeBack } from './query-cost.js';
import { setAllowance } from './rate-headers.js';
import type { DoorFacts } from './request-facts.js';

interface Asked {
  readonly res: ServerResponse;
  readonly facts: DoorFacts;
  readonly credentials: Credentials;
  readonly mediaType: MediaType;
  readonly params: Params;
  readonly expectation: Expectation;
}

/** `answered`; or how the request was counted; null: it was not. */
export async function changeAtOnce(
  options: GraphqlOptions,
  lane: Lane,
  documents: Documents,
  asked: Asked,
): Promise<'answered' | Standing | null> {
  const { schema, limits, contextFor } = options;
  const { res, facts, credentials, mediaType, params, expectation } = asked;
  const { principal } = expectation.admission;
  const document = boundChangeIn(schema, documents, params);
  const scopes = document === null ? null : lane.passes({ document, params, principal });
  if (document === null || scopes === null) return null;
  const given = limits === null ? null : limits.limiter.admitIfAllowed(principal);
  const allowance = given instanceof Promise ? await given : given;
  if (limits !== null && allowance === null) return null;
  const standing = allowance === null ? null : { allowance, cost: 0, available: allowance.available };
  const of = standing === null ? null : costed(schema, { principal, standing, document, params });
  if (!(await isPaid(options, of))) return standing;
  const expected = { hash: expectation.hash, facts: expectation.facts, isMet: false };
  const contextValue = contextFor(principal, facts, credentials, standing, expected);
  const { operationName, variables: variableValues } = params;
  const result = await execute({ schema, document, operationName, variableValues, contextValue });
  if (!expected.isMet) {
    lane.expectations.forget(expectation);
    takeBack(options, of);
    return standing;
  }
  lane.expectations.met(expectation, credentials);
  lane.countScopes(principal, scopes);
  facts.lane = 'ordinary';
  if (standing !== null) setAllowance(res, standing);
  res.setHeader('Cache-Control', 'no-store');
  const on = { facts, principal, credentials, params, method: 'POST', mediaType, mayStream: false, standing };
  const call: Call = { ...on, document, costed: of, type: 'mutation' };
  sendResult(options, call, res, result);
  return 'answered';
}

/** Null: it is no such mutation, or is to be refused. */
function boundChangeIn(schema: GraphQLSchema, documents: Documents, params: Params): DocumentNode | null {
  try {
    const { document, operation, errors } = documents.open(params);
    if (errors.length > 0 || operation.operation !== OperationTypeNode.MUTATION) return null;
    const [root, ...more] = operation.selectionSet.selections;
    if (root?.kind !== Kind.FIELD || more.length > 0) return null;
    const field = schema.getMutationType()?.getFields()[root.name.value];
    return field !== undefined && ruleOf(field)?.mutation?.isBound === true ? document : null;
  } catch {
    return null;
  }
}
