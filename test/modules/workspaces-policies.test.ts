// Policies hold at the very next request of credentials that are there already, whatever was judged before.
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Client } from '../support/client.js';
import { type Shop, startShop } from './shop.js';

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
});
afterAll(() => shop?.stop());

const set = (input: object) =>
  shop.owner.data('mutation ($input: UpdateWorkspaceInput!) { updateWorkspace(input: $input) { workspace { id } } }', {
    input,
  });
beforeEach(() => set({ keysReadOnly: false, explicitSpendScopes: false }));

const effective = async (client: Client): Promise<readonly string[]> =>
  (await client.data<{ me: { effectiveScopes: string[] } }>('{ me { effectiveScopes } }')).me.effectiveScopes;
// One document, so that its verdict is kept between the requests.
const write = 'mutation { createContact(input: { name: "Ann" }) { contact { id } } }';

it('keysReadOnly takes all that writes from existing keys at their next request, says why, and gives it back', async () => {
  const client = await shop.key('contacts:read', 'contacts:write', 'messages:send');
  await client.data(write);
  await set({ keysReadOnly: true });
  const refused = await client.refused(write);
  expect(refused.status).toBe(403);
  expect(refused.extensions).toMatchObject({
    code: 'FORBIDDEN',
    requiredScopes: ['contacts:write'],
    missingScopes: ['contacts:write'],
  });
  expect(refused.message).toBe(
    'Insufficient permissions. Required scope: contacts:write. This workspace lets keys read only',
  );
  expect(await effective(client)).toEqual(['contacts:read']);
  await client.data('{ contacts { totalCount } }');
  await set({ keysReadOnly: false });
  expect(await effective(client)).toEqual(['contacts:read', 'contacts:write', 'messages:send']);
  await client.data(write);
});

it('keysReadOnly does not blame itself for what was never granted to read', async () => {
  const client = await shop.key('contacts:read');
  await set({ keysReadOnly: true });
  const refused = await client.refused('{ agents { totalCount } }');
  expect(refused.message).toBe('Insufficient permissions. Required scopes: agents:read, or agent:config:read');
});

it('keysReadOnly binds agent keys as well, and no person', async () => {
  const client = await shop.agentKey(['agent:config:read', 'agent:config:write']);
  await set({ keysReadOnly: true });
  expect(await effective(client)).toEqual(['agent:config:read']);
  const rename = 'mutation ($id: ID!) { updateAgent(input: { id: $id, name: "Robin" }) { agent { id } } }';
  const refused = await client.refused(rename, { id: shop.ids.agentId });
  expect(refused.message).toContain('This workspace lets keys read only');
  await shop.owner.data(rename, { id: shop.ids.agentId });
});

it('keysReadOnly stops what a key asked for before it, at its turn', async () => {
  const client = await shop.key('messages:send');
  const send = `mutation ($id: ID!) { sendMessage(input: { conversationId: $id, body: "Hello" }) { effect { id seal } } }`;
  type Sent = { sendMessage: { effect: { id: string; seal: string } } };
  const { sendMessage } = await client.data<Sent>(send, { id: shop.ids.conversationId });
  await set({ keysReadOnly: true });
  const refused = await shop.owner.refused(
    'mutation ($id: ID!, $seal: String!) { approveEffect(input: { effectId: $id, seal: $seal }) { effect { id } } }',
    sendMessage.effect,
  );
  expect(refused.extensions).toMatchObject({ code: 'FORBIDDEN', missingScopes: ['messages:send'] });
  expect(await shop.outbox()).toEqual([]);
});

it('explicitSpendScopes takes spending out of wildcards at the next request, and leaves what is named', async () => {
  const wild = await shop.key('campaigns:*', 'agents:*');
  const named = await shop.key('agents:read', 'agents:trigger');
  const fire = `mutation ($id: ID!) {
    triggerAgent(input: { agentId: $id, mode: CHAT, message: "Hello" }) { messageId }
  }`;
  const id = { id: shop.ids.agentId };
  await wild.data(fire, id);
  expect(await effective(wild)).toContain('campaigns:start');
  await set({ explicitSpendScopes: true });
  expect(await effective(wild)).toEqual(['agents:read', 'agents:write', 'campaigns:read', 'campaigns:write']);
  const refused = await wild.refused(fire, id);
  expect([refused.status, refused.extensions.missingScopes]).toEqual([403, ['agents:trigger']]);
  await named.data(fire, id);
  await set({ explicitSpendScopes: false });
  await wild.data(fire, id);
});
