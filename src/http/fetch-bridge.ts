// Hands a node:http request to a handler written for the web's Request and Response, and sends back what it answers. The
// client's address goes along as judged here: a handler that reads X-Forwarded-For must not believe the caller's.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { readBody } from './body.js';
import type { DoorFacts } from './request-facts.js';

export type FetchHandler = (request: Request) => Promise<Response>;

/** @param base scheme and host for the request's URL. */
export async function answerByFetch(
  req: IncomingMessage,
  res: ServerResponse,
  facts: DoorFacts,
  base: string,
  handle: FetchHandler,
): Promise<void> {
  const hasBody = req.method !== 'GET' && req.method !== 'HEAD';
  const body = hasBody ? await readBody(req) : null;
  const response = await handle(
    new Request(new URL(req.url ?? '/', base), {
      method: req.method ?? 'GET',
      headers: headersOf(req, facts),
      ...(body === null || body.length === 0 ? {} : { body: new Uint8Array(body) }),
    }),
  );
  const bytes = Buffer.from(await response.arrayBuffer());
  for (const [name, value] of response.headers) if (name !== 'set-cookie') res.setHeader(name, value);
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) res.setHeader('Set-Cookie', cookies);
  res.setHeader('Content-Length', bytes.length);
  res.writeHead(response.status).end(bytes);
}

// These belong to the connection, or are counted anew.
const NOT_PASSED: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'expect',
  'content-length',
  'x-forwarded-for',
  'x-real-ip',
  'forwarded',
]);

function headersOf(req: IncomingMessage, facts: DoorFacts): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(req.headers)) {
    if (value === undefined || NOT_PASSED.has(name)) continue;
    for (const one of Array.isArray(value) ? value : [value]) headers.append(name, one);
  }
  if (facts.ip !== null) headers.set('x-forwarded-for', facts.ip);
  headers.set('x-request-id', facts.id);
  return headers;
}
