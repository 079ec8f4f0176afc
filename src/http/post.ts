// A query or a mutation by POST: the common case, answered on Node's own request and response, since a layer of Request and
// Response objects costs more than most operations. Decides nothing of its own. A read that compiles is answered by one
// statement; everything else by the resolvers.
import type { ServerResponse } from 'node:http';
import { type DocumentNode, type ExecutionResult, execute } from 'graphql';
import type { ReadAnswer } from '../fast-lane/read-lane.js';
import type { Rest } from '../fast-lane/write-operation.js';
import { objectsIn } from '../graphql/cost.js';
import type { Documents } from '../graphql/documents.js';
import { passGates } from '../graphql/gate.js';
import type { Call, GraphqlOptions } from './call.js';
import { answerOf, type Result } from './masking.js';
import { costExtension, costed, drawCost } from './query-cost.js';
import { tellRefusals } from './refused.js';
import { sendText } from './respond.js';

/** False: it wants to stream, and nothing was done for it. Throws what `sendRefusal` understands. */
export type AnswerPost = (call: Call, res: ServerResponse) => Promise<boolean>;

export function postAnswers(options: GraphqlOptions, documents: Documents): AnswerPost {
  return async (call, res) => {
    const ran = await run(options, documents, call).catch((error: unknown): Ran => ({ result: { errors: [error] } }));
    if (ran === null) return false;
    return 'read' in ran ? sendRead(options, call, res, ran.read) : sendResult(options, call, res, ran.result);
  };
}

export function sendResult(options: GraphqlOptions, call: Call, res: ServerResponse, ran: Result): true {
  const { limits, metrics, log, onRefused } = options;
  const { facts, mediaType } = call;
  tellRefusals(onRefused, call, ran);
  const { status, headers, result, code } = answerOf(ran, mediaType, { requestId: facts.id, log });
  metrics.countOperation(call.type, code ?? 'ok');
  const objects = () => objectsIn(result.data);
  const cost = limits === null || call.costed === null ? null : costExtension(limits.limiter, call.costed, objects);
  const extensions = cost === null ? result.extensions : { ...result.extensions, cost };
  for (const name in headers) res.setHeader(name, headers[name] as string);
  sendText(res, status, mediaType, JSON.stringify({ ...result, extensions }));
  return true;
}

/** The text of `data` is spliced into the answer as the database made it. */
function sendRead({ limits, metrics }: GraphqlOptions, call: Call, res: ServerResponse, read: ReadAnswer): true {
  const { costed: of } = call;
  metrics.countOperation(call.type, 'ok');
  const cost = limits === null || of === null ? null : costExtension(limits.limiter, of, () => read.objectsInLists);
  sendText(res, 200, call.mediaType, answerText(read, cost));
  return true;
}

/** Named as JSON.stringify names them on the ordinary way. */
export const answerText = (read: ReadAnswer, cost: object | null): string =>
  `{"data":${read.data}${cost === null ? '' : `,"extensions":${JSON.stringify({ cost })}`}}`;

type Ran = { readonly result: Result } | { readonly read: ReadAnswer };

async function run(options: GraphqlOptions, documents: Documents, call: Call): Promise<Ran | null> {
  const { schema, contextFor, gates, limits } = options;
  const { principal, facts, credentials, standing, params } = call;
  const { document, operation, errors } = documents.open(params);
  call.document = document;
  call.type = operation.operation;
  if (call.type === 'subscription') return null;
  if (errors.length > 0) return { result: { errors } };
  if (principal !== null && standing !== null) call.costed = costed(schema, { principal, standing, document, params });
  const context = contextFor(principal, facts, credentials, standing);
  const { operationName, variables } = params;
  const refusal = await passGates(gates, { schema, document, operationName, variables, context });
  if (refusal !== undefined) return { result: { errors: refusal } };
  const costly =
    limits === null || call.costed === null ? undefined : await drawCost(limits.limiter, schema, call.costed);
  if (costly !== undefined) return { result: { errors: costly } };
  const read = await readCompiled(options, call, document);
  const rest = read?.rest ?? null;
  facts.lane = read === null ? 'ordinary' : rest === null ? 'fast' : 'split';
  if (read !== null && rest === null) return { read };
  const asked = { schema, operationName, variableValues: variables, contextValue: context };
  const result = await execute({ ...asked, document: rest?.document ?? document });
  return { result: read === null || rest === null ? result : joined(read, rest, result) };
}

/** What was read and what the resolvers answered, in the order of the operation. Where those have no data, there is none. */
function joined(read: ReadAnswer, { names }: Rest, result: ExecutionResult): Result {
  const { data: resolved } = result;
  if (resolved === null || resolved === undefined) return result;
  const found = JSON.parse(read.data) as Record<string, unknown>;
  const data: Record<string, unknown> = Object.create(null);
  for (const name of names) data[name] = Object.hasOwn(found, name) ? found[name] : resolved[name];
  return { ...result, data };
}

/** Null: it does not compile, or the resolvers have something to tell that a statement cannot, such as an error. */
async function readCompiled(
  { lane }: GraphqlOptions,
  { principal, params, standing, type }: Call,
  document: DocumentNode,
): Promise<ReadAnswer | null> {
  if (lane === null || principal === null || type !== 'query') return null;
  const compiled = lane.reads.compiledOf(document, params.operationName ?? null);
  const statement = compiled?.statementFor({ principal, variables: params.variables ?? null, standing }) ?? null;
  if (statement === null) return null;
  const rows = await lane.query(statement.byTenant());
  return statement.answerOf(rows?.[0]);
}
