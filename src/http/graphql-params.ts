// Reads what GraphQL over HTTP calls a request's parameters: JSON by POST, the query string by GET, nothing else. Forms and
// multipart are not read, so that no page can make a browser send one with a cookie; a text that is no JSON is not echoed.
import type { IncomingMessage } from 'node:http';
import { requireVariablesWithoutNul } from '../graphql/nul.js';
import { CodedError } from '../platform/errors.js';
import { readBody } from './body.js';

export interface Params {
  readonly query: string;
  readonly operationName?: string;
  readonly variables?: Record<string, unknown>;
  readonly extensions?: Record<string, unknown>;
}

const bad = (message: string): CodedError => new CodedError('BAD_USER_INPUT', message);

const unsupported = (message: string): CodedError =>
  new CodedError('BAD_USER_INPUT', message, { reason: 'UNSUPPORTED_MEDIA_TYPE' });

/** Throws BAD_USER_INPUT: 400, or 413 and 415 by its reason. */
export async function readParams(req: IncomingMessage): Promise<Params> {
  if (req.method === 'GET') return paramsOfUrl(req.url ?? '');
  requireJson(req);
  const text = (await readBody(req)).toString('utf8');
  return paramsOf(parseJson(text, 'The request body'), text);
}

function requireJson(req: IncomingMessage): void {
  const [type = '', ...parameters] = (req.headers['content-type'] ?? '').toLowerCase().split(';');
  if (type.trim() !== 'application/json') {
    throw unsupported('Send the operation as JSON, with Content-Type: application/json.');
  }
  const charset = parameters.map((part) => part.trim()).find((part) => part.startsWith('charset='));
  if (charset !== undefined && !/^charset="?utf-?8"?$/.test(charset)) throw unsupported('Send the JSON in UTF-8.');
  const encoding = req.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') throw unsupported('Send the body without Content-Encoding.');
}

function paramsOfUrl(url: string): Params {
  const search = new URLSearchParams(url.includes('?') ? url.slice(url.indexOf('?') + 1) : '');
  const json = (name: string): unknown => {
    const text = search.get(name);
    return text === null || text === '' ? undefined : parseJson(text, `The parameter "${name}"`);
  };
  const body = {
    query: search.get('query') ?? undefined,
    operationName: search.get('operationName') || undefined,
    variables: json('variables'),
    extensions: json('extensions'),
  };
  return paramsOf(body, search.get('variables') ?? '');
}

function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw bad(`${what} is not valid JSON.`);
  }
}

/** @param text what the body was read from */
function paramsOf(body: unknown, text: string): Params {
  if (Array.isArray(body)) throw bad('Batches are not taken: send one operation per request.');
  if (!isObject(body)) throw bad('The request body must be a JSON object with a "query".');
  const { query, operationName, variables, extensions } = body;
  if (query === undefined || query === null) throw bad('The request has no "query".');
  if (typeof query !== 'string') throw bad('"query" must be a string.');
  if (!isAbsent(operationName) && typeof operationName !== 'string') throw bad('"operationName" must be a string.');
  if (!isAbsent(variables) && !isObject(variables)) throw bad('"variables" must be an object.');
  if (!isAbsent(extensions) && !isObject(extensions)) throw bad('"extensions" must be an object.');
  requireVariablesWithoutNul(variables, text);
  return {
    query,
    ...(isAbsent(operationName) ? {} : { operationName }),
    ...(isAbsent(variables) ? {} : { variables }),
    ...(isAbsent(extensions) ? {} : { extensions }),
  };
}

const isAbsent = (value: unknown): value is null | undefined => value === null || value === undefined;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
