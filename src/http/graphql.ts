// Step 1 and 2 of the walk: an HTTP request becomes an operation within limits, by a known principal. In this order: the
// page it comes from, the answer it can read, who asks (a bad credential is refused before a byte of the body is parsed),
// whether they may ask now, the parameters, the document, its limits, validation; only then the caller's plugins, the cost and the resolvers. Every result, also
// each event of a stream, leaves through masking.ts.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type DocumentNode, type GraphQLSchema, getOperationAST } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import type { Logger } from 'pino';
import type { Credentials } from '../auth/credentials.js';
import type { Principal } from '../auth/principal.js';
import type { AdmitAnonymous } from '../auth/rate-limit/anonymous-limit.js';
import type { RateLimiter, Standing } from '../auth/rate-limit/rate-limiter.js';
import { parseWithin, requireWithinLimits } from '../graphql/limits.js';
import { CodedError } from '../platform/errors.js';
import { credentialsOf } from './credentials.js';
import { answerPreflight, type Origins, requireNoForgery, setCorsHeaders } from './cross-origin.js';
import { documentCache } from './document-cache.js';
import { sendGraphiql, wantsGraphiql } from './graphiql.js';
import { type Params, readParams } from './graphql-params.js';
import { answerOf, type Result } from './masking.js';
import { acceptsEvents, type MediaType, negotiate } from './media-type.js';
import type { Metrics, OperationType } from './metrics.js';
import { type Costed, costExtension, costed, drawingPlugin } from './query-cost.js';
import { headersOfAllowance } from './rate-headers.js';
import type { DoorFacts } from './request-facts.js';
import { methodNotAllowed } from './respond.js';
import type { OpenStreams } from './streams.js';

/** Null: anonymous. Throws CodedError for a credential that is no good. */
export type Authenticate = (credentials: Credentials) => Promise<Principal | null>;

/** Makes what resolvers are given. Its getters stay getters, so that a part nobody asks for is never made. */
export type ContextFor = (
  principal: Principal | null,
  facts: DoorFacts,
  credentials: Credentials,
  standing: Standing | null,
) => object | Promise<object>;

export interface DoorLimits {
  readonly limiter: RateLimiter;
  readonly admitAnonymous: AdmitAnonymous;
}

export interface GraphqlOptions {
  readonly schema: GraphQLSchema;
  readonly authenticate: Authenticate;
  readonly contextFor: ContextFor;
  /** Null: nothing is limited. */
  readonly limits: DoorLimits | null;
  /** Run after limits and validation, in this order; the preflight is one of them. */
  readonly plugins: readonly Plugin[];
  readonly origins: () => Origins;
  readonly metrics: Metrics;
  readonly streams: OpenStreams;
  readonly log: Logger;
}

/** Throws what `sendRefusal` understands, as long as nothing was written. */
export type AnswerGraphql = (req: IncomingMessage, res: ServerResponse, facts: DoorFacts) => Promise<void>;

/** One request on its way through Yoga; `context.call` in plugins. */
export interface Call {
  readonly facts: DoorFacts;
  readonly principal: Principal | null;
  readonly credentials: Credentials;
  readonly params: Params;
  readonly method: string;
  readonly mediaType: MediaType;
  readonly mayStream: boolean;
  /** Null: anonymous, or nothing is limited. */
  readonly standing: Standing | null;
  document: DocumentNode | null;
  /** Null until the operation is known to be valid. */
  costed: Costed | null;
  type: OperationType;
}

