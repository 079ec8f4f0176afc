// Asking to leave. The payload is parsed, frozen, priced and sealed; a rule says who must agree; the price is reserved;
// and the effect waits or queues. All of it in the mutation's transaction: a refusal here leaves no trace of the request.
import type { AuditAction } from '../audit/actions.js';
import type { Principal } from '../auth/principal.js';
import type { EffectEventType } from '../events/catalogue.js';
import type { Effect } from '../generated/prisma/client.js';
import { type GuardedDb, rowKey } from '../guard/guarded-db.js';
import { withSavepoint } from '../guard/savepoint.js';
import { factsOf, isScope } from '../guard/scopes.js';
import { badInput, isCoded } from '../platform/errors.js';
import { newId } from '../platform/ids.js';
import { requireValid } from '../platform/validation.js';
import { type ApprovalFacts, approvalsNeeded, decideRule, type RuleVerdict } from './approval-policy.js';
import type { EffectDeps } from './deps.js';
import type { EffectKind } from './effect-kind.js';
import type { Amended, ProposeOptions } from './effect-port.js';
import { reserve } from './ledger.js';
import { effectLimits } from './limits.js';
import { performEffectJob } from './perform-job.js';
import { sealOf } from './seal.js';
import { asJson, payerOf } from './stored-effect.js';
import type { World } from './world.js';

export async function propose<Payload>(
  world: World,
  deps: EffectDeps,
  kind: EffectKind<Payload>,
  payload: Payload,
  options: ProposeOptions,
): Promise<Effect> {
  const parsed = requireValid(kind.payload, payload, 'payload');
  const scopes = options.scopes ?? scopesAllowing(world);
  requireSpendingScope(kind, scopes);
  const isSandbox = await isRehearsed(world.db);
  const credits = isSandbox ? 0 : kind.price(parsed, world);
  const facts = factsOfPayload(kind, parsed, credits, world.principal);
  const rule = await judge(world, deps, facts);
  const effect = await store(world, {
    id: options.effectId,
    kind: kind.kind,
    payload: freeze(parsed),
    contactId: kind.contact?.(parsed) ?? null,
    otherContactId: kind.otherContact?.(parsed) ?? null,
    scopes,
    agentId: facts.agentId,
    credits,
    rule,
    isSandbox,
    amends: options.amends ?? null,
  });
  const { isParked } = await reserveOrPark(world.db, effect, rule);
  await deps.definitions.get(kind.kind)?.proposed?.(parsed, effect.id, world);
  const asked = isParked ? await park(world, effect, rule) : effect;
  await tell(world, asked, kind.kind, rule, kind.subject?.(parsed) ?? null);
  return asked;
}

/** What rules may look at of an effect that is asked for. */
export const factsOfPayload = <Payload>(
  kind: EffectKind<Payload>,
  payload: Payload,
  credits: number,
  principal: Pick<Principal, 'agentId'>,
): Omit<ApprovalFacts, 'principalKind' | 'apiKeyId'> & { readonly act: 'EFFECT' } => {
  const facts = kind.facts?.(payload) ?? {};
  return {
    act: 'EFFECT',
    kind: kind.kind,
    agentId: principal.agentId ?? facts.agentId ?? null,
    credits,
    recipients: facts.recipients ?? 1,
    isFirstContact: facts.firstContact ?? false,
    channel: facts.channel ?? null,
  };
};

/** Whether the workspace only rehearses: everything is captured and nothing is charged. */
export const isRehearsed = async (db: GuardedDb): Promise<boolean> =>
  (await db.workspace.findFirst({ where: { id: db.$tenant.workspaceId }, select: { mode: true } }))?.mode === 'SANDBOX';

/** Reserves what it costs; past a cap, and where the rule says so, nothing: then somebody's approval reserves it. */
async function reserveOrPark(db: GuardedDb, effect: Effect, rule: RuleVerdict): Promise<{ isParked: boolean }> {
  const run = () => reserve(db, payerOf(effect), effect.priceCredits);
  if (rule.atCap !== 'PARK') {
    await run();
    return { isParked: false };
  }
  try {
    await withSavepoint(db, run);
    return { isParked: false };
  } catch (error) {
    if (!isCoded(error, 'SPEND_CAP_EXCEEDED')) throw error;
    return { isParked: true };
  }
}

/** Waits for one person at least, with nothing reserved. The rule it was sealed with stays as it is. */
async function park({ db }: World, effect: Effect, rule: RuleVerdict): Promise<Effect> {
  return db.effect.update({
    where: rowKey(db, effect.id),
    data: {
      status: 'AWAITING_APPROVAL',
      reservedCredits: 0,
      approvalsNeeded: Math.max(1, approvalsNeeded(rule.requirement)),
    },
  });
}

export async function ruleHolding(world: World, deps: EffectDeps, action: string): Promise<RuleVerdict | null> {
  const asked = {
    act: 'ACTION',
    kind: action,
    agentId: world.principal.agentId,
    credits: 0,
    recipients: 0,
    isFirstContact: false,
    channel: null,
  } as const;
  const rule = await judge(world, deps, asked);
  return rule.requirement === 'NONE' ? null : rule;
}

export async function holdAction(
  world: World,
  action: string,
  rule: RuleVerdict,
  input: unknown,
  contactId: string | null,
): Promise<Effect> {
  const scopes = scopesAllowing(world);
  const effect = await store(world, {
    id: newId('eff'),
    kind: action,
    payload: freeze(input),
    contactId,
    otherContactId: null,
    scopes,
    agentId: world.principal.agentId,
    credits: 0,
    rule,
    isSandbox: false,
    amends: null,
  });
  await tell(world, effect, 'action.hold', rule, null);
  return effect;
}

