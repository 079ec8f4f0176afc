// What Prometheus reads at /metrics. Labels come from closed lists only (routes, codes, operation types), never from what a
// caller wrote, so that nobody can grow the number of series.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface Metrics {
  countRequest(method: string, route: string, status: number, seconds: number): void;
  /** @param outcome `ok` or the code of the first error. */
  countOperation(type: OperationType, outcome: string): void;
  readonly contentType: string;
  print(): Promise<string>;
}

export type OperationType = 'query' | 'mutation' | 'subscription' | 'unknown';

export type EffectsByStatus = () => Promise<Readonly<Record<string, number>>>;

const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'OPTIONS', 'DELETE', 'PATCH']);

export function createMetrics(effectsByStatus: EffectsByStatus | null = null): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = new Counter({
    name: 'sallyport_http_requests_total',
    help: 'HTTP requests answered, by route and status.',
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
  });
  const durations = new Histogram({
    name: 'sallyport_http_request_duration_seconds',
    help: 'Time from the headers of a request to the end of its answer; streams are left out.',
    labelNames: ['route'],
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  const operations = new Counter({
    name: 'sallyport_graphql_operations_total',
    help: 'GraphQL operations, by type and outcome (ok, or the code of the first error).',
    labelNames: ['type', 'outcome'],
    registers: [registry],
  });
  if (effectsByStatus !== null) addEffects(registry, effectsByStatus);
  // A series is looked up by its labels, which costs more than to count; the labels are from closed lists, so are these.
  const [requestsOf, durationsOf, operationsOf] = [
    new Map<string, Counter.Internal>(),
    new Map<string, Histogram.Internal<'route'>>(),
    new Map<string, Counter.Internal>(),
  ];
  return {
    countRequest(method, route, status, seconds) {
      const known = METHODS.has(method) ? method : 'OTHER';
      kept(requestsOf, `${known} ${status} ${route}`, () => requests.labels(known, route, String(status))).inc();
      if (Number.isFinite(seconds)) kept(durationsOf, route, () => durations.labels(route)).observe(seconds);
    },
    countOperation: (type, outcome) =>
      kept(operationsOf, `${type} ${outcome}`, () => operations.labels(type, outcome)).inc(),
    contentType: registry.contentType,
    print: () => registry.metrics(),
  };
}

function kept<T>(known: Map<string, T>, key: string, make: () => T): T {
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = make();
  known.set(key, made);
  return made;
}

function addEffects(registry: Registry, effectsByStatus: EffectsByStatus): void {
  new Gauge({
    name: 'sallyport_effects',
    help: 'Effects, by status.',
    labelNames: ['status'],
    registers: [registry],
    async collect() {
      this.reset();
      for (const [status, count] of Object.entries(await effectsByStatus())) this.set({ status }, count);
    },
  });
}
