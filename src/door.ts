// The door, connected: who asks, what they are given, what is judged before anything runs, and what the health paths say.
import type { GraphQLError } from 'graphql';
import type { KnownKey } from './audit/known-keys.js';
import { auditKeySet } from './audit/public-keys.js';
import { type RecordRefusal, refusalRecorder } from './audit/refusal.js';
import type { RefusalLog } from './audit/refusal-log.js';
import { factsOfKey, openApiKeyDoor } from './auth/api-key.js';
import type { RecordAuthAudit } from './auth/audit-port.js';
import { openDoors, openExpectations, openJudge } from './auth/authenticate.js';
import { openCredentialWatch } from './auth/credential-watch.js';
import type { KeyForms } from './auth/imported-formats.js';
import { keyFormatDocument } from './auth/key-format-document.js';
import type { KeyUsage } from './auth/key-usage.js';
import type { Principal } from './auth/principal.js';
import { openAnonymousLimit } from './auth/rate-limit/anonymous-limit.js';
import { openGuessGate } from './auth/rate-limit/guess-gate.js';
import type { RateLimiter } from './auth/rate-limit/rate-limiter.js';
import { openSessionDoor } from './auth/session.js';
import { openSignIn } from './auth/sign-in.js';
import type { Config } from './config.js';
import type { Context } from './context.js';
import type { Database } from './db/database.js';
import { pendingMigrations } from './db/migrate.js';
import type { CreateWorld } from './effects/create-world.js';
import { enqueuePeopleMail } from './effects/people-mail.js';
import type { FanOut } from './events/fan-out.js';
import { hasNothingToTell, openReadLane, type ReadRow } from './fast-lane/read-lane.js';
import { agentBinding, agentIdsIn } from './graphql/agent-binding.js';
import { judgementOf, preflight } from './graphql/preflight/preflight.js';
import { scopeUse } from './graphql/preflight/scope-use.js';
import { printSdl } from './graphql/print.js';
import { guardedDb, type Walls } from './guard/guarded-db.js';
import type { ReadinessChecks } from './http/health.js';
import type { Lane } from './http/lane.js';
import { createDoor } from './http/server.js';
import { wellKnownRoutes } from './http/well-known.js';
import { openOperations } from './operations.js';
import type { Clock } from './platform/clock.js';
import type { Logger } from './platform/logger.js';
import type { Secrets } from './platform/secrets.js';
import { contextMaker, openListening, tenantOf } from './request.js';
import { schema } from './schema.js';

export interface HttpOptions {
  readonly config: Config;
  readonly database: Database;
  readonly walls?: Walls;
  readonly preflight?: 'on' | 'off';
  readonly signInAttemptsMax?: number;
  readonly addressLimits?: AddressLimits;
}

/** Per address and minute; the defaults where left out. */
export interface AddressLimits {
  readonly guesses?: number;
  readonly anonymous?: number;
}

export interface HttpParts {
  readonly log: Logger;
  readonly clock: Clock;
  readonly limiter: RateLimiter;
  readonly secrets: Secrets;
  /** Whoever signed checkpoints, now or once. */
  readonly auditKeys: readonly KnownKey[];
  readonly createWorld: CreateWorld;
  readonly keyForms: KeyForms;
  readonly fanOut: FanOut;
  readonly usage: KeyUsage;
  readonly refusalLog: RefusalLog;
  readonly audit: RecordAuthAudit;
  readonly onError: (error: unknown) => void;
}

