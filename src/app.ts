// The composition root, the only file that knows everything: opens what the process stands on, hands each part what it
// needs, and gives back something that can be started and stopped. Nothing here decides; it only connects.
import type { GraphQLSchema } from 'graphql';
import { openCheckpointKeeper } from './audit/checkpoint-keeper.js';
import { keepKnownKeys } from './audit/known-keys.js';
import { auditAsOwner, auditOfOrganization, systemActor } from './audit/record.js';
import { openRefusalLog } from './audit/refusal-log.js';
import { type Sealer, startSealer } from './audit/sealer.js';
import type { RecordAuthAudit } from './auth/audit-port.js';
import { factsAtHand } from './auth/create-key.js';
import { keyFormats, openKeyFormats } from './auth/imported-formats.js';
import { firstOwnerToken } from './auth/joining-routes.js';
import { keyPatterns } from './auth/key-format.js';
import { openKeyUsage } from './auth/key-usage.js';
import type { Principal } from './auth/principal.js';
import { memoryStore } from './auth/rate-limit/memory-store.js';
import { openRateLimiter } from './auth/rate-limit/rate-limiter.js';
import { openRedisStore } from './auth/rate-limit/redis-store.js';
import { revivePrincipal } from './auth/revive.js';
import type { Config } from './config.js';
import { forgetCaptured } from './connectors/capture/capture.js';
import type { Connectors } from './connectors/connector.js';
import { openConnectors } from './connectors/registry.js';
import type { Services } from './context.js';
import type { Database } from './db/database.js';
import { type AddressLimits, openHttp } from './door.js';
import { type ApprovalRule, builtInRule, defaultRules } from './effects/approval-policy.js';
import { type ApproverMailDeps, approverMailChores } from './effects/approver-mail.js';
import { contactVault } from './effects/contact-vault.js';
import { worldFactory } from './effects/create-world.js';
import { type EffectDeps, effectRegistry } from './effects/deps.js';
import { effectWork } from './effects/effect-jobs.js';
import { forgetCapturedWork } from './effects/forget-captured.js';
import { effectLimits } from './effects/limits.js';
import type { OperationPort } from './effects/operation-port.js';
import type { Executed, OperationAsked } from './effects/operations.js';
import { enqueuePeopleMail, type PeopleMailDeps, peopleMailWork, senderOf } from './effects/people-mail.js';
import { priceBook } from './effects/prices.js';
import { rewrapChores } from './effects/rewrap-keys.js';
import { systemPrincipal } from './effects/worker-world.js';
import { openFanOut } from './events/fan-out.js';
import { actionRegistry } from './graphql/builder.js';
import { asSystem } from './guard/as-system.js';
import { confineTransaction, guardedDb, type Walls } from './guard/guarded-db.js';
import { requireEveryModelClassified } from './guard/tenancy.js';
import { openQueue } from './jobs/boss.js';
import { startWorker, type Worker } from './jobs/worker.js';
import { ruleAtVersion, rulesIn } from './modules/approvals/approval-rules.service.js';
import { workspaceChores } from './modules/workspaces/workspaces.jobs.js';
import { type Clock, systemClock } from './platform/clock.js';
import { newId } from './platform/ids.js';
import { createLogger, type Logger } from './platform/logger.js';
import { loadOrCreateSecretFile } from './platform/secret-file.js';
import { openSecrets, type Secrets } from './platform/secrets.js';
import { tenantOf } from './request.js';
import { effectDefinitions, schema } from './schema.js';
import { servicesOf } from './services.js';

export interface AppOptions {
  readonly config: Config;
  readonly database: Database;
  readonly log?: Logger;
  readonly clock?: Clock;
  /** Tests prove each wall alone. */
  readonly walls?: Walls;
  /** Tests prove the second wall alone. */
  readonly preflight?: 'on' | 'off';
  /** Tests try other rules than the default ones. */
  readonly rules?: readonly ApprovalRule[];
  /** Sign-in attempts per address before a pause; tests sign in often from one. */
  readonly signInAttemptsMax?: number;
  /** What one address may try without a good credential; tests come from one. */
  readonly addressLimits?: AddressLimits;
  /** When approvers are told of what waits; tests do not wait as long. */
  readonly approverMail?: Pick<ApproverMailDeps, 'tellAfterMs' | 'tellQuietMs' | 'tellEveryMs'>;
}

