// What the command line does to a database, as one table: run here when the folder is free, or by the running server that
// holds it (socket.ts), and the same thing either way. Inputs are judged again where they run; results are JSON.
import { z } from 'zod';
import { asOperator, ownersAudit } from '../app.js';
import { type ChainOwner, ownerId, ownerNamed } from '../audit/chain-owner.js';
import { exportHead, lineOf } from '../audit/export-lines.js';
import { exportPage, headOfChain } from '../audit/export-page.js';
import { keepKnownKeys, knownKeys } from '../audit/known-keys.js';
import type { Checkpoint } from '../audit/links.js';
import { type Pruned, pruneTrail } from '../audit/prune.js';
import { auditKeySet } from '../audit/public-keys.js';
import { type Audit, auditAsOwner, auditOfOrganization, systemActor } from '../audit/record.js';
import { readTrail } from '../audit/trail.js';
import { verifyTrail } from '../audit/verify.js';
import { bootstrap } from '../auth/bootstrap.js';
import { factsAtHand } from '../auth/create-key.js';
import { listKeys } from '../auth/keys.js';
import type { Config } from '../config.js';
import type { Database } from '../db/database.js';
import { asSystem, type SystemDb } from '../guard/as-system.js';
import { systemClock } from '../platform/clock.js';
import { badInput, notFound } from '../platform/errors.js';
import { newId } from '../platform/ids.js';
import type { AuditKey } from '../platform/secrets.js';
import { requireValid } from '../platform/validation.js';
import { requireMigrated } from './apply-migrations.js';
import { inspect } from './inspect.js';
import { keyFacts } from './key-facts.js';
import { topUpCredits } from './top-up.js';
import { type OwnedVerification, summaryOf, type VerifiedTrails } from './verified-trails.js';

/** What an operation is given. */
export interface Desk {
  readonly config: Config;
  readonly database: Database;
  /** The first signs. */
  readonly auditKeys: () => readonly [AuditKey, ...AuditKey[]];
}

interface Operation<Input, Result> {
  readonly input: z.ZodType<Input>;
  run(input: Input, desk: Desk): Promise<Result>;
}

const operation = <Input, Result>(
  input: z.ZodType<Input>,
  run: (input: Input, desk: Desk) => Promise<Result>,
): Operation<Input, Result> => ({ input, run });

const optional = <Type extends z.ZodType>(type: Type) => type.nullish().transform((value) => value ?? null);

const keyImport = z.object({
  format: z.object({ prefix: z.string(), length: z.number(), alphabet: z.string() }),
  keys: z.array(
    z.object({
      kind: z.enum(['ACCOUNT', 'AGENT']),
      agentId: z.string().nullish(),
      name: z.string(),
      scopes: z.array(z.string()).nullish(),
      hash: z.string(),
      start: z.string().nullish(),
      expiresAt: z.string().nullish(),
      allowedIps: z.array(z.string()).nullish(),
      spendCapCredits: z.number().nullish(),
      spendCapPeriod: z.enum(['LIFETIME', 'DAY', 'MONTH']).nullish(),
      rpm: z.number().nullish(),
      rpd: z.number().nullish(),
    }),
  ),
});

const exportPlace = z.object({
  part: z.enum(['checkpoints', 'linked', 'tail']),
  seq: z.number(),
  id: z.string(),
  linked: z.number(),
  tail: z.number(),
  lastSeq: z.number(),
  cutSeq: z.number(),
});

/** Neither: every trail there is. */
const whoseTrail = z.object({ workspaceId: optional(z.string()), organizationId: optional(z.string()) });
type WhoseTrail = z.output<typeof whoseTrail>;

/** An id alone names a key here: whoever is on this machine may change every workspace. */
async function workspaceOfKey({ database }: Desk, id: string): Promise<string> {
  const key = await asSystem(database, 'find an API key', (db) => db.apiKey.findFirst({ where: { id } }));
  if (key === null) throw notFound('API key');
  return key.workspaceId;
}

const owners = (desk: Desk) => ({ database: desk.database, audit: ownersAudit });

