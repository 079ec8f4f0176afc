// Steps 3 and 4 of the walk: a principal becomes a context, with a database that sees its workspace, the world and services
// made of it, the transaction of a mutation, and what it may listen to.
import { type ExpectedKey, REQUIRE_SAME_KEY } from './auth/api-key.js';
import type { CredentialWatch, Entrance, Watched } from './auth/credential-watch.js';
import type { Credentials } from './auth/credentials.js';
import type { KeyUsage } from './auth/key-usage.js';
import type { Principal } from './auth/principal.js';
import type { Standing } from './auth/rate-limit/rate-limiter.js';
import { workplacesOf } from './auth/workplaces.js';
import type { Context, Services } from './context.js';
import type { Database } from './db/database.js';
import type { CreateWorld } from './effects/create-world.js';
import type { RequestFacts, World } from './effects/world.js';
import type { EventType } from './events/catalogue.js';
import type { EventNotice, FanOut } from './events/fan-out.js';
import { asSystem, type SystemDb } from './guard/as-system.js';
import {
  type Condition,
  confineTransaction,
  type GuardedDb,
  guardedDb,
  inTenant,
  type Tenant,
  type Walls,
} from './guard/guarded-db.js';
import type { Scope } from './guard/scopes.js';
import { CodedError } from './platform/errors.js';
import { servicesOf } from './services.js';

interface ContextParts {
  readonly database: Pick<Database, 'bound' | 'transact' | 'owner' | 'executeAsOwner'>;
  readonly walls: Walls;
  readonly createWorld: CreateWorld;
  readonly listening: Listening;
  readonly countScopes: KeyUsage['countScopes'];
  readonly cursorSecrets: readonly Buffer[];
  readonly planSecrets: readonly Buffer[];
  readonly introspection: 'open' | 'keys';
}

interface CallFacts {
  readonly id: string;
  readonly ip: string | null;
  readonly receivedAtMs: number;
}

export const tenantOf = ({ organizationId, workspaceId, agentId }: Principal): Tenant => ({
  organizationId,
  workspaceId,
  agentId,
});

export const contextMaker =
  ({ database, walls, createWorld, listening, countScopes, cursorSecrets, planSecrets, introspection }: ContextParts) =>
  (
    principal: Principal | null,
    facts: CallFacts,
    credentials: Credentials,
    standing: Standing | null = null,
    expected: ExpectedKey | null = null,
  ): Context => {
    const requestFacts = (allowedBy: string | null): RequestFacts => {
      const { id, ip, receivedAtMs } = facts;
      return { id, ip, receivedAtMs, allowedBy, standing };
    };
    let world: World | null = null;
    let services: Services | null = null;
    return {
      principal,
      requestId: facts.id,
      ip: facts.ip,
      standing,
      introspection,
      cursorSecrets,
      planSecrets,
      walls,
      memo: new Map(),
      get world() {
        const known = requirePrincipal(principal);
        world ??= createWorld(guardedDb(database.bound, tenantOf(known), walls), known, requestFacts(null));
        return world;
      },
      get services() {
        services ??= servicesOf(this.world);
        return services;
      },
      transact: (allowedBy, run, { asSystem: reason } = {}) => {
        const known = requirePrincipal(principal);
        const tenant = tenantOf(known);
        const runIn = (db: GuardedDb, system: SystemDb | null) => {
          const inside = createWorld(db, known, requestFacts(allowedBy), system);
          return run({ world: inside, services: servicesOf(inside) });
        };
        if (reason === undefined)
          return inTenant(database, tenant, (db) => runIn(db, null), walls, requiring(expected));
        if (expected !== null) throw new Error('A key that is only expected to be good does nothing as the owner.');
        return asSystem(database, reason, async (tx) => runIn(await confineTransaction(tx, tenant), tx));
      },
      workplaces: () => workplacesOf(database, requirePrincipal(principal)),
      useScopes: scopeCounter(principal, countScopes),
      listen: (types, subjectId) =>
        listening.listen({ principal: requirePrincipal(principal), credentials }, types, subjectId),
    };
  };

const requiring = (expected: ExpectedKey | null): Condition | null =>
  expected && {
    text: REQUIRE_SAME_KEY,
    values: [expected.hash, expected.facts],
    met: () => {
      expected.isMet = true;
    },
  };

function scopeCounter(principal: Principal | null, count: KeyUsage['countScopes']): Context['useScopes'] {
  if (principal === null || principal.apiKeyId === null) return () => undefined;
  const { workspaceId, apiKeyId: keyId } = principal;
  const counted = new Set<Scope>();
  return (scopes) => {
    // As it came where nothing was counted before: equal lists are then one and the same.
    const fresh = counted.size === 0 ? scopes : scopes.filter((scope) => !counted.has(scope));
    for (const scope of fresh) counted.add(scope);
    count({ workspaceId, keyId }, fresh);
  };
}

function requirePrincipal(principal: Principal | null): Principal {
  if (principal !== null) return principal;
  throw new CodedError('UNAUTHENTICATED', 'This takes a credential, and none was sent.', { reason: 'MISSING' });
}

export interface Listening {
  listen(entrance: Entrance, types: readonly EventType[], subjectId?: string): AsyncIterable<string>;
}

export const openListening = (fanOut: FanOut, watch: CredentialWatch): Listening => ({
  listen(entrance, types, subjectId) {
    const { workspaceId } = entrance.principal;
    const notices = fanOut.subscribe({ workspaceId, types, ...(subjectId === undefined ? {} : { subjectId }) });
    const stream = judged(
      notices,
      watch.watch(entrance, () => void stream.return()),
    );
    return stream;
  },
});

interface Judged extends AsyncIterableIterator<string> {
  return(): Promise<IteratorResult<string>>;
}

/** By hand, not a generator: that could not be closed while it waits for the next notice, which may never come. */
function judged(notices: AsyncIterator<EventNotice>, credential: Watched): Judged {
  let isFirst = true;
  const end = async () => {
    credential.forget();
    await notices.return?.();
    return { done: true, value: undefined } as const;
  };
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      // Once before waiting: the credential may have ended between the door and here, and nobody tells of it again.
      if (isFirst && !(await credential.isGood())) return end();
      isFirst = false;
      const notice = await notices.next();
      if (notice.done === true || !(await credential.isGood())) return end();
      return { done: false, value: notice.value.subjectId };
    },
    return: end,
  };
}
