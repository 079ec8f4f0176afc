// The door: every path that answers over HTTP, and the life of the server behind it. Bounded against callers who are slow,
// large or many; a request in progress is finished before the process ends, within the time that it is given.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import { type Config, urlOfAddress } from '../config.js';
import type { Gate } from '../graphql/gate.js';
import { ConfigurationError } from '../platform/errors.js';
import type { Authenticate, ContextFor, DoorLimits, OnRefused } from './call.js';
import type { FetchHandler } from './fetch-bridge.js';
import { createGraphql } from './graphql.js';
import { createHealth, type ReadinessChecks } from './health.js';
import type { HookReceivers } from './hooks.js';
import type { Lane } from './lane.js';
import { createMetrics, type EffectsByStatus, type Metrics } from './metrics.js';
import { type DoorFacts, factsOf } from './request-facts.js';
import { sendRefusal } from './respond.js';
import { createRoutes, type Route } from './routes.js';
import { openStreams } from './streams.js';

export interface DoorOptions {
  readonly config: Pick<Config, 'host' | 'port' | 'publicUrl' | 'allowedOrigins' | 'trustProxy'>;
  readonly log: Logger;
  readonly schema: GraphQLSchema;
  /** The printed schema with its directives, as `GET /schema.graphql` shows it; made when somebody first reads it. */
  readonly sdl: () => string;
  readonly authenticate: Authenticate;
  readonly contextFor: ContextFor;
  /** Null: nothing is limited. */
  readonly limits?: DoorLimits | null;
  /** `off`: everything goes the ordinary way. */
  readonly fastLane?: 'on' | 'off';
  /** Reads that compile; none where left out. */
  readonly lane?: Lane | null;
  /** Asked after limits and validation. */
  readonly gates?: readonly Gate[];
  /** Left out: nobody hears. */
  readonly onRefused?: OnRefused;
  readonly readiness: ReadinessChecks;
  /** Answers `/api/auth/*`; null: these paths do not exist. */
  readonly signIn?: FetchHandler | null;
  readonly hooks?: HookReceivers;
  /** By path; see well-known.ts. */
  readonly wellKnown?: ReadonlyMap<string, Route>;
  readonly effectsByStatus?: EffectsByStatus;
  readonly timeouts?: Partial<Timeouts>;
}

export interface Timeouts {
  readonly headersMs: number;
  /** From the first byte of a request to the last of its body. */
  readonly requestMs: number;
  /** How long an idle connection is kept for the next request. */
  readonly keepAliveMs: number;
  /** How often the two limits are looked after. */
  readonly checkEveryMs: number;
}

const TIMEOUTS: Timeouts = { headersMs: 10_000, requestMs: 30_000, keepAliveMs: 65_000, checkEveryMs: 2_000 };

export interface Door {
  /** Resolves with scheme, host and port as bound. Throws ConfigurationError when the address cannot be had. */
  listen(): Promise<string>;
  /** Takes no more requests, ends streams, lets the rest finish; what is still open after `withinMs` is cut. Safe twice. */
  drain(withinMs: number): Promise<void>;
}

export function createDoor(options: DoorOptions): Door {
  const { config, log, timeouts } = options;
  const limits = { ...TIMEOUTS, ...timeouts };
  const streams = openStreams();
  const metrics = createMetrics(options.effectsByStatus ?? null);
  const health = createHealth(options.readiness, log);
  const origins = () => ({ own: config.publicUrl, allowed: config.allowedOrigins });
  const {
    schema,
    authenticate,
    contextFor,
    limits: doorLimits = null,
    gates = [],
    onRefused = () => undefined,
    fastLane = 'on',
    lane = null,
  } = options;
  const graphql = createGraphql({
    schema,
    authenticate,
    contextFor,
    limits: doorLimits,
    gates,
    onRefused,
    fastLane,
    lane,
    origins,
    metrics,
    streams,
    log,
  });
  const { sdl, signIn = null, hooks = new Map(), wellKnown = new Map() } = options;
  const routeOf = createRoutes({ config, graphql, sdl, health, metrics, signIn, hooks, wellKnown });
  const isHttps = config.publicUrl?.startsWith('https:') === true;
  const server = createServer(
    {
      headersTimeout: limits.headersMs,
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: limits.checkEveryMs,
    },
    (req, res) => {
      const startedAt = performance.now();
      const facts = factsOf(req, config.trustProxy);
      setSafeHeaders(res, facts, isHttps);
      const path = pathOf(req);
      const { name, answer } = routeOf(path);
      res.once('close', () => observe(req, res, name, startedAt, facts, metrics, log));
      Promise.resolve()
        .then(() => answer(req, res, facts, path))
        .catch((error: unknown) => sendRefusal(req, res, error, { requestId: facts.id, log }));
    },
  );
  const open = connectionsOf(server);
  return {
    listen: () => listen(server, config),
    drain(withinMs) {
      health.startDraining();
      return drain(server, open, withinMs, () => streams.endAll());
    },
  };
}

