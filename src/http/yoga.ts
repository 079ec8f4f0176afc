// What comes by GET or wants to stream: GraphQL over HTTP and server-sent events as Yoga speaks them. Who asks, what may be
// asked and what leaves is decided by the same functions as for a POST.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type DocumentNode, type ExecutionArgs, execute, type GraphQLSchema, getOperationAST } from 'graphql';
import { createYoga, type Plugin } from 'graphql-yoga';
import type { Context } from '../context.js';
import { objectsIn } from '../graphql/cost.js';
import { documentCache } from '../graphql/document-cache.js';
import { passGates, type Refusal } from '../graphql/gate.js';
import { parseWithin, requireWithinLimits } from '../graphql/limits.js';
import type { Call, GraphqlOptions } from './call.js';
import { answerOf, type Result } from './masking.js';
import { notAcceptable } from './media-type.js';
import { costExtension, costed, drawCost } from './query-cost.js';
import { tellRefusals } from './refused.js';
import { methodNotAllowed } from './respond.js';

interface InYoga {
  readonly call: Call;
}

export type YogaHandler = (req: IncomingMessage, res: ServerResponse, inYoga: InYoga) => unknown;

export function createYogaHandler(options: GraphqlOptions): YogaHandler {
  return createYoga<InYoga>({
    schema: options.schema,
    plugins: [doorPlugin(options)],
    graphqlEndpoint: '/graphql',
    // All of these are decided at the door or not wanted at all: CORS would reflect any origin, forms would pass by CSRF.
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
}

function doorPlugin(options: GraphqlOptions): Plugin<InYoga, InYoga> {
  const { schema, contextFor, limits, log, metrics, streams, onRefused } = options;
  const answer = (result: Result, { facts, mediaType }: Call) =>
    answerOf(result, mediaType, { requestId: facts.id, log });
  const refuse = async (args: ExecutionArgs, stop: (errors: Refusal) => void): Promise<void> => {
    const refusal = await refusalOf(options, args);
    if (refusal !== undefined) stop(refusal);
  };
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
    onContextBuilding({ context }) {
      const { call } = context;
      const { principal, facts, credentials, standing, document, params } = call;
      if (principal !== null && standing !== null && document !== null) {
        call.costed = costed(schema, { principal, standing, document, params });
      }
      // Descriptors, not values: reading a getter here would make, or refuse, what no field needs.
      Object.defineProperties(
        context,
        Object.getOwnPropertyDescriptors(contextFor(principal, facts, credentials, standing)),
      );
    },
    onExecute({ args, setExecuteFn, setResultAndStopExecution }) {
      setExecuteFn(execute as never);
      (args.contextValue as unknown as InYoga).call.facts.lane = 'ordinary';
      return refuse(args as ExecutionArgs, (errors) => setResultAndStopExecution({ errors } as never));
    },
    onSubscribe({ args, setResultAndStopExecution }) {
      // Before the source is opened: nobody would read it, and nothing would close it.
      if (!(args.contextValue as unknown as InYoga).call.mayStream) notAcceptable();
      return refuse(args as ExecutionArgs, (errors) => setResultAndStopExecution({ errors } as never));
    },
    onResultProcess({ result, setResult, serverContext: { call } }) {
      if (Array.isArray(result)) return;
      if (Symbol.asyncIterator in result) {
        metrics.countOperation(call.type, 'ok');
        setResult(streams.add(result, (event) => answer(event, call).result as typeof event));
        return;
      }
      tellRefusals(onRefused, call, result);
      const { status, headers, result: masked, code } = answer(result, call);
      metrics.countOperation(call.type, code ?? 'ok');
      const http = { status, headers: { ...headers } };
      const cost =
        limits === null || call.costed === null
          ? {}
          : { cost: costExtension(limits.limiter, call.costed, () => objectsIn(masked.data)) };
      setResult({ ...(masked as typeof result), extensions: { ...masked.extensions, ...cost, http } });
    },
  };
}

/** The gates, and last of them the cost. */
async function refusalOf({ schema, gates, limits }: GraphqlOptions, args: ExecutionArgs): Promise<Refusal | undefined> {
  const { document, operationName, variableValues: variables } = args;
  const context = args.contextValue as Context & InYoga;
  const refusal = await passGates(gates, { schema, document, operationName, variables, context });
  const { costed: of } = context.call;
  if (refusal !== undefined || limits === null || of === null) return refusal;
  return drawCost(limits.limiter, schema, of);
}

/** Also notes the operation's type. A mutation by GET is 405; a subscription may come by GET, as EventSource sends it. */
function requireMethod(result: unknown, call: Call): void {
  if (result === null || result instanceof Error) return;
  call.document = result as DocumentNode;
  call.type = getOperationAST(call.document, call.params.operationName)?.operation ?? 'unknown';
  if (call.method === 'GET' && call.type === 'mutation') throw methodNotAllowed('POST');
}
