// Step 1 and 2 of the walk: an HTTP request becomes an operation within limits, by a known principal. In this order: the
// page it comes from, the answer it can read, who asks (a bad credential is refused before a byte of the body is parsed),
// whether they may ask now, the parameters, the document, its limits, validation; only then the gates, the cost and the
// resolvers. A query or mutation by POST is answered by post.ts, without a detour; what comes by GET or wants to stream, and
// everything with FAST_LANE=off, goes through Yoga. Every result, also each event of a stream, leaves through masking.ts.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Principal } from '../auth/principal.js';
import type { Standing } from '../auth/rate-limit/rate-limiter.js';
import { openDocuments } from '../graphql/documents.js';
import { atOnce } from './at-once.js';
import type { Call, DoorLimits, GraphqlOptions, OnRefused } from './call.js';
import { credentialsOf } from './credentials.js';
import { answerPreflight, requireNoForgery, setCorsHeaders } from './cross-origin.js';
import { sendGraphiql, wantsGraphiql } from './graphiql.js';
import { readParams } from './graphql-params.js';
import { acceptsEvents, negotiate, notAcceptable } from './media-type.js';
import { postAnswers } from './post.js';
import { setAllowance } from './rate-headers.js';
import { refusedByLimit, refusedKey } from './refused.js';
import type { DoorFacts } from './request-facts.js';
import { methodNotAllowed } from './respond.js';
import { createYogaHandler } from './yoga.js';

/** Throws what `sendRefusal` understands, as long as nothing was written. */
export type AnswerGraphql = (req: IncomingMessage, res: ServerResponse, facts: DoorFacts) => Promise<void>;

export function createGraphql(options: GraphqlOptions): AnswerGraphql {
  const { origins, authenticate, limits, lane, onRefused } = options;
  const documents = openDocuments(options.schema);
  const answerPost = options.fastLane === 'off' ? () => false : postAnswers(options, documents);
  const answerAtOnce = options.fastLane === 'off' || lane === null ? null : atOnce(options, lane, documents);
  const yoga = createYogaHandler(options);
  return async (req, res, facts) => {
    setCorsHeaders(req, res, origins());
    if (req.method === 'OPTIONS') return answerPreflight(res);
    if (wantsGraphiql(req)) return sendGraphiql(req, res);
    if (req.method !== 'GET' && req.method !== 'POST') throw methodNotAllowed('GET, POST');
    const mediaType = negotiate(req.headers.accept) ?? notAcceptable();
    requireNoForgery(req, origins());
    const credentials = credentialsOf(req, facts);
    const isPost = req.method === 'POST' && mediaType !== 'text/event-stream';
    const arrived = { req, res, facts, credentials, mediaType };
    const begun = isPost && answerAtOnce !== null ? await answerAtOnce(arrived) : null;
    if (begun === 'answered') return;
    const principal = await authenticate(credentials).catch(refusedKey(onRefused, facts));
    const standing = limits === null ? null : (begun?.standing ?? (await admit(limits, onRefused, principal, facts)));
    if (standing !== null) setAllowance(res, standing);
    const params = begun === null ? await readParams(req) : begun.params();
    const mayStream = acceptsEvents(req.headers.accept);
    const asked = { facts, principal, credentials, standing, params, method: req.method, mediaType, mayStream };
    const call: Call = { ...asked, document: null, costed: null, type: 'unknown' };
    res.setHeader('Cache-Control', 'no-store');
    if (isPost && (await answerPost(call, res))) return;
    await yoga(req, res, { call });
  };
}

/** Counts the request. */
async function admit(
  { limiter, admitAnonymous }: DoorLimits,
  onRefused: OnRefused,
  principal: Principal | null,
  facts: DoorFacts,
): Promise<Standing | null> {
  if (principal === null) {
    admitAnonymous(facts.ip);
    return null;
  }
  const allowance = await limiter.admit(principal).catch(refusedByLimit(onRefused, principal, facts));
  return { allowance, cost: 0, available: allowance.available };
}
