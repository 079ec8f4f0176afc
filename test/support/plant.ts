// Rows that a test uses up: a draft to delete, an effect to decide on. Each is as the application would have made it.
import { sealOf } from '../../src/effects/seal.js';
import type { Effect, EffectStatus } from '../../src/generated/prisma/client.js';
import { newId } from '../../src/platform/ids.js';
import type { Asker, Owner, SeededWorkspace } from './world.js';

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
  const rule = {
    id: `rule-${canary}`,
    version: 1,
    requirement,
    approvers: ['ADMIN', 'OWNER'],
    reason: `Reason ${canary}`,
  };
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
      seal: sealOf({ kind, payload, workspaceId, principal, rule, ...price }),
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
