import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { contactVault, type Stored } from '../../src/effects/contact-vault.js';
import { rewrapKeys } from '../../src/effects/rewrap-keys.js';
import { asSystem } from '../../src/guard/as-system.js';
import { confineTransaction } from '../../src/guard/guarded-db.js';
import { CodedError } from '../../src/platform/errors.js';
import { newId } from '../../src/platform/ids.js';
import { open, seal } from '../../src/platform/secret-box.js';
import { type Engine, openEngine, refusedWith } from './fixture.js';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine();
});
afterAll(() => engine.database.close());

const [secret, older] = [randomBytes(32), randomBytes(32)];
const vault = contactVault([secret]);
const payload = { to: 'ada@example.com', body: 'Grüße', subjectId: 'ctc_x' };

const close = (contactId: string, effectId: string, by = vault, content: object = payload) =>
  engine.inWorkspace((db) => by.close(db, { contactId, effectId }, content));
const openOne = async (stored: Stored, by = vault) =>
  (await engine.inWorkspace((db) => by.open(db, [stored])))[0] ?? null;
async function stored(by = vault): Promise<Stored & { contactId: string }> {
  const [contactId, id] = [newId('ctc'), newId('eff')];
  return { id, workspaceId: engine.workspaceId, contactId, payload: (await close(contactId, id, by)) as never };
}
const asOwner = (run: (db: Awaited<ReturnType<typeof confineTransaction>>) => Promise<unknown>) =>
  asSystem(engine.database, 'a test', async (tx) => run(await confineTransaction(tx, engine.tenant)));
const damage = (contactId: string) =>
  engine.database.executeAsOwner(
    `UPDATE contact_key SET wrapped = overlay(wrapped PLACING 'AAAAAAAA' FROM 20) WHERE contact_id = '${contactId}'`,
  );
const codeOf = (answer: unknown) => (answer instanceof CodedError ? answer.code : answer);

describe('a payload under the key of a person', () => {
  it('says nothing as it lies there but which object it makes, and opens to what was asked for', async () => {
    const effect = await stored();
    expect(Object.keys(effect.payload as object).sort()).toEqual(['sealed', 'subjectId']);
    expect(JSON.stringify(effect.payload)).not.toMatch(/ada|example|Gr/);
    expect(await openOne(effect)).toEqual(payload);
    const key = await engine.database.owner.contactKey.findFirstOrThrow({ where: { contactId: effect.contactId } });
    expect(Buffer.from(key.wrapped ?? '', 'base64url')).toHaveLength(12 + 16 + 32);
  });

  it('is refused once it was altered, moved to another request or person, or replaced by an open one', async () => {
    const [effect, other] = [await stored(), await stored()];
    const { sealed, subjectId } = effect.payload as { sealed: string; subjectId: string };
    const flipped = Buffer.from(sealed, 'base64url');
    flipped.writeUInt8(flipped.readUInt8(40) ^ 1, 40);
    const alterations: Partial<Stored>[] = [
      { payload: { sealed: flipped.toString('base64url'), subjectId } },
      { payload: { sealed: '', subjectId } },
      { payload: { sealed } },
      { payload: { sealed, subjectId: 'ctc_other' } },
      { payload: { sealed, subjectId, body: 'More.' } },
      { payload },
      { id: newId('eff') },
      { contactId: other.contactId },
      { contactId: newId('ctc') },
    ];
    for (const altered of alterations) {
      expect(codeOf(await openOne({ ...effect, ...altered })), JSON.stringify(altered)).toBe('APPROVAL_MISMATCH');
    }
    // The others of a list are read all the same.
    const answers = await engine.inWorkspace((db) => vault.open(db, [{ ...effect, payload }, other]));
    expect(answers.map(codeOf)).toEqual(['APPROVAL_MISMATCH', payload]);
  });

  it('without a person is as it is', async () => {
    const effect = { id: newId('eff'), workspaceId: engine.workspaceId, contactId: null, payload };
    expect(await openOne(effect)).toEqual(payload);
  });

  it('gets one key of many that ask for the first time at once', async () => {
    const contactId = newId('ctc');
    const effects = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const id = newId('eff');
        return { id, workspaceId: engine.workspaceId, contactId, payload: (await close(contactId, id)) as never };
      }),
    );
    for (const effect of effects) expect(await openOne(effect)).toEqual(payload);
    expect(await engine.database.owner.contactKey.count({ where: { contactId } })).toBe(1);
  });

  it('is gone for everybody once the key is destroyed, also from a copy made before, and nothing new is taken', async () => {
    const effect = await stored();
    const copy = structuredClone(effect);
    await asOwner((db) => vault.destroy(db, effect.contactId));
    expect(await openOne(copy)).toBeNull();
    expect((await refusedWith(close(effect.contactId, newId('eff')))).code).toBe('CONFLICT');
    await asOwner((db) => vault.destroy(db, effect.contactId));
    const row = await engine.database.owner.contactKey.findFirstOrThrow({ where: { contactId: effect.contactId } });
    expect(row).toMatchObject({ wrapped: null, wrappedBy: null, erasedAt: expect.any(Date) });
  });

  it('of two people opens with both keys, and is gone with either', async () => {
    const both = async () => {
      const [id, contactId, otherContactId] = [newId('eff'), newId('ctc'), newId('ctc')];
      const place = { effectId: id, contactId, otherContactId };
      const closed = await engine.inWorkspace((db) => vault.close(db, place, payload));
      return { id, workspaceId: engine.workspaceId, contactId, otherContactId, payload: closed as never };
    };
    const effect = await both();
    expect(await openOne(effect)).toEqual(payload);
    for (const altered of [
      { otherContactId: null },
      { contactId: effect.otherContactId, otherContactId: effect.contactId },
    ]) {
      expect(codeOf(await openOne({ ...effect, ...altered }))).toBe('APPROVAL_MISMATCH');
    }
    for (const which of ['contactId', 'otherContactId'] as const) {
      const one = await both();
      await asOwner((db) => vault.destroy(db, one[which]));
      expect(await openOne(one)).toBeNull();
      await damage(one[which === 'contactId' ? 'otherContactId' : 'contactId']);
      expect(await openOne(one)).toBeNull();
    }
  });

  it('whose key is damaged is refused alone, naming the key to the operator, and nothing is closed with it', async () => {
    const [effect, other, gone] = [await stored(), await stored(), await stored()];
    await asOwner((db) => vault.destroy(db, gone.contactId));
    await damage(effect.contactId);
    const answers = await engine.inWorkspace((db) => vault.open(db, [other, effect, gone]));
    expect(answers.map(codeOf)).toEqual([payload, 'APPROVAL_MISMATCH', null]);
    expect(String((answers[1] as CodedError).cause)).toContain(effect.contactId);
    expect((answers[1] as CodedError).message).not.toContain(effect.contactId);
    await expect(close(effect.contactId, newId('eff'))).rejects.toThrow(/damaged/);
    // Who is to be erased is erased all the same.
    await asOwner((db) => vault.destroy(db, effect.contactId));
    expect(await openOne(effect)).toBeNull();
  });

  it('is destroyed by the owner of the tables only', async () => {
    const effect = await stored();
    await expect(engine.inWorkspace((db) => vault.destroy(db, effect.contactId))).rejects.toThrow(/permission denied/);
    expect(await openOne(effect)).toEqual(payload);
  });
});

