import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../support/client.js';
import { type Asked, approval, type Sent, type Shop, sending, startShop } from './shop.js';

let shop: Shop;
let admin: Client & { readonly userId: string };
beforeAll(async () => {
  shop = await startShop({ rules: [...rules] });
  admin = await person('ADMIN');
});
afterAll(() => shop?.stop());

const rules = [
  {
    id: 'shop.two',
    version: 3,
    when: { kinds: ['message.send'], principalKinds: ['ACCOUNT_KEY'], isFirstContact: true },
    requirement: 'TWO',
    approvers: ['ADMIN', 'OWNER'],
    reason: 'The first word to somebody is read by two.',
  },
  {
    id: 'shop.people',
    version: 1,
    when: { act: 'EFFECT', principalKinds: ['SESSION'] },
    requirement: 'ONE',
    approvers: ['OWNER'],
    reason: 'An owner looks at what people send.',
  },
] as const;

async function person(role: 'MEMBER' | 'ADMIN' | 'OWNER') {
  const made = await shop.addPerson(role);
  return { ...(await shop.signIn(made)), userId: made.userId };
}

const reject = `mutation R($effectId: ID!, $reason: String) {
  rejectEffect(input: { effectId: $effectId, reason: $reason }) { effect { id status } } }`;
const cancel = 'mutation C($effectId: ID!) { cancelEffect(input: { effectId: $effectId }) { effect { id status } } }';
const confirm = `mutation C($effectId: ID!, $seal: String!) {
  confirmEffect(input: { effectId: $effectId, seal: $seal }) { effect { id status } } }`;
const read = 'query E($id: ID!) { effect(id: $id) { id status } }';

async function ask(client: Client, more: object = {}): Promise<Asked> {
  const input = { conversationId: shop.ids.conversationId, body: 'It arrives tomorrow.', ...more };
  return (await client.data<Sent>(sending, { input })).sendMessage.effect;
}

async function askKnown(client: Client): Promise<Asked> {
  await becomeKnown();
  return ask(client);
}

let isKnown = false;
/** Somebody was written to before, so that one approval suffices. */
async function becomeKnown(): Promise<void> {
  if (isKnown) return;
  const { workspaceId } = shop.place;
  const { conversationId } = shop.ids;
  await shop.database.owner.message.create({
    data: {
      workspaceId,
      id: 'msg_before',
      conversationId,
      direction: 'OUTBOUND',
      status: 'SENT',
      channel: 'EMAIL',
      body: 'Earlier.',
    },
  });
  isKnown = true;
}

const decided = ({ id: effectId, seal }: Asked) => ({ effectId, seal });

describe('does', () => {
  it('take two people where a rule says so, and neither of them twice', async () => {
    const effect = await ask(await shop.key('messages:send'));
    expect(effect).toMatchObject({ rule: { id: 'shop.two', requirement: 'TWO' } });
    const first = await admin.data<{ approveEffect: { effect: Asked } }>(approval, decided(effect));
    expect(first.approveEffect.effect.status).toBe('AWAITING_APPROVAL');
    const again = await shop.writesNothing(() => admin.refused(approval, decided(effect)));
    expect(again.extensions.code).toBe('CONFLICT');
    expect(await shop.approve(effect)).toMatchObject({ status: 'SUCCEEDED' });
    const { effect: seen } = await shop.owner.data<{ effect: { decisions: { nodes: object[]; totalCount: number } } }>(
      `query D($id: ID!) { effect(id: $id) { decisions { totalCount nodes { verdict seal comment decidedBy { kind id name } } } } }`,
      { id: effect.id },
    );
    expect(seen.decisions).toEqual({
      totalCount: 2,
      nodes: [
        {
          verdict: 'APPROVED',
          seal: effect.seal,
          comment: 'Go.',
          decidedBy: { kind: 'SESSION', id: admin.userId, name: 'Person ADMIN' },
        },
        {
          verdict: 'APPROVED',
          seal: effect.seal,
          comment: 'Go.',
          decidedBy: { kind: 'SESSION', id: shop.place.userId, name: 'Olive Owner' },
        },
      ],
    });
  });

  it('reject, and tell the requester why', async () => {
    const client = await shop.key('messages:send');
    const effect = await askKnown(client);
    await admin.data(reject, { effectId: effect.id, reason: 'Not like this.' });
    expect(
      await client.data('query E($id: ID!) { effect(id: $id) { status charged failure { code message } } }', {
        id: effect.id,
      }),
    ).toEqual({
      effect: { status: 'REJECTED', charged: 0, failure: { code: 'REJECTED', message: 'Not like this.' } },
    });
  });

  it('let a key take its own request back, and an ADMIN that of anybody', async () => {
    const client = await shop.key('messages:send');
    const own = await askKnown(client);
    expect(await client.data(cancel, { effectId: own.id })).toMatchObject({
      cancelEffect: { effect: { status: 'CANCELLED' } },
    });
    const other = await askKnown(client);
    await admin.data(cancel, { effectId: other.id });
    expect(await shop.ends(other.id)).toMatchObject({ status: 'CANCELLED' });
  });

  it('show a principal its own requests without approvals:read, by id, by node and as a list', async () => {
    const client = await shop.key('messages:send');
    const one = await askKnown(client);
    const two = await askKnown(client);
    await askKnown(await shop.key('messages:send'));
    expect(await client.data(read, { id: one.id })).toMatchObject({ effect: { id: one.id } });
    expect(
      await client.data(
        'query N($id: ID!) { node(id: $id) { id ... on Effect { kind requestedBy { kind id name } } } }',
        {
          id: one.id,
        },
      ),
    ).toEqual({
      node: {
        id: one.id,
        kind: 'message.send',
        requestedBy: { kind: 'ACCOUNT_KEY', id: client.keyId, name: 'test' },
      },
    });
    expect(
      await client.data('{ myEffects(orderBy: { field: CREATED_AT, direction: ASC }) { totalCount nodes { id } } }'),
    ).toEqual({ myEffects: { totalCount: 2, nodes: [{ id: one.id }, { id: two.id }] } });
    expect(
      await client.data('{ myEffects(status: [CANCELLED], kind: "message.send") { totalCount nodes { id } } }'),
    ).toEqual({ myEffects: { totalCount: 0, nodes: [] } });
  });

  it('show an approver what waits, of everybody', async () => {
    const effect = await askKnown(await shop.key('messages:send'));
    const reader = await shop.key('approvals:read');
    const { effects } = await reader.data<{ effects: { nodes: { id: string }[] } }>(
      '{ effects(status: [AWAITING_APPROVAL], requesterKind: [ACCOUNT_KEY], first: 100) { nodes { id } } }',
    );
    expect(effects.nodes.map(({ id }) => id)).toContain(effect.id);
    expect(await reader.data(read, { id: effect.id })).toMatchObject({ effect: { id: effect.id } });
    expect(await reader.data('{ myEffects { totalCount } }')).toEqual({ myEffects: { totalCount: 0 } });
  });
});

