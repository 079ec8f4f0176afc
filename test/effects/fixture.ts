// The engine on a real database, with one effect whose provider does what a test tells it to.
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { keyFormats } from '../../src/auth/imported-formats.js';
import { DEFAULT_PLANS } from '../../src/auth/plans.js';
import type { Principal, PrincipalKind } from '../../src/auth/principal.js';
import { revivePrincipal } from '../../src/auth/revive.js';
import type { Connectors } from '../../src/connectors/connector.js';
import { type ApprovalRule, builtInRule, defaultRules } from '../../src/effects/approval-policy.js';
import { contactVault } from '../../src/effects/contact-vault.js';
import { type WorldDeps, worldFactory } from '../../src/effects/create-world.js';
import { defineEffect, type EffectOutcome } from '../../src/effects/define-effect.js';
import { type ActionPerformer, effectRegistry } from '../../src/effects/deps.js';
import type { Effect } from '../../src/effects/effect-port.js';
import { topUp } from '../../src/effects/ledger.js';
import { performEffect, performJob } from '../../src/effects/perform.js';
import { priceBook } from '../../src/effects/prices.js';
import { recoverEffects } from '../../src/effects/recover.js';
import type { WorkerDeps } from '../../src/effects/worker-world.js';
import type { World } from '../../src/effects/world.js';
import type { AuditEntry, Prisma } from '../../src/generated/prisma/client.js';
import { asSystem } from '../../src/guard/as-system.js';
import { confineTransaction, type GuardedDb, inTenant } from '../../src/guard/guarded-db.js';
import { openQueue } from '../../src/jobs/boss.js';
import { CodedError } from '../../src/platform/errors.js';
import { newId } from '../../src/platform/ids.js';
import { openTestDatabase } from '../support/database.js';

export const parcel = z.object({ to: z.string(), body: z.string(), credits: z.number().int().min(0) });
export type Parcel = z.output<typeof parcel>;
export const aParcel: Parcel = { to: 'bob@example.com', body: 'Hello', credits: 1 };

type Perform = (payload: Parcel, idempotencyKey: string) => Promise<unknown>;