export function createGraphql(options: GraphqlOptions): AnswerGraphql {
  const { origins, authenticate, limits } = options;
  const drawing = limits === null ? [] : [drawingPlugin(limits.limiter)];
  const yoga = createYoga<{ call: Call }>({
    schema: options.schema,
    plugins: [doorPlugin(options), ...options.plugins, ...drawing],
    graphqlEndpoint: '/graphql',
    // All of these are decided here or not wanted at all: CORS would reflect any origin, forms would pass by CSRF.
    cors: false,
    graphiql: false,
    landingPage: false,
    multipart: false,
    batching: false,
    maxRequestBodySize: false,
    maskedErrors: false,
    logging: false,
    parserAndValidationCache: { documentCache: documentCache(), errorCache: documentCache() },
  });
  return async (req, res, facts) => {
    setCorsHeaders(req, res, origins());
    if (req.method === 'OPTIONS') return answerPreflight(res);
    if (wantsGraphiql(req)) return sendGraphiql(req, res);
    if (req.method !== 'GET' && req.method !== 'POST') throw methodNotAllowed('GET, POST');
    const mediaType = negotiate(req.headers.accept) ?? notAcceptable();
    requireNoForgery(req, origins());
    const credentials = credentialsOf(req, facts);
    const principal = await authenticate(credentials);
    const standing = limits === null ? null : await admit(limits, principal, facts, res);
    const params = await readParams(req);
    const mayStream = acceptsEvents(req.headers.accept);
    const asked = { facts, principal, credentials, standing, params, method: req.method, mediaType, mayStream };
    const call: Call = { ...asked, document: null, costed: null, type: 'unknown' };
    res.setHeader('Cache-Control', 'no-store');
    await yoga(req, res, { call });
  };
}

/** Counts the request and says in the headers where it stands. */
async function admit(
  { limiter, admitAnonymous }: DoorLimits,
  principal: Principal | null,
  { ip }: DoorFacts,
  res: ServerResponse,
): Promise<Standing | null> {
  if (principal === null) {
    admitAnonymous(ip);
    return null;
  }
  const allowance = await limiter.admit(principal);
  for (const [name, value] of Object.entries(headersOfAllowance(allowance))) res.setHeader(name, value);
  return { allowance, cost: 0, available: allowance.available };
}

interface InYoga {
  readonly call: Call;
}

function doorPlugin({ schema, contextFor, limits, log, metrics, streams }: GraphqlOptions): Plugin<InYoga, InYoga> {
  const answer = (result: Result, { facts, mediaType }: Call) =>
    answerOf(result, mediaType, { requestId: facts.id, log });
  return {
    onRequestParse({ serverContext, setRequestParser }) {
      setRequestParser(() => serverContext.call.params);
    },
    onParse({ setParseFn }) {
      setParseFn(parseWithin);
      return ({ result, context }) => requireMethod(result, context.call);
    },
    onValidate({ params: { schema, documentAST }, context }) {
      const { operationName, variables } = context.call.params;
      requireWithinLimits(schema as GraphQLSchema, documentAST as DocumentNode, operationName, variables);
    },
    async onContextBuilding({ context }) {
      const { call } = context;
      const { principal, facts, credentials, standing, document, params } = call;
      if (principal !== null && standing !== null && document !== null) {
        call.costed = costed(schema, { principal, standing, document, params });
      }
      // Descriptors, not values: reading a getter here would make, or refuse, what no field needs.
      Object.defineProperties(
        context,
        Object.getOwnPropertyDescriptors(await contextFor(principal, facts, credentials, standing)),
      );
    },
    onSubscribe({ args }) {
      // Before the source is opened: nobody would read it, and nothing would close it.
      if (!(args.contextValue as unknown as InYoga).call.mayStream) notAcceptable();
    },
    onResultProcess({ result, setResult, serverContext: { call } }) {
      if (Array.isArray(result)) return;
      if (Symbol.asyncIterator in result) {
        metrics.countOperation(call.type, 'ok');
        setResult(streams.add(result, (event) => answer(event, call).result as typeof event));
        return;
      }
      const { status, headers, result: masked, code } = answer(result, call);
      metrics.countOperation(call.type, code ?? 'ok');
      const http = { status, headers: { ...headers } };
      const cost =
        limits === null || call.costed === null ? {} : { cost: costExtension(limits.limiter, call.costed, masked) };
      setResult({ ...(masked as typeof result), extensions: { ...masked.extensions, ...cost, http } });
    },
  };
}

/** Also notes the operation's type. A mutation by GET is 405; a subscription may come by GET, as EventSource sends it. */
function requireMethod(result: unknown, call: Call): void {
  if (result === null || result instanceof Error) return;
  call.document = result as DocumentNode;
  call.type = getOperationAST(call.document, call.params.operationName)?.operation ?? 'unknown';
  if (call.method === 'GET' && call.type === 'mutation') throw methodNotAllowed('POST');
}

function notAcceptable(): never {
  throw new CodedError(
    'BAD_USER_INPUT',
    'Accept application/graphql-response+json or application/json; for a subscription text/event-stream.',
    { reason: 'NOT_ACCEPTABLE' },
  );
}