describe('a rotation of the server’s secret', () => {
  it('reads what the previous one wrapped, moves it, and then needs it no more', async () => {
    const effects = await Promise.all(Array.from({ length: 5 }, () => stored(contactVault([older]))));
    const [first] = effects;
    if (first === undefined) throw new Error('Nothing was stored.');
    expect(await openOne(first, contactVault([secret, older]))).toEqual(payload);
    const without = await openOne(first, vault);
    expect(without).toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      cause: { message: expect.stringContaining(first.contactId) },
    });
    expect(String((without as CodedError).cause)).toMatch(/SALLYPORT_SECRET_PREVIOUS/);
    await expect(close(first.contactId, newId('eff'))).rejects.toThrow(/SALLYPORT_SECRET_PREVIOUS/);
    const logged: string[] = [];
    const log = {
      info: (_: object, text: string) => logged.push(text),
      error: (_: object, text: string) => logged.push(text),
    };
    const lost = await stored(contactVault([randomBytes(32)]));
    const { database } = engine;
    expect(await rewrapKeys({ database, secrets: [secret, older], log }, 2)).toBe(5);
    expect(logged).toEqual([
      'the key of a contact could not be moved to the current secret',
      'keys of contacts are under the current secret now',
    ]);
    for (const effect of effects) expect(await openOne(effect)).toEqual(payload);
    await engine.database.owner.contactKey.deleteMany({ where: { contactId: lost.contactId } });
    expect(await rewrapKeys({ database, secrets: [secret, older], log })).toBe(0);
  });
});

describe('a box', () => {
  it('opens with its key and context only, and differs each time', () => {
    const [key, other] = [randomBytes(32), randomBytes(32)];
    const content = Buffer.from('content');
    const [one, two] = [seal(key, content, 'here'), seal(key, content, 'here')];
    expect(one).not.toBe(two);
    expect(open(key, one, 'here')?.toString()).toBe('content');
    expect(open(other, one, 'here')).toBeNull();
    expect(open(key, one, 'there')).toBeNull();
    expect(open(key, one.slice(0, 20), 'here')).toBeNull();
    expect(open(key, '', 'here')).toBeNull();
    expect(open(key, seal(key, Buffer.alloc(0), 'here'), 'here')).toEqual(Buffer.alloc(0));
  });
});
