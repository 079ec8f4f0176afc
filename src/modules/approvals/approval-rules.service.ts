import { z } from 'zod';
import { isAuditAction } from '../../audit/actions.js';
import type { ApprovalRule, RuleConditions } from '../../effects/approval-policy.js';
import type { World } from '../../effects/world.js';
import type { ApprovalRule as ApprovalRuleRow, Prisma } from '../../generated/prisma/client.js';
import { type GuardedDb, rowKey } from '../../guard/guarded-db.js';
import { badInput, conflict, notFound } from '../../platform/errors.js';
import { isId, newId } from '../../platform/ids.js';
import { requireValid } from '../../platform/validation.js';

const rulesMax = 100;
const positionMax = 1_000_000;
const creditsMax = 2_147_483_647;

const listed = <Item extends z.ZodType>(item: Item) =>
  z.array(item).min(1, 'an empty list never matches; leave it out').max(100, 'at most 100').nullish();
const credits = z.number().int().min(0, 'not negative').max(creditsMax).nullish();

const conditions = z.object({
  act: z.enum(['EFFECT', 'ACTION']).nullish(),
  kinds: listed(
    z.string().regex(/^([a-z][A-Za-z]*|\*)\.([a-z][A-Za-z]*|\*)$/, 'write noun.verb; either word may be *'),
  ),
  principalKinds: listed(z.enum(['SESSION', 'ACCOUNT_KEY', 'AGENT_KEY', 'MISSION', 'PROVIDER', 'SYSTEM'])),
  apiKeyIds: listed(z.string().refine((id) => isId(id, 'key'), 'not the id of a key')),
  agentIds: listed(z.string().refine((id) => isId(id, 'agt'), 'not the id of an agent')),
  creditsAtLeast: credits,
  creditsAtMost: credits,
  recipientsAtLeast: credits,
  isFirstContact: z.boolean().nullish(),
  channels: listed(z.enum(['EMAIL', 'SMS', 'CHAT', 'VOICE', 'MISSION'])),
});
const requirement = z.enum(['NONE', 'CONFIRM', 'ONE', 'TWO']);
const approvers = z
  .array(z.enum(['ADMIN', 'OWNER']))
  .min(1, 'name at least one role')
  .max(2);
const atCap = z.enum(['REFUSE', 'PARK']);
const reason = z.string().trim().min(1, 'say why, for whoever waits').max(500, 'at most 500 characters');
const position = z.number().int().min(0, 'not negative').max(positionMax, `at most ${positionMax}`);

const newRule = z.object({
  position: position.nullish(),
  when: conditions,
  requirement,
  approvers: approvers.nullish(),
  atCap: atCap.nullish(),
  reason,
});
const rulePatch = z.object({
  position: position.nullish(),
  when: conditions.nullish(),
  requirement: requirement.nullish(),
  approvers: approvers.nullish(),
  atCap: atCap.nullish(),
  reason: reason.nullish(),
});

type Stored = Pick<ApprovalRuleRow, 'version' | 'when' | 'requirement' | 'approvers' | 'atCap' | 'reason'>;

const read = (id: string, row: Stored): ApprovalRule => ({
  id,
  version: row.version,
  when: row.when as RuleConditions,
  requirement: row.requirement,
  approvers: row.approvers as ApprovalRule['approvers'],
  atCap: row.atCap,
  reason: row.reason,
});

/** The rules that a workspace made itself, in the order in which they are asked. */
export const rulesIn = async (db: GuardedDb): Promise<readonly ApprovalRule[]> =>
  (await db.approvalRule.findMany({ orderBy: [{ position: 'asc' }, { id: 'asc' }] })).map((row) => read(row.id, row));

/** What one of them said at a version, also after it was changed or deleted. */
export const ruleAtVersion = async (db: GuardedDb, id: string, version: number): Promise<ApprovalRule | null> => {
  const row = await db.approvalRuleVersion.findFirst({ where: { ruleId: id, version } });
  return row === null ? null : read(id, row);
};

export type ApprovalRulesService = ReturnType<typeof approvalRulesService>;

