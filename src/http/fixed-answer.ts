// A public text that stays the same for the life of the process, by its tag: the schema, the form of keys.
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

export type SendFixed = (req: IncomingMessage, res: ServerResponse) => void;

/**
 * @param text or what makes it when it is first asked for
 * @param cacheControl `public, no-cache`, which asks each time whether the tag is still the same, unless said otherwise
 */
export function fixedAnswer(
  text: string | (() => string),
  contentType: string,
  cacheControl = 'public, no-cache',
): SendFixed {
  let made: { readonly body: Buffer; readonly etag: string } | null = null;
  return (req, res) => {
    made ??= tagged(typeof text === 'string' ? text : text());
    const { body, etag } = made;
    res.setHeader('ETag', etag);
    res.setHeader('Cache-Control', cacheControl);
    if (holds(req.headers['if-none-match'], etag)) {
      res.writeHead(304).end();
      return;
    }
    res.writeHead(200, { 'Content-Type': `${contentType}; charset=utf-8`, 'Content-Length': body.length }).end(body);
  };
}

function tagged(text: string) {
  const body = Buffer.from(text);
  return { body, etag: `"${createHash('sha256').update(body).digest('base64url')}"` };
}

// Proxies that compress make the tag weak; for a body that never changes both mean the same.
const holds = (given = '', etag: string): boolean =>
  given.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === etag);
