// How GraphQL is run from inside: the port of effects/operation-port.ts, wired. Judging is what the door does before an
// operation runs, in the same order and by the same gates; running takes a context like any other, or one whose every
// statement is in the transaction of the world that asks. Every error leaves through the masking of answers.
import { type DocumentNode, execute, type GraphQLSchema, OperationTypeNode } from 'graphql';
import type { Credentials } from './auth/credentials.js';
import type { Principal } from './auth/principal.js';
import type { RateLimiter, Standing } from './auth/rate-limit/rate-limiter.js';
import type { Context, Inside, Services } from './context.js';
import type { CreateWorld } from './effects/create-world.js';
import type { OperationPort } from './effects/operation-port.js';
import {
  codedOf,
  type Executed,
  type Fault,
  type JudgedOperation,
  type Witness,
  type Written,
} from './effects/operations.js';
import type { World } from './effects/world.js';
import { objectsIn } from './graphql/cost.js';
import { requireOperation } from './graphql/explain/explain.js';
import { newReading, readDocument } from './graphql/explain/read-document.js';
import { type Asked, type Gate, passGates } from './graphql/gate.js';
import type { SystemDb } from './guard/as-system.js';
import { type JointTransaction, jointTransaction } from './guard/joint-transaction.js';
import { answerOf, type Result } from './http/masking.js';
import { type Costed, costExtension, costed, drawCost } from './http/query-cost.js';
import { badInput, type ErrorCode } from './platform/errors.js';
import { notingNewIds } from './platform/ids.js';
import type { Logger } from './platform/logger.js';
import { isRepeatable } from './platform/lost-race.js';
import { type contextMaker, tenantOf } from './request.js';
import { servicesOf } from './services.js';

export interface OperationParts {
  readonly schema: GraphQLSchema;
  readonly gates: readonly Gate[];
  readonly limiter: RateLimiter;
  readonly contextFor: ReturnType<typeof contextMaker>;
  readonly createWorld: CreateWorld;
  readonly log: Logger;
}

/** With what it takes to run it; known to this file only. */
interface Ready extends JudgedOperation {
  readonly document: DocumentNode;
  readonly asked: Pick<Asked, 'operationName' | 'variables'>;
  readonly context: Context;
  /** Null where no limits hold. */
  readonly costed: Costed | null;
}

export function openOperations(parts: OperationParts): OperationPort {
  const { schema, gates, limiter } = parts;
  return {
    async judge({ document: text, operationName = null, variables }, principal, world) {
      if (world.db.$isTransaction)
        throw new Error('An operation is judged before a transaction begins, not inside of it.');
      const asked = { operationName, variables: variables ?? {} };
      const document = readDocument({ schema, document: text, ...asked }, newReading());
      const { operation, asksFor } = requireOperation({ schema, document, ...asked });
      if (operation === OperationTypeNode.SUBSCRIPTION) {
        throw badInput('document: a subscription is listened to, and not run from inside.', 'document');
      }
      const { standing = null } = world.request;
      const own = standing === null ? null : { allowance: standing.allowance, cost: 0, available: standing.available };
      const context = contextOf(parts, principal, world, own);
      const params = { ...asked, operationName };
      const cost = own === null ? null : costed(schema, { principal, standing: own, document, params });
      const refusal =
        (await passGates(gates, { schema, document, ...asked, context })) ??
        (cost === null ? undefined : await drawCost(limiter, schema, cost));
      if (standing !== null && own !== null) standing.available = own.available;
      const [first] = refusal === undefined ? [] : maskedIn({ errors: refusal }, parts, context);
      if (first !== undefined) throw codedOf(first);
      const ready: Ready = { principal, kind: operation, asksFor, document, asked, context, costed: cost };
      return ready;
    },

    async run(judged, world) {
      const ready = judged as Ready;
      if (!world.db.$isTransaction)
        return { ...(await runIn(parts, ready, ready.context)), written: null, afterwards: [] };
      if (world.system === null) {
        throw new Error('An operation is run inside a transaction only where that is the owner’s: say `asSystem`.');
      }
      return runJoined(parts, ready, world, world.system);
    },
  };
}

