// A query or a mutation by POST: the common case, answered on Node's own request and response, since a layer of Request and
// Response objects costs more than most operations. Decides nothing of its own.
import type { ServerResponse } from 'node:http';
import { execute } from 'graphql';
import { openDocuments } from '../graphql/documents.js';
import { passGates } from '../graphql/gate.js';
import type { Call, GraphqlOptions } from './call.js';
import { answerOf, type Result } from './masking.js';
import { costExtension, costed, drawCost } from './query-cost.js';

/** False: it wants to stream, and nothing was done for it. Throws what `sendRefusal` understands. */
export type AnswerPost = (call: Call, res: ServerResponse) => Promise<boolean>;

export function postAnswers(options: GraphqlOptions): AnswerPost {
  const { schema, limits, metrics, log } = options;
  const documents = openDocuments(schema);
  const resultOf = runner(options, documents);
  return async (call, res) => {
    const result = await resultOf(call).catch((error: unknown): Result => ({ errors: [error] }));
    if (result === null) return false;
    const { facts, mediaType } = call;
    const { status, headers, result: masked, code } = answerOf(result, mediaType, { requestId: facts.id, log });
    metrics.countOperation(call.type, code ?? 'ok');
    const cost = limits === null || call.costed === null ? null : costExtension(limits.limiter, call.costed, masked);
    const extensions = cost === null ? masked.extensions : { ...masked.extensions, cost };
    send(res, status, headers, mediaType, JSON.stringify({ ...masked, extensions }));
    return true;
  };
}

function runner(
  { schema, contextFor, gates, limits }: GraphqlOptions,
  documents: ReturnType<typeof openDocuments>,
): (call: Call) => Promise<Result | null> {
  return async (call) => {
    const { principal, facts, credentials, standing, params } = call;
    const { document, operation, errors } = documents.open(params);
    call.document = document;
    call.type = operation.operation;
    if (call.type === 'subscription') return null;
    if (errors.length > 0) return { errors };
    if (principal !== null && standing !== null)
      call.costed = costed(schema, { principal, standing, document, params });
    const context = contextFor(principal, facts, credentials, standing);
    const { operationName, variables } = params;
    const refusal = await passGates(gates, { schema, document, operationName, variables, context });
    if (refusal !== undefined) return { errors: refusal };
    const costly =
      limits === null || call.costed === null ? undefined : await drawCost(limits.limiter, schema, call.costed);
    if (costly !== undefined) return { errors: costly };
    facts.lane = 'ordinary';
    return execute({ schema, document, operationName, variableValues: variables, contextValue: context });
  };
}

function send(
  res: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>>,
  mediaType: string,
  text: string,
): void {
  if (res.headersSent || res.destroyed) return;
  for (const name in headers) res.setHeader(name, headers[name] as string);
  res
    .writeHead(status, { 'Content-Type': `${mediaType}; charset=utf-8`, 'Content-Length': Buffer.byteLength(text) })
    .end(text);
}