export interface App {
  readonly schema: GraphQLSchema;
  readonly database: Database;
  readonly log: Logger;
  readonly secrets: Secrets;
  readonly audit: RecordAuthAudit;
  readonly sealer: Sealer;
  /** Listens; resolves with the URL. @throws ConfigurationError when the address cannot be had */
  listen(): Promise<string>;
  /** Where the first owner signs up; null once there is anybody. Whoever has it may, so it is shown to the operator only. */
  firstOwnerUrl(): Promise<string | null>;
  /** GraphQL from inside this process, with every check that a request passes. @throws what refuses it before it runs */
  execute(asked: OperationAsked, principal: Principal): Promise<Executed>;
  /** Works jobs in this process from now on. */
  work(): Promise<void>;
  /** Refuses new requests, lets running ones and jobs end, then closes everything but the database. Safe twice. */
  stop(withinMs: number): Promise<void>;
}

export const secretsOf = (config: Config): Secrets =>
  openSecrets({
    current: config.secrets.current ?? loadOrCreateSecretFile(config.dataDir),
    ...(config.secrets.previous === null ? {} : { previous: config.secrets.previous }),
  });

export const loggerOf = (config: Pick<Config, 'logLevel'>): Logger =>
  createLogger({ level: config.logLevel, secretPatterns: keyPatterns });

/** How the sign-in and key code writes audit entries: as the owner, in its own transaction. */
export const ownersAudit: RecordAuthAudit = (db, { actor, allowedBy, requestId, ip, ...entry }) => {
  const { workspaceId, organizationId, ...input } = entry;
  const origin = { principal: { ...systemActor, ...actor }, request: { id: requestId, ip, allowedBy } };
  const trail =
    workspaceId === undefined ? auditOfOrganization(db, organizationId, origin) : auditAsOwner(db, workspaceId, origin);
  return trail.record(input);
};

/**
 * One transaction of the owner in a workspace, with the services a request would have, acting as the server itself: what
 * the command line changes is changed by the same rules.
 */
export const asOperator = <T>(
  { config, database }: Pick<AppOptions, 'config' | 'database'>,
  workspaceId: string,
  reason: string,
  run: (services: Services) => Promise<T>,
): Promise<T> =>
  asSystem(database, reason, async (tx) => {
    await factsAtHand(tx, workspaceId);
    const { organizationId } = await tx.workspace.findUniqueOrThrow({ where: { id: workspaceId } });
    const tenant = { organizationId, workspaceId, agentId: null };
    const keyForms = { brand: config.keyBrand, imported: keyFormats() };
    const createWorld = worldFactory({
      ...engineOf({}),
      vault: contactVault(secretsOf(config).contacts),
      prices: priceBook,
      plans: config.plans,
      clock: systemClock,
      keyForms,
    });
    const facts = { id: newId('req'), ip: null, allowedBy: null };
    const db = await confineTransaction(tx, tenant);
    return run(servicesOf(createWorld(db, systemPrincipal(tenant, null), facts, tx)));
  });

