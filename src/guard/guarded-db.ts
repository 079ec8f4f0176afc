// Wall one. A handle over Prisma that knows one workspace and cannot be talked out of it: every read gains the
// condition, also inside nested selections; every write refuses relation fields and a given owner. Wall two, row-level
// security, is bound in the same breath, so neither works without the other being asked. Step 3 of the walk.
import type { Database, Late, OpenTransaction } from '../db/database.js';
import { Prisma, type PrismaClient } from '../generated/prisma/client.js';
import { confine, GuardRefusal } from './confine.js';
import { type PlainCall, plainCall } from './plain-call.js';
import { type Model, type Tenant, tenancy, type Walls } from './tenancy.js';

export type { Late, Tenant, Walls };

type Delegates = Pick<
  PrismaClient,
  | 'organization'
  | 'member'
  | 'invitation'
  | 'workspace'
  | 'apiKey'
  | 'apiKeySecretUse'
  | 'apiKeyScopeUse'
  | 'agent'
  | 'contact'
  | 'contactKey'
  | 'inbox'
  | 'conversation'
  | 'message'
  | 'effect'
  | 'effectDecision'
  | 'effectPause'
  | 'approvalNotice'
  | 'approvalRule'
  | 'approvalRuleVersion'
  | 'effectExecution'
  | 'idempotencyRecord'
  | 'creditAccount'
  | 'ledgerEntry'
  | 'organizationAuditEntry'
  | 'auditEntry'
  | 'auditLink'
  | 'auditCheckpoint'
  | 'event'
>;

/** Prisma's delegates, seeing one workspace. There is no `$transaction`, and no raw text but `$sql`, which is bound as well. */
export interface GuardedDb extends Delegates {
  readonly $tenant: Tenant;
  readonly $walls: Walls;
  /** Whether all its statements share one transaction. */
  readonly $isTransaction: boolean;
  /** Runs one statement with the tenant's settings; build its workspace condition with `inWorkspace` of guard/sql. */
  $sql<Row>(statement: Prisma.Sql): Promise<Row[]>;
  /** The same for a statement whose answer nobody needs: inside a transaction what comes next does not wait for it. */
  $send(statement: Prisma.Sql): Promise<void>;
  /**
   * Rows may be read meanwhile; whatever else is asked for waits until `verdict` is there, and is refused with it where it
   * is rejected. Null: nothing waits any more.
   */
  $onlyReadsUntil(verdict: Promise<unknown> | null): void;
  /** See `OpenTransaction`. */
  $late<T>(row: Promise<T>): Promise<Late<T>>;
}

type Operation = (args?: unknown) => Prisma.PrismaPromise<unknown>;
/** How Prisma's own operations are run, and how raw statements are. */
interface Executors {
  operation(start: (client: Prisma.TransactionClient) => Prisma.PrismaPromise<unknown>): Promise<unknown>;
  statement(statement: Prisma.Sql): Promise<unknown>;
  send(statement: Prisma.Sql): Promise<unknown>;
  /** Straight to the driver, in the same transaction; null where there is no way but Prisma's. */
  readonly direct: ((call: PlainCall) => Promise<object[]>) | null;
  readonly isTransaction: boolean;
  readonly late: GuardedDb['$late'];
}

const operations = new Set([
  ...['findUnique', 'findUniqueOrThrow', 'findFirst', 'findFirstOrThrow', 'findMany', 'count', 'aggregate', 'groupBy'],
  ...['create', 'createMany', 'createManyAndReturn', 'update', 'updateMany', 'updateManyAndReturn', 'upsert'],
  ...['delete', 'deleteMany'],
]);

const modelOf = new Map(
  Object.entries(tenancy)
    .filter(([, ownership]) => ownership.owner !== 'global')
    .map(([model]) => [model.charAt(0).toLowerCase() + model.slice(1), model as Model]),
);

/** The settings that row-level security reads; they last as long as the transaction. */
export const bindTenant = (tenant: Tenant): Prisma.Sql => Prisma.sql`SELECT
  set_config('app.workspace_id', ${tenant.workspaceId}, true),
  set_config('app.organization_id', ${tenant.organizationId}, true),
  set_config('app.agent_id', ${tenant.agentId ?? ''}, true)`;

const plainSetting = /^[\w-]*$/;

/** The same as text without values, for the message that begins a transaction. @throws for what is no id */
const settingsOf = ({ workspaceId, organizationId, agentId }: Tenant): string =>
  Object.entries({ workspace_id: workspaceId, organization_id: organizationId, agent_id: agentId ?? '' })
    .map(([name, value]) => {
      if (!plainSetting.test(value)) throw new GuardRefusal(`No id to bind a transaction to: ${name}.`);
      return `SET LOCAL app.${name} TO '${value}'`;
    })
    .join('; ');

/** A handle for reads: each statement is its own small transaction that opens with the settings. */
export function guardedDb(client: PrismaClient, tenant: Tenant, walls: Walls = 'both'): GuardedDb {
  const statement: Executors['statement'] = async (asked) => {
    // Two raw statements have nothing to compile, and a batch of them is the cheaper way.
    const [, result] = await client.$transaction([client.$queryRaw(bindTenant(tenant)), client.$queryRaw(asked)]);
    return result;
  };
  return handle(tenant, walls, {
    // Not a batch: Prisma keeps no plan of one that begins with raw SQL and would compile the operation at every request.
    operation: (start) =>
      client.$transaction(async (tx) => {
        await tx.$queryRaw(bindTenant(tenant));
        return start(tx);
      }),
    statement,
    send: statement,
    direct: null,
    isTransaction: false,
    late: inTime,
  });
}

