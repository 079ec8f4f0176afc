// Two contacts become one: all that was said with the one is of the other, and whoever erases the other erases both.
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTrail } from '../../src/audit/trail.js';
import { verifyTrail } from '../../src/audit/verify.js';
import { contactVault } from '../../src/effects/contact-vault.js';
import { inTenant } from '../../src/guard/guarded-db.js';
import { newId } from '../../src/platform/ids.js';
import type { Client } from '../support/client.js';
import {
  account,
  askToErase,
  confirm,
  confirmed,
  erase,
  everything,
  heldUpdates,
  personIn,
  readAll,
} from './people.js';
import { type Asked, approval, type Sent, type Shop, sending, startShop } from './shop.js';

let shop: Shop;
let admin: Client;
beforeAll(async () => {
  shop = await startShop({ rules: [heldUpdates] });
  admin = await shop.signIn(await shop.addPerson('ADMIN'));
});
afterAll(() => shop?.stop());

const merge = `mutation M($input: MergeContactsInput!) { mergeContacts(input: $input) {
  contactId duplicateId status effect { id kind status seal price payload rule { requirement } } } }`;

interface Person {
  readonly id: string;
  readonly name: string;
  readonly email: string | null;
  readonly optedOutAt: string | null;
}
interface Payload {
  readonly stays: Person;
  readonly goes: Person;
  readonly becomes: Omit<Person, 'id'>;
  readonly moves: object;
  readonly cancels: number;
}
interface Merging {
  readonly mergeContacts: { contactId: string; duplicateId: string; effect: Asked & { payload: Payload } };
}
const ask = async (id: string, duplicateId: string, more: object = {}) =>
  (await admin.data<Merging>(merge, { input: { id, duplicateId, ...more } })).mergeContacts.effect;
const mergeNow = async (id: string, duplicateId: string, more: object = {}) => {
  const effect = await ask(id, duplicateId, more);
  return { ...(await confirmed(shop, admin, effect)), payload: effect.payload };
};
const eraseNow = async (id: string) => confirmed(shop, admin, await askToErase(admin, id));
const readOne = async (id: string) => (await readAll(shop)).find((effect) => effect.id === id);
const aPerson = (word: string, known: object = {}) => personIn(shop, word, known);
const contact = (id: string) => shop.database.owner.contact.findFirst({ where: { id } });

/** One message that was sent, one that waits, and a change that waits. */
async function withHistory(word: string, known: object = {}) {
  const person = await aPerson(word, known);
  const sent = await person.send(`Sent ${word}`);
  const agree = approval.replace('Go.', `Known as ${word}.`);
  await shop.owner.data(agree, { effectId: sent.id, seal: sent.seal });
  await shop.ends(sent.id);
  const waiting = await person.send(`Waiting ${word}`);
  const held = await person.change(`Held ${word}`);
  const { conversationId } = await shop.database.owner.message.findFirstOrThrow({ where: { effectId: sent.id } });
  return { ...person, sent, waiting, held, conversationId };
}

const optOut = (id: string, at: string) =>
  shop.database.owner.contact.updateMany({ where: { id }, data: { optedOutAt: new Date(at) } });

