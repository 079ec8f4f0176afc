// What one person's damaged key closed cannot be read any more; what is asked for about everybody else can.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { keyPatterns } from '../../src/auth/key-format.js';
import { createLogger } from '../../src/platform/logger.js';
import { type Asked, approval, type Sent, type Shop, sending, startShop } from './shop.js';

const lines: string[] = [];
let shop: Shop;
beforeAll(async () => {
  const destination = { write: (line: string) => void lines.push(line) };
  shop = await startShop({ log: createLogger({ secretPatterns: keyPatterns, destination }) });
});
afterAll(() => shop?.stop());

const list = '{ effects(first: 20) { nodes { id status payload } totalCount } }';
interface List {
  readonly effects: { readonly nodes: readonly { id: string; status: string; payload: unknown }[] };
}

async function askFor(word: string): Promise<Asked & { readonly contactId: string }> {
  const { createContact } = await shop.owner.data<{ createContact: { contact: { id: string } } }>(
    'mutation C($input: CreateContactInput!) { createContact(input: $input) { contact { id } } }',
    { input: { name: word, email: `${word}@example.com` } },
  );
  const contactId = createContact.contact.id;
  const key = await shop.key('messages:send');
  const { sendMessage } = await key.data<Sent>(sending, { input: { contactId, subject: word, body: word } });
  return { ...sendMessage.effect, contactId };
}

/** Approved, and held until `go`. */
async function queued(word: string) {
  const { pauseEffects } = await shop.owner.data<{ pauseEffects: { pause: { id: string } } }>(
    'mutation { pauseEffects(input: { kind: "message.send" }) { pause { id } } }',
  );
  const asked = await askFor(word);
  await shop.owner.data(approval, { effectId: asked.id, seal: asked.seal });
  const go = () =>
    shop.owner.data('mutation R($id: ID!) { resumeEffects(input: { pauseId: $id }) { resumedId } }', {
      id: pauseEffects.pause.id,
    });
  return { ...asked, go };
}

const keyOf = (contactId: string) => shop.database.owner.contactKey.findFirstOrThrow({ where: { contactId } });
const alterKey = (contactId: string, data: object) =>
  shop.database.owner.contactKey.updateMany({ where: { contactId }, data });
async function damage(contactId: string): Promise<void> {
  const { wrapped } = await keyOf(contactId);
  await alterKey(contactId, { wrapped: `${wrapped?.slice(0, 20)}AAAAAAAA${wrapped?.slice(28)}` });
}
const leftOf = async (effectId: string) => (await shop.outbox()).filter((file) => file.startsWith(effectId));

it('is null with an error at its own place, the rest of the page is answered, and the log names the key', async () => {
  const [before, broken, behind] = [await askFor('before'), await askFor('broken'), await askFor('behind')];
  await damage(broken.contactId);
  const page = await shop.owner.ask<List>(list);
  const { nodes } = page.data.effects;
  expect(nodes.map(({ id, payload }) => [id, (payload as { body: string } | null)?.body])).toEqual([
    [behind.id, 'behind'],
    [broken.id, undefined],
    [before.id, 'before'],
  ]);
  expect(page.status).toBe(200);
  expect(page.errors.map(({ path, extensions }) => [path, extensions.code])).toEqual([
    [['effects', 'nodes', 1, 'payload'], 'APPROVAL_MISMATCH'],
  ]);
  expect(page.text).not.toContain(broken.contactId);
  expect(lines.filter((line) => line.includes(`The stored key of ${broken.contactId} is damaged`))).toHaveLength(1);

  const refused = await shop.writesNothing(() =>
    shop.owner.refused(approval, { effectId: broken.id, seal: broken.seal }),
  );
  expect(refused.extensions.code).toBe('APPROVAL_MISMATCH');
  // It can still be refused and taken back.
  const reject = 'mutation R($id: ID!) { rejectEffect(input: { effectId: $id }) { effect { status } } }';
  expect(await shop.owner.data(reject, { id: broken.id })).toEqual({
    rejectEffect: { effect: { status: 'REJECTED' } },
  });
});

it('is not performed: the effect fails with a code, nothing leaves, and its money goes back', async () => {
  const effect = await queued('lost');
  await damage(effect.contactId);
  await effect.go();
  expect(await shop.ends(effect.id)).toMatchObject({
    status: 'FAILED',
    charged: 0,
    failure: { code: 'APPROVAL_MISMATCH', message: 'What is stored of this request cannot be read any more.' },
  });
  expect(await leftOf(effect.id)).toEqual([]);
  expect(lines.join('')).toContain(`The stored key of ${effect.contactId} is damaged`);
  const entries = await shop.database.owner.ledgerEntry.findMany({ where: { effectId: effect.id } });
  expect(entries.map(({ kind }) => kind).sort()).toEqual(['RELEASE', 'RESERVE']);
});

it('waits where only the secret of its key is missing, and leaves once that is back', { timeout: 90_000 }, async () => {
  const effect = await queued('later');
  const { wrapped, wrappedBy } = await keyOf(effect.contactId);
  await damage(effect.contactId);
  await alterKey(effect.contactId, { wrappedBy: '0123456789abcdef' });
  await effect.go();
  await sleep(1_500);
  const page = await shop.owner.ask<List>(list);
  expect(page.data.effects.nodes.find(({ id }) => id === effect.id)).toMatchObject({ status: 'QUEUED', payload: null });
  expect(page.errors.map(({ extensions }) => extensions.code)).toContain('SERVICE_UNAVAILABLE');
  expect(lines.join('')).toContain('SALLYPORT_SECRET_PREVIOUS');
  expect(await leftOf(effect.id)).toEqual([]);
  await alterKey(effect.contactId, { wrapped, wrappedBy });
  const status = async () => (await shop.database.owner.effect.findFirstOrThrow({ where: { id: effect.id } })).status;
  await expect.poll(status, { timeout: 60_000, interval: 250 }).toBe('SUCCEEDED');
  expect(await leftOf(effect.id)).toHaveLength(1);
});
