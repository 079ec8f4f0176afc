// Which path is answered by whom. Paths are a closed table; what is in none of its rows does not exist.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Config } from '../config.js';
import { answerPreflight, setCorsHeaders } from './cross-origin.js';
import { answerByFetch, type FetchHandler } from './fetch-bridge.js';
import { fixedAnswer } from './fixed-answer.js';
import type { Health } from './health.js';
import { answerHook, type HookReceivers } from './hooks.js';
import type { Metrics } from './metrics.js';
import type { DoorFacts } from './request-facts.js';
import { methodNotAllowed, unknownPath } from './respond.js';

export type Route = (req: IncomingMessage, res: ServerResponse, facts: DoorFacts, path: string) => void | Promise<void>;

export interface NamedRoute {
  /** Label in metrics and log. */
  readonly name: string;
  readonly answer: Route;
}

export interface RouteParts {
  readonly config: Pick<Config, 'host' | 'publicUrl' | 'allowedOrigins'>;
  readonly graphql: Route;
  /** Made when somebody first reads it. */
  readonly sdl: () => string;
  readonly health: Health;
  readonly metrics: Metrics;
  /** Null: `/api/auth` does not exist. */
  readonly signIn: FetchHandler | null;
  readonly hooks: HookReceivers;
  /** What else is read, by path. */
  readonly wellKnown: ReadonlyMap<string, Route>;
}

/** The route of each path, also of those that do not exist. */
export function createRoutes({
  config,
  graphql,
  sdl,
  health,
  metrics,
  signIn,
  hooks,
  wellKnown,
}: RouteParts): (path: string) => NamedRoute {
  const sendSchema = fixedAnswer(sdl, 'text/plain');
  const exact: ReadonlyMap<string, NamedRoute> = new Map([
    ['/graphql', { name: '/graphql', answer: graphql }],
    ...[...wellKnown].map(([path, answer]): [string, NamedRoute] => [path, reading(path, answer)]),
    ['/schema.graphql', reading('/schema.graphql', sendSchema)],
    ['/healthz', reading('/healthz', (_req, res) => health.sendLiveness(res))],
    ['/readyz', reading('/readyz', (_req, res) => health.sendReadiness(res))],
    ['/metrics', reading('/metrics', (_req, res) => sendMetrics(res, metrics))],
  ]);
  const hook: NamedRoute = {
    name: '/hooks/:id',
    answer: (req, res, facts, path) => answerHook(req, res, path.slice('/hooks/'.length), facts, hooks),
  };
  const auth: NamedRoute = {
    name: '/api/auth',
    async answer(req, res, facts) {
      if (signIn === null) throw unknownPath();
      setCorsHeaders(req, res, { own: config.publicUrl, allowed: config.allowedOrigins });
      if (req.method === 'OPTIONS') return answerPreflight(res);
      res.setHeader('Cache-Control', 'no-store');
      await answerByFetch(req, res, facts, config.publicUrl ?? `http://${req.headers.host ?? config.host}`, signIn);
    },
  };
  const none: NamedRoute = {
    name: 'none',
    answer() {
      throw unknownPath();
    },
  };
  return (path) => {
    if (path.startsWith('/api/auth/')) return auth;
    return exact.get(path) ?? (/^\/hooks\/[\w-]{1,64}$/.test(path) ? hook : none);
  };
}

const reading = (name: string, answer: Route): NamedRoute => ({
  name,
  answer(req, res, facts, path) {
    if (req.method !== 'GET' && req.method !== 'HEAD') throw methodNotAllowed('GET');
    return answer(req, res, facts, path);
  },
});

async function sendMetrics(res: ServerResponse, metrics: Metrics): Promise<void> {
  const text = await metrics.print();
  res.writeHead(200, { 'Content-Type': metrics.contentType }).end(text);
}
