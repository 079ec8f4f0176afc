// The public schema as text, for code generators and diff tools. One string for the life of the process.
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

export type SendSchema = (req: IncomingMessage, res: ServerResponse) => void;

export function schemaSender(sdl: string): SendSchema {
  const body = Buffer.from(sdl);
  const etag = `"${createHash('sha256').update(body).digest('base64url')}"`;
  return (req, res) => {
    res.setHeader('ETag', etag);
    res.setHeader('Cache-Control', 'public, no-cache');
    if (holds(req.headers['if-none-match'], etag)) {
      res.writeHead(304).end();
      return;
    }
    res.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8', 'Content-Length': body.length }).end(body);
  };
}

// Proxies that compress make the tag weak; for a body that never changes both mean the same.
const holds = (given = '', etag: string): boolean =>
  given.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