type Outcome = Pick<Executed, 'data' | 'errors'>;

async function runIn(
  parts: OperationParts,
  { document, asked, costed: cost }: Ready,
  context: Context,
): Promise<Outcome> {
  const { schema, limiter } = parts;
  const { operationName, variables } = asked;
  const contextValue = context;
  const result: Result = await execute({ schema, document, operationName, variableValues: variables, contextValue });
  if (cost !== null) costExtension(limiter, cost, () => objectsIn(result.data));
  return { data: result.data ?? null, errors: maskedIn(result, parts, context) };
}

/** In a transaction that is open: written is what others see only once it is committed. */
async function runJoined(parts: OperationParts, ready: Ready, world: World, system: SystemDb): Promise<Executed> {
  const { written, witness, afterwards } = newWitness();
  const joint = await jointTransaction(system, tenantOf(ready.principal), ready.context.walls);
  const context = jointContext(parts, ready, world, joint, witness);
  const outcome = await notingNewIds(written.newIds, () => runIn(parts, ready, context));
  await joint.leave();
  return { ...outcome, written, afterwards };
}

function contextOf(
  { contextFor }: OperationParts,
  principal: Principal,
  { request }: World,
  standing: Standing | null,
) {
  const { id, ip, receivedAtMs = performance.now() } = request;
  return contextFor(principal, { id, ip, receivedAtMs }, nobodyListens(ip), standing);
}

/** Streams are judged anew by these; nothing from inside is a stream. */
const nobodyListens = (ip: string | null): Credentials => ({
  ...{ authorization: null, xApiKey: null, cookie: null, workspaceId: null },
  ...{ ip, userAgent: null, isFromBrowser: false },
});

function jointContext(
  { createWorld }: OperationParts,
  { principal, context: alone }: Ready,
  { request }: World,
  joint: JointTransaction,
  witness: Witness,
): Context {
  const facts = (allowedBy: string | null) => ({ ...request, allowedBy });
  let world: World | null = null;
  let services: Services | null = null;
  return {
    principal,
    requestId: alone.requestId,
    ip: alone.ip,
    standing: alone.standing,
    introspection: alone.introspection,
    cursorSecrets: alone.cursorSecrets,
    planSecrets: alone.planSecrets,
    walls: alone.walls,
    memo: new Map(),
    get world() {
      world ??= createWorld(joint.db, principal, facts(null), null, witness);
      return world;
    },
    get services() {
      services ??= servicesOf(this.world);
      return services;
    },
    transact: (allowedBy, run, { asSystem: reason } = {}) =>
      joint.part(reason !== undefined, (db, system) => {
        const own = createWorld(db, principal, facts(allowedBy), system, witness);
        return run({ world: own, services: servicesOf(own) } satisfies Inside);
      }),
    useScopes: alone.useScopes,
    workplaces: async () => {
      throw badInput('Where else a person works is not told inside a transaction; ask for it by itself.');
    },
    listen: () => {
      throw new Error('Nothing is listened to inside an operation.');
    },
  };
}

function newWitness() {
  const afterwards: (() => void)[] = [];
  const written = {
    auditIds: [] as string[],
    eventIds: [] as string[],
    jobs: [] as { name: string; data: unknown }[],
    verdicts: [] as Written['verdicts'][number][],
    newIds: new Set<string>(),
  };
  const witness: Witness = {
    audited: (id) => written.auditIds.push(id),
    emitted: (id) => written.eventIds.push(id),
    enqueued: (name, data) => written.jobs.push({ name, data }),
    judged: (verdict) => written.verdicts.push(verdict),
    later: (act) => afterwards.push(act),
  };
  return { written, witness, afterwards };
}

function maskedIn(result: Result, { log }: OperationParts, { requestId }: Context): readonly Fault[] {
  const { errors = [] } = answerOf(result, 'application/json', { requestId, log }).result;
  return errors.map(({ message, path, extensions }, place) => {
    const { code, requestId: _, ...data } = extensions;
    const thrown = result.errors?.[place];
    return {
      ...{ code: code as ErrorCode, message, data, path: path ?? null },
      ...(isRepeatable(thrown) ? { cause: thrown } : {}),
    };
  });
}
