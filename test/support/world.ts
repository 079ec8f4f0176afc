// Workspaces with a row of every model and a word of their own, the canary, in every text: whoever sees the word has seen
// the workspace. Written straight into the tables by their owner.
import type { Database } from '../../src/db/database.js';
import type { PrincipalKind } from '../../src/generated/prisma/client.js';
import { newId } from '../../src/platform/ids.js';
import { plantEffect, plantInvitation, plantPause, plantRule } from './plant.js';

export type Owner = Database['owner'];

export interface Site {
  readonly organizationId: string;
  readonly workspaceId: string;
  /** A member of the organization. */
  readonly userId: string;
}

/** Who asked for an effect. */
export interface Asker {
  readonly kind: PrincipalKind;
  readonly id: string;
  readonly agentId: string | null;
}

/** Rows that are there for the whole test, by what they are; those with a name of a GraphQL type are of that type. */
export interface Rows {
  readonly Agent: string;
  readonly otherAgent: string;
  readonly spareAgent: string;
  readonly Contact: string;
  readonly otherContact: string;
  readonly Inbox: string;
  readonly otherInbox: string;
  readonly Conversation: string;
  readonly otherConversation: string;
  readonly Message: string;
  readonly otherMessage: string;
  readonly ApiKey: string;
  readonly agentKey: string;
  readonly Effect: string;
  readonly otherEffect: string;
  readonly EffectDecision: string;
  readonly ApprovalRule: string;
  readonly EffectPause: string;
  readonly AuditEntry: string;
  readonly Event: string;
  readonly Workspace: string;
  readonly Organization: string;
  readonly User: string;
  /** Rows of the organization: the same in all its workspaces. */
  readonly Member: string;
  readonly Invitation: string;
  readonly OrganizationAuditEntry: string;
}

export interface SeededWorkspace extends Site {
  readonly canary: string;
  /** In every text of the second agent: what the first agent's key must not see. */
  readonly otherCanary: string;
  readonly rows: Rows;
}

/** An organization with a person and an empty workspace. */
export async function seedSite(owner: Owner, canary: string, organizationId?: string): Promise<Site> {
  const workspaceId = newId('wsp');
  if (organizationId !== undefined) {
    await owner.workspace.create({ data: { id: workspaceId, organizationId, name: `Workspace ${canary}` } });
    const member = await owner.member.findFirstOrThrow({ where: { organizationId } });
    return { organizationId, workspaceId, userId: member.userId };
  }
  const site = { organizationId: newId('org'), workspaceId, userId: newId('usr') };
  const person = { name: `Person ${canary}`, email: `${canary}@example.com` };
  await owner.user.create({ data: { id: site.userId, ...person, emailVerified: true } });
  await owner.organization.create({ data: { id: site.organizationId, name: `Organization ${canary}` } });
  await owner.member.create({
    data: {
      organizationId: site.organizationId,
      id: newId('mbr'),
      userId: site.userId,
      role: 'OWNER',
      ...person,
    },
  });
  await owner.workspace.create({
    data: { id: workspaceId, organizationId: site.organizationId, name: `Workspace ${canary}` },
  });
  return site;
}

/** Fills a workspace; an account of credits that is there already stays. */
export async function seedWorkspace(owner: Owner, site: Site, canary: string): Promise<SeededWorkspace> {
  const otherCanary = `${canary}-other`;
  const { workspaceId, userId } = site;
  const spareAgent = await seedAgent(owner, workspaceId, canary);
  const first = await seedTalk(owner, site, canary);
  const second = await seedTalk(owner, site, otherCanary);
  const effect = await owner.effect.findFirstOrThrow({ where: { workspaceId, id: first.effect } });
  const decision = await owner.effectDecision.create({
    data: {
      workspaceId,
      id: newId('apr'),
      effectId: first.effect,
      verdict: 'APPROVED',
      seal: effect.seal,
      comment: `Comment ${canary}`,
      userId,
    },
  });
  const event = await seedRecords(owner, site, canary, first.effect);
  return {
    ...site,
    canary,
    otherCanary,
    rows: {
      Agent: first.agent,
      otherAgent: second.agent,
      spareAgent,
      Contact: first.contact,
      otherContact: second.contact,
      Inbox: first.inbox,
      otherInbox: second.inbox,
      Conversation: first.conversation,
      otherConversation: second.conversation,
      Message: first.message,
      otherMessage: second.message,
      ApiKey: first.accountKey,
      agentKey: first.agentKey,
      Effect: first.effect,
      otherEffect: second.effect,
      EffectDecision: decision.id,
      ApprovalRule: await plantRule(owner, site, canary),
      EffectPause: await plantPause(owner, site, canary),
      AuditEntry: await seedAuditEntry(owner, site, canary, first),
      Event: event,
      Workspace: workspaceId,
      Organization: site.organizationId,
      User: userId,
      ...(await seedPeople(owner, site, canary)),
    },
  };
}