describe('does', () => {
  it('show the approver both, what becomes of them and what moves; and then move it, and cancel what waits', async () => {
    const stays = await aPerson('survivor', { phone: '+442079460111', notes: 'Likes tea.' });
    const goes = await withHistory('duplicate', { phone: '+442079460222', company: 'Halberd', notes: 'Likes milk.' });
    const effect = await ask(stays.contactId, goes.contactId);
    expect(effect).toMatchObject({
      ...{ kind: 'contact.merge', status: 'AWAITING_APPROVAL', price: 0, rule: { requirement: 'CONFIRM' } },
      payload: {
        stays: { id: stays.contactId, name: 'Zora survivor', email: 'survivor@example.com', company: null },
        goes: { id: goes.contactId, name: 'Zora duplicate', email: 'duplicate@example.com', company: 'Halberd' },
        becomes: {
          ...{ name: 'Zora survivor', email: 'survivor@example.com', phone: '+442079460111', company: 'Halberd' },
          ...{ notes: 'Likes tea.\n\nLikes milk.', optedOutAt: null },
        },
        moves: { conversations: 2, messages: 2 },
        cancels: 2,
      },
    });
    const { reservedCredits } = await account(shop);
    expect(await confirmed(shop, admin, effect)).toMatchObject({
      status: 'SUCCEEDED',
      result: { conversations: 2, messages: 2, cancelled: 2 },
    });
    expect(await contact(goes.contactId)).toBeNull();
    expect(await contact(stays.contactId)).toMatchObject({ ...effect.payload.becomes });
    const { contact: shown } = await shop.owner.data<{ contact: object }>(
      `query C($id: ID!) { contact(id: $id) { name company conversations { nodes { id messages { nodes { body } } } } } }`,
      { id: stays.contactId },
    );
    expect(JSON.stringify(shown)).toContain(goes.conversationId);
    expect(JSON.stringify(shown)).toContain('Sent duplicate');
    // What waited is cancelled with its money, and its draft can be asked for again.
    for (const { id } of [goes.waiting, goes.held]) {
      expect(await readOne(id)).toMatchObject({
        status: 'CANCELLED',
        failure: {
          code: 'CANCELLED',
          message: 'The contact whom it concerned was merged into another. Ask for it again.',
        },
      });
    }
    expect((await account(shop)).reservedCredits).toBe(reservedCredits - 1);
    const again = await goes.client.data<Sent>(sending, { input: { messageId: goes.waiting.messageId } });
    expect(again.sendMessage.effect).toMatchObject({ payload: { to: { address: 'survivor@example.com' } } });
    // And what was asked for about the one that is gone is read as it was.
    expect(await readOne(goes.sent.id)).toMatchObject({
      status: 'SUCCEEDED',
      payload: { contactId: goes.contactId, to: { address: 'duplicate@example.com' } },
    });
    expect(await readOne(effect.id)).toMatchObject({ payload: effect.payload });
  });

  it('leave the values that are given, and clear what is given as null', async () => {
    const [stays, goes] = [await aPerson('chosen', { phone: '+442079460333' }), await aPerson('unchosen')];
    const more = { name: 'Zora Z.', email: 'unchosen@example.com', phone: null, notes: 'One.' };
    expect(await mergeNow(stays.contactId, goes.contactId, more)).toMatchObject({ status: 'SUCCEEDED' });
    expect(await contact(stays.contactId)).toMatchObject(more);
  });

  it('keep an opt-out of either, since the earlier of the two, whatever is given', async () => {
    const since = '2026-01-02T03:04:05.000Z';
    for (const [first, second] of [
      [since, null],
      [null, since],
      ['2026-05-02T03:04:05.000Z', since],
    ]) {
      const word = newId('ctc');
      const [stays, goes] = [await aPerson(`s${word}`), await aPerson(`g${word}`)];
      if (first) await optOut(stays.contactId, first);
      if (second) await optOut(goes.contactId, second);
      const { payload, status } = await mergeNow(stays.contactId, goes.contactId, { name: 'Zora' });
      expect([status, payload.becomes.optedOutAt]).toEqual(['SUCCEEDED', since]);
      expect((await contact(stays.contactId))?.optedOutAt?.toISOString()).toBe(since);
      const refused = await stays.client.refused(sending, { input: { contactId: stays.contactId, body: 'Hello.' } });
      expect(refused.extensions.code).toBe('CONFLICT');
    }
  });

  it('erase both with the one that stays, also when that was merged again, and leave nothing that opens', async () => {
    const [first, second, third] = [
      await withHistory('umbriel'),
      await withHistory('oberon'),
      await aPerson('titania'),
    ];
    const one = await mergeNow(second.contactId, first.contactId);
    const two = await mergeNow(third.contactId, second.contactId);
    const merges = [one.id, two.id];
    const ids = [first, second].flatMap(({ sent, waiting, held }) => [sent.id, waiting.id, held.id]).concat(merges);
    const backup = await shop.database.owner.effect.findMany({ where: { id: { in: ids } } });
    expect(backup).toHaveLength(8);
    const opened = () =>
      inTenant(shop.database, { ...shop.place, agentId: null }, (db) =>
        contactVault(shop.app.secrets.contacts).open(db, backup),
      );
    expect(JSON.stringify(await opened())).toMatch(/umbriel.*oberon/);
    const gone = await shop.writesNothing(() => admin.refused(erase, { id: first.contactId }));
    expect(gone).toMatchObject({ extensions: { code: 'CONFLICT', mergedIntoId: third.contactId } });

    expect(await eraseNow(third.contactId)).toMatchObject({
      status: 'SUCCEEDED',
      result: { conversations: 4, messages: 4, effects: 8 },
    });
    expect(await everything(shop)).not.toMatch(/umbriel|oberon|titania/i);
    expect(await opened()).toEqual(backup.map(() => null));
    const after = (await readAll(shop)).filter(({ id }) => ids.includes(id));
    expect(after.map(({ payload }) => payload)).toEqual(ids.map(() => null));
    await expect
      .poll(async () => (await shop.outbox()).filter((file) => ids.some((id) => file.startsWith(id))))
      .toEqual([]);
    const again = await shop.writesNothing(() => admin.refused(erase, { id: first.contactId }));
    expect(again.extensions.code).toBe('NOT_FOUND');
    for (const { sent } of [first, second]) {
      const entry = await shop.database.owner.auditEntry.findFirstOrThrow({
        where: { effectId: sent.id, action: 'effect.approve' },
      });
      expect(entry.details).toMatchObject({ comment: { salt: null } });
    }
    const [key] = shop.app.secrets.auditKeys;
    const trail = await readTrail(shop.database, { workspaceId: shop.place.workspaceId });
    expect(await verifyTrail(trail, new Map([[key.keyId, key]]))).toMatchObject({ problems: [] });
  });

  it('forget what a merge that was only asked for says of whoever is erased, and refuse it', async () => {
    for (const which of ['stays', 'goes'] as const) {
      const people = { stays: await aPerson(`keeper${which}`), goes: await aPerson(`doublet${which}`) };
      const effect = await ask(people.stays.contactId, people.goes.contactId);
      const backup = await shop.database.owner.effect.findMany({ where: { id: effect.id } });
      expect(await eraseNow(people[which].contactId)).toMatchObject({ status: 'SUCCEEDED', result: { effects: 1 } });
      const word = which === 'stays' ? /keeperstays/i : /doubletgoes/i;
      expect(await everything(shop)).not.toMatch(word);
      expect(await readOne(effect.id)).toMatchObject({ status: 'CANCELLED', payload: null });
      const opened = await inTenant(shop.database, { ...shop.place, agentId: null }, (db) =>
        contactVault(shop.app.secrets.contacts).open(db, backup),
      );
      expect(opened).toEqual([null]);
    }
  });

  it('leave nothing waiting that was asked for about the one that goes at the same moment', async () => {
    const [stays, goes] = [await aPerson('calm'), await aPerson('busy')];
    const effect = await ask(stays.contactId, goes.contactId);
    const asking = Array.from({ length: 16 }, async (_, n) => {
      await sleep(n * 20);
      const input = { contactId: goes.contactId, subject: 'Meanwhile', body: `Meanwhile ${n}` };
      return goes.client.ask<Sent>(sending, { input });
    });
    const ended = await confirmed(shop, admin, effect);
    const answers = await Promise.all(asking);
    expect(ended).toMatchObject({ status: 'SUCCEEDED' });
    const refused = answers.flatMap(({ errors }) => errors.map(({ extensions }) => extensions.code));
    for (const code of refused) expect(['NOT_FOUND', 'CONFLICT']).toContain(code);
    const of = { contactId: goes.contactId };
    const { owner } = shop.database;
    expect(await owner.effect.findMany({ where: { ...of, status: { not: 'CANCELLED' } } })).toEqual([]);
    expect(await owner.effect.count({ where: of })).toBe(answers.length - refused.length);
    expect([await owner.conversation.count({ where: of }), await owner.message.count({ where: of })]).toEqual([0, 0]);
    expect(await owner.conversation.count({ where: { contactId: stays.contactId } })).toBe(
      answers.length - refused.length,
    );
  });

  it('forget what was stored in the open about the one that is gone', async () => {
    const [stays, goes] = [await aPerson('newtimer'), await aPerson('oldtimer')];
    const effect = await goes.send('Old oldtimer');
    const { payload } = effect;
    await shop.database.owner.effect.updateMany({ where: { id: effect.id }, data: { payload, contactId: null } });
    expect(await mergeNow(stays.contactId, goes.contactId)).toMatchObject({ result: { cancelled: 1 } });
    expect(await readOne(effect.id)).toMatchObject({ status: 'CANCELLED' });
    await eraseNow(stays.contactId);
    expect(await everything(shop)).not.toMatch(/oldtimer|newtimer/i);
  });
});

