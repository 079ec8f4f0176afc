// Erasing a person: nothing of them is left where a copy of the database could show it, and everything that must stay stays.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportPage } from '../../src/audit/export-page.js';
import { sealChain } from '../../src/audit/sealer.js';
import { readTrail } from '../../src/audit/trail.js';
import { verifyTrail } from '../../src/audit/verify.js';
import { contactVault } from '../../src/effects/contact-vault.js';
import { inTenant } from '../../src/guard/guarded-db.js';
import { systemClock } from '../../src/platform/clock.js';
import { newId } from '../../src/platform/ids.js';
import type { Client } from '../support/client.js';
import {
  account,
  askToErase,
  confirm,
  confirmed,
  type Erasing,
  erase,
  everything,
  heldUpdates,
  personIn,
  readAll,
  readEffects,
} from './people.js';
import { type Asked, approval, type Shop, sending, startShop, unknownId } from './shop.js';

let shop: Shop;
let admin: Client;
beforeAll(async () => {
  shop = await startShop({ rules: [heldUpdates] });
  admin = await shop.signIn(await shop.addPerson('ADMIN'));
});
afterAll(() => shop?.stop());

const ask = (id: string) => askToErase(admin, id);
const eraseNow = async (id: string) => confirmed(shop, admin, await ask(id));
const aPerson = (word: string) => personIn(shop, word, { notes: `Notes ${word}` });

async function withHistory(word: string) {
  const { contactId, client, send, change } = await aPerson(word);
  const sent = await send(`Sent ${word}`, { idempotencyKey: `send ${word}` });
  await shop.owner.data(approval, { effectId: sent.id, seal: sent.seal });
  await shop.ends(sent.id);
  const rejected = await send(`Rejected ${word}`);
  await shop.owner.data(
    'mutation R($id: ID!) { rejectEffect(input: { effectId: $id, reason: "Not to WORD." }) { effect { id } } }'.replace(
      'WORD',
      word,
    ),
    { id: rejected.id },
  );
  const waiting = await send(`Waiting ${word}`);
  const { conversationId } = await shop.database.owner.message.findFirstOrThrow({ where: { effectId: sent.id } });
  type Held = { effect: Asked };
  const changed = await change(`Held ${word}`);
  const { createDraft } = await client.data<{ createDraft: Held }>(
    'mutation D($input: CreateDraftInput!) { createDraft(input: $input) { effect { id status } } }',
    { input: { conversationId, body: `Held draft ${word}` } },
  );
  const ids = [sent, rejected, waiting, changed, createDraft.effect].map(({ id }) => id);
  return { contactId, client, sent, rejected, waiting, conversationId, ids };
}

describe('what is asked for about a person', () => {
  it('lies in the database under that person’s key, and is read by whoever decides as it was asked for', async () => {
    const { ids, waiting } = await withHistory('quorra');
    const { rows } = await shop.database.executeAsOwner(`SELECT string_agg(payload::text, ' ') AS text FROM effect`);
    expect(String(rows[0]?.text)).not.toMatch(/quorra/i);
    const read = (await readAll(shop)).filter(({ id }) => ids.includes(id));
    expect(read.map(({ payload }) => JSON.stringify(payload))).toEqual(
      Array.from({ length: 5 }, () => expect.stringContaining('quorra')),
    );
    expect(waiting).toMatchObject({ payload: { to: { address: 'quorra@example.com' } } });
  });

  it('is not approved once its payload was edited in the database, and shows that in its place', async () => {
    const { send } = await aPerson('forge');
    const [open, moved] = [await send('To be forged.'), await send('To be moved.')];
    const stored = await shop.database.owner.effect.findFirstOrThrow({ where: { id: moved.id } });
    const alter = (id: string, payload: object, more: object = {}) =>
      shop.database.owner.effect.updateMany({ where: { id }, data: { payload, ...more } });
    const forged = { ...(open as unknown as { payload: object }).payload, body: 'Forged.' };
    for (const [payload, more] of [
      [forged, {}],
      [forged, { contactId: null }],
      [stored.payload as object, {}],
      [stored.payload as object, { contactId: null }],
    ] as const) {
      await alter(open.id, payload, more);
      const refused = await shop.writesNothing(() =>
        shop.owner.refused(approval, { effectId: open.id, seal: open.seal }),
      );
      expect(refused.extensions.code).toBe('APPROVAL_MISMATCH');
    }
    await alter(open.id, forged, { contactId: stored.contactId });
    const shown = await shop.owner.ask<{ effect: { payload: unknown; kind: string } }>(
      'query E($id: ID!) { effect(id: $id) { kind payload } }',
      { id: open.id },
    );
    expect(shown.data.effect).toEqual({ kind: 'message.send', payload: null });
    expect(shown.errors.map(({ extensions }) => extensions.code)).toEqual(['APPROVAL_MISMATCH']);
    expect(shown.text).not.toContain('Forged');
    await shop.database.owner.effect.updateMany({ where: { id: open.id }, data: { payload: {}, contactId: null } });
  });
});

