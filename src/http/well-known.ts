// What is found under /.well-known/ without asking anybody: the form of keys for secret scanners, the keys that the
// audit trail is verified with, and whom to tell of a weakness (RFC 9116). Public, and the same for everyone.
import { type Clock, systemClock } from '../platform/clock.js';
import { fixedAnswer } from './fixed-answer.js';
import type { Route } from './routes.js';

export interface WellKnown {
  /** See auth/key-format-document. */
  readonly keyFormat: object;
  /** See audit/public-keys. */
  readonly auditKeys: object;
  /** A URI; null: there is no `security.txt`. */
  readonly securityContact: string | null;
  readonly publicUrl: string | null;
  readonly clock?: Clock;
}

const DAY_MS = 86_400_000;
/** RFC 9116 asks for less than a year, so that a contact nobody reads any more is not believed for ever. */
const SECURITY_TEXT_DAYS = 180;

/** Each path with what answers a reading request to it. */
export function wellKnownRoutes({ keyFormat, auditKeys, securityContact, publicUrl, clock = systemClock }: WellKnown) {
  const routes = new Map<string, Route>([
    ['/.well-known/sallyport-key-format', documentRoute(keyFormat, 'application/json')],
    ['/.well-known/sallyport-audit-keys', documentRoute(auditKeys, 'application/jwk-set+json')],
  ]);
  if (securityContact !== null) {
    routes.set('/.well-known/security.txt', (_req, res) => {
      const body = securityText(securityContact, publicUrl, clock.now());
      res.writeHead(200, { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'public, max-age=86400' });
      res.end(body);
    });
  }
  return routes;
}

const documentRoute = (document: object, contentType: string): Route =>
  fixedAnswer(`${JSON.stringify(document, null, 2)}\n`, contentType, 'public, max-age=3600');

function securityText(contact: string, publicUrl: string | null, now: Date): string {
  const today = now.getTime() - (now.getTime() % DAY_MS);
  const lines = [
    `Contact: ${contact}`,
    `Expires: ${new Date(today + SECURITY_TEXT_DAYS * DAY_MS).toISOString()}`,
    'Preferred-Languages: en',
    ...(publicUrl === null ? [] : [`Canonical: ${publicUrl}/.well-known/security.txt`]),
  ];
  return lines.map((line) => `${line}\r\n`).join('');
}