describe('refuses', () => {
  it('another seal than the stored one, and changes nothing', async () => {
    const effect = await askKnown(await shop.key('messages:send'));
    for (const seal of ['0'.repeat(64), '', effect.seal.toUpperCase()]) {
      const refused = await shop.writesNothing(() => shop.owner.refused(approval, { effectId: effect.id, seal }));
      expect(refused.extensions.code).toBe('APPROVAL_MISMATCH');
    }
    expect(await shop.owner.data(read, { id: effect.id })).toMatchObject({ effect: { status: 'AWAITING_APPROVAL' } });
  });

  it("anybody's decision on their own request", async () => {
    const other = await person('OWNER');
    const effect = await ask(other);
    expect(effect).toMatchObject({ status: 'AWAITING_APPROVAL', rule: { id: 'shop.people' } });
    for (const [document, variables] of [
      [approval, decided(effect)],
      [reject, { effectId: effect.id }],
    ] as const) {
      const refused = await shop.writesNothing(() => other.refused(document, variables));
      expect(refused.extensions.code).toBe('FORBIDDEN');
      expect(refused.message).toContain('own request');
    }
    const confirmed = await shop.writesNothing(() => other.refused(confirm, decided(effect)));
    expect(confirmed.extensions.code).toBe('FORBIDDEN');
    expect(await shop.approve(effect)).toMatchObject({ status: 'SUCCEEDED' });
  });

  it('the decision of a key, whatever it holds, and of a MEMBER', async () => {
    const effect = await askKnown(await shop.key('messages:send'));
    const member = await person('MEMBER');
    for (const client of [await shop.key('*:read', 'messages:send'), member]) {
      for (const [document, variables] of [
        [approval, decided(effect)],
        [reject, { effectId: effect.id }],
      ] as const) {
        const refused = await shop.writesNothing(() => client.refused(document, variables));
        expect(refused).toMatchObject({ status: 403, extensions: { code: 'FORBIDDEN', requiredRole: 'ADMIN' } });
      }
    }
  });

  it('an ADMIN where the rule names OWNER alone', async () => {
    const effect = await ask(await person('OWNER'));
    const refused = await shop.writesNothing(() => admin.refused(approval, decided(effect)));
    expect(refused.extensions).toMatchObject({ code: 'FORBIDDEN', requiredRole: 'OWNER' });
  });

  it('to decide twice: the second learns what the first did', async () => {
    const effect = await askKnown(await shop.key('messages:send'));
    await admin.data(reject, { effectId: effect.id, reason: 'No.' });
    const late = await shop.writesNothing(() => shop.owner.refused(approval, decided(effect)));
    expect(late.extensions).toMatchObject({ code: 'CONFLICT', status: 'REJECTED' });
    const cancelled = await shop.writesNothing(() => shop.owner.refused(cancel, { effectId: effect.id }));
    expect(cancelled.extensions.code).toBe('CONFLICT');
  });

  it('all but one of those who decide at once', async () => {
    const effect = await askKnown(await shop.key('messages:send'));
    const others = [shop.owner, admin, await person('ADMIN'), await person('OWNER')];
    const answers = await Promise.all(
      others.map((client, index) =>
        index % 2 === 0 ? client.ask(approval, decided(effect)) : client.ask(reject, { effectId: effect.id }),
      ),
    );
    const codes = answers.map(({ errors }) => errors[0]?.extensions.code ?? 'done').sort();
    expect(codes).toEqual(['CONFLICT', 'CONFLICT', 'CONFLICT', 'done']);
    await shop.ends(effect.id);
    expect(await shop.database.owner.effectDecision.count({ where: { effectId: effect.id } })).toBe(1);
  });

  it('to approve what a revoked key asked for', async () => {
    const client = await shop.key('messages:send');
    const effect = await askKnown(client);
    await shop.database.owner.apiKey.update({
      where: { workspaceId_id: { workspaceId: shop.place.workspaceId, id: client.keyId } },
      data: { status: 'REVOKED', revokedAt: new Date() },
    });
    const refused = await shop.writesNothing(() => shop.owner.refused(approval, decided(effect)));
    expect(refused.extensions).toMatchObject({ code: 'UNAUTHENTICATED', reason: 'REVOKED' });
    expect(refused.status).toBe(200);
  });

  it('a comment that is too long, or that holds an API key, naming the field', async () => {
    const made = await shop.createKey({ kind: 'ACCOUNT', scopes: ['messages:send'] });
    const effect = await askKnown(shop.as(made));
    const approve = `mutation A($effectId: ID!, $seal: String!, $comment: String!) {
      approveEffect(input: { effectId: $effectId, seal: $seal, comment: $comment }) { effect { id } } }`;
    for (const comment of ['x'.repeat(2_001), `Use ${made.key}`]) {
      const approved = await shop.writesNothing(() => shop.owner.refused(approve, { ...decided(effect), comment }));
      expect(approved.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.comment' });
      const rejected = await shop.writesNothing(() =>
        shop.owner.refused(reject, { effectId: effect.id, reason: comment }),
      );
      expect(rejected.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.reason' });
      expect(rejected.message).not.toContain(made.key);
    }
  });

  it('to take back what has left', async () => {
    const client = await shop.key('messages:send');
    const effect = await askKnown(client);
    await shop.approve(effect);
    const refused = await shop.writesNothing(() => client.refused(cancel, { effectId: effect.id }));
    expect(refused.extensions).toMatchObject({ code: 'CONFLICT', status: 'SUCCEEDED' });
  });
});

describe('isolates', () => {
  it('an effect of another principal, and of another workspace, as if it did not exist', async () => {
    const effect = await askKnown(await shop.key('messages:send'));
    const other = await shop.key('messages:send');
    const elsewhere = await shop.signIn(shop.elsewhere);
    for (const client of [other, elsewhere]) {
      await shop.looksUnknown(effect.id, (id) => client.ask(read, { id }));
      await shop.looksUnknown(effect.id, (id) => client.ask('query N($id: ID!) { node(id: $id) { id } }', { id }));
      await shop.looksUnknown(effect.id, (id) => client.ask(cancel, { effectId: id }));
      await shop.looksUnknown(effect.id, (id) => client.ask(confirm, { effectId: id, seal: effect.seal }));
    }
    await shop.looksUnknown(effect.id, (id) => elsewhere.ask(approval, { effectId: id, seal: effect.seal }));
    await shop.looksUnknown(effect.id, (id) => elsewhere.ask(reject, { effectId: id }));
    const agent = await shop.agentKey(['agent:conversations:read']);
    await shop.looksUnknown(effect.id, (id) => agent.ask(read, { id }));
  });
});

describe('records', () => {
  it('each decision with the seal that was seen, and comments only as commitments', async () => {
    const client = await shop.key('messages:send');
    const one = await askKnown(client);
    await shop.approve(one);
    expect(await shop.lastEntry('effect.approve')).toMatchObject({
      effectId: one.id,
      actorId: shop.place.userId,
      allowedBy: 'role:ADMIN',
      details: { kind: 'message.send', status: 'QUEUED', seal: one.seal },
    });
    const two = await askKnown(client);
    await admin.data(reject, { effectId: two.id, reason: 'A private reason.' });
    expect(await shop.lastEntry('effect.reject')).toMatchObject({ effectId: two.id, actorId: admin.userId });
    const three = await askKnown(client);
    await client.data(cancel, { effectId: three.id });
    expect(await shop.lastEntry('effect.cancel')).toMatchObject({ effectId: three.id, actorId: client.keyId });
    const trail = [...(await shop.trail('effect.approve')), ...(await shop.trail('effect.reject'))];
    expect(JSON.stringify(trail)).not.toMatch(/private reason|"Go\./);
  });

  it('the refusal of a key that tried to decide', async () => {
    const effect = await askKnown(await shop.key('messages:send'));
    const client = await shop.key('messages:send');
    await client.refused(approval, decided(effect));
    expect(await shop.lastEntry('access.refused')).toMatchObject({ actorId: client.keyId, outcome: 'REFUSED' });
  });
});