/** What let the current field pass, as a list: `a+b`, `role:ADMIN`. */
const scopesAllowing = ({ request }: World): readonly string[] =>
  (request.allowedBy ?? '').split('+').filter((scope) => scope.includes(':'));

export async function judge(
  { db, principal }: Pick<World, 'db' | 'principal'>,
  deps: EffectDeps,
  facts: Omit<ApprovalFacts, 'principalKind' | 'apiKeyId'>,
): Promise<RuleVerdict> {
  const who = { principalKind: principal.kind, apiKeyId: principal.apiKeyId };
  const { rule } = decideRule(await deps.rulesOf(db), { ...facts, ...who });
  deps.judged?.(rule);
  return rule;
}

interface NewEffect {
  readonly id: string;
  readonly kind: string;
  readonly payload: ReturnType<typeof freeze>;
  readonly contactId: string | null;
  readonly otherContactId: string | null;
  readonly scopes: readonly string[];
  readonly agentId: string | null;
  readonly credits: number;
  readonly rule: RuleVerdict;
  readonly isSandbox: boolean;
  readonly amends: Amended | null;
}

async function store(world: World, asked: NewEffect): Promise<Effect> {
  const { id, kind, payload, contactId, otherContactId, scopes, agentId, credits, rule, isSandbox, amends } = asked;
  const { db, principal, prices, clock, request, vault } = world;
  const waits = rule.requirement !== 'NONE';
  return db.effect.create({
    data: {
      id,
      kind,
      status: waits ? 'AWAITING_APPROVAL' : 'QUEUED',
      actorKind: principal.kind,
      actorId: principal.id,
      agentId,
      apiKeyId: principal.apiKeyId,
      scopes: [...scopes],
      contactId,
      otherContactId,
      payload:
        contactId === null ? payload : await vault.close(db, { contactId, otherContactId, effectId: id }, payload),
      priceCredits: credits,
      priceBook: prices.version,
      reservedCredits: credits,
      isSandbox,
      amendsId: amends?.effectId ?? null,
      coRequesterIds: [...(amends?.coRequesterIds ?? [])],
      rule: { ...rule, approvers: [...rule.approvers] },
      seal: sealOf({
        kind,
        payload,
        workspaceId: principal.workspaceId,
        principal,
        price: credits,
        priceBook: prices.version,
        rule,
        isSandbox,
      }),
      approvalsNeeded: approvalsNeeded(rule.requirement),
      requestId: request.id,
      expiresAt: expiryFrom(clock.now()),
    },
  });
}

export const expiryFrom = (now: Date): Date => new Date(now.getTime() + effectLimits.expiresInHours * 3_600_000);

async function tell(
  world: World,
  effect: Effect,
  action: AuditAction,
  rule: RuleVerdict,
  subjectId: string | null,
): Promise<void> {
  const waits = effect.status === 'AWAITING_APPROVAL';
  const details = { status: effect.status, rule: `${rule.id}@${rule.version}`, seal: effect.seal };
  await world.audit.record(
    action === 'action.hold'
      ? { action, effectId: effect.id, outcome: 'HELD', details: { ...details, kind: effect.kind } }
      : {
          ...{ action, subjectId, effectId: effect.id, outcome: waits ? 'HELD' : 'DONE' },
          details: { ...details, price: effect.priceCredits },
        },
  );
  await emitEffect(world, effect);
  if (!waits) await enqueuePerforming(world, effect);
}

/** The event of the status the effect is in. */
export const emitEffect = ({ events }: Pick<World, 'events'>, effect: Effect): Promise<void> =>
  events.emit(`effect.${effect.status.toLowerCase()}` as EffectEventType, effect.id, {
    kind: effect.kind,
    status: effect.status,
    actorId: effect.actorId,
  });

export const enqueuePerforming = async (
  { db, enqueue }: Pick<World, 'db' | 'enqueue'>,
  effect: Effect,
  waitMs = 0,
): Promise<void> => {
  const { organizationId, workspaceId } = db.$tenant;
  const options = { singletonKey: effect.id, ...(waitMs === 0 ? {} : { waitMs }) };
  await enqueue(performEffectJob, { organizationId, workspaceId, effectId: effect.id }, options);
};

function requireSpendingScope(kind: Pick<EffectKind, 'kind' | 'spends'>, scopes: readonly string[]): void {
  if (!kind.spends || scopes.some((scope) => isScope(scope) && factsOf(scope).spends)) return;
  throw new Error(`${kind.kind} spends credits but was allowed by ${scopes.join(', ') || 'no scope'}, which does not.`);
}

// PostgreSQL's JSON cannot hold it.
const escapedNul = /(?<!\\)(?:\\\\)*\\u0000/;

/** As the database will give it back, so that the seal made now is the seal made later. */
function freeze(payload: unknown) {
  const text = JSON.stringify(payload) ?? 'null';
  if (Buffer.byteLength(text) > effectLimits.payloadBytesMax) {
    throw badInput(`The request is larger than ${effectLimits.payloadBytesMax / 1024} KiB. Send less text.`, 'input');
  }
  if (escapedNul.test(text)) throw badInput('A text holds a NUL character; remove it.', 'input');
  return asJson(JSON.parse(text)) ?? {};
}