export const operations = {
  bootstrap: operation(
    z.object({
      org: z.string(),
      workspace: z.string(),
      email: z.string(),
      password: z.string(),
      name: optional(z.string()),
      credits: z.number(),
    }),
    ({ name, ...request }, desk) => bootstrap(owners(desk), name === null ? request : { ...request, name }),
  ),

  'keys.create': operation(
    z.object({
      workspaceId: z.string(),
      kind: z.enum(['ACCOUNT', 'AGENT']),
      agentId: optional(z.string()),
      name: z.string(),
      scopes: optional(z.array(z.string())),
      allowedIps: optional(z.array(z.string())),
      expiresAt: optional(z.string()),
      spendCapCredits: optional(z.number()),
      spendCapPeriod: optional(z.enum(['LIFETIME', 'DAY', 'MONTH'])),
      rpm: optional(z.number()),
      rpd: optional(z.number()),
    }),
    async ({ workspaceId, ...request }, desk) => {
      const made = await asOperator(desk, workspaceId, 'create an API key', ({ apiKeys }) => apiKeys.create(request));
      const { id, ...facts } = keyFacts(made.apiKey);
      return { id, key: made.key, ...facts, warnings: made.warnings };
    },
  ),

  'keys.list': operation(
    z.object({ workspaceId: z.string(), withRevoked: z.boolean() }),
    async (request, { database }) => ({ keys: (await listKeys({ database }, request)).map(keyFacts) }),
  ),

  'keys.rotate': operation(
    z.object({ id: z.string(), graceSeconds: optional(z.number()) }),
    async ({ id, graceSeconds }, desk) => {
      const workspaceId = await workspaceOfKey(desk, id);
      const made = await asOperator(desk, workspaceId, 'rotate an API key', ({ apiKeys }) =>
        apiKeys.rotate(id, graceSeconds),
      );
      const { id: _, ...facts } = keyFacts(made.apiKey);
      return { id, key: made.key, rotationGraceUntil: made.rotationGraceUntil?.toISOString() ?? null, ...facts };
    },
  ),

  'keys.revoke': operation(z.object({ id: z.string() }), async ({ id }, desk) => {
    const workspaceId = await workspaceOfKey(desk, id);
    return keyFacts(await asOperator(desk, workspaceId, 'revoke an API key', ({ apiKeys }) => apiKeys.revoke(id)));
  }),

  'keys.import': operation(
    z.object({ workspaceId: z.string(), input: keyImport }),
    async ({ workspaceId, input }, desk) => {
      const { apiKeys: keys, warnings } = await asOperator(desk, workspaceId, 'import API keys', ({ apiKeys }) =>
        apiKeys.import(input),
      );
      return { keys: keys.map(keyFacts), warnings };
    },
  ),

  'credits.topUp': operation(z.object({ workspaceId: z.string(), credits: z.number() }), (request, desk) =>
    topUpCredits(desk.database, request),
  ),

  'audit.verify': operation(whoseTrail, (whose, desk) => verifyTrails(desk, whose)),

  'audit.prune': operation(whoseTrail.extend({ before: z.iso.datetime({ offset: true }) }), (request, desk) =>
    pruneTrails(desk, request),
  ),

  'audit.export.begin': operation(whoseTrail, (whose, desk) => beginExport(desk, whose)),

  'audit.export.page': operation(
    z.object({ trailId: z.string(), place: exportPlace.nullable() }),
    ({ trailId, place }, { database }) => exportPage(database, ownerNamed(trailId), place),
  ),

  migrate: operation(z.object({}), (_, { database }) => requireMigrated(database)),

  doctor: operation(z.object({}), (_, { config, database }) =>
    inspect(config, async (text) => (await database.executeAsOwner(text)).rows),
  ),
} as const;

export type OperationName = keyof typeof operations;
export type InputOf<Name extends OperationName> = Parameters<(typeof operations)[Name]['run']>[0];
export type ResultOf<Name extends OperationName> = Awaited<ReturnType<(typeof operations)[Name]['run']>>;

/** @throws BAD_USER_INPUT for an operation that does not exist or an input it does not take */
export async function runOperation(name: string, input: unknown, desk: Desk): Promise<unknown> {
  if (!Object.hasOwn(operations, name)) throw badInput(`There is no operation ${JSON.stringify(name.slice(0, 40))}.`);
  const { input: schema, run } = operations[name as OperationName] as Operation<unknown, unknown>;
  return run(requireValid(schema, input), desk);
}

interface BegunExport {
  /** The first line of the file. */
  readonly head: string;
  /** Whose trails follow, in this order. */
  readonly trailIds: readonly string[];
}