/** Everything connected and ready to listen or to work; the database is open and migrated, and stays the caller's to close. */
export async function createApp(options: AppOptions): Promise<App> {
  requireEveryModelClassified();
  const { config, database, clock = systemClock, log = loggerOf(config) } = options;
  const secrets = secretsOf(config);
  const onError = (error: unknown) => log.error({ err: error }, 'something in the background failed');
  const engine = engineOf(options);
  const [formats, fanOut, auditKeys] = await Promise.all([
    openKeyFormats(database, onError),
    openFanOut(database),
    keepKnownKeys(database, secrets.auditKeys),
  ]);
  const keyForms = { brand: config.keyBrand, imported: formats };
  const operations: OperationPort = {
    judge: (...asked) => http.operations.judge(...asked),
    run: (...judged) => http.operations.run(...judged),
  };
  const vault = contactVault(secrets.contacts);
  const { plans } = config;
  const createWorld = worldFactory({ ...engine, vault, prices: priceBook, plans, clock, keyForms, operations });
  const connectors = connectorsOf(config);
  const sandbox = openConnectors({ dataDir: config.dataDir, smtp: null, model: null });
  const limits = {
    leaseMs: effectLimits.leaseMs,
    performTimeoutMs: effectLimits.performTimeoutMs,
    retryDelaysMs: effectLimits.retryDelaysMs,
  };
  const workerDeps = { engine, database, createWorld, connectors, sandbox, clock, log, ...limits };
  const { jobs: effectJobs, chores: effectChores } = effectWork(workerDeps);
  const forgetFiles = (effectIds: readonly string[]) => forgetCaptured(config.dataDir, effectIds);
  const erasure = workspaceChores({ ...workerDeps, forgetCaptured: forgetFiles });
  const telling = approverMailChores({ database, clock, enqueueMail: enqueuePeopleMail, log, ...options.approverMail });
  const chores = [
    ...effectChores,
    ...telling,
    ...erasure,
    ...rewrapChores({ database, secrets: secrets.contacts, log }),
  ];
  const publicUrl = () => http.publicUrl();
  const mail = peopleMailWork({ database, audit: ownersAudit, clock, publicUrl, ...systemMailOf(config) });
  const jobs = [...effectJobs, mail, forgetCapturedWork(forgetFiles)];
  const queue = openQueue(database, jobs, onError);
  await queue.prepare();
  const key = secrets.auditKeys[0];
  const { auditCheckpoints: target } = config;
  const keeper = target === null ? null : await openCheckpointKeeper({ database, target, key, clock, log });
  const sealer = await startSealer({ database, key, clock, log, onCheckpoint: () => keeper?.wake() });
  const usage = openKeyUsage(database, clock, onError);
  const refusalLog = openRefusalLog(database, clock, onError);
  const redis = config.redisUrl === null ? null : await openRedisStore(config.redisUrl, log);
  const limiter = openRateLimiter({ plans: config.plans, store: redis ?? memoryStore(), clock });
  const http = await openHttp(options, {
    log,
    clock,
    limiter,
    secrets,
    auditKeys,
    createWorld,
    keyForms,
    fanOut,
    usage,
    refusalLog,
    audit: ownersAudit,
    onError,
  });
  let worker: Worker | null = null;
  return {
    schema,
    database,
    log,
    secrets,
    audit: ownersAudit,
    sealer,
    listen: http.listen,
    async firstOwnerUrl() {
      if ((await database.owner.user.count()) > 0) return null;
      return `${http.publicUrl()}/console/sign-up?token=${firstOwnerToken(secrets.signUp[0])}`;
    },
    execute(asked, principal) {
      const db = guardedDb(database.bound, tenantOf(principal), options.walls);
      return createWorld(db, principal, { id: newId('req'), ip: null, allowedBy: null }).execute(asked);
    },
    async work() {
      worker ??= await startWorker({ database, queue, jobs, chores, log });
    },
    async stop(withinMs) {
      await Promise.all([http.stop(withinMs), worker?.stop(withinMs)]);
      await fanOut.close();
      await refusalLog.close();
      await sealer.stop();
      await keeper?.stop();
      await usage.close();
      await formats.close();
      await redis?.close();
      await queue.close();
    },
  };
}

function engineOf({ rules }: Pick<AppOptions, 'rules'>): EffectDeps {
  return {
    definitions: effectRegistry(effectDefinitions),
    actionPerformer: (action) => {
      const held = actionRegistry.get(action);
      if (held === undefined) return null;
      const { asSystem, showsSecret } = held;
      return { asSystem, showsSecret, run: (input, world) => held.run(input, { world, services: servicesOf(world) }) };
    },
    rulesOf: async (db) => [...(rules ?? []), ...(await rulesIn(db)), ...defaultRules],
    ruleAt: async (db, id, version) =>
      rules?.find((one) => one.id === id && one.version === version) ??
      builtInRule(id, version) ??
      ruleAtVersion(db, id, version),
    requesterOf: (effect, db) => revivePrincipal(db.$sql, effect),
  };
}

/** The server's own account, whatever workspaces may use. */
function systemMailOf({ dataDir, smtp, publicUrl }: Config): Pick<PeopleMailDeps, 'mail' | 'from'> {
  const account = smtp.url === null ? null : { url: smtp.url, from: null };
  const mail = openConnectors({ dataDir, smtp: account, model: null }).for('EMAIL');
  return { mail, from: senderOf(smtp.from, publicUrl) };
}

export function connectorsOf({ dataDir, smtp, model, hasSharedProviders }: Config): Connectors {
  const hasMail = hasSharedProviders && smtp.url !== null;
  const hasModel = hasSharedProviders && model.url !== null;
  return openConnectors({
    dataDir,
    smtp: hasMail ? { url: smtp.url, from: smtp.from } : null,
    model: hasModel ? { url: model.url, name: model.name ?? 'default', apiKey: model.apiKey } : null,
  });
}