/** Once per organization, whose workspaces share them. */
async function seedPeople(owner: Owner, { organizationId, userId }: Site, canary: string) {
  const member = await owner.member.findFirstOrThrow({ where: { organizationId, userId } });
  const known = await owner.invitation.findFirst({ where: { organizationId } });
  const invitation = known?.id ?? (await plantInvitation(owner, { organizationId, userId, canary }));
  const entry = await seedOrganizationEntry(owner, { organizationId, userId }, canary, member.id);
  return { Member: member.id, Invitation: invitation, OrganizationAuditEntry: entry };
}

async function seedOrganizationEntry(
  owner: Owner,
  { organizationId, userId }: Pick<Site, 'organizationId' | 'userId'>,
  canary: string,
  subjectId: string,
): Promise<string> {
  const known = await owner.organizationAuditEntry.findFirst({
    where: { organizationId, action: { startsWith: 'member.update-' } },
  });
  if (known !== null) return known.id;
  const id = newId('oae');
  await owner.organizationAuditEntry.create({
    data: {
      ...{ organizationId, id, action: `member.update-${canary}`, outcome: 'DONE', actorKind: 'SESSION' },
      ...{ actorId: userId, allowedBy: `role-${canary}`, subjectId, requestId: `req-${canary}` },
      ...{ ip: `ip-${canary}`, details: { fields: [canary] } },
    },
  });
  return id;
}

async function seedAgent(owner: Owner, workspaceId: string, canary: string): Promise<string> {
  const id = newId('agt');
  await owner.agent.create({
    data: {
      workspaceId,
      id,
      name: `Agent ${canary}`,
      description: `Description ${canary}`,
      instructions: `Instructions ${canary}`,
      model: `model-${canary}`,
    },
  });
  return id;
}

/** An agent, its keys, and one conversation with a message that an effect carries. */
async function seedTalk(owner: Owner, site: Site, canary: string) {
  const { workspaceId } = site;
  const agent = await seedAgent(owner, workspaceId, canary);
  const accountKey = await seedKey(owner, site, canary, null);
  const agentKey = await seedKey(owner, site, canary, agent);
  const asker: Asker = { kind: 'ACCOUNT_KEY', id: accountKey, agentId: agent };
  const amended = await plantEffect(owner, workspaceId, { asker, canary });
  const effect = await plantEffect(owner, workspaceId, { asker, canary, amends: amended.id, status: 'FAILED' });
  const contact = newId('ctc');
  await owner.contact.create({
    data: {
      workspaceId,
      id: contact,
      name: `Contact ${canary}`,
      email: `contact-${canary}@example.com`,
      phone: `+1-${canary}`,
      company: `Company ${canary}`,
      notes: `Notes ${canary}`,
    },
  });
  const inbox = newId('inb');
  await owner.inbox.create({
    data: {
      workspaceId,
      id: inbox,
      channel: 'EMAIL',
      address: `inbox-${canary}@example.com`,
      name: `Inbox ${canary}`,
      agentId: agent,
    },
  });
  const conversation = newId('cnv');
  await owner.conversation.create({
    data: {
      workspaceId,
      id: conversation,
      channel: 'EMAIL',
      subject: `Subject ${canary}`,
      contactId: contact,
      agentId: agent,
      inboxId: inbox,
    },
  });
  const message = newId('msg');
  await owner.message.create({
    data: {
      workspaceId,
      id: message,
      conversationId: conversation,
      direction: 'INBOUND',
      status: 'RECEIVED',
      channel: 'EMAIL',
      fromAddress: `from-${canary}@example.com`,
      toAddress: `to-${canary}@example.com`,
      subject: `Subject ${canary}`,
      body: `Body ${canary}`,
      contactId: contact,
      agentId: agent,
      effectId: effect.id,
      sentAt: new Date(),
    },
  });
  return { agent, accountKey, agentKey, effect: effect.id, contact, inbox, conversation, message };
}