describe('does', () => {
  it('wait for its own requester, and then leave nothing of the person but ids', async () => {
    const { contactId, client, conversationId, ids, sent, waiting, rejected } = await withHistory('zephyrine');
    await shop.database.owner.message.create({
      data: {
        ...{ workspaceId: shop.place.workspaceId, id: newId('msg'), conversationId, contactId, channel: 'EMAIL' },
        ...{
          direction: 'INBOUND',
          status: 'RECEIVED',
          body: 'Received zephyrine',
          fromAddress: 'zephyrine@example.com',
        },
      },
    });
    const kept = await aPerson('bystander');
    const stays = await kept.send('Stays with bystander');
    const money = await account(shop);
    const ledger = await shop.database.owner.ledgerEntry.findMany({ orderBy: { id: 'asc' } });
    const seals = new Map((await readAll(shop)).map(({ id, seal }) => [id, seal]));
    const backup = await shop.database.owner.effect.findMany({ where: { id: { in: ids } } });
    const key = await shop.database.owner.contactKey.findFirstOrThrow({ where: { contactId } });
    await seal();
    const trail = await exported();

    const asked = await ask(contactId);
    expect(asked).toMatchObject({
      ...{ kind: 'contact.erase', status: 'AWAITING_APPROVAL', payload: { contactId } },
      rule: { requirement: 'CONFIRM' },
    });
    expect(await everything(shop)).toMatch(/zephyrine/i);
    await admin.data(confirm, { id: asked.id, seal: asked.seal });
    expect(await shop.ends(asked.id)).toMatchObject({
      status: 'SUCCEEDED',
      result: { conversations: 3, messages: 4, effects: 5 },
    });

    expect(await everything(shop)).not.toMatch(/zephyrine/i);
    await expect.poll(async () => (await shop.outbox()).filter((file) => file.startsWith(sent.id))).toEqual([]);
    const gone = await shop.owner.refused('query C($id: ID!) { contact(id: $id) { id } }', { id: contactId });
    expect(gone.extensions.code).toBe('NOT_FOUND');

    const after = (await readAll(shop)).filter(({ id }) => ids.includes(id));
    expect(after).toHaveLength(5);
    for (const { id, payload, result, seal: own } of after) {
      expect([id, payload, result, own]).toEqual([id, null, null, seals.get(id)]);
    }
    const statusOf = (id: string) => after.find((one) => one.id === id);
    expect(statusOf(sent.id)).toMatchObject({ status: 'SUCCEEDED', charged: 1 });
    expect(statusOf(waiting.id)).toMatchObject({ status: 'CANCELLED', charged: 0, failure: { code: 'CANCELLED' } });
    expect(statusOf(rejected.id)?.failure).toEqual({
      code: 'REJECTED',
      message: 'Erased with the person whom it concerned.',
    });

    // The books are as they were, but for what was waiting.
    const lines = await shop.database.owner.ledgerEntry.findMany({ orderBy: { id: 'asc' } });
    expect(lines.slice(0, ledger.length)).toEqual(ledger);
    expect(lines.slice(ledger.length).map(({ kind, effectId }) => [kind, effectId])).toEqual([['RELEASE', waiting.id]]);
    const { balanceCredits, reservedCredits } = await account(shop);
    expect([balanceCredits, reservedCredits]).toEqual([money.balanceCredits, money.reservedCredits - 1]);
    await seal();
    expect(await verify()).toMatchObject({ ok: true, tail: 0, problems: [] });
    // What was exported before reads as it did, so a witness of then vouches for the trail of now.
    expect((await exported()).slice(0, trail.length)).toEqual(trail);

    // A copy of the rows from before opens only together with the key from before, which is nowhere any more.
    const opened = () =>
      inTenant(shop.database, { ...shop.place, agentId: null }, (db) =>
        contactVault(shop.app.secrets.contacts).open(db, backup),
      );
    expect(await opened()).toEqual(backup.map(() => null));
    const where = { workspaceId_contactId: { workspaceId: shop.place.workspaceId, contactId } };
    const destroyed = await shop.database.owner.contactKey.findFirstOrThrow({ where: { contactId } });
    await shop.database.owner.contactKey.update({ where, data: key });
    expect(JSON.stringify(await opened())).toContain('zephyrine');
    // And the key alone opens nothing here, where the sealed text is gone as well.
    expect((await shop.owner.ask(readEffects)).text).not.toMatch(/zephyrine/i);
    await shop.database.owner.contactKey.update({ where, data: destroyed });

    // Others are as they were.
    expect((await readAll(shop)).find(({ id }) => id === stays.id)).toMatchObject({
      status: 'AWAITING_APPROVAL',
      payload: { to: { name: 'Zora bystander' } },
    });
    // And a repeat of what was sent sends nothing.
    const repeat = { input: { contactId, subject: 'About zephyrine', body: 'Sent zephyrine' } };
    const again = await shop.writesNothing(() =>
      client.refused(sending, { input: { ...repeat.input, idempotencyKey: 'send zephyrine' } }),
    );
    expect(again.extensions.code).toBe('IDEMPOTENCY_CONFLICT');
  });

  it('forget what was stored in the open, before payloads lay under keys', async () => {
    const { contactId, send } = await aPerson('oldtimer');
    const { id, payload } = await send('Old oldtimer');
    await shop.database.owner.effect.updateMany({ where: { id }, data: { payload, contactId: null } });
    expect(await eraseNow(contactId)).toMatchObject({ status: 'SUCCEEDED', result: { effects: 1 } });
    expect(await everything(shop)).not.toMatch(/oldtimer/i);
    expect((await readAll(shop)).find((effect) => effect.id === id)).toMatchObject({
      status: 'CANCELLED',
      payload: null,
    });
  });

  it('drop the salts of what the trail promised about the person, and of nobody else', async () => {
    const { contactId, send } = await aPerson('salted');
    const [mine, other] = [await send('Salted.'), await (await aPerson('unsalted')).send('Unsalted.')];
    const agree = approval.replace('Go.', 'Known from the fair.');
    for (const { id, seal: own } of [mine, other]) await shop.owner.data(agree, { effectId: id, seal: own });
    await Promise.all([shop.ends(mine.id), shop.ends(other.id)]);
    await eraseNow(contactId);
    const saltOf = async (effectId: string) => {
      const entry = await shop.database.owner.auditEntry.findFirstOrThrow({
        where: { effectId, action: 'effect.approve' },
      });
      return (entry.details as { comment: { commitment: string; salt: string | null } }).comment;
    };
    expect(await saltOf(mine.id)).toEqual({ commitment: expect.stringMatching(/^hmac-sha256:/), salt: null });
    expect((await saltOf(other.id)).salt).toMatch(/^[0-9a-f]{32}$/);
    await seal();
    expect(await verify()).toMatchObject({ ok: true, problems: [] });
  });

  it('erase a person who is only asked for, by a request that a rule held', async () => {
    const busy = shop;
    shop = await startShop({ rules: [{ ...heldUpdates, when: { kinds: ['contact.create'] } }] });
    try {
      const who = await shop.signIn(await shop.addPerson('ADMIN'));
      const client = await shop.key('contacts:write');
      const { createContact } = await client.data<{
        createContact: { effect: Asked & { payload: { subjectId: string } } };
      }>('mutation { createContact(input: { name: "Wilhelmina", idempotencyKey: "w" }) { effect { id payload } } }');
      const { id, payload } = createContact.effect;
      const again = await client.data<typeof createContact>(
        'mutation { createContact(input: { name: "Wilhelmina", idempotencyKey: "w" }) { effect { id payload } } }',
      );
      expect(again).toEqual({ createContact });
      const { eraseContact } = await who.data<Erasing>(erase, { id: payload.subjectId });
      await who.data(confirm, { id: eraseContact.effect.id, seal: eraseContact.effect.seal });
      expect(await shop.ends(eraseContact.effect.id)).toMatchObject({ status: 'SUCCEEDED' });
      expect((await readAll(shop)).find((effect) => effect.id === id)).toMatchObject({
        status: 'CANCELLED',
        payload: null,
      });
      expect(await everything(shop)).not.toMatch(/Wilhelmina/);
    } finally {
      await shop.stop();
      shop = busy;
    }
  });

  it('wait while something to the person is being performed', { timeout: 60_000 }, async () => {
    const { contactId, send } = await aPerson('inflight');
    const { id: effectId } = await send('In flight');
    const { workspaceId } = shop.place;
    const { owner } = shop.database;
    await owner.effect.updateMany({ where: { id: effectId }, data: { status: 'PERFORMING' } });
    const execution = { workspaceId, id: newId('exe'), effectId, attempt: 1, connector: 'smtp' };
    await owner.effectExecution.create({ data: { ...execution, leaseUntil: new Date(Date.now() + 600_000) } });
    const erasing = await ask(contactId);
    await admin.data(confirm, { id: erasing.id, seal: erasing.seal });
    await sleep(1_500);
    const status = async (id: string) => (await owner.effect.findFirstOrThrow({ where: { id } })).status;
    expect([await status(erasing.id), await status(effectId)]).toEqual(['QUEUED', 'PERFORMING']);
    expect(await owner.contact.count({ where: { id: contactId } })).toBe(1);
    await owner.effect.updateMany({ where: { id: effectId }, data: { status: 'UNCERTAIN' } });
    await expect.poll(() => status(erasing.id), { timeout: 40_000, interval: 250 }).toBe('SUCCEEDED');
    // What nobody can tell is still settled by hand, and its money with it.
    const settle = `mutation S($id: ID!) { settleEffect(input: { effectId: $id, status: SUCCEEDED }) { effect { status payload charged } } }`;
    expect(await shop.owner.data(settle, { id: effectId })).toEqual({
      settleEffect: { effect: { status: 'SUCCEEDED', payload: null, charged: 1 } },
    });
  });
});

