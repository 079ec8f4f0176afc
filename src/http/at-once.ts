// The shortest way through the door, for a read by a key that opened it lately: key and read travel in one statement. What
// the key amounted to then is only expected now. The statement reads nothing unless the look-up inside it tells the very
// same facts, and nothing leaves before that is known. Wherever anything is unusual, it stands back without a trace and the
// request goes the ordinary way: there its key is judged first, and refused in the usual order.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type DocumentNode, OperationTypeNode } from 'graphql';
import type { Credentials } from '../auth/credentials.js';
import type { Principal } from '../auth/principal.js';
import type { Standing } from '../auth/rate-limit/rate-limiter.js';
import type { CompiledRead } from '../fast-lane/read-lane.js';
import type { Documents } from '../graphql/documents.js';
import type { Scope } from '../guard/scopes.js';
import type { GraphqlOptions } from './call.js';
import { changeAtOnce } from './change-at-once.js';
import { type Params, readParams } from './graphql-params.js';
import type { Lane } from './lane.js';
import type { MediaType } from './media-type.js';
import { answerText } from './post.js';
import { costExtension, costed, isPaid, takeBack } from './query-cost.js';
import { setAllowance } from './rate-headers.js';
import type { DoorFacts } from './request-facts.js';
import { sendText } from './respond.js';

/** What was found out, and need not be found out again on the ordinary way. */
export interface Begun {
  /** @throws what is wrong with the request's parameters */
  params(): Params;
  /** The request was counted. */
  readonly standing: Standing | null;
}

interface Arrived {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly facts: DoorFacts;
  readonly credentials: Credentials;
  readonly mediaType: MediaType;
}

/** `answered`; or what was begun; null: nothing was, since nothing is expected of the request's credentials. */
export type AnswerAtOnce = (arrived: Arrived) => Promise<'answered' | Begun | null>;

export function atOnce(options: GraphqlOptions, lane: Lane, documents: Documents): AnswerAtOnce {
  const { schema, limits, metrics } = options;
  return async (arrived) => {
    const { req, res, facts, credentials, mediaType } = arrived;
    const expectation = lane.expectations.expect(credentials);
    if (expectation === null) return null;
    const { params, error } = await paramsOf(req);
    const begun = (standing: Standing | null): Begun => ({ params: () => params ?? raise(error), standing });
    const { principal } = expectation.admission;
    if (params === null) return begun(null);
    const read = readOf(lane, documents, params, principal);
    if (read === null) {
      const asked = { res, facts, credentials, mediaType, params, expectation };
      const changed = await changeAtOnce(options, lane, documents, asked);
      return changed === 'answered' ? changed : begun(changed);
    }
    const given = limits === null ? null : limits.limiter.admitIfAllowed(principal);
    const allowance = given instanceof Promise ? await given : given;
    // What a limit refuses is refused in the usual order: its key is judged before.
    if (limits !== null && allowance === null) return begun(null);
    const standing = allowance === null ? null : { allowance, cost: 0, available: allowance.available };
    const { document, compiled, scopes } = read;
    const of = standing === null ? null : costed(schema, { principal, standing, document, params });
    const statement = compiled.statementFor({ principal, variables: params.variables ?? null, standing });
    // What is left to the resolvers is run for a key that was judged.
    if (statement === null || statement.rest !== null || !(await isPaid(options, of))) return begun(standing);
    const rows = await lane.query(statement.byKey(expectation.hash, expectation.facts));
    const answer = statement.answerOf(rows?.[0]);
    if (answer === null) {
      if (rows?.length === 0) lane.expectations.forget(expectation);
      takeBack(options, of);
      return begun(standing);
    }
    lane.expectations.met(expectation, credentials);
    lane.countScopes(principal, scopes);
    metrics.countOperation('query', 'ok');
    facts.lane = 'fast';
    if (standing !== null) setAllowance(res, standing);
    res.setHeader('Cache-Control', 'no-store');
    const cost = limits === null || of === null ? null : costExtension(limits.limiter, of, () => answer.objectsInLists);
    sendText(res, 200, mediaType, answerText(answer, cost));
    return 'answered';
  };
}

interface Read {
  readonly document: DocumentNode;
  readonly compiled: CompiledRead;
  readonly scopes: readonly Scope[];
}

/** Null: it is no read that may compile, or a gate would refuse it. */
function readOf(lane: Lane, documents: Documents, params: Params, principal: Principal): Read | null {
  const document = queryIn(documents, params);
  const compiled = document === null ? null : lane.reads.compiledOf(document, params.operationName ?? null);
  if (document === null || compiled === null) return null;
  const scopes = lane.passes({ document, params, principal });
  return scopes === null ? null : { document, compiled, scopes };
}

function queryIn(documents: Documents, params: Params): DocumentNode | null {
  try {
    const { document, operation, errors } = documents.open(params);
    return errors.length === 0 && operation.operation === OperationTypeNode.QUERY ? document : null;
  } catch {
    return null;
  }
}

async function paramsOf(req: IncomingMessage): Promise<{ params: Params | null; error: unknown }> {
  try {
    return { params: await readParams(req), error: null };
  } catch (error) {
    return { params: null, error };
  }
}

function raise(error: unknown): never {
  throw error;
}