describe('refuses', () => {
  it('a key, whatever it holds, and a MEMBER, before anything runs', async () => {
    const [stays, goes] = [await aPerson('role-one'), await aPerson('role-two')];
    const input = { id: stays.contactId, duplicateId: goes.contactId };
    const key = await shop.key('contacts:read', 'contacts:write', 'messages:send');
    const member = await shop.signIn(await shop.addPerson('MEMBER'));
    for (const client of [key, member]) {
      const refused = await shop.writesNothing(() => client.refused(merge, { input }));
      expect(refused).toMatchObject({ status: 403, extensions: { code: 'FORBIDDEN', requiredRole: 'ADMIN' } });
    }
  });

  it('to be confirmed by anybody but who asked', async () => {
    const [stays, goes] = [await aPerson('own-one'), await aPerson('own-two')];
    const { id, seal } = await ask(stays.contactId, goes.contactId);
    for (const other of [shop.owner, await shop.signIn(await shop.addPerson('MEMBER')), goes.client]) {
      const refused = await shop.writesNothing(() => other.refused(confirm, { id, seal }));
      expect(['FORBIDDEN', 'NOT_FOUND']).toContain(refused.extensions.code);
    }
    expect(await readOne(id)).toMatchObject({ status: 'AWAITING_APPROVAL' });
  });

  it('whoever asked as an ADMIN and is none by the time it is confirmed, or carried out', async () => {
    const { userId, ...person } = await shop.addPerson('ADMIN');
    const asking = await shop.signIn({ ...person });
    const become = (role: 'ADMIN' | 'MEMBER') =>
      shop.database.owner.member.updateMany({ where: { userId }, data: { role } });
    const [stays, goes] = [await aPerson('demoted-one'), await aPerson('demoted-two')];
    const input = { id: stays.contactId, duplicateId: goes.contactId };
    const { effect } = (await asking.data<Merging>(merge, { input })).mergeContacts;
    const { id, seal } = effect;
    await become('MEMBER');
    const refused = await shop.writesNothing(() => asking.refused(confirm, { id, seal }));
    expect(refused.extensions).toMatchObject({ code: 'FORBIDDEN', missingScopes: ['role:ADMIN'] });
    await become('ADMIN');
    const paused = await shop.owner.data<{ pauseEffects: { pause: { id: string } } }>(
      'mutation { pauseEffects(input: { kind: "contact.merge" }) { pause { id } } }',
    );
    await asking.data(confirm, { id, seal });
    await become('MEMBER');
    await shop.owner.data('mutation R($id: ID!) { resumeEffects(input: { pauseId: $id }) { resumedId } }', {
      id: paused.pauseEffects.pause.id,
    });
    expect(await shop.ends(id)).toMatchObject({ status: 'FAILED', failure: { code: 'FORBIDDEN' } });
    for (const kept of [stays, goes]) expect(await contact(kept.contactId)).not.toBeNull();
  });

  it('a contact with itself, values that no contact has, and notes that are too long together', async () => {
    const [stays, goes] = [
      await aPerson('long-one', { notes: 'a'.repeat(6_000) }),
      await aPerson('long-two', { notes: 'b'.repeat(6_000) }),
    ];
    const [id, duplicateId] = [stays.contactId, goes.contactId];
    for (const [field, input] of [
      ['input.duplicateId', { id, duplicateId: id }],
      ['input.email', { id, duplicateId, email: 'nowhere' }],
      ['input.notes', { id, duplicateId }],
    ] as const) {
      const refused = await shop.writesNothing(() => admin.refused(merge, { input }));
      expect(refused.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field });
    }
    expect(await mergeNow(id, duplicateId, { notes: null })).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('to be confirmed once one of the two has changed, opted out, or is gone, and leaves both as they are', async () => {
    const change = (id: string, data: object) => shop.database.owner.contact.updateMany({ where: { id }, data });
    const changes: readonly [string, (id: string) => Promise<unknown>][] = [
      ['CONFLICT', (id) => change(id, { name: 'Somebody Else' })],
      ['CONFLICT', (id) => optOut(id, '2026-01-01T00:00:00Z')],
      ['NOT_FOUND', (id) => shop.database.owner.contact.deleteMany({ where: { id } })],
    ];
    for (const which of ['stays', 'goes'] as const) {
      for (const [code, act] of changes) {
        const word = newId('ctc');
        const people = { stays: await aPerson(`s${word}`), goes: await aPerson(`g${word}`) };
        const { id, seal } = await ask(people.stays.contactId, people.goes.contactId);
        await act(people[which].contactId);
        const refused = await shop.writesNothing(() => admin.refused(confirm, { id, seal }));
        expect(refused.extensions.code).toBe(code);
      }
    }
  });

  it('to be carried out when one of the two changed after it was confirmed', async () => {
    const [stays, goes] = [await aPerson('confirmed-one'), await aPerson('confirmed-two')];
    const { id, seal } = await ask(stays.contactId, goes.contactId);
    const paused = await shop.owner.data<{ pauseEffects: { pause: { id: string } } }>(
      'mutation { pauseEffects(input: { kind: "contact.merge" }) { pause { id } } }',
    );
    await admin.data(confirm, { id, seal });
    await shop.database.owner.contact.updateMany({ where: { id: goes.contactId }, data: { phone: '+442079460999' } });
    await shop.owner.data('mutation R($id: ID!) { resumeEffects(input: { pauseId: $id }) { resumedId } }', {
      id: paused.pauseEffects.pause.id,
    });
    expect(await shop.ends(id)).toMatchObject({ status: 'FAILED', failure: { code: 'CONFLICT' } });
    expect(await contact(goes.contactId)).toMatchObject({ phone: '+442079460999' });
    expect(await contact(stays.contactId)).toMatchObject({ name: 'Zora confirmed-one', phone: null });
  });

  it('while something to one of the two is being performed', async () => {
    for (const which of ['stays', 'goes'] as const) {
      const people = { stays: await aPerson(`in-flight-${which}`), goes: await aPerson(`in-flight-too-${which}`) };
      const effect = await people[which].send('In flight');
      const { id, seal } = await ask(people.stays.contactId, people.goes.contactId);
      const performing = (status: 'PERFORMING' | 'UNCERTAIN') =>
        shop.database.owner.effect.updateMany({ where: { id: effect.id }, data: { status } });
      const { workspaceId } = shop.place;
      const attempt = { workspaceId, id: newId('exe'), effectId: effect.id, attempt: 1, connector: 'smtp' };
      await shop.database.owner.effectExecution.create({
        data: { ...attempt, leaseUntil: new Date(Date.now() + 600_000) },
      });
      await performing('PERFORMING');
      const input = { id: people.stays.contactId, duplicateId: people.goes.contactId };
      for (const asked of [() => admin.refused(merge, { input }), () => admin.refused(confirm, { id, seal })]) {
        const refused = await shop.writesNothing(asked);
        expect(refused.extensions.code).toBe('CONFLICT');
      }
      await performing('UNCERTAIN');
      expect(await confirmed(shop, admin, { id, seal })).toMatchObject({ status: 'SUCCEEDED' });
      // What nobody can tell is still settled by hand, and read as it was asked for.
      const settle = `mutation S($id: ID!) { settleEffect(input: { effectId: $id, status: SUCCEEDED }) { effect { status payload } } }`;
      expect(await shop.owner.data(settle, { id: effect.id })).toMatchObject({
        settleEffect: { effect: { status: 'SUCCEEDED', payload: { body: 'In flight' } } },
      });
    }
  });

  it('an erasure of the one that is gone which waited meanwhile, naming the one that has all of it', async () => {
    const [stays, goes] = [await aPerson('erase-stays'), await aPerson('erase-goes')];
    const { id, seal } = await askToErase(admin, goes.contactId);
    await mergeNow(stays.contactId, goes.contactId);
    const refused = await shop.writesNothing(() => admin.refused(confirm, { id, seal }));
    expect(refused.extensions).toMatchObject({ code: 'CONFLICT', mergedIntoId: stays.contactId });
  });

  it('to move anything when it fails half-way', async () => {
    const [stays, goes] = [await aPerson('half-stays'), await withHistory('half-goes')];
    await shop.database.executeAsOwner(`CREATE FUNCTION refuse_it() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN RAISE EXCEPTION 'a defect of the test'; END $$`);
    await shop.database.executeAsOwner(
      'CREATE TRIGGER refuse_it BEFORE DELETE ON contact FOR EACH ROW EXECUTE FUNCTION refuse_it()',
    );
    try {
      expect(await mergeNow(stays.contactId, goes.contactId)).toMatchObject({
        status: 'FAILED',
        failure: { code: 'INTERNAL_SERVER_ERROR' },
      });
    } finally {
      await shop.database.executeAsOwner('DROP TRIGGER refuse_it ON contact');
    }
    expect(await readOne(goes.waiting.id)).toMatchObject({ status: 'AWAITING_APPROVAL' });
    expect(await shop.database.owner.conversation.count({ where: { contactId: goes.contactId } })).toBe(2);
    const where = { contactId: goes.contactId };
    expect(await shop.database.owner.contactKey.findFirst({ where })).toMatchObject({ mergedIntoId: null });
    expect(await mergeNow(stays.contactId, goes.contactId)).toMatchObject({ status: 'SUCCEEDED' });
  });
});

describe('isolates', () => {
  it('a person of another workspace as if they did not exist, on either side', async () => {
    const { contactId } = await aPerson('at-home');
    const foreign = shop.elsewhere.ids.contactId;
    await shop.looksUnknown(foreign, (id) => admin.ask(merge, { input: { id: contactId, duplicateId: id } }));
    await shop.looksUnknown(foreign, (id) => admin.ask(merge, { input: { id, duplicateId: contactId } }));
  });

  it('from another workspace both persons, and what was asked for about them, as if there were none', async () => {
    const [stays, goes] = [await aPerson('walled-one'), await aPerson('walled-two')];
    const stranger = await shop.signIn(shop.elsewhere);
    await shop.looksUnknown(stays.contactId, (id) =>
      stranger.ask(merge, { input: { id, duplicateId: goes.contactId } }),
    );
    const { id, seal } = await ask(stays.contactId, goes.contactId);
    await shop.looksUnknown(id, (effectId) => stranger.ask(confirm, { id: effectId, seal }));
    const { key } = await shop.createKey({
      ...{ kind: 'ACCOUNT', workspaceId: shop.elsewhere.workspaceId },
      scopes: ['contacts:write', 'messages:send'],
    });
    const input = { id: stays.contactId, duplicateId: goes.contactId };
    const refused = await shop.writesNothing(() => shop.as({ key }).refused(merge, { input }));
    expect(refused).toMatchObject({ status: 403, extensions: { code: 'FORBIDDEN', requiredRole: 'ADMIN' } });
    expect(await readOne(id)).toMatchObject({ status: 'AWAITING_APPROVAL' });
  });
});

describe('records', () => {
  it('who asked, who confirmed, what was cancelled, who became whom, and tells it', async () => {
    const [stays, goes] = [await aPerson('traced-stays'), await aPerson('traced-goes', { company: 'Halberd' })];
    const waiting = await goes.send('Waiting.');
    const { id } = await mergeNow(stays.contactId, goes.contactId);
    const entries = await shop.database.owner.auditEntry.findMany({
      where: {
        OR: [{ effectId: id }, { subjectId: goes.contactId }, { effectId: waiting.id, action: 'effect.cancel' }],
      },
      orderBy: [{ createdAt: 'asc' }, { id: 'asc' }],
    });
    expect(entries.map(({ action, outcome, subjectId }) => [action, outcome, subjectId])).toEqual([
      ['contact.create', 'DONE', goes.contactId],
      ['contact.merge', 'HELD', stays.contactId],
      ['effect.confirm', 'DONE', null],
      ['effect.cancel', 'DONE', null],
      ['contact.merge', 'DONE', goes.contactId],
      ['effect.perform', 'DONE', null],
    ]);
    expect(entries[4]?.details).toEqual({
      ...{ into: stays.contactId, fields: ['company'], conversations: 1, messages: 1, cancelled: 1 },
    });
    const events = await shop.database.owner.event.findMany({
      where: { subjectId: { in: [stays.contactId, goes.contactId] } },
      orderBy: { id: 'asc' },
    });
    expect(events.map(({ type, subjectId, data }) => [type, subjectId, data])).toEqual([
      ['contact.created', stays.contactId, {}],
      ['contact.created', goes.contactId, {}],
      ['contact.merged', goes.contactId, { intoId: stays.contactId }],
      ['contact.updated', stays.contactId, {}],
    ]);
  });
});