// Proxies may send the whole URL in the request line; everything behind the door expects the path.
function pathOf(req: IncomingMessage): string {
  const url = req.url ?? '/';
  if (!url.startsWith('/') && URL.canParse(url)) {
    const { pathname, search } = new URL(url);
    req.url = pathname + search;
  }
  const path = req.url ?? '/';
  const query = path.indexOf('?');
  return query === -1 ? path : path.slice(0, query);
}

function setSafeHeaders(res: ServerResponse, facts: DoorFacts, isHttps: boolean): void {
  res.setHeader('X-Request-Id', facts.id);
  res.setHeader('X-Content-Type-Options', 'nosniff');
  res.setHeader('Referrer-Policy', 'no-referrer');
  res.setHeader('X-Frame-Options', 'DENY');
  res.setHeader('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'");
  if (isHttps) res.setHeader('Strict-Transport-Security', 'max-age=31536000');
}

function observe(
  req: IncomingMessage,
  res: ServerResponse,
  route: string,
  startedAt: number,
  facts: DoorFacts,
  metrics: Metrics,
  log: Logger,
): void {
  const milliseconds = performance.now() - startedAt;
  const isStream = String(res.getHeader('content-type') ?? '').startsWith('text/event-stream');
  metrics.countRequest(req.method ?? 'OTHER', route, res.statusCode, isStream ? Number.NaN : milliseconds / 1_000);
  const isBad = res.statusCode >= 500;
  if (!isBad && !log.isLevelEnabled('debug')) return;
  const line = {
    requestId: facts.id,
    method: req.method,
    route,
    status: res.statusCode,
    ms: Math.round(milliseconds),
    ...(facts.lane === null ? {} : { lane: facts.lane }),
  };
  if (isBad) log.warn(line, 'request');
  else log.debug(line, 'request');
}

const REMEDIES: ReadonlyMap<string | undefined, (host: string, port: number) => string> = new Map([
  [
    'EADDRINUSE',
    (host, port) =>
      `PORT ${port} on ${host} is already in use: stop what listens there, or set PORT to another one (0 picks a free one).`,
  ],
  ['EACCES', (host, port) => `PORT ${port} on ${host} may not be opened by this user: set PORT to 1024 or more.`],
  ['EADDRNOTAVAIL', (host) => `HOST ${host} is no address of this machine: set HOST to one that is, or to 0.0.0.0.`],
  ['ENOTFOUND', (host) => `HOST ${host} is not known: set HOST to an address of this machine.`],
]);

function listen(server: Server, { host, port }: DoorOptions['config']): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const remedy = REMEDIES.get(error.code);
      reject(remedy === undefined ? error : new ConfigurationError(remedy(host, port), { cause: error }));
    });
    server.listen({ host, port }, () => {
      resolve(urlOfAddress(host, (server.address() as AddressInfo).port));
    });
  });
}

const SWEEP_EVERY_MS = 25;

function drain(server: Server, open: ReadonlySet<Socket>, withinMs: number, endStreams: () => void): Promise<void> {
  return new Promise((resolve) => {
    const sweep = setInterval(() => {
      // A connection whose request has just ended becomes idle, and would wait there for a next one.
      server.closeIdleConnections();
      // Browsers connect ahead of time; Node counts a connection that never sent a byte as busy.
      for (const socket of open) if (socket.bytesRead === 0) socket.destroy();
    }, SWEEP_EVERY_MS);
    const cut = setTimeout(() => server.closeAllConnections(), withinMs);
    server.close(() => {
      clearInterval(sweep);
      clearTimeout(cut);
      resolve();
    });
    endStreams();
  });
}

function connectionsOf(server: Server): ReadonlySet<Socket> {
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  return open;
}
