import { beforeEach, describe, expect, it } from 'vitest';
import type { Principal } from '../../src/auth/principal.js';
import type { ClaimRequest, Effect } from '../../src/effects/effect-port.js';
import { badInput, CodedError } from '../../src/platform/errors.js';
import { smallBuilder, smallSchema, triggered } from './small-schema.js';
import { contextOf, principalWith, speaker, transactions, unlessRefused } from './speak.js';

const { builder, schema, ran } = smallSchema();
const ask = speaker(schema, 'on');

interface Calls {
  claims: ClaimRequest[];
  held: [string, unknown][];
  proposed: unknown[];
}
let calls: Calls;
let claimed: Map<string, string>;
beforeEach(() => {
  ran.length = 0;
  transactions.length = 0;
  calls = { claims: [], held: [], proposed: [] };
  claimed = new Map();
});

const effect = (id: string, more: Partial<Effect> = {}) => ({ id, status: 'QUEUED', payload: {}, ...more }) as Effect;

/** A world of which only the sallyport answers. */
const world = (principal: Principal, hold = false) =>
  contextOf(principal, {
    clock: { now: () => new Date() },
    db: unlessRefused({ effect: { findFirst: async () => effect('eff_held', { status: 'AWAITING_APPROVAL' }) } }),
    effects: {
      claim: async (request: ClaimRequest) => {
        calls.claims.push(request);
        const known = claimed.get(request.idempotencyKey);
        if (known === undefined) claimed.set(request.idempotencyKey, request.subjectId);
        return known === undefined ? { first: true } : { first: false, subjectId: known };
      },
      ruleHolding: async () => (hold ? { requirement: 'ONE' } : null),
      holdAction: async (action: string, _rule: unknown, input: unknown) => {
        calls.held.push([action, input]);
        return effect('eff_held', { status: 'AWAITING_APPROVAL' });
      },
      propose: async (_kind: unknown, payload: unknown, options: unknown) => {
        calls.proposed.push([payload, options]);
        return effect('eff_new');
      },
      find: async (id: string) => effect(id, { payload: { mode: 'CHAT', text: 'frozen' } }),
      payloadOf: async ({ payload }: Effect) => payload,
    },
  } as never);

const writer = principalWith(['contacts:write', 'contacts:read', 'agents:trigger']);
const create =
  'mutation ($input: CreateContactInput!) { createContact(input: $input) { contact { id name } effect { id } } }';

describe('an action', () => {
  it('runs in one transaction, under the scope that let it pass', async () => {
    const answer = await ask(create, world(writer), { input: { name: 'Ada', since: '2026-01-31T09:30:00+01:00' } });
    expect(answer.data).toMatchObject({ createContact: { contact: { name: 'Ada' }, effect: null } });
    expect(ran).toEqual(['createContact true']);
    expect(transactions).toEqual(['contacts:write']);
    expect(calls.held).toEqual([]);
  });

  it('changes nothing when a rule holds it, and answers with the effect alone', async () => {
    const answer = await ask(create, world(writer, true), { input: { name: 'Ada' } });
    expect(answer.data).toEqual({ createContact: { contact: null, effect: { id: 'eff_held' } } });
    expect(ran).toEqual([]);
    expect(calls.held).toEqual([['contact.create', { name: 'Ada', subjectId: expect.stringMatching(/^ctc_/) }]]);
  });

  it('is performed from the registry once approved, with the stored input read back by the schema', async () => {
    await ask(create, world(writer, true), { input: { name: 'Ada', since: '2026-01-31T09:30:00Z' } });
    const [[action, stored] = ['', null]] = calls.held;
    const inside = world(writer);
    const result = await builder.actions.get(action)?.run(JSON.parse(JSON.stringify(stored)), inside);
    expect(result).toMatchObject({ contact: { id: (stored as { subjectId: string }).subjectId, name: 'Ada' } });
    expect(ran).toEqual(['createContact true']);
  });

  it('refuses a stored input that no longer fits', async () => {
    const inside = world(writer);
    const run = async () => builder.actions.get('contact.create')?.run({ nome: 'Ada' }, inside);
    await expect(run()).rejects.toMatchObject({ code: 'BAD_USER_INPUT' });
    expect(ran).toEqual([]);
  });

  it('answers a repeat with what the first call made', async () => {
    const context = world(writer);
    const input = { name: 'Ada', idempotencyKey: 'one' };
    const first = await ask(create, context, { input });
    const second = await ask(create, context, { input });
    const id = (answer: typeof first) =>
      (answer.data as { createContact: { contact: { id: string } } }).createContact.contact.id;
    expect(id(second)).toBe(id(first));
    expect(ran).toEqual(['createContact false']);
    expect(calls.claims[0]).toMatchObject({ mutation: 'createContact', input: { name: 'Ada' }, idempotencyKey: 'one' });
  });

  it('offers an idempotency key only where a repeat can be answered', () => {
    const inputs = Object.keys(schema.getTypeMap()).filter((name) => name.endsWith('Input'));
    const offering = inputs.filter(
      (name) => 'idempotencyKey' in (schema.getType(name) as never as { getFields(): object }).getFields(),
    );
    expect(offering).toEqual(['CreateContactInput', 'TriggerAgentInput']);
  });

  it('is allowed by the role it declares', async () => {
    const answer = await ask('mutation { resetEverything { effect { id } } }', world(principalWith([], 'OWNER')));
    expect(answer.data).toEqual({ resetEverything: { effect: null } });
    expect(transactions).toEqual(['role:OWNER']);
  });
});