describe('refuses', () => {
  it('a key, whatever it holds, and a MEMBER, before anything runs', async () => {
    const key = await shop.key('contacts:read', 'contacts:write', 'messages:send');
    const member = await shop.signIn(await shop.addPerson('MEMBER'));
    for (const client of [key, member]) {
      const refused = await shop.writesNothing(() => client.refused(erase, { id: shop.ids.contactId }));
      expect(refused).toMatchObject({ status: 403, extensions: { code: 'FORBIDDEN', requiredRole: 'ADMIN' } });
    }
  });

  it('to be confirmed by anybody but who asked, and to be erased twice', async () => {
    const { contactId } = await aPerson('twice');
    const [first, second] = [await ask(contactId), await ask(contactId)];
    const other = await shop.writesNothing(() => shop.owner.refused(confirm, { id: first.id, seal: first.seal }));
    expect(other.extensions.code).toBe('FORBIDDEN');
    await admin.data(confirm, { id: first.id, seal: first.seal });
    await shop.ends(first.id);
    const late = await admin.refused(confirm, { id: second.id, seal: second.seal });
    expect(late.extensions.code).toBe('NOT_FOUND');
    const again = await shop.writesNothing(() => admin.refused(erase, { id: contactId }));
    expect(again.extensions.code).toBe('NOT_FOUND');
    expect(unknownId('ctc')).not.toBe(contactId);
  });

  it('a person of another workspace as if they did not exist', async () => {
    await shop.looksUnknown(shop.elsewhere.ids.contactId, (id) => admin.ask(erase, { id }));
  });

  it('to lose anything when the erasure fails half-way', async () => {
    const { contactId, send } = await aPerson('halfway');
    const { id } = await send('Half-way');
    await shop.database.executeAsOwner(`CREATE FUNCTION refuse_it() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'a defect of the test'; END $$`);
    await shop.database.executeAsOwner(
      'CREATE TRIGGER refuse_it BEFORE DELETE ON contact FOR EACH ROW EXECUTE FUNCTION refuse_it()',
    );
    try {
      expect(await eraseNow(contactId)).toMatchObject({
        status: 'FAILED',
        failure: { code: 'INTERNAL_SERVER_ERROR', message: 'Something unexpected happened; nothing was changed.' },
      });
    } finally {
      await shop.database.executeAsOwner('DROP TRIGGER refuse_it ON contact');
    }
    expect((await readAll(shop)).find((effect) => effect.id === id)).toMatchObject({
      status: 'AWAITING_APPROVAL',
      payload: { to: { address: 'halfway@example.com' } },
    });
    expect(await eraseNow(contactId)).toMatchObject({ status: 'SUCCEEDED' });
  });
});