/** What must hold for anything in the transaction to be kept: a statement that fails where it does not. */
export interface Condition {
  readonly text: string;
  readonly values: readonly unknown[];
  /** It held. */
  readonly met: () => void;
}

/**
 * One interactive transaction, bound to the tenant, for everything that must happen together. The handle opens no other.
 * @throws whatever `run` throws, with nothing kept.
 */
export async function inTenant<T>(
  database: Pick<Database, 'transact'>,
  tenant: Tenant,
  run: (db: GuardedDb) => Promise<T>,
  walls: Walls = 'both',
  condition: Condition | null = null,
): Promise<T> {
  let judging: Promise<void> = Promise.resolve();
  try {
    return await database.transact(settingsOf(tenant), async (tx) => {
      // Sent before everything else, and not waited for: what follows it fails with it.
      if (condition !== null) {
        ({ value: judging } = await tx.late(tx.query(condition.text, condition.values).then(condition.met)));
      }
      return run(handle(tenant, walls, insideOpen(tx)));
    });
  } finally {
    // Whoever hears of the end knows by then whether it held.
    await judging.catch(() => undefined);
  }
}

/**
 * The owner's transaction, already open, seen as one workspace: for jobs that act in several and for actions that run as
 * the system. Row-level security does not bind the owner, so the guard's own conditions always stand.
 */
export async function confineTransaction(
  tx: Prisma.TransactionClient,
  tenant: Tenant,
  walls: Walls = 'both',
): Promise<GuardedDb> {
  await tx.$queryRaw(bindTenant(tenant));
  return handle(tenant, walls, insidePrisma(tx));
}

/** Statements go straight to the driver; Prisma joins for what only it can say. */
const insideOpen = (tx: OpenTransaction): Executors => ({
  operation: async (start) => start(await tx.prisma()),
  statement: ({ text, values }) => tx.query(text, values),
  send: ({ text, values }) => tx.send(text, values),
  direct: ({ text, values }) => tx.query(text, values),
  isTransaction: true,
  late: tx.late,
});

const insidePrisma = (tx: Prisma.TransactionClient): Executors => ({
  operation: async (start) => start(tx),
  statement: async (statement) => tx.$queryRaw(statement),
  send: async (statement) => tx.$queryRaw(statement),
  direct: null,
  isTransaction: true,
  late: inTime,
});

const inTime = async <T>(row: Promise<T>): Promise<Late<T>> => {
  await row;
  return { value: row };
};

/** Lets plain reads through, and all else once the verdict is there. */
function behindVerdict(execute: Executors): { execute: Executors; onlyReadsUntil: GuardedDb['$onlyReadsUntil'] } {
  let verdict: Promise<unknown> | null = null;
  const { direct } = execute;
  return {
    onlyReadsUntil(awaited) {
      verdict = awaited;
      awaited?.catch(() => undefined);
    },
    execute: {
      ...execute,
      async operation(start) {
        if (verdict !== null) await verdict;
        return execute.operation(start);
      },
      async statement(statement) {
        if (verdict !== null) await verdict;
        return execute.statement(statement);
      },
      async send(statement) {
        if (verdict !== null) await verdict;
        return execute.send(statement);
      },
      direct:
        direct === null
          ? null
          : (call) => (verdict === null || call.isRead ? direct(call) : verdict.then(() => direct(call))),
    },
  };
}

function handle(tenant: Tenant, walls: Walls, executors: Executors): GuardedDb {
  const { execute, onlyReadsUntil } = behindVerdict(executors);
  const delegates = new Map<string, unknown>();
  const target = {
    $tenant: tenant,
    $walls: walls,
    $isTransaction: execute.isTransaction,
    $sql: (statement: Prisma.Sql) => execute.statement(statement),
    $send: async (statement: Prisma.Sql) => {
      await execute.send(statement);
    },
    $onlyReadsUntil: onlyReadsUntil,
    $late: execute.late,
  };
  return new Proxy(target, {
    has: (own, property) => property in own || (typeof property === 'string' && modelOf.has(property)),
    get(own, property) {
      if (typeof property !== 'string' || property in own) return Reflect.get(own, property);
      const model = modelOf.get(property);
      if (model === undefined) return undefined;
      let delegate = delegates.get(property);
      if (delegate === undefined) {
        delegate = delegateOf(property, model, tenant, walls, execute);
        delegates.set(property, delegate);
      }
      return delegate;
    },
  }) as unknown as GuardedDb;
}

function delegateOf(property: string, model: Model, tenant: Tenant, walls: Walls, execute: Executors): unknown {
  return new Proxy(
    {},
    {
      get(_, operation) {
        if (typeof operation !== 'string' || !operations.has(operation)) return undefined;
        return async (args?: unknown) => {
          const confined = confine(model, operation, args, tenant, walls);
          const plain = execute.direct === null ? null : plainCall(model, operation, confined);
          if (plain !== null && execute.direct !== null) {
            return plain.answer(await execute.direct(plain));
          }
          return execute.operation((client) => {
            const delegate = Reflect.get(client, property) as Record<string, Operation>;
            const start = delegate[operation];
            if (start === undefined) throw new Error(`Prisma has no ${property}.${operation}.`);
            return start.call(delegate, confined);
          });
        };
      },
    },
  );
}

/** The unique key of a row of this workspace, for `update`, `delete` and `findUnique`. */
export const rowKey = (db: GuardedDb, id: string): { workspaceId_id: { workspaceId: string; id: string } } => ({
  workspaceId_id: { workspaceId: db.$tenant.workspaceId, id },
});