describe('an effect mutation', () => {
  const trigger = `mutation ($input: TriggerAgentInput!) { triggerAgent(input: $input) { text status effect { id } } }`;

  it('prepares and proposes in one transaction, and does nothing else', async () => {
    const answer = await ask(trigger, world(writer), { input: { mode: 'CHAT', text: 'hello' } });
    expect(answer.data).toEqual({ triggerAgent: { text: 'hello', status: 'QUEUED', effect: { id: 'eff_new' } } });
    expect(calls.proposed).toEqual([[{ mode: 'CHAT', text: 'hello' }, { effectId: expect.stringMatching(/^eff_/) }]]);
    expect(transactions).toEqual(['agents:trigger']);
    expect(calls.claims).toEqual([]);
  });

  it('answers a repeat with the first effect and what was frozen for it', async () => {
    const context = world(writer);
    const input = { mode: 'CHAT', text: 'hello', idempotencyKey: 'k' };
    await ask(trigger, context, { input });
    const answer = await ask(trigger, context, { input });
    const [claim] = calls.claims;
    expect(answer.data).toEqual({
      triggerAgent: { text: 'frozen', status: 'QUEUED', effect: { id: claim?.subjectId } },
    });
    expect(calls.proposed).toHaveLength(1);
    expect(calls.proposed[0]).toMatchObject([{}, { effectId: claim?.subjectId }]);
  });

  it('tells a refusal of the sallyport as it is', async () => {
    const context = world(writer);
    Object.assign(context.world.effects, {
      propose: async () => {
        throw new CodedError('INSUFFICIENT_CREDITS', 'Not enough.', { needed: 1 });
      },
    });
    const { data, errors } = await ask(trigger, context, { input: { mode: 'CHAT', text: '' } });
    expect(data).toEqual({ triggerAgent: null });
    expect(errors?.[0]?.extensions).toEqual({ code: 'INSUFFICIENT_CREDITS', needed: 1 });
  });

  it('cannot have a resolve', () => {
    const made = smallBuilder();
    made.mutationField('acting', (t) =>
      t.effect({
        description: 'X.',
        scope: 'agents:trigger',
        effect: triggered,
        prepare: () => ({ mode: 'CHAT', text: '' }),
        // @ts-expect-error an effect mutation only prepares
        resolve: () => 'acted',
      }),
    );
    expect(() => made.toSchema()).toThrow('The effect agent.trigger has a resolve: it may only prepare.');
  });
});

describe('the types of mutations', () => {
  it('refuse a payload that resolve does not give, and a subject that nobody made', () => {
    const check = (made: typeof builder): void => {
      made.mutationField('wrongPayload', (t) =>
        t.action({
          description: 'X.',
          scope: 'contacts:write',
          action: 'x.y',
          payload: (p) => ({ count: p.int({ description: 'How many.' }) }),
          // @ts-expect-error a text is not a number
          resolve: () => ({ count: 'one' }),
        }),
      );
      made.mutationField('noSubject', (t) =>
        t.action({
          description: 'X.',
          scope: 'contacts:write',
          action: 'x.y',
          payload: (p) => ({ id: p.id({ description: 'Its id.' }) }),
          resolve: (_input, _services, _world, subjectId) => {
            // @ts-expect-error there is no subject without `creates`
            throw badInput(subjectId.length);
          },
        }),
      );
    };
    expect(check).toBeTypeOf('function');
  });
});
