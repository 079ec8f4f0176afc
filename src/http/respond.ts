// Writes the answers that need no GraphQL: refusals at the door, health, pages that do not exist.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CodedError } from '../platform/errors.js';
import { refusalOf } from './masking.js';
import { negotiate } from './media-type.js';
import type { Masking } from './verdict.js';

export function sendJson(res: ServerResponse, status: number, body: unknown, contentType = 'application/json'): void {
  const bytes = Buffer.from(JSON.stringify(body));
  res.writeHead(status, { 'Content-Type': `${contentType}; charset=utf-8`, 'Content-Length': bytes.length }).end(bytes);
}

/** Nothing when the caller has gone or the answer has begun. */
export function sendText(res: ServerResponse, status: number, mediaType: string, text: string): void {
  if (res.headersSent || res.destroyed) return;
  res
    .writeHead(status, { 'Content-Type': `${mediaType}; charset=utf-8`, 'Content-Length': Buffer.byteLength(text) })
    .end(text);
}

/** Sends a refusal in GraphQL's own shape; nothing when the caller has gone or the answer has begun. */
export function sendRefusal(req: IncomingMessage, res: ServerResponse, error: unknown, masking: Masking): void {
  if (res.headersSent || res.destroyed) return;
  const { status, headers, result } = refusalOf(error, masking);
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  const asked = negotiate(req.headers.accept);
  sendJson(res, status, result, asked === 'application/graphql-response+json' ? asked : 'application/json');
}

export const unknownPath = (): CodedError =>
  new CodedError('NOT_FOUND', 'Nothing answers at this path. The API is at /graphql, its schema at /schema.graphql.', {
    reason: 'UNKNOWN_PATH',
  });

export const methodNotAllowed = (allow: string): CodedError =>
  new CodedError('BAD_USER_INPUT', `This path takes ${allow}.`, { reason: 'METHOD_NOT_ALLOWED', allow });