/** That a trail was read is remembered in it. */
async function beginExport({ database, auditKeys }: Desk, whose: WhoseTrail): Promise<BegunExport> {
  const owners = await trailsOf(database, whose, 'export the audit trail');
  for (const owner of owners) {
    await asSystem(database, 'record that the audit trail was exported', (db) =>
      operatorsAudit(db, owner).record({ action: 'audit.export', subjectId: ownerId(owner) }),
    );
  }
  const configured = auditKeys();
  const { keys } = auditKeySet(await keepKnownKeys(database, configured));
  const [key] = configured;
  const createdAt = systemClock.now();
  const heads: Checkpoint[] = [];
  for (const owner of owners) {
    const head = await headOfChain(database, owner, { key, createdAt });
    if (head !== null) heads.push(head);
  }
  const facts = {
    ...whose,
    exportedAt: createdAt.toISOString(),
    organizationIds: owners.flatMap(({ organizationId }) => organizationId ?? []),
    workspaceIds: owners.flatMap(({ workspaceId }) => workspaceId ?? []),
  };
  return { head: lineOf(exportHead({ ...facts, heads, keys }, key)), trailIds: owners.map(ownerId) };
}

function operatorsAudit(db: SystemDb, owner: ChainOwner): Audit {
  const origin = { principal: systemActor, request: { id: newId('req'), ip: null, allowedBy: null } };
  return owner.workspaceId === undefined
    ? auditOfOrganization(db, owner.organizationId, origin)
    : auditAsOwner(db, owner.workspaceId, origin);
}

/** Those of organizations first. @throws BAD_USER_INPUT for an id that nobody has */
const trailsOf = (database: Database, whose: WhoseTrail, reason: string): Promise<ChainOwner[]> =>
  asSystem(database, reason, async (db) => {
    const { workspaceId, organizationId } = whose;
    if (workspaceId !== null && organizationId !== null)
      throw badInput('Name a workspace or an organization, not both.', 'organizationId');
    if (workspaceId !== null) {
      await factsAtHand(db, workspaceId);
      return [{ workspaceId }];
    }
    const named = organizationId === null ? {} : { id: organizationId };
    const organizations = await db.organization.findMany({
      where: named,
      orderBy: { id: 'asc' },
      select: { id: true },
    });
    const owners = organizations.map(({ id }): ChainOwner => ({ organizationId: id }));
    if (organizationId !== null) {
      if (owners.length === 0)
        throw badInput('No organization with this id; such an id starts with org_.', 'organizationId');
      return owners;
    }
    const workspaces = await db.workspace.findMany({ orderBy: { id: 'asc' }, select: { id: true } });
    return [...owners, ...workspaces.map(({ id }): ChainOwner => ({ workspaceId: id }))];
  });

/** One trail, or every one; sums and problems of all of them. */
async function verifyTrails({ database, auditKeys }: Desk, whose: WhoseTrail): Promise<VerifiedTrails> {
  const known = await knownKeys(database, auditKeys());
  const keys = new Map(known.map((key) => [key.keyId, key]));
  const verified: OwnedVerification[] = [];
  for (const owner of await trailsOf(database, whose, 'verify the audit trail')) {
    verified.push({ owner, verified: await verifyTrail(await readTrail(database, owner), keys) });
  }
  return summaryOf(verified);
}

interface PrunedTrails {
  readonly dropped: number;
  readonly trails: readonly (Pruned & ChainOwner)[];
}

/** One trail, or every one. @throws CONFLICT at the first that does not verify */
async function pruneTrails(
  { database, auditKeys }: Desk,
  { before, ...whose }: WhoseTrail & { readonly before: string },
): Promise<PrunedTrails> {
  const configured = auditKeys();
  const known = await knownKeys(database, configured);
  const publicKeys = new Map(known.map((key) => [key.keyId, key]));
  const trails: (Pruned & ChainOwner)[] = [];
  for (const owner of await trailsOf(database, whose, 'drop old audit entries')) {
    const parts = {
      ...{ database, publicKeys, key: configured[0], clock: systemClock },
      auditIn: (db: SystemDb) => operatorsAudit(db, owner),
    };
    trails.push({ ...owner, ...(await pruneTrail(parts, owner, new Date(before))) });
  }
  return { dropped: trails.reduce((sum, one) => sum + one.dropped, 0), trails };
}
