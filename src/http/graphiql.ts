// GraphiQL for a browser, whole in one page: it loads nothing from anywhere and its policy would not let it. Nine megabytes,
// so it is rendered and compressed when first asked for, and kept.
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

interface Page {
  readonly plain: Buffer;
  readonly gzipped: Buffer;
  readonly etag: string;
  readonly policy: string;
}

const DEFAULT_QUERY = `# A key goes into the Headers tab: { "Authorization": "Bearer <your key>" }
# Without one, introspection works and the schema is in the Docs pane.
query WhoAmI {
  me {
    kind
    scopes
  }
}
`;

let page: Promise<Page> | null = null;

/** True for a browser that opens the endpoint, false for any client of the API. */
export const wantsGraphiql = (req: IncomingMessage): boolean =>
  (req.method === 'GET' || req.method === 'HEAD') && (req.headers.accept ?? '').includes('text/html');

export async function sendGraphiql(req: IncomingMessage, res: ServerResponse): Promise<void> {
  page ??= renderPage();
  const { plain, gzipped, etag, policy } = await page;
  res.setHeader('Content-Security-Policy', policy);
  res.setHeader('Cache-Control', 'private, no-cache');
  res.setHeader('ETag', etag);
  res.appendHeader('Vary', 'Accept, Accept-Encoding');
  if (req.headers['if-none-match'] === etag) {
    res.writeHead(304).end();
    return;
  }
  const isGzip = /\bgzip\b/.test(String(req.headers['accept-encoding'] ?? ''));
  const body = isGzip ? gzipped : plain;
  if (isGzip) res.setHeader('Content-Encoding', 'gzip');
  res.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Content-Length': body.length }).end(body);
}

async function renderPage(): Promise<Page> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const html = await renderGraphiQL({
    title: 'Sallyport GraphiQL',
    defaultQuery: DEFAULT_QUERY,
    credentials: 'same-origin',
    // Keys typed into the Headers tab stay out of the browser's storage.
    shouldPersistHeaders: false,
  });
  const plain = Buffer.from(html);
  const gzipped = await promisify(gzip)(plain);
  const etag = `"${createHash('sha256').update(plain).digest('base64url')}"`;
  return { plain, gzipped, etag, policy: policyOf(html) };
}

// The page's own scripts by their hash; its editor runs workers from blobs and writes styles; it talks to us alone.
function policyOf(html: string): string {
  const hashes = [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(
    ([, script = '']) => `'sha256-${createHash('sha256').update(script).digest('base64')}'`,
  );
  return [
    "default-src 'none'",
    `script-src ${hashes.join(' ')} blob:`,
    'worker-src blob:',
    "style-src 'unsafe-inline'",
    "img-src 'self' data:",
    'font-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
