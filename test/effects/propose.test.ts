import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Principal } from '../../src/auth/principal.js';
import { defaultRules } from '../../src/effects/approval-policy.js';
import { sealOfStored } from '../../src/effects/stored-effect.js';
import type { World } from '../../src/effects/world.js';
import type { Effect } from '../../src/generated/prisma/client.js';
import { newId } from '../../src/platform/ids.js';
import { aParcel, type Engine, openEngine, refusedWith, withRule } from './fixture.js';

let engine: Engine;
let owner: Principal;
let key: Principal;
beforeAll(async () => {
  engine = await openEngine();
  await engine.addCredits(1_000);
  owner = await engine.person('OWNER');
  key = await engine.key();
});
afterAll(() => engine.database.close());
beforeEach(() => {
  engine.state.rules = defaultRules;
});

describe('asking to leave', () => {
  it('freezes, prices and seals a request by a key, which waits with its money reserved', async () => {
    const before = await engine.account();
    const effect = await engine.propose(key, { ...aParcel, credits: 5 });
    expect(effect).toMatchObject({
      ...{ kind: 'message.send', status: 'AWAITING_APPROVAL', actorKind: 'ACCOUNT_KEY', actorId: key.id },
      ...{ apiKeyId: key.id, scopes: ['messages:send'], priceCredits: 5, approvalsNeeded: 1 },
      ...{ payload: { ...aParcel, credits: 5 } },
    });
    expect(effect.seal).toMatch(/^[0-9a-f]{64}$/);
    const stored = await engine.read(effect);
    expect(sealOfStored(stored, stored.payload)).toBe(effect.seal);
    expect(effect.expiresAt?.getTime()).toBe(engine.state.now.getTime() + 72 * 3_600_000);
    expect((await engine.account()).reservedCredits).toBe(before.reservedCredits + 5);
    expect(await engine.jobsOf(effect)).toBe(0);
    expect(await engine.eventsOf(effect)).toEqual(['effect.awaiting_approval']);
    const [entry, ...others] = await engine.audited(effect);
    expect(others).toEqual([]);
    expect(entry).toMatchObject({
      ...{ action: 'message.send', outcome: 'HELD', actorId: key.id, apiKeyId: key.id, allowedBy: 'messages:send' },
      ...{
        details: { status: 'AWAITING_APPROVAL', rule: 'default.key@1', seal: effect.seal, price: effect.priceCredits },
      },
    });
    expect(JSON.stringify(entry)).not.toContain('bob@example.com');
  });

  it('queues the request of a person at once', async () => {
    const effect = await engine.propose(owner);
    expect(effect).toMatchObject({ status: 'QUEUED', approvalsNeeded: 0, apiKeyId: null });
    expect(await engine.jobsOf(effect)).toBe(1);
    expect(await engine.eventsOf(effect)).toEqual(['effect.queued']);
  });

  it('lets the rules of the workspace decide, the first that matches', async () => {
    engine.state.rules = withRule({ when: { principalKinds: ['ACCOUNT_KEY'] }, requirement: 'NONE' });
    expect((await engine.propose(key)).status).toBe('QUEUED');
    engine.state.rules = withRule({ when: { channels: ['EMAIL'] }, requirement: 'TWO' });
    expect(await engine.propose(owner)).toMatchObject({ status: 'AWAITING_APPROVAL', approvalsNeeded: 2 });
  });

  it('leaves nothing when the mutation throws after everything was written', async () => {
    const effectId = newId('eff');
    const before = await engine.account();
    const asked = engine.as(key, async (world) => {
      await world.effects.propose(engine.sendParcel, aParcel, { effectId });
      throw new Error('and then the disk was full');
    });
    await expect(asked).rejects.toThrow('disk was full');
    const where = { workspaceId: engine.workspaceId, effectId };
    expect(await engine.database.owner.effect.count({ where: { id: effectId } })).toBe(0);
    expect(await engine.database.owner.auditEntry.count({ where })).toBe(0);
    expect(await engine.database.owner.ledgerEntry.count({ where })).toBe(0);
    expect(await engine.database.owner.event.count({ where: { subjectId: effectId } })).toBe(0);
    expect(await engine.account()).toEqual(before);
  });

  it('refuses a payload that is not of the shape, or that no database can hold', async () => {
    const wrong = { ...aParcel, body: 7 } as unknown as typeof aParcel;
    expect(await refusedWith(engine.propose(key, wrong))).toMatchObject({
      code: 'BAD_USER_INPUT',
      data: { field: 'payload.body' },
    });
    expect((await refusedWith(engine.propose(key, { ...aParcel, body: 'a\0b' }))).code).toBe('BAD_USER_INPUT');
    expect((await refusedWith(engine.propose(key, { ...aParcel, body: '\ud800' }))).code).toBe('BAD_USER_INPUT');
    expect((await refusedWith(engine.propose(key, { ...aParcel, body: 'x'.repeat(600_000) }))).code).toBe(
      'BAD_USER_INPUT',
    );
    expect((await engine.propose(key, { ...aParcel, body: 'a\\u0000b' })).payload).toMatchObject({ body: 'a\\u0000b' });
  });

  it('does not let an effect that spends be allowed by a scope that does not', async () => {
    const asked = engine.as(
      owner,
      (world) => world.effects.propose(engine.sendParcel, aParcel, { effectId: newId('eff') }),
      'messages:write',
    );
    await expect(asked).rejects.toThrow('spends credits but was allowed by messages:write');
  });
});

