// Rows that a test uses up: a draft to delete, an effect to decide on. Each is as the application would have made it.
import { sealOf } from '../../src/effects/seal.js';
import type { Effect, EffectStatus } from '../../src/generated/prisma/client.js';
import { newId } from '../../src/platform/ids.js';
import type { Asker, Owner, SeededWorkspace, Site } from './world.js';

interface EffectToPlant {
  readonly asker: Asker;
  readonly canary: string;
  readonly requirement?: 'CONFIRM' | 'ONE' | 'NONE';
  /** Left out: that a contact is made. */
  readonly held?: { readonly kind: string; readonly payload: object };
  readonly scopes?: readonly string[];
  readonly status?: EffectStatus;
  readonly amends?: string;
}

/** An action that a rule held; it waits unless another status is given. */
export async function plantEffect(owner: Owner, workspaceId: string, wish: EffectToPlant): Promise<Effect> {
  const { asker, canary, requirement = 'ONE', status = 'AWAITING_APPROVAL' } = wish;
  const { kind, payload } = wish.held ?? {
    kind: 'contact.create',
    payload: { name: `Payload ${canary}`, subjectId: newId('ctc') },
  };
  const said = { version: 1, requirement, approvers: ['ADMIN', 'OWNER'], reason: `Reason ${canary}` };
  const rule = { id: newId('rul'), ...said };
  await owner.approvalRuleVersion.create({
    data: { ...said, workspaceId, ruleId: rule.id, when: {}, atCap: 'REFUSE' },
  });
  const price = { price: 0, priceBook: `book-${canary}` };
  const principal = { kind: asker.kind, id: asker.id };
  return owner.effect.create({
    data: {
      workspaceId,
      id: newId('eff'),
      kind,
      status,
      actorKind: asker.kind,
      actorId: asker.id,
      agentId: asker.agentId,
      apiKeyId: asker.kind === 'SESSION' ? null : asker.id,
      scopes: [...(wish.scopes ?? [])],
      payload,
      priceCredits: price.price,
      priceBook: price.priceBook,
      rule,
      seal: sealOf({ kind, payload, workspaceId, principal, rule, isSandbox: false, ...price }),
      approvalsNeeded: requirement === 'ONE' ? 1 : 0,
      requestId: `req-${canary}`,
      expiresAt: new Date(Date.now() + 86_400_000),
      result: { text: `Result ${canary}` },
      failure: { code: 'CONFLICT', message: `Failure ${canary}` },
      amendsId: wish.amends ?? null,
    },
  });
}

/** A draft in the workspace's first conversation. */
export async function plantDraft(owner: Owner, { workspaceId, rows, canary }: SeededWorkspace): Promise<string> {
  const id = newId('msg');
  await owner.message.create({
    data: {
      workspaceId,
      id,
      conversationId: rows.Conversation,
      direction: 'OUTBOUND',
      status: 'DRAFT',
      channel: 'EMAIL',
      subject: `Subject ${canary}`,
      body: `Body ${canary}`,
      agentId: rows.Agent,
    },
  });
  return id;
}

/** A chat with the workspace's first contact and agent, in which nothing was said yet. */
export async function plantChat(owner: Owner, { workspaceId, rows, canary }: SeededWorkspace): Promise<string> {
  const id = newId('cnv');
  await owner.conversation.create({
    data: {
      ...{ workspaceId, id, channel: 'CHAT', subject: `Subject ${canary}` },
      ...{ contactId: rows.Contact, agentId: rows.Agent },
    },
  });
  return id;
}

/** An inbox that nothing goes through. */
export async function plantInbox(owner: Owner, { workspaceId, canary }: SeededWorkspace): Promise<string> {
  const id = newId('inb');
  await owner.inbox.create({
    data: { workspaceId, id, channel: 'EMAIL', address: `${id}-${canary}@example.com`, name: `Inbox ${canary}` },
  });
  return id;
}

/** Somebody's own effect, with a decision, so that every field of it has something to show. */
export async function plantDecided(owner: Owner, site: SeededWorkspace, asker: Asker): Promise<Effect> {
  const { canary, workspaceId, userId } = site;
  const effect = await plantEffect(owner, workspaceId, { asker, canary, amends: site.rows.Effect });
  await owner.effectDecision.create({
    data: {
      workspaceId,
      id: newId('apr'),
      effectId: effect.id,
      verdict: 'APPROVED',
      seal: effect.seal,
      comment: `Comment ${canary}`,
      userId,
    },
  });
  return effect;
}

