// An action that shows a secret, where a rule of the workspace makes it wait.
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Client } from '../support/client.js';
import { asking, type Held, type Made } from './api-keys-asking.js';
import { approval, type Shop, startShop } from './shop.js';

let shop: Shop;
let admin: Client;
beforeAll(async () => {
  const held = { kinds: ['apiKey.create', 'apiKey.rotate'] };
  shop = await startShop({
    rules: [
      {
        id: 'held',
        version: 1,
        when: held,
        requirement: 'ONE',
        approvers: ['ADMIN', 'OWNER'],
        reason: 'For the test.',
      },
    ],
  });
  admin = await shop.signIn(await shop.addPerson('ADMIN'));
});
afterAll(() => shop?.stop());

const input = { kind: 'ACCOUNT', name: 'Held', scopes: ['contacts:read'] };
const create = async (asked: object, client = admin): Promise<Made> =>
  (await client.data<{ createApiKey: Made }>(asking.create, { input: asked })).createApiKey;
const held = async (): Promise<Held> => {
  const { effect, apiKey, key } = await create(input);
  if (effect === null) throw new Error('Nothing was held.');
  expect([apiKey, key, effect.status]).toEqual([null, null, 'AWAITING_APPROVAL']);
  return effect;
};
const approve = ({ id, seal }: Held) => shop.owner.data(approval, { effectId: id, seal });
const refused = (asked: object, client = admin) =>
  shop.writesNothing(() => client.refused(asking.create, { input: asked }));
const keys = () => shop.database.owner.apiKey.count();

it('changes nothing until it is approved and its requester repeats the very same call', async () => {
  const before = await keys();
  const effect = await held();
  expect((await refused({ ...input, effectId: effect.id })).extensions).toMatchObject({
    ...{ code: 'CONFLICT', status: 'AWAITING_APPROVAL' },
  });
  await approve(effect);
  // Long enough for a worker that would perform it.
  await new Promise((resolve) => setTimeout(resolve, 700));
  const waiting = await shop.database.owner.effect.findFirstOrThrow({ where: { id: effect.id } });
  expect([waiting.status, await keys()]).toEqual(['QUEUED', before]);
  expect((await refused({ ...input, name: 'Other', effectId: effect.id })).extensions.code).toBe('APPROVAL_MISMATCH');
  expect((await refused({ ...input, effectId: effect.id }, shop.owner)).extensions.code).toBe('NOT_FOUND');
  const { apiKey, key, effect: done } = await create({ ...input, effectId: effect.id });
  expect((await shop.as({ key }).ask('{ me { kind } }')).status).toBe(200);
  expect(done).toMatchObject({ id: effect.id, status: 'SUCCEEDED', result: { apiKey: { id: apiKey.id } } });
  const stored = await shop.database.owner.effect.findFirstOrThrow({ where: { id: effect.id } });
  expect(JSON.stringify(stored)).not.toContain(key);
  expect(stored.result).toEqual({ apiKey: { id: apiKey.id } });
  expect((await refused({ ...input, effectId: effect.id })).extensions).toMatchObject({
    code: 'CONFLICT',
    status: 'SUCCEEDED',
  });
  expect(await keys()).toBe(before + 1);
  expect((await shop.trail('effect.perform')).at(-1)).toMatchObject({ effectId: effect.id, actorKind: 'SESSION' });
});

it('is judged again: a decision under another seal does not count, and what was cancelled stays so', async () => {
  const altered = await held();
  await approve(altered);
  const row = { workspaceId_id: { workspaceId: shop.place.workspaceId, id: altered.id } };
  await shop.database.owner.effectDecision.updateMany({
    where: { effectId: altered.id },
    data: { seal: '0'.repeat(64) },
  });
  expect((await refused({ ...input, effectId: altered.id })).extensions.code).toBe('APPROVAL_MISMATCH');
  await shop.database.owner.effect.update({ where: row, data: { status: 'CANCELLED' } });
  expect((await refused({ ...input, effectId: altered.id })).extensions).toMatchObject({
    code: 'CONFLICT',
    status: 'CANCELLED',
  });
});

it('waits as long as an admin pauses what is queued', async () => {
  const effect = await held();
  await approve(effect);
  const { pauseEffects } = await shop.owner.data<{ pauseEffects: { pause: { id: string } } }>(
    'mutation { pauseEffects(input: {}) { pause { id } } }',
  );
  expect((await refused({ ...input, effectId: effect.id })).extensions).toMatchObject({
    ...{ code: 'CONFLICT', status: 'QUEUED' },
  });
  await shop.owner.data('mutation R($id: ID!) { resumeEffects(input: { pauseId: $id }) { resumedId } }', {
    id: pauseEffects.pause.id,
  });
  expect((await create({ ...input, effectId: effect.id })).effect).toMatchObject({ status: 'SUCCEEDED' });
});

it('is no way into the request of another workspace', async () => {
  const foreign = await shop.signIn(shop.elsewhere);
  const effect = await held();
  await approve(effect);
  expect((await refused({ ...input, effectId: effect.id }, foreign)).extensions.code).toBe('NOT_FOUND');
});
