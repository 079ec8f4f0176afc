// Two workspaces of two organizations with a row of each kind in both, written by the owner.
import { createHash } from 'node:crypto';
import type { Database } from '../../src/db/database.js';

export const hashOf = (secret: string) => new Uint8Array(createHash('sha256').update(secret).digest());

export interface Place {
  readonly workspaceId: string;
  readonly organizationId: string;
}

export const placeOf = (name: string): Place => ({ workspaceId: `wsp_${name}`, organizationId: `org_${name}` });

export async function fillWorkspace({ owner }: Database, name: string): Promise<void> {
  const { workspaceId, organizationId } = placeOf(name);
  const own = { workspaceId, id: `x_${name}` };
  const agentId = `agt_${name}`;
  await owner.organization.create({ data: { id: organizationId, name } });
  await owner.user.create({ data: { id: `usr_${name}`, name, email: `${name}@example.com`, updatedAt: new Date() } });
  await owner.member.create({
    data: {
      organizationId,
      id: `mbr_${name}`,
      userId: `usr_${name}`,
      role: 'OWNER',
      name,
      email: `${name}@example.com`,
    },
  });
  await owner.invitation.create({
    data: {
      organizationId,
      id: `inv_${name}`,
      email: `guest@${name}.example`,
      role: 'MEMBER',
      invitedById: `usr_${name}`,
      expiresAt: new Date(),
    },
  });
  await owner.workspace.create({ data: { id: workspaceId, organizationId, name } });
  for (const id of [agentId, `${agentId}_other`]) {
    await owner.agent.create({ data: { workspaceId, id, name: id, instructions: 'Be kind.' } });
  }
  await owner.contact.create({ data: { ...own, name } });
  await owner.contactKey.create({ data: { workspaceId, contactId: own.id, wrapped: 'w', wrappedBy: 's' } });
  await owner.inbox.create({ data: { ...own, channel: 'EMAIL', address: `${name}@example.com` } });
  for (const agent of [agentId, `${agentId}_other`]) {
    const id = `cnv_${agent}`;
    await owner.conversation.create({ data: { workspaceId, id, channel: 'EMAIL', agentId: agent } });
    await owner.message.create({
      data: {
        workspaceId,
        id: `msg_${agent}`,
        conversationId: id,
        direction: 'INBOUND',
        status: 'RECEIVED',
        channel: 'EMAIL',
        body: 'Hi',
        agentId: agent,
      },
    });
  }
  const actor = { actorKind: 'SYSTEM', actorId: 'system', requestId: 'req' } as const;
  await owner.effect.create({
    data: {
      ...own,
      ...actor,
      kind: 'message.send',
      status: 'QUEUED',
      payload: {},
      priceCredits: 1,
      priceBook: '1',
      rule: {},
      seal: 's',
    },
  });
  await owner.effectDecision.create({
    data: { ...own, effectId: own.id, verdict: 'APPROVED', seal: 's', userId: `usr_${name}` },
  });
  const rule = { workspaceId, requirement: 'ONE', approvers: ['ADMIN'], reason: 'r', when: {} } as const;
  await owner.approvalRule.create({ data: { ...rule, approvers: ['ADMIN'], id: own.id, position: 1 } });
  await owner.approvalRuleVersion.create({
    data: { ...rule, approvers: ['ADMIN'], ruleId: own.id, version: 1, atCap: 'REFUSE' },
  });
  await owner.approvalNotice.create({
    data: { workspaceId, effectId: own.id, userId: `usr_${name}`, kind: 'WAITING', mailId: 'm', createdAt: new Date() },
  });
  await owner.effectPause.create({ data: { ...own, createdById: 'usr' } });
  await owner.effectExecution.create({ data: { ...own, effectId: own.id, attempt: 1, leaseUntil: new Date() } });
  await owner.idempotencyRecord.create({
    data: { ...own, actorId: 'a', keyHash: 'k', requestHash: 'r', subjectId: own.id, expiresAt: new Date() },
  });
  await owner.creditAccount.create({ data: { workspaceId, balanceCredits: 100 } });
  await owner.ledgerEntry.create({ data: { ...own, kind: 'TOP_UP', balanceDelta: 100, reservedDelta: 0 } });
  await owner.auditEntry.create({ data: { ...own, ...actor, action: 'agent.create', outcome: 'DONE', details: {} } });
  await owner.auditLink.create({ data: { workspaceId, seq: 1, entryId: own.id, hash: 'h' } });
  await owner.auditCheckpoint.create({ data: { workspaceId, seq: 1, hash: 'h', keyId: 'k', signature: 's' } });
  const theirs = { organizationId, id: own.id };
  await owner.organizationAuditEntry.create({
    data: { ...theirs, ...actor, action: 'member.update', outcome: 'DONE', details: {} },
  });
  await owner.organizationAuditLink.create({ data: { organizationId, seq: 1, entryId: own.id, hash: 'h' } });
  await owner.organizationAuditCheckpoint.create({
    data: { organizationId, seq: 1, hash: 'h', keyId: 'k', signature: 's' },
  });
  await owner.event.create({ data: { ...own, type: 'agent.created', subjectId: agentId, data: {} } });
  const key = { workspaceId, keyPrefix: 'sp_acct_', start: 'sp_acct_abcd', scopes: ['agents:read'] };
  await owner.apiKey.create({ data: { ...key, id: `key_${name}`, kind: 'ACCOUNT', name } });
  await owner.apiKey.create({ data: { ...key, id: `key_agent_${name}`, kind: 'AGENT', name, agentId } });
  const secret = { id: `sec_${name}`, workspaceId, keyId: `key_${name}` };
  await owner.apiKeySecret.create({ data: { ...secret, hash: hashOf(name) } });
  await owner.apiKeySecretUse.create({ data: { ...secret, start: key.start } });
  await owner.apiKeyScopeUse.create({
    data: { workspaceId, keyId: secret.keyId, scope: 'agents:read', lastUsedAt: new Date() },
  });
}