/** The rules of a workspace. Whatever waits keeps the version that it was sealed with. */
export const approvalRulesService = ({ db, audit }: World) => ({
  async create(input: unknown, id: string = newId('rul')): Promise<ApprovalRuleRow> {
    const asked = requireValid(newRule, input);
    const when = await judged(db, asked.when);
    if ((await db.approvalRule.count()) >= rulesMax) throw conflict(`A workspace has at most ${rulesMax} rules.`);
    const last = await db.approvalRule.findFirst({ orderBy: { position: 'desc' }, select: { position: true } });
    const rule = await db.approvalRule.create({
      data: {
        id,
        position: asked.position ?? Math.min((last?.position ?? 0) + 10, positionMax),
        when,
        requirement: asked.requirement,
        approvers: asked.approvers ?? ['ADMIN', 'OWNER'],
        atCap: asked.atCap ?? 'REFUSE',
        reason: asked.reason,
      },
    });
    await keepVersion(db, rule);
    await audit.record({ action: 'approvalRule.create', subjectId: id, details: told(rule) });
    return rule;
  },

  async update(id: string, input: unknown): Promise<ApprovalRuleRow> {
    const asked = requireValid(rulePatch, input);
    const before = await this.get(id);
    const rule = await db.approvalRule.update({
      where: rowKey(db, id),
      data: {
        version: { increment: 1 },
        position: asked.position ?? before.position,
        ...(asked.when ? { when: await judged(db, asked.when) } : {}),
        requirement: asked.requirement ?? before.requirement,
        approvers: asked.approvers ?? before.approvers,
        atCap: asked.atCap ?? before.atCap,
        reason: asked.reason ?? before.reason,
      },
    });
    await keepVersion(db, rule);
    await audit.record({ action: 'approvalRule.update', subjectId: id, details: told(rule) });
    return rule;
  },

  async remove(id: string): Promise<void> {
    const { version, requirement: asked } = await this.get(id);
    await db.approvalRule.delete({ where: rowKey(db, id) });
    await audit.record({ action: 'approvalRule.delete', subjectId: id, details: { version, requirement: asked } });
  },

  async find(id: string): Promise<ApprovalRuleRow | null> {
    return db.approvalRule.findFirst({ where: { id } });
  },

  /** @throws NOT_FOUND for an id that is unknown here. */
  async get(id: string): Promise<ApprovalRuleRow> {
    const rule = await this.find(id);
    if (rule === null) throw notFound('approval rule');
    return rule;
  },
});

const told = ({ version, position: at, requirement: asked, approvers: roles, when }: ApprovalRuleRow) => ({
  version,
  position: at,
  requirement: asked,
  approvers: roles,
  conditions: Object.keys(when as object),
});

async function keepVersion(db: GuardedDb, rule: ApprovalRuleRow): Promise<void> {
  const { id: ruleId, version, when, requirement: asked, approvers: roles, atCap: cap, reason: why } = rule;
  await db.approvalRuleVersion.create({
    data: {
      ...{ ruleId, version, when: when as Prisma.InputJsonValue },
      ...{ requirement: asked, approvers: roles, atCap: cap, reason: why },
    },
  });
}

/** Without what was left out, and only with keys and agents of this workspace and kinds that exist. */
async function judged(db: GuardedDb, when: z.output<typeof conditions>): Promise<Prisma.InputJsonObject> {
  const kept = Object.fromEntries(Object.entries(when).filter(([, value]) => value !== null && value !== undefined));
  for (const kind of when.kinds ?? []) requireKnownKind(kind);
  const { apiKeyIds, agentIds } = when;
  if (apiKeyIds && (await db.apiKey.count({ where: { id: { in: apiKeyIds } } })) < new Set(apiKeyIds).size) {
    throw badInput('input.when.apiKeyIds: a key that is not of this workspace', 'input.when.apiKeyIds');
  }
  if (agentIds && (await db.agent.count({ where: { id: { in: agentIds } } })) < new Set(agentIds).size) {
    throw badInput('input.when.agentIds: an agent that is not of this workspace', 'input.when.agentIds');
  }
  return kept as Prisma.InputJsonObject;
}

/** A misspelt kind would be a rule that never holds anything. */
function requireKnownKind(kind: string): void {
  if (kind.includes('*') || isAuditAction(kind) || plannedKinds.has(kind)) return;
  throw badInput(`input.when.kinds: there is no action or effect ${kind}`, 'input.when.kinds');
}

/** Kinds that the default rules already speak of, before the nouns they belong to are there. */
const plannedKinds: ReadonlySet<string> = new Set(['campaign.start', 'tool.call']);