const inDays = (days: number): Date => new Date(Date.now() + days * 86_400_000);

/** Old, about to expire, too wide, used by a page: one that every insight about keys but one tells of. */
async function seedKey(owner: Owner, site: Site, canary: string, agentId: string | null): Promise<string> {
  const id = newId('key');
  const createdAt = inDays(-100);
  await owner.apiKey.create({
    data: {
      workspaceId: site.workspaceId,
      id,
      kind: agentId === null ? 'ACCOUNT' : 'AGENT',
      agentId,
      name: `Key ${canary}`,
      keyPrefix: `prefix-${canary}`,
      start: `start-${canary}`,
      scopes: agentId === null ? ['contacts:write', 'messages:send'] : ['agent:config:read'],
      createdById: site.userId,
      createdAt,
      expiresAt: inDays(7),
      needsRescope: true,
      allowedIps: [`ip-${canary}`],
      spendCapCredits: 5_000,
      spendCapPeriod: 'DAY',
      lastUsedAt: new Date(),
      lastUsedIp: `ip-${canary}`,
      lastUsedUserAgent: `program-${canary}`,
      seenInBrowserAt: new Date(),
    },
  });
  await owner.apiKeySecretUse.create({
    data: { workspaceId: site.workspaceId, id: newId('sec'), keyId: id, start: `start-${canary}`, createdAt },
  });
  await owner.apiKeyScopeUse.create({
    data: { workspaceId: site.workspaceId, keyId: id, scope: `scope-${canary}`, lastUsedAt: new Date() },
  });
  return id;
}

async function seedAuditEntry(
  owner: Owner,
  { workspaceId, userId }: Site,
  canary: string,
  of: { contact: string; effect: string; accountKey: string; agent: string },
): Promise<string> {
  const id = newId('aud');
  await owner.auditEntry.create({
    data: {
      workspaceId,
      id,
      action: `contact.update-${canary}`,
      outcome: 'DONE',
      actorKind: 'SESSION',
      actorId: userId,
      apiKeyId: of.accountKey,
      agentId: of.agent,
      allowedBy: `scope-${canary}`,
      subjectId: of.contact,
      effectId: of.effect,
      costCredits: 1,
      requestId: `req-${canary}`,
      ip: `ip-${canary}`,
      details: { fields: [canary] },
    },
  });
  return id;
}

/** What no field shows by itself: attempts, repeats, money, events. */
async function seedRecords(owner: Owner, { workspaceId }: Site, canary: string, effectId: string): Promise<string> {
  // Of nobody whom a test asks for something about: it opens nothing.
  await owner.contactKey.create({
    data: { workspaceId, contactId: newId('ctc'), wrapped: `wrapped-${canary}`, wrappedBy: `secret-${canary}` },
  });
  await owner.effectExecution.create({
    data: {
      workspaceId,
      id: newId('exe'),
      effectId,
      attempt: 1,
      connector: `connector-${canary}`,
      leaseUntil: new Date(),
      finishedAt: new Date(),
      outcome: `outcome-${canary}`,
    },
  });
  await owner.approvalNotice.create({
    data: {
      workspaceId,
      effectId,
      userId: `user-${canary}`,
      kind: 'WAITING',
      mailId: `mail-${canary}`,
      createdAt: new Date(),
    },
  });
  await owner.idempotencyRecord.create({
    data: {
      workspaceId,
      id: newId('idm'),
      actorId: `actor-${canary}`,
      keyHash: `key-${canary}`,
      requestHash: `request-${canary}`,
      subjectId: effectId,
      expiresAt: new Date(Date.now() + 86_400_000),
    },
  });
  await owner.creditAccount.upsert({
    where: { workspaceId },
    create: { workspaceId, balanceCredits: 4_242 },
    update: {},
  });
  await owner.ledgerEntry.create({
    data: { workspaceId, id: newId('lge'), kind: 'TOP_UP', balanceDelta: 4_242, reservedDelta: 0, effectId },
  });
  await owner.ledgerEntry.create({
    data: { workspaceId, id: newId('lge'), kind: 'CHARGE', balanceDelta: -1, reservedDelta: 0, effectId },
  });
  const event = newId('evt');
  await owner.event.create({
    data: { workspaceId, id: event, type: `event-${canary}`, subjectId: effectId, data: { text: canary } },
  });
  return event;
}