describe('records', () => {
  it('who asked, who confirmed and that it was done, naming the person by id alone', async () => {
    const { contactId } = await aPerson('traced');
    const { id } = await eraseNow(contactId);
    const entries = await shop.database.owner.auditEntry.findMany({
      where: { effectId: id },
      orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    });
    expect(entries.map(({ action, outcome, subjectId }) => [action, outcome, subjectId])).toEqual([
      ['contact.erase', 'HELD', contactId],
      ['effect.confirm', 'DONE', null],
      ['effect.perform', 'DONE', null],
    ]);
    const events = await shop.database.owner.event.findMany({
      where: { subjectId: contactId },
      orderBy: { id: 'asc' },
    });
    expect(events.map(({ type }) => type)).toEqual(['contact.created', 'contact.erased']);
  });
});

const sealerOptions = () => ({
  database: shop.database,
  key: shop.app.secrets.auditKeys[0],
  clock: systemClock,
  log: { error: () => {} },
});
async function seal() {
  for (let tries = 0; tries < 40; tries++) {
    await sealChain(sealerOptions(), { workspaceId: shop.place.workspaceId });
    if ((await verify()).tail === 0) return;
    await sleep(50);
  }
}
const verify = async () => {
  const [key] = shop.app.secrets.auditKeys;
  return verifyTrail(
    await readTrail(shop.database, { workspaceId: shop.place.workspaceId }),
    new Map([[key.keyId, key]]),
  );
};
const exported = async () =>
  (await exportPage(shop.database, { workspaceId: shop.place.workspaceId }, null)).lines.filter((line) =>
    line.startsWith('{"line":"entry"'),
  );