/** A rule that speaks of nothing that exists. */
export async function plantRule(owner: Owner, { workspaceId }: Site, canary: string): Promise<string> {
  const id = newId('rul');
  const said = {
    when: { kinds: [`nothing.${canary.replaceAll('-', '')}`] },
    requirement: 'ONE',
    approvers: ['ADMIN'],
    reason: `Reason ${canary}`,
  } as const;
  const rule = { ...said, approvers: [...said.approvers], when: { kinds: [...said.when.kinds] } };
  await owner.approvalRule.create({ data: { ...rule, workspaceId, id, position: 5 } });
  await owner.approvalRuleVersion.create({ data: { ...rule, workspaceId, ruleId: id, version: 1, atCap: 'REFUSE' } });
  return id;
}

/** A pause of a kind that nothing has. */
export async function plantPause(owner: Owner, { workspaceId, userId }: Site, canary: string): Promise<string> {
  const id = newId('pau');
  const data = { workspaceId, id, kind: `nothing.${canary}`, reason: `Reason ${canary}`, createdById: userId };
  await owner.effectPause.create({ data });
  return id;
}

/** A key's request to send a draft, waiting for one person. */
export async function plantWaitingMessage(owner: Owner, site: SeededWorkspace): Promise<Effect> {
  const { workspaceId, rows, canary } = site;
  const messageId = await plantDraft(owner, site);
  const { status: _, ...message } = await owner.message.findUniqueOrThrow({
    where: { workspaceId_id: { workspaceId, id: messageId } },
  });
  const contact = { address: `contact-${canary}@example.com`, name: `Contact ${canary}` };
  const inbox = { address: `inbox-${canary}@example.com`, name: `Inbox ${canary}` };
  const effect = await plantEffect(owner, workspaceId, {
    asker: { kind: 'ACCOUNT_KEY', id: rows.ApiKey, agentId: null },
    canary,
    scopes: ['messages:send'],
    held: {
      kind: 'message.send',
      payload: {
        ...{ messageId, conversationId: rows.Conversation, contactId: rows.Contact, inboxId: rows.Inbox },
        ...{ channel: 'EMAIL', from: inbox, to: contact, subject: message.subject, body: message.body },
        isFirstContact: true,
      },
    },
  });
  await owner.message.update({
    where: { workspaceId_id: { workspaceId, id: messageId } },
    data: { status: 'PENDING', fromAddress: inbox.address, toAddress: contact.address, effectId: effect.id },
  });
  return effect;
}

/** A key that nothing was asked with. */
export async function plantKey(
  owner: Owner,
  { workspaceId, canary }: SeededWorkspace,
  status: 'ACTIVE' | 'SUSPENDED' = 'ACTIVE',
): Promise<string> {
  const id = newId('key');
  await owner.apiKey.create({
    data: {
      workspaceId,
      id,
      kind: 'ACCOUNT',
      status,
      name: `Key ${canary}`,
      keyPrefix: `prefix-${canary}`,
      start: `start-${canary}`,
      scopes: ['contacts:read'],
    },
  });
  return id;
}
type People = Pick<SeededWorkspace, 'organizationId' | 'userId' | 'canary'>;

/** Nobody has accepted it yet. */
export async function plantInvitation(owner: Owner, { organizationId, userId, canary }: People): Promise<string> {
  const id = newId('inv');
  const expiresAt = new Date(Date.now() + 86_400_000);
  const email = `${id}-${canary}@example.com`;
  await owner.invitation.create({
    data: { organizationId, id, email, role: 'MEMBER', invitedById: userId, expiresAt },
  });
  return id;
}

/** A member who has nothing else to do. */
export async function plantMember(owner: Owner, { organizationId, canary }: People): Promise<string> {
  const person = { name: `Person ${canary}`, email: `${newId('usr')}-${canary}@example.com` };
  const userId = newId('usr');
  await owner.user.create({ data: { id: userId, ...person } });
  const id = newId('mbr');
  await owner.member.create({ data: { organizationId, id, userId, role: 'MEMBER', ...person } });
  return id;
}

/** Of the one who asks, where that is a member; else of a member of the workspace. */
export async function plantSession(owner: Owner, { organizationId, userId }: People, asker: Asker): Promise<string> {
  const asking = await owner.member.findFirst({ where: { organizationId, userId: asker.id } });
  const id = newId('ses');
  const expiresAt = new Date(Date.now() + 86_400_000);
  await owner.session.create({ data: { id, token: newId('ses'), userId: asking?.userId ?? userId, expiresAt } });
  return id;
}
