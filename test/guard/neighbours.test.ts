// What workspaces share without knowing: the stream of events and the keys of repeated requests.
import { afterAll, beforeAll, expect, it } from 'vitest';
import { say } from '../support/generate/speak.js';
import { type Caller, type Stage, setStage } from '../support/generate/stage.js';
import { plantEffect } from '../support/plant.js';
import type { SeededWorkspace } from '../support/world.js';

let stage: Stage;
let callers: readonly (readonly [SeededWorkspace, Caller])[];
beforeAll(async () => {
  stage = await setStage();
  const scopes = ['approvals:read', 'contacts:write'];
  const sites = [stage.sibling, stage.foreign, stage.ours];
  callers = await Promise.all(sites.map(async (site) => [site, await stage.key('ACCOUNT', scopes, site)] as const));
});
afterAll(() => stage?.harness.stop());

const ours = (): Caller => {
  const caller = callers.at(-1)?.[1];
  if (caller === undefined) throw new Error('Nobody of ours asks.');
  return caller;
};

it('a subscription hears of its own workspace only', async () => {
  const { owner } = stage.harness.database;
  let heard: unknown = null;
  const text = 'subscription { effectUpdated { id status payload } }';
  const listening = say(ours().client, text, {}).then((said) => {
    heard = said.data;
  });
  const ids = new Set<string>();
  for (let tries = 0; heard === null && tries < 100; tries++) {
    for (const [{ workspaceId, canary }, { client, asker }] of callers) {
      const { id } = await plantEffect(owner, workspaceId, { asker, canary });
      if (asker.id === ours().asker.id) ids.add(id);
      await client.data('mutation ($id: ID!) { cancelEffect(input: { effectId: $id }) { __typename } }', { id });
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  await listening;
  const { effectUpdated } = heard as { effectUpdated: { id: string; status: string } };
  expect(ids).toContain(effectUpdated.id);
  expect(effectUpdated).toMatchObject({ status: 'CANCELLED', payload: { name: 'Payload canary-ours' } });
});

it('the same idempotencyKey in another workspace is another request', async () => {
  const made = new Set<string>();
  for (const [{ workspaceId }, { client }] of callers) {
    const text = `mutation ($name: String!) {
      createContact(input: { name: $name, idempotencyKey: "the same" }) { contact { id } }
    }`;
    const { createContact } = await client.data<{ createContact: { contact: { id: string } } }>(text, {
      name: `New in ${workspaceId}`,
    });
    made.add(createContact.contact.id);
  }
  expect(made.size).toBe(callers.length);
});
