// The door on a free port with a schema of a few fields, for tests that are about HTTP and not about the product.
import { setTimeout as delay } from 'node:timers/promises';
import {
  buildSchema,
  GraphQLError,
  type GraphQLFieldResolver,
  type GraphQLObjectType,
  type GraphQLSchema,
  isObjectType,
} from 'graphql';
import { pino } from 'pino';
import type { Credentials } from '../../src/auth/credentials.js';
import type { Principal } from '../../src/auth/principal.js';
import type { Context } from '../../src/context.js';
import { createDoor, type Door, type DoorOptions } from '../../src/http/server.js';
import { badInput, CodedError } from '../../src/platform/errors.js';

const SDL = `
  type Query {
    hello(name: String): String!
    slow(ms: Int!): String
    principal: String
    contextKeys: [String!]!
    fail(how: String!): String
    failHard(how: String!): String!
    people(first: Int, last: Int): [Person!]!
    nodes(ids: [ID!]!): [Person]!
  }
  type Person { id: ID! friends(first: Int, last: Int): [Person!]! best: Person }
  type Mutation { count(by: Int!): Int! }
  type Subscription { ticks(until: Int!): Int! silence: Int! broken: Int! }
`;

const FAILURES: Readonly<Record<string, () => unknown>> = {
  coded: () => badInput('The name is too long.', 'name'),
  forbidden: () =>
    new CodedError('FORBIDDEN', 'Insufficient permissions. Required scope: agents:read', {
      requiredScopes: [['agents:read']],
    }),
  missing: () => new CodedError('UNAUTHENTICATED', 'This field takes a credential.', { reason: 'MISSING' }),
  limited: () =>
    new CodedError('RATE_LIMITED', 'Too many requests.', {
      limit: 'default',
      quota: 30,
      windowSeconds: 60,
      remaining: 0,
      retryAfterSeconds: 1.2,
    }),
  wrapped: () => new GraphQLError('seen', { originalError: badInput('The wrapped cause.') }),
  defect: () => new Error('SELECT secret FROM somewhere /home/me/file.ts'),
  graphql: () => new GraphQLError('an error without a code /home/me'),
  text: () => 'a thrown text /home/me',
  database: () => Object.assign(new Error('connect ECONNREFUSED 10.0.0.1:5432'), { code: 'ECONNREFUSED' }),
  prisma: () =>
    Object.assign(new Error("Can't reach database server at 10.0.0.1"), {
      name: 'PrismaClientKnownRequestError',
      code: 'P1001',
    }),
  adapter: () =>
    Object.assign(new Error('adapter'), { cause: { kind: 'DatabaseNotReachable', message: 'no route to 10.0.0.1' } }),
};

const failing: GraphQLFieldResolver<unknown, unknown> = (_source, { how }) => {
  throw FAILURES[String(how)]?.();
};

const person = { id: 'p', friends: [], best: null };

/** What the mutations of this process did: tells whether a refused request ran. */
export const counted = { total: 0 };

const RESOLVERS: Readonly<Record<string, Readonly<Record<string, GraphQLFieldResolver<unknown, TestContext>>>>> = {
  Query: {
    hello: (_source, { name }) => `hello ${name ?? 'you'}`,
    slow: (_source, { ms }) => delay(Number(ms), 'done'),
    principal: (_source, _args, context) => context.who,
    contextKeys: (_source, _args, context) => Object.keys(context),
    fail: failing,
    failHard: failing,
    people: () => [person],
    nodes: (_source, { ids }) => (ids as string[]).map((id) => ({ ...person, id })),
  },
  Mutation: {
    count: (_source, { by }) => {
      counted.total += Number(by);
      return counted.total;
    },
  },
};

interface TestContext {
  readonly who: string | null;
}

async function* ticks(_source: unknown, { until }: { until: number }): AsyncGenerator<{ ticks: number }> {
  for (let tick = 1; tick <= until; tick += 1) yield { ticks: tick };
}

/** Streams that were closed by their reader or by the server. */
export const closed = { streams: 0 };

async function* silence(): AsyncGenerator<{ silence: number }> {
  const timer = new AbortController();
  try {
    yield { silence: 0 };
    await delay(60_000, undefined, { signal: timer.signal, ref: false });
  } finally {
    timer.abort();
  }
}

// A generator cannot be closed while it waits; this is how a source of events looks that can.
function closable(source: AsyncGenerator<unknown>): AsyncIterableIterator<unknown> {
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next: () => source.next(),
    return() {
      closed.streams += 1;
      return Promise.resolve({ done: true, value: undefined });
    },
  };
}

async function* broken(): AsyncGenerator<{ broken: number }> {
  yield { broken: 1 };
  throw new Error('SELECT secret FROM somewhere');
}

export function testSchema(): GraphQLSchema {
  const schema = buildSchema(SDL);
  for (const [typeName, fields] of Object.entries(RESOLVERS)) {
    const type = schema.getType(typeName);
    if (!isObjectType(type)) continue;
    for (const [name, resolve] of Object.entries(fields)) set(type, name, { resolve });
  }
  const subscription = schema.getSubscriptionType() as GraphQLObjectType;
  set(subscription, 'ticks', { subscribe: ticks });
  set(subscription, 'silence', { subscribe: () => closable(silence()) });
  set(subscription, 'broken', { subscribe: broken });
  return schema;
}

function set(type: GraphQLObjectType, name: string, how: object): void {
  Object.assign(type.getFields()[name] ?? {}, how);
}

/** Keys are `good…` or `bad…`, sessions likewise. */
async function authenticate({ authorization, xApiKey, cookie }: Credentials): Promise<Principal | null> {
  const sent = xApiKey ?? authorization?.replace(/^Bearer +/i, '') ?? cookie;
  if (sent === null) return null;
  if (sent.includes('down')) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  if (!sent.includes('good')) {
    throw new CodedError('UNAUTHENTICATED', 'This key is not known.', { reason: 'UNKNOWN' });
  }
  return { kind: cookie === null ? 'ACCOUNT_KEY' : 'SESSION', id: sent } as Principal;
}

export interface TestServer {
  readonly url: string;
  readonly graphql: string;
  readonly door: Door;
  /** Everything logged, as text. */
  readonly logged: () => string;
  post(body: unknown, headers?: Record<string, string>): Promise<Response>;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
}

export async function startTestServer(options: Partial<DoorOptions> = {}): Promise<TestServer> {
  const lines: string[] = [];
  const door = createDoor({
    config: { host: '127.0.0.1', port: 0, publicUrl: null, allowedOrigins: [], trustProxy: 0 },
    log: pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) }),
    schema: testSchema(),
    sdl: () => SDL,
    authenticate,
    contextFor: (principal, facts) =>
      ({
        who: principal?.id ?? null,
        facts,
        get world() {
          throw new CodedError('UNAUTHENTICATED', 'Nobody asked for the world.', { reason: 'MISSING' });
        },
      }) as unknown as Context,
    readiness: {},
    ...options,
  });
  const url = await door.listen();
  return {
    url,
    graphql: `${url}/graphql`,
    door,
    logged: () => lines.join(''),
    post: (body, headers = {}) =>
      fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: GRAPHQL_RESPONSE, ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    get: (path, headers = {}) => fetch(`${url}${path}`, { headers }),
  };
}

export const GRAPHQL_RESPONSE = 'application/graphql-response+json';
