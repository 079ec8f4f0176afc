// Takes from a request what it says about who is asking. Refuses here, before any look-up, what cannot be judged: two
// different credentials, a header twice with different values, a scheme that is not ours.
import type { IncomingMessage } from 'node:http';
import { type Credentials, sessionCookieOf } from '../auth/credentials.js';
import { CodedError } from '../platform/errors.js';
import type { DoorFacts } from './request-facts.js';

const BEARER = /^Bearer +([^\s,]+)$/i;

const ambiguous = (what: string): CodedError =>
  new CodedError('AMBIGUOUS_CREDENTIALS', `The request carries ${what}. Send one credential.`);

const malformed = (message: string): CodedError => new CodedError('UNAUTHENTICATED', message, { reason: 'MALFORMED' });

/** Throws AMBIGUOUS_CREDENTIALS, or UNAUTHENTICATED with reason MALFORMED. The cookie is null when it holds no session. */
export function credentialsOf(req: IncomingMessage, facts: DoorFacts): Credentials {
  const sent = valuesOf(req.rawHeaders);
  const authorization = one(sent.authorization, 'two different Authorization headers');
  const xApiKey = one(sent.xApiKey, 'two different X-API-Key headers');
  const workspaceId = one(sent.workspaceId, 'two different X-Workspace-Id headers');
  const cookie = sessionCookieOf(req.headers.cookie ?? null) === null ? null : (req.headers.cookie ?? null);
  const bearer = authorization === null ? null : (BEARER.exec(authorization)?.[1] ?? '');
  if (bearer !== null && xApiKey !== null && bearer !== xApiKey) {
    throw ambiguous('different keys in Authorization and X-API-Key');
  }
  if (cookie !== null && (bearer !== null || xApiKey !== null)) throw ambiguous('both a key and a session cookie');
  if (bearer === '') throw malformed('The Authorization header is not of the form "Bearer <key>".');
  if (xApiKey === '') throw malformed('The X-API-Key header is empty.');
  const { ip, userAgent } = facts;
  return { authorization, xApiKey, cookie, workspaceId, ip, userAgent, isFromBrowser: isFromBrowser(req) };
}

/**
 * Whether a page sent it. Every browser adds Origin to a POST and to a request of another site, and Sec-Fetch-Site to the
 * rest; no page can take them away. Sec-Fetch-Mode tells nothing: fetch of Node sends it too. A proxy that passes a
 * browser's headers on with a key of its own looks like one.
 */
function isFromBrowser({ headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site'];
  // `none`: typed in, opened from a bookmark or sent by an extension, and by no page.
  return headers.origin !== undefined || (site !== undefined && site !== 'none');
}

interface Sent {
  readonly authorization: string[];
  readonly xApiKey: string[];
  readonly workspaceId: string[];
}

// Node keeps the first Authorization and joins several X-API-Key: only the raw list tells that there were two.
function valuesOf(rawHeaders: readonly string[]): Sent {
  const sent: Sent = { authorization: [], xApiKey: [], workspaceId: [] };
  for (let place = 0; place + 1 < rawHeaders.length; place += 2) {
    const list = listFor(sent, rawHeaders[place] ?? '');
    list?.push((rawHeaders[place + 1] ?? '').trim());
  }
  return sent;
}

function listFor(sent: Sent, name: string): string[] | null {
  // Lengths first: most headers are none of these and are not worth a lower-case copy.
  if (name.length === 13 && name.toLowerCase() === 'authorization') return sent.authorization;
  if (name.length === 9 && name.toLowerCase() === 'x-api-key') return sent.xApiKey;
  return name.length === 14 && name.toLowerCase() === 'x-workspace-id' ? sent.workspaceId : null;
}

function one(values: readonly string[], what: string): string | null {
  if (values.some((value) => value !== values[0])) throw ambiguous(what);
  return values[0] ?? null;
}