describe('reading an effect', () => {
  it('gives a principal its own, and those of others only with approvals:read', async () => {
    const other = await engine.key();
    const reader = await engine.key({ scopes: ['approvals:read'] });
    const effect = await engine.propose(key);
    const find = (who: Principal) => engine.as(who, (world) => world.effects.find(effect.id));
    expect((await find(key))?.id).toBe(effect.id);
    expect((await find(reader))?.id).toBe(effect.id);
    expect((await find(owner))?.id).toBe(effect.id);
    expect(await find(other)).toBeNull();
  });
});

/** Asks for a contact to be made, which a rule holds. */
const hold = (who: Principal, name: string): Promise<Effect> =>
  engine.as(
    who,
    async ({ effects }) => {
      const rule = await effects.ruleHolding('contact.create');
      if (rule === null) throw new Error('not held');
      return effects.holdAction('contact.create', rule, { name }, null);
    },
    'contacts:write',
  );

describe('holding an action', () => {
  it('holds nothing by default', async () => {
    expect(await engine.as(key, (world) => world.effects.ruleHolding('contact.create'), 'contacts:write')).toBeNull();
  });

  it('stores the action when a rule holds it, and carries it out as its requester once approved', async () => {
    const writer = await engine.key({ scopes: ['contacts:write'] });
    engine.state.rules = withRule({ when: { act: 'ACTION', kinds: ['contact.create'] } });
    const held = await hold(writer, 'Bob');
    expect(held).toMatchObject({
      kind: 'contact.create',
      status: 'AWAITING_APPROVAL',
      payload: { name: 'Bob' },
      priceCredits: 0,
    });
    expect((await engine.audited(held))[0]).toMatchObject({
      action: 'action.hold',
      outcome: 'HELD',
      details: { kind: 'contact.create' },
    });

    const id = newId('ctc');
    engine.actions.set('contact.create', {
      asSystem: null,
      showsSecret: false,
      run: async (input, world) => {
        await world.db.contact.create({ data: { id, name: (input as { name: string }).name } });
        await world.audit.record({ action: 'contact.create', subjectId: id });
        return { subjectId: id };
      },
    });
    expect((await engine.approve(owner, held)).status).toBe('QUEUED');
    await engine.perform(held);
    expect(await engine.read(held)).toMatchObject({ status: 'SUCCEEDED', result: { subjectId: id } });
    const entry = await engine.database.owner.auditEntry.findFirst({ where: { subjectId: id } });
    expect(entry).toMatchObject({ actorId: writer.id, allowedBy: 'contacts:write' });
    await engine.perform(held);
    expect(await engine.database.owner.contact.count({ where: { id } })).toBe(1);
  });

  it('keeps nothing of an action that refuses or breaks when it is carried out', async () => {
    const writer = await engine.key({ scopes: ['contacts:write'] });
    engine.state.rules = withRule({ when: { act: 'ACTION' } });
    const held = await hold(writer, 'Eve');
    const id = newId('ctc');
    engine.actions.set('contact.create', {
      asSystem: null,
      showsSecret: false,
      run: async (_, world) => {
        await world.db.contact.create({ data: { id, name: 'Eve' } });
        throw new Error('a defect');
      },
    });
    await engine.approve(owner, held);
    await engine.perform(held);
    expect(await engine.read(held)).toMatchObject({ status: 'FAILED', failure: { code: 'INTERNAL_SERVER_ERROR' } });
    expect(await engine.database.owner.contact.count({ where: { id } })).toBe(0);
  });

  it('carries out an action that runs as the system with the owner of the tables beside its workspace', async () => {
    const writer = await engine.key({ scopes: ['contacts:write'] });
    engine.state.rules = withRule({ when: { act: 'ACTION' } });
    const seen: unknown[] = [];
    const run = async (_: unknown, { db, system }: World) => {
      const people = system === null ? null : await system.user.count();
      seen.push({ people, contacts: await db.contact.findMany({ where: { name: 'Sue' } }) });
    };
    for (const asSystem of ['look at people for a test', null]) {
      engine.actions.set('contact.create', { asSystem, showsSecret: false, run });
      const held = await hold(writer, 'Sue');
      await engine.approve(owner, held);
      await engine.perform(held);
      expect(await engine.read(held)).toMatchObject({ status: 'SUCCEEDED' });
    }
    expect(seen).toEqual([
      { people: expect.any(Number), contacts: [] },
      { people: null, contacts: [] },
    ]);
  });
});
