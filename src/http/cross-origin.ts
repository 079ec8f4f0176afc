// Which pages of a browser may talk to us. Closed: a page of another origin reads nothing and uses no session cookie unless
// the operator listed its exact origin; a request with a session cookie must be one that no plain form or link can make.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { sessionCookieOf } from '../auth/credentials.js';
import { CodedError } from '../platform/errors.js';

export interface Origins {
  /** Our own; null when it is only known by the Host header. */
  readonly own: string | null;
  readonly allowed: readonly string[];
}

const ASKED_HEADERS = 'Content-Type, Authorization, X-API-Key, X-Workspace-Id, X-Request-Id, X-Sallyport-CSRF';
const SHOWN_HEADERS = 'X-Request-Id, WWW-Authenticate, Retry-After, RateLimit, RateLimit-Policy';

// A page cannot add any of these to a request without asking first (a preflight, which we answer for listed origins only).
const NOT_SIMPLE = ['x-sallyport-csrf', 'x-graphql-yoga-csrf', 'x-workspace-id', 'apollo-require-preflight'] as const;

/** Lets a listed origin read the answer; for all others no header is set, and the browser keeps the answer from the page. */
export function setCorsHeaders(req: IncomingMessage, res: ServerResponse, origins: Origins): void {
  if (origins.allowed.length === 0) return;
  res.setHeader('Vary', 'Origin');
  const { origin } = req.headers;
  if (origin === undefined || !origins.allowed.includes(origin)) return;
  res.setHeader('Access-Control-Allow-Origin', origin);
  res.setHeader('Access-Control-Allow-Credentials', 'true');
  res.setHeader('Access-Control-Expose-Headers', SHOWN_HEADERS);
}

/** Answers OPTIONS; `setCorsHeaders` came before and decided whether the page may go on. */
export function answerPreflight(res: ServerResponse): void {
  res.setHeader('Allow', 'GET, POST, OPTIONS');
  if (res.hasHeader('Access-Control-Allow-Origin')) {
    res.setHeader('Access-Control-Allow-Methods', 'GET, POST');
    res.setHeader('Access-Control-Allow-Headers', ASKED_HEADERS);
    res.setHeader('Access-Control-Max-Age', '600');
  }
  res.writeHead(204).end();
}

/** Throws FORBIDDEN (reason CSRF). Requests without a session cookie pass: a key is never sent by a browser on its own. */
export function requireNoForgery(req: IncomingMessage, origins: Origins): void {
  if (sessionCookieOf(req.headers.cookie ?? null) === null) return;
  const { origin } = req.headers;
  if (origin !== undefined && !isOurs(origin, req, origins) && !origins.allowed.includes(origin)) {
    throw forgery('Pages of this origin may not use a session here. The operator may list it in ALLOWED_ORIGINS.');
  }
  if (isJson(req.headers['content-type']) || NOT_SIMPLE.some((name) => req.headers[name] !== undefined)) return;
  throw forgery('With a session cookie send Content-Type: application/json or the header X-Sallyport-CSRF: 1.');
}

const forgery = (message: string): CodedError => new CodedError('FORBIDDEN', message, { reason: 'CSRF' });

// The Host of a cross-site request is ours while its Origin is the attacker's, so that equality proves one site.
function isOurs(origin: string, req: IncomingMessage, { own }: Origins): boolean {
  if (origin === own) return true;
  return URL.canParse(origin) && new URL(origin).host === req.headers.host?.toLowerCase();
}

const isJson = (contentType: string | undefined): boolean =>
  contentType !== undefined && /^application\/json\s*(;|$)/i.test(contentType);
