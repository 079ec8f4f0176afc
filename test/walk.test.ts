// The one story: a key asks, a scope is missing, a message waits, a person agrees, it leaves by SMTP, the trail holds.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTrail } from '../src/audit/trail.js';
import { verifyTrail } from '../src/audit/verify.js';
import { writeDemoData } from '../src/cli/demo/data.js';
import { asSystem } from '../src/guard/as-system.js';
import { startFakeModel } from './support/fake-model.js';
import { startFakeSmtp } from './support/fake-smtp.js';
import { type Harness, startHarness } from './support/harness.js';

describe('from a key to a delivered message', () => {
  let harness: Harness;
  let smtp: Awaited<ReturnType<typeof startFakeSmtp>>;
  let model: Awaited<ReturnType<typeof startFakeModel>>;
  let ids: { agentId: string; contactId: string; conversationId: string };

  beforeAll(async () => {
    smtp = await startFakeSmtp();
    model = await startFakeModel();
    harness = await startHarness({ env: { SMTP_URL: smtp.url, MODEL_URL: model.url, MODEL_NAME: 'test-model' } });
    const { workspaceId } = harness.place;
    ids = await asSystem(harness.database, 'fill the workspace', (db) => writeDemoData(db, workspaceId, new Date()));
  });
  afterAll(async () => {
    await harness?.stop();
    await smtp?.close();
    await model?.close();
  });

  it('reads with an account key', async () => {
    const { key } = await harness.createKey({
      kind: 'ACCOUNT',
      scopes: ['contacts:read', 'messages:read', 'me:read', 'agents:read'],
    });
    const data = await harness.as({ key }).data<{
      me: { kind: string; workspace: { name: string }; key: { start: string } };
      contacts: {
        totalCount: number;
        nodes: { name: string; conversations: { nodes: { messages: { totalCount: number } }[] } }[];
      };
    }>(`{
      me { kind workspace { id name plan } organization { id name } key { start scopes effectiveScopes status createdBy { kind name } } rateLimits { rpm rpd } }
      contacts(first: 3, orderBy: { field: NAME, direction: ASC }) {
        totalCount
        pageInfo { hasNextPage endCursor }
        edges { cursor node { id } }
        nodes { name conversations { nodes { subject agent { name } messages(first: 2) { totalCount nodes { body direction } } } } }
      }
    }`);
    expect(data.me.kind).toBe('ACCOUNT_KEY');
    expect(data.contacts.totalCount).toBe(8);
    expect(data.contacts.nodes.map(({ name }) => name)).toEqual([
      'Amelia Okafor',
      'Bastian Lindqvist',
      'Carmen Ibáñez',
    ]);
    expect(data.contacts.nodes[0]?.conversations.nodes[0]?.messages.totalCount).toBe(2);
  });

  it('refuses a scope that the key lacks, naming it', async () => {
    const { key } = await harness.createKey({ kind: 'ACCOUNT', scopes: ['contacts:read'] });
    const refused = await harness
      .as({ key })
      .refused('mutation { createContact(input: { name: "Nobody" }) { contact { id } } }');
    expect(refused.status).toBe(403);
    expect(refused.message).toBe('Insufficient permissions. Required scope: contacts:write');
    expect(refused.extensions).toMatchObject({ code: 'FORBIDDEN', missingScopes: ['contacts:write'] });
  });

  it('lets a message wait, leaves once a person agreed, and delivers exactly what was sealed', async () => {
    const { key } = await harness.createKey({ kind: 'ACCOUNT', scopes: ['messages:send'] });
    const asked = await harness.as({ key }).data<{
      sendMessage: { messageId: string; status: string; effect: { id: string; seal: string; price: number } };
    }>(
      `mutation Send($conversationId: ID!) {
        sendMessage(input: { conversationId: $conversationId, body: "It arrives tomorrow.", idempotencyKey: "walk-1" }) {
          messageId status effect { id status seal price payload rule { id requirement } expiresAt }
        }
      }`,
      { conversationId: ids.conversationId },
    );
    expect(asked.sendMessage).toMatchObject({ status: 'AWAITING_APPROVAL', effect: { price: 1 } });
    expect(smtp.received).toHaveLength(0);

    const owner = await harness.signIn();
    const { effect } = asked.sendMessage;
    await owner.data(
      `mutation Approve($effectId: ID!, $seal: String!) {
        approveEffect(input: { effectId: $effectId, seal: $seal, comment: "Go." }) { effect { status } }
      }`,
      { effectId: effect.id, seal: effect.seal },
    );
    const ended = await ends(owner, effect.id);
    expect(ended).toMatchObject({ status: 'SUCCEEDED', charged: 1, failure: null });
    expect(ended.decisions.nodes[0]).toMatchObject({ verdict: 'APPROVED', decidedBy: { name: 'Olive Owner' } });
    expect(smtp.received).toHaveLength(1);
    expect(smtp.received[0]).toMatchObject({ to: ['amelia.okafor@example.com'] });
    expect(smtp.received[0]?.text).toContain('It arrives tomorrow.');
    const { message } = await owner.data<{ message: { status: string; effect: { id: string } } }>(
      'query M($id: ID!) { message(id: $id) { status sentAt effect { id } } }',
      { id: asked.sendMessage.messageId },
    );
    expect(message).toMatchObject({ status: 'SENT', effect: { id: effect.id } });
  });

  it('chats with an agent by its own key, and the answer becomes a message', async () => {
    const { key } = await harness.createKey({
      kind: 'AGENT',
      agentId: ids.agentId,
      scopes: ['agent:trigger', 'agent:conversations:read'],
    });
    const client = harness.as({ key });
    const { triggerAgent } = await client.data<{ triggerAgent: { conversationId: string; effect: { id: string } } }>(
      `mutation Chat($agentId: ID!) {
        triggerAgent(input: { agentId: $agentId, mode: CHAT, message: "When do you open?" }) { conversationId messageId effect { id status } }
      }`,
      { agentId: ids.agentId },
    );
    expect(await ends(client, triggerAgent.effect.id)).toMatchObject({ status: 'SUCCEEDED' });
    const { conversation } = await client.data<{
      conversation: { messages: { nodes: { direction: string; body: string }[] } };
    }>('query C($id: ID!) { conversation(id: $id) { messages { nodes { direction body } } } }', {
      id: triggerAgent.conversationId,
    });
    expect(conversation.messages.nodes.map(({ direction }) => direction)).toEqual(['OUTBOUND', 'INBOUND']);
  });

  it('leaves a trail that verifies', async () => {
    await harness.app.sealer.sealAll();
    const trail = await readTrail(harness.database, { workspaceId: harness.place.workspaceId });
    const keys = new Map(harness.app.secrets.auditKeys.map((key) => [key.keyId, key]));
    const verified = await verifyTrail(trail, keys);
    expect(verified).toMatchObject({ ok: true, problems: [], tail: 0 });
    const actions = await harness.database.owner.auditEntry.findMany({ select: { action: true } });
    const names = new Set(actions.map(({ action }) => action));
    for (const action of [
      'apiKey.create',
      'access.refused',
      'message.send',
      'session.create',
      'effect.approve',
      'effect.perform',
      'agent.trigger',
    ]) {
      expect(names).toContain(action);
    }
  });
});

interface Ended {
  readonly status: string;
  readonly charged: number;
  readonly failure: unknown;
  readonly result: unknown;
  readonly decisions: { readonly nodes: { verdict: string; decidedBy: { name: string } }[] };
}

async function ends(
  client: { data<Data>(query: string, variables?: object): Promise<Data> },
  id: string,
): Promise<Ended> {
  for (let tries = 0; tries < 200; tries++) {
    const { effect } = await client.data<{ effect: Ended }>(
      'query E($id: ID!) { effect(id: $id) { status charged failure { code message } result decisions { nodes { verdict comment decidedBy { kind id name } } } } }',
      { id },
    );
    if (!['AWAITING_APPROVAL', 'QUEUED', 'PERFORMING'].includes(effect.status)) return effect;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`The effect ${id} did not end.`);
}