export async function openEngine() {
  const database = await openTestDatabase();
  const state = {
    now: new Date(),
    rules: defaultRules,
    takesKey: false,
    perform: (async () => ({ delivered: true })) as Perform,
    /** Refuses at the re-check when set. */
    refusal: null as CodedError | null,
    settleError: null as Error | null,
  };
  /** What reached the provider. */
  const calls: { payload: Parcel; key: string }[] = [];
  const outcomes: EffectOutcome<unknown>[] = [];
  const actions = new Map<string, ActionPerformer>();
  const logged: string[] = [];

  const sendParcel = defineEffect<Parcel, unknown>({
    kind: 'message.send',
    spends: true,
    payload: parcel,
    price: ({ credits }) => credits,
    facts: () => ({ recipients: 1, channel: 'EMAIL' }),
    amend: async (payload, changes) => ({ ...payload, ...(changes as Partial<Parcel>) }),
    connector: () => 'fake',
    recheck: async () => {
      if (state.refusal !== null) throw state.refusal;
    },
    perform: (payload, { idempotencyKey }) => {
      calls.push({ payload, key: idempotencyKey });
      return state.perform(payload, idempotencyKey);
    },
    settled: async (_, outcome) => {
      if (state.settleError !== null) throw state.settleError;
      outcomes.push(outcome);
    },
  });

  const engine: WorldDeps = {
    definitions: effectRegistry([sendParcel]),
    actionPerformer: (action) => actions.get(action) ?? null,
    rulesOf: async () => state.rules,
    ruleAt: async (_db, id, version) =>
      state.rules.find((one) => one.id === id && one.version === version) ?? builtInRule(id, version),
    requesterOf: (effect, db) => revivePrincipal((statement) => db.$sql(statement), effect),
    vault: contactVault([randomBytes(32)]),
    prices: priceBook,
    plans: DEFAULT_PLANS,
    keyForms: { brand: 'sp', imported: keyFormats() },
    clock: { now: () => state.now },
  };
  const createWorld = worldFactory(engine);
  const worker: WorkerDeps = {
    engine,
    database,
    createWorld,
    connectors: { takesIdempotencyKey: () => state.takesKey } as unknown as Connectors,
    sandbox: { takesIdempotencyKey: () => true } as unknown as Connectors,
    clock: engine.clock,
    log: { warn: (_, text) => logged.push(text), error: (_, text) => logged.push(text) },
    leaseMs: 60_000,
    performTimeoutMs: 5_000,
    retryDelaysMs: [1_000, 2_000],
  };
  const queue = openQueue(database, [performJob(worker)], () => {});
  await queue.prepare();

  const organizationId = newId('org');
  const workspaceId = newId('wsp');
  const place = { organizationId, workspaceId };
  await database.owner.organization.create({ data: { id: organizationId, name: 'Acme' } });
  await database.owner.workspace.create({ data: { id: workspaceId, organizationId, name: 'Main' } });
  const tenant = { ...place, agentId: null };
  const revive = (actorKind: PrincipalKind, actorId: string): Promise<Principal> =>
    revivePrincipal((statement) => database.owner.$queryRaw(statement), { workspaceId, actorKind, actorId });

  const person = async (role: 'MEMBER' | 'ADMIN' | 'OWNER'): Promise<Principal> => {
    const userId = newId('usr');
    const data = { id: newId('mbr'), organizationId, userId, role, name: role, email: `${userId}@example.com` };
    await database.owner.member.create({ data });
    return revive('SESSION', userId);
  };
  const key = async (given: Partial<Prisma.ApiKeyUncheckedCreateInput> = {}): Promise<Principal> => {
    const id = newId('key');
    const fixed = {
      kind: 'ACCOUNT',
      name: 'test',
      keyPrefix: 'sp_acct_',
      start: 'sp_acct_abcd',
      allowedIps: [],
    } as const;
    await database.owner.apiKey.create({
      data: { ...fixed, scopes: ['messages:send'], ...given, allowedIps: [], workspaceId, id },
    });
    return revive('ACCOUNT_KEY', id);
  };

  /** One mutation as a principal: everything in one transaction. */
  const as = <T>(principal: Principal, run: (world: World) => Promise<T>, allowedBy = 'messages:send'): Promise<T> =>
    inTenant(database, { ...place, agentId: principal.agentId }, (db) =>
      run(createWorld(db, principal, { id: newId('req'), ip: '192.0.2.1', allowedBy })),
    );
  const propose = (principal: Principal, payload: Parcel = aParcel): Promise<Effect> =>
    as(principal, (world) => world.effects.propose(sendParcel, payload, { effectId: newId('eff') }));

  return {
    ...{
      database,
      state,
      calls,
      outcomes,
      actions,
      logged,
      worker,
      queue,
      sendParcel,
      tenant,
      person,
      key,
      as,
      propose,
    },
    ...{ organizationId, workspaceId },
    approve: (who: Principal, effect: Effect, seal = effect.seal): Promise<Effect> =>
      as(who, (world) => world.effects.approve({ effectId: effect.id, seal }), 'role:ADMIN'),
    perform: (effect: Effect): Promise<void> => performEffect(worker, { ...place, effectId: effect.id }),
    recover: () => recoverEffects(worker),
    read: (effect: Effect): Promise<Effect> =>
      database.owner.effect.findUniqueOrThrow({ where: { workspaceId_id: { workspaceId, id: effect.id } } }),
    /** Jobs that wait for an effect. */
    jobsOf: async (effect: Effect): Promise<number> => {
      const { rows } = await database.executeAsOwner(
        "SELECT count(*)::int AS n FROM pgboss.job WHERE name = 'effect.perform' AND singleton_key = $1 AND state < 'active'",
        [effect.id],
      );
      return Number(rows[0]?.n);
    },
    addCredits: (credits: number): Promise<void> =>
      asSystem(database, 'top up for a test', async (tx) => topUp(await confineTransaction(tx, tenant), credits)),
    account: () => database.owner.creditAccount.findUniqueOrThrow({ where: { workspaceId } }),
    ledgerSum: async () => {
      const { _sum } = await database.owner.ledgerEntry.aggregate({
        where: { workspaceId },
        _sum: { balanceDelta: true, reservedDelta: true },
      });
      return { balanceCredits: _sum.balanceDelta ?? 0, reservedCredits: _sum.reservedDelta ?? 0 };
    },
    audited: (effect: Effect): Promise<AuditEntry[]> =>
      database.owner.auditEntry.findMany({
        where: { workspaceId, effectId: effect.id },
        orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
      }),
    eventsOf: async (effect: Effect): Promise<string[]> =>
      (
        await database.owner.event.findMany({ where: { workspaceId, subjectId: effect.id }, orderBy: { id: 'asc' } })
      ).map(({ type }) => type),
    inWorkspace: <T>(run: (db: GuardedDb) => Promise<T>): Promise<T> => inTenant(database, tenant, run),
  };
}

export type Engine = Awaited<ReturnType<typeof openEngine>>;

export const refusedWith = async (run: Promise<unknown>): Promise<CodedError> => {
  const error = await run.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  if (error instanceof CodedError) return error;
  throw error ?? new Error('It was not refused.');
};

/** The first rule of a workspace, in front of the default ones. */
export const withRule = (rule: Partial<ApprovalRule>): readonly ApprovalRule[] => [
  {
    id: 'test',
    version: 1,
    when: {},
    requirement: 'ONE',
    approvers: ['ADMIN', 'OWNER'],
    reason: 'A test says so.',
    ...rule,
  },
  ...defaultRules,
];