export async function openHttp(options: HttpOptions, parts: HttpParts) {
  const { config, database, walls = 'both', addressLimits } = options;
  const { log, clock, limiter, secrets, createWorld, keyForms, fanOut, usage, refusalLog, audit, onError } = parts;
  const cookieSecrets = secrets.cookies.map((secret) => secret.toString('base64url'));
  let ownUrl = config.publicUrl;
  const signIn = openSignIn({
    database,
    publicUrl: () => ownUrl ?? 'http://localhost',
    allowedOrigins: config.allowedOrigins,
    secrets: cookieSecrets,
    audit,
    enqueueMail: enqueuePeopleMail,
    signUpSecrets: secrets.signUp,
    oidc: config.oidc,
    onError,
    ...(options.signInAttemptsMax === undefined ? {} : { signInAttemptsMax: options.signInAttemptsMax }),
  });
  const doors = {
    apiKeys: openApiKeyDoor(database, keyForms, openGuessGate(clock, addressLimits?.guesses)),
    sessions: openSessionDoor(database, cookieSecrets),
    secureOnly: config.publicUrl?.startsWith('https:') ?? false,
    countUse: usage.count,
  };
  // Who is judged again guesses nothing, and waits in no line.
  const judge = openJudge({ ...doors, apiKeys: openApiKeyDoor(database, keyForms) });
  const watch = await openCredentialWatch(database, judge);
  const listening = openListening(fanOut, watch);
  const refusals = refusalRecorder(database);
  const onRefused = (context: Context, errors: readonly GraphQLError[]) =>
    auditRefusal(refusals, context, errors).catch(onError);
  const introspection = config.introspection === 'keys' ? 'keys' : 'open';
  const contextFor = contextMaker({
    database,
    walls,
    createWorld,
    listening,
    countScopes: usage.countScopes,
    introspection,
    cursorSecrets: secrets.cursors,
    planSecrets: secrets.plans,
  });
  const gates = [
    preflight({ introspection, preflight: options.preflight ?? 'on', onRefused }),
    agentBinding((principal, ids) => agentsExist(database, principal, ids), onRefused),
    scopeUse,
  ];
  const lane: Lane = {
    reads: openReadLane({ schema, walls, cursorSecrets: secrets.cursors, factsOfKey, plans: config.plans, clock }),
    expectations: openExpectations(doors),
    passes: passesGates(introspection, options.preflight ?? 'on'),
    countScopes({ workspaceId, apiKeyId: keyId }, scopes) {
      if (keyId !== null) usage.countScopes({ workspaceId, keyId }, scopes);
    },
    query: ({ name, text, values, isShort }) =>
      database[isShort ? 'shortQuery' : 'query']<ReadRow>(name, text, values).catch((error: unknown) => {
        if (!hasNothingToTell(error)) onError(error);
        return null;
      }),
  };
  const door = createDoor({
    config,
    log,
    schema,
    sdl: () => printSdl(schema),
    authenticate: openDoors(doors),
    limits: { limiter, admitAnonymous: openAnonymousLimit(clock, addressLimits?.anonymous) },
    contextFor,
    fastLane: config.fastLane,
    lane,
    gates,
    onRefused: refusalLog.note,
    readiness: readinessOf(database),
    signIn: signIn.handle,
    wellKnown: wellKnownRoutes({
      ...config,
      keyFormat: keyFormatDocument(config.keyBrand),
      auditKeys: auditKeySet(parts.auditKeys),
    }),
    effectsByStatus: () => effectsByStatus(database),
  });
  return {
    /** GraphQL from inside, past the same gates. */
    operations: openOperations({ schema, gates, limiter, contextFor, createWorld, log }),
    async listen() {
      const url = await door.listen();
      ownUrl ??= url;
      return url;
    },
    /** Where people reach this server; the address it listens on where none is configured. */
    publicUrl: () => ownUrl ?? 'http://localhost',
    async stop(withinMs: number) {
      await door.drain(withinMs);
      await signIn.settled();
      await watch.close();
    },
  };
}

/** The gates, asked of a read by a key that is only expected to be good: nothing is told to anybody. */
const passesGates =
  (introspection: 'open' | 'keys', mode: 'on' | 'off'): Lane['passes'] =>
  ({ document, params: { operationName, variables }, principal }) => {
    const { agentId } = principal;
    if (agentId !== null && agentIdsIn(document, variables).some((id) => id !== agentId)) return null;
    if (mode === 'off') return [];
    const judged = judgementOf({ schema, document, operationName, variables, principal, introspection });
    return judged.errors.length === 0 ? judged.scopesUsed : null;
  };

const refusedCodes = new Set(['FORBIDDEN', 'FORBIDDEN_AGENT']);

/** A known principal that asked for more than it holds leaves an entry; an anonymous request has no workspace to leave it in. */
async function auditRefusal(record: RecordRefusal, context: Context, errors: readonly GraphQLError[]): Promise<void> {
  const { principal, requestId } = context;
  const [first] = errors;
  const code = (first?.originalError as { code?: unknown } | undefined)?.code ?? first?.extensions.code;
  if (principal === null || first === undefined || typeof code !== 'string' || !refusedCodes.has(code)) return;
  const { missingScopes } = first.extensions as { missingScopes?: readonly string[] };
  const fields = errors.flatMap(({ path }) => (path === undefined ? [] : [path.join('.')]));
  const details = { code, fields, ...(missingScopes === undefined ? {} : { missingScopes }) };
  await record(principal, { id: requestId, ip: context.ip }, { action: 'access.refused', details });
}

/** Wider than an agent key's own view: the whole workspace, and nothing beyond. */
async function agentsExist(database: Database, principal: Principal, ids: readonly string[]): Promise<boolean> {
  const db = guardedDb(database.bound, { ...tenantOf(principal), agentId: null });
  return (await db.agent.count({ where: { id: { in: [...ids] } } })) > 0;
}

const readinessOf = (database: Database): ReadinessChecks => ({
  database: () => database.ping(),
  migrations: async () => {
    const pending = await pendingMigrations(database);
    if (pending.length > 0) throw new Error(`Not applied: ${pending.join(', ')}`);
  },
  queue: () => database.executeAsOwner('SELECT 1 FROM pgboss.version'),
});

async function effectsByStatus(database: Database): Promise<Record<string, number>> {
  const { rows } = await database.executeAsOwner(
    'SELECT status::text, count(*)::int AS total FROM effect GROUP BY status',
  );
  return Object.fromEntries(rows.map(({ status, total }) => [String(status), Number(total)]));
}
