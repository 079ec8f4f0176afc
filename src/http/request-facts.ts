// What is known of a request before anyone asks who sent it. Made once at the door; the audit trail, the log and every
// error of the answer carry its id.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { clientIp } from './client-ip.js';

export interface DoorFacts {
  /** The caller's own `X-Request-Id` when it is harmless, else made here. */
  readonly id: string;
  /** Null when the peer is no IP socket. */
  readonly ip: string | null;
  readonly userAgent: string | null;
  /** The page that sent the request; null outside a browser. */
  readonly origin: string | null;
  /** On this process's `performance.now()`. */
  readonly receivedAtMs: number;
  /** Which way the operation was answered; null: none, or not yet. A field of the log. */
  lane: 'fast' | 'split' | 'ordinary' | null;
}

const HARMLESS_ID = /^[\w.:+=-]{1,64}$/;
const USER_AGENT_CHARACTERS_MAX = 256;

export function factsOf(req: IncomingMessage, trustProxy: number): DoorFacts {
  const given = req.headers['x-request-id'];
  return {
    id: typeof given === 'string' && HARMLESS_ID.test(given) ? given : randomUUID(),
    ip: clientIp(req.socket.remoteAddress, forwardedFor(req), trustProxy),
    userAgent: req.headers['user-agent']?.slice(0, USER_AGENT_CHARACTERS_MAX) ?? null,
    origin: req.headers.origin ?? null,
    receivedAtMs: performance.now(),
    lane: null,
  };
}

function forwardedFor(req: IncomingMessage): string | undefined {
  const given = req.headers['x-forwarded-for'];
  return Array.isArray(given) ? given.join(',') : given;
}
