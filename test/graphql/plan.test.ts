// planOperation and performPlan over HTTP: a plan tells what a mutation would come to and keeps nothing; performing it does
// exactly that, once, or nothing at all.
import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newId } from '../../src/platform/ids.js';
import { type Shop, said, sending, startShop } from '../modules/shop.js';
import type { Client, GraphqlError } from '../support/client.js';

let shop: Shop;
let aheadMs = 0;
beforeAll(async () => {
  shop = await startShop({ works: false, clock: { now: () => new Date(Date.now() + aheadMs) } });
  await setCredits(1_000);
});
afterAll(() => shop?.stop());

const PLAN = `query ($document: String!, $variables: JSON, $operationName: String) {
  planOperation(document: $document, variables: $variables, operationName: $operationName) {
    planId expiresAt price rule { id requirement } changes { ...Told } events { type subjectId }
    effects { kind status price payload approvalsNeeded rule { id requirement } }
  }
}
fragment Told on PlannedChange { action outcome subjectId isNew fields costCredits details }`;
const PERFORM = `mutation ($input: PerformPlanInput!) {
  performPlan(input: $input) { data changes { ...Told } effects { id kind status price rule { id } } effect { id } }
}
fragment Told on PlannedChange { action outcome subjectId isNew fields costCredits details }`;

interface Change {
  readonly action: string;
  readonly subjectId: string | null;
}
interface Plan {
  readonly planId: string;
  readonly expiresAt: string;
  readonly price: number;
  readonly rule: { readonly id: string; readonly requirement: string } | null;
  readonly changes: readonly Change[];
  readonly effects: readonly { readonly kind: string; readonly status: string; readonly price: number }[];
}
interface Performed {
  readonly data: Record<string, Record<string, unknown>> | null;
  readonly changes: readonly Change[] | null;
  readonly effects: readonly { readonly id: string; readonly kind: string; readonly status: string }[];
}

const plan = async (client: Client, document: string, variables: object = {}): Promise<Plan> =>
  (await client.data<{ planOperation: Plan }>(PLAN, { document, variables })).planOperation;
/** What planning it is refused with. */
const unplanned = async (client: Client, document: string, variables: object = {}): Promise<GraphqlError> => {
  const { status, data, errors } = await client.ask(PLAN, { document, variables });
  expect([status, data, errors.length], JSON.stringify(errors)).toEqual([200, { planOperation: null }, 1]);
  return errors[0] as GraphqlError;
};
const perform = async (client: Client, planId: string, more: object = {}): Promise<Performed> =>
  (await client.data<{ performPlan: Performed }>(PERFORM, { input: { planId, ...more } })).performPlan;
const unperformed = (client: Client, planId: string, more: object = {}): Promise<GraphqlError> =>
  client.refused(PERFORM, { input: { planId, ...more } });
const drift = async (client: Client, planId: string): Promise<Readonly<Record<string, unknown>>> => {
  const { extensions } = await shop.writesNothing(() => unperformed(client, planId));
  expect(extensions.code).toBe('PLAN_DRIFTED');
  return extensions;
};
const setCredits = (balanceCredits: number) =>
  shop.database.owner.creditAccount.updateMany({ data: { balanceCredits, reservedCredits: 0 } });
const setWorkspace = (data: object) =>
  shop.database.owner.workspace.update({ where: { id: shop.place.workspaceId }, data });

const CONTACT = 'mutation ($name: String!) { createContact(input: { name: $name }) { contact { id name } } }';
const RENAME = `mutation ($id: ID!, $name: String!) {
  updateContact(input: { id: $id, name: $name }) { contact { name } }
}`;
const hello = () => ({ input: { contactId: shop.ids.contactId, inboxId: shop.ids.inboxId, body: 'Hello.' } });
const draft = async (client: Client, body = 'Hello.'): Promise<string> => {
  const { createDraft } = await client.data<{ createDraft: { messageId: string } }>(
    'mutation ($id: ID!, $body: String!) { createDraft(input: { conversationId: $id, body: $body }) { messageId } }',
    { id: shop.ids.conversationId, body },
  );
  return createDraft.messageId;
};
const contact = async (name: string): Promise<string> => {
  const { workspaceId } = shop.place;
  const row = { workspaceId, id: newId('ctc'), name, email: `${newId('ctc')}@example.com` };
  return (await shop.database.owner.contact.create({ data: row })).id;
};

describe('planOperation', () => {
  it('tells what a mutation would change, and keeps nothing of it', async () => {
    const writer = await shop.key('contacts:write', 'contacts:read');
    const told = await shop.writesNothing(() => plan(writer, CONTACT, { name: 'Sam' }));
    expect(told).toMatchObject({
      price: 0,
      rule: { id: 'default.action', requirement: 'NONE' },
      changes: [{ action: 'contact.create', outcome: 'DONE', subjectId: null, isNew: true, fields: ['name'] }],
      events: [{ type: 'contact.created', subjectId: null }],
      effects: [],
    });
    const done = await perform(writer, told.planId);
    expect(done).toMatchObject({ data: { createContact: { contact: { name: 'Sam' } } }, changes: told.changes });
    expect(done.effects).toEqual([]);
  });

  it('tells what would leave, its price, and who would have to agree', async () => {
    const asking = await shop.key('messages:send');
    const told = await shop.writesNothing(() => plan(asking, sending, hello()));
    expect(told).toMatchObject({
      price: 1,
      rule: { id: 'default.key', requirement: 'ONE' },
      effects: [{ kind: 'message.send', status: 'AWAITING_APPROVAL', price: 1, payload: { body: 'Hello.' } }],
    });
    const done = await perform(asking, told.planId);
    expect(done.effects).toMatchObject([{ kind: 'message.send', status: 'AWAITING_APPROVAL', price: 1 }]);
    expect(done.data?.sendMessage).toMatchObject({ effect: { id: done.effects[0]?.id } });
    expect(done.changes).toEqual(told.changes);
  });

  it('runs fields of the workspace and of the owner of the tables in one transaction, each seeing the ones before', async () => {
    const id = await contact('Before');
    const document = `mutation ($id: ID!) {
      first: updateContact(input: { id: $id, name: "During" }) { contact { name } }
      key: createApiKey(input: { kind: ACCOUNT, name: "Planned", scopes: ["contacts:read"] }) { apiKey { id } }
      second: updateContact(input: { id: $id, company: "Acme" }) { contact { name company } }
      cap: setSpendCap(input: { credits: 5000 }) { spendCap { credits } }
      sent: sendMessage(input: { contactId: $id, inboxId: "${shop.ids.inboxId}", body: "Hi" }) { effect { status } }
    }`;
    const told = await shop.writesNothing(() => plan(shop.owner, document, { id }));
    const actions = ['contact.update', 'apiKey.create', 'contact.update', 'spendCap.set', 'message.send'];
    expect(told.changes.map(({ action }) => action)).toEqual(actions);
    const done = await perform(shop.owner, told.planId);
    expect(done.data).toMatchObject({
      second: { contact: { name: 'During', company: 'Acme' } },
      sent: { effect: { status: 'QUEUED' } },
    });
    expect(done.changes).toEqual(told.changes);
    await setWorkspace({ spendCapCredits: null, spendCapPeriod: null });
  });

  it('is refused as the operation is, with the same words and data, and the trail remembers it', async () => {
    const reader = await shop.key('contacts:read');
    const direct = await reader.refused(CONTACT, { name: 'No' });
    const planned = await unplanned(reader, CONTACT, { name: 'No' });
    expect(said(planned)).toEqual(said(direct));
    expect(planned.extensions).toMatchObject({ code: 'FORBIDDEN', missingScopes: ['contacts:write'] });
    expect(await shop.lastEntry('access.refused')).toMatchObject({ actorId: reader.keyId });
  });

  it('is refused where one of its fields would be, whatever the others did', async () => {
    const writer = await shop.key('contacts:write');
    const document = `mutation {
      good: createContact(input: { name: "Good" }) { effect { id } }
      bad: createContact(input: { name: "Bad", email: "no address" }) { effect { id } }
    }`;
    const { extensions } = await shop.writesNothing(() => unplanned(writer, document));
    expect(extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: 'input.email' });
    await setCredits(0);
    const poor = await unplanned(await shop.key('messages:send'), sending, hello());
    expect(poor.extensions).toMatchObject({ code: 'INSUFFICIENT_CREDITS', requiredCredits: 1 });
    await setCredits(1_000);
  });

  it('holds an agent key to its agent', async () => {
    const { workspaceId } = shop.place;
    const other = newId('agt');
    await shop.database.owner.agent.create({ data: { workspaceId, id: other, name: 'Other', instructions: 'Hi.' } });
    const asking = await shop.agentKey(['agent:config:write', 'agent:config:read']);
    const renaming = (id: string) =>
      `mutation { updateAgent(input: { id: "${id}", name: "Renamed" }) { agent { name } } }`;
    expect((await unplanned(asking, renaming(other))).extensions.code).toBe('FORBIDDEN_AGENT');
    const told = await plan(asking, renaming(shop.ids.agentId));
    expect((await perform(asking, told.planId)).data?.updateAgent).toEqual({ agent: { name: 'Renamed' } });
  });

  it('plans nothing for keys of a workspace that lets them read only', async () => {
    const writer = await shop.key('contacts:write');
    await setWorkspace({ keysReadOnly: true });
    expect((await unplanned(writer, CONTACT, { name: 'No' })).extensions.code).toBe('FORBIDDEN');
    await setWorkspace({ keysReadOnly: false });
  });

  it('plans in a suspended workspace only what it serves', async () => {
    await setWorkspace({ status: 'SUSPENDED' });
    const direct = await shop.owner.refused(CONTACT, { name: 'No' });
    expect(said(await unplanned(shop.owner, CONTACT, { name: 'No' }))).toEqual(said(direct));
    const { planId } = await plan(shop.owner, 'mutation { resumeWorkspace { workspace { id } } }');
    await perform(shop.owner, planId);
    expect((await shop.owner.data<{ me: object }>('{ me { kind } }')).me).toEqual({ kind: 'SESSION' });
  });

  it.each([
    ['a query', '{ me { kind } }', {}, 'BAD_USER_INPUT', 'document'],
    ['a subscription', 'subscription { effectUpdated { id } }', {}, 'BAD_USER_INPUT', 'document'],
    ['a plan', '{ planOperation(document: "{ me { kind } }") { planId } }', {}, 'BAD_USER_INPUT', 'document'],
    ['a performing', 'mutation { performPlan(input: { planId: "x" }) { data } }', {}, 'BAD_USER_INPUT', 'document'],
    ['what does not parse', 'mutation {', {}, 'GRAPHQL_PARSE_FAILED', 'document'],
    ['an unknown field', 'mutation { fly { id } }', {}, 'GRAPHQL_VALIDATION_FAILED', 'document'],
    [
      'one past a limit',
      `mutation { ${Array.from({ length: 21 }, (_, i) => `a${i}: revokeSelf { effect { id } }`).join(' ')} }`,
      {},
      'QUERY_TOO_COMPLEX',
      'document',
    ],
    ['variables that do not fit', CONTACT, { name: 1 }, 'BAD_USER_INPUT', undefined],
    ['variables that are missing', CONTACT, {}, 'BAD_USER_INPUT', undefined],
    ['variables that are no object', CONTACT, [1], 'BAD_USER_INPUT', 'variables'],
  ])('refuses %s', async (_, document, variables, code, field) => {
    const { extensions } = await shop.writesNothing(() => unplanned(shop.owner, document, variables));
    expect([extensions.code, extensions.field]).toEqual([code, field]);
  });

  it('refuses a plan that would be too long to send back, and more than five in one request', async () => {
    const id = await draft(shop.owner);
    const document =
      'mutation ($id: ID!, $body: String!) { updateDraft(input: { id: $id, body: $body }) { messageId } }';
    const { extensions } = await unplanned(shop.owner, document, { id, body: randomBytes(70_000).toString('base64') });
    expect(extensions).toMatchObject({ code: 'QUERY_TOO_COMPLEX', limit: 'planCharacters', most: 65_536 });
    const one = JSON.stringify('mutation { createContact(input: { name: "A" }) { effect { id } } }');
    const six = Array.from({ length: 6 }, (_, i) => `p${i}: planOperation(document: ${one}) { price }`).join(' ');
    const { data, errors } = await shop.owner.ask<Record<string, object | null>>(`{ ${six} }`);
    expect(errors.map((error) => [error.extensions.code, error.extensions.limit])).toEqual([
      ['QUERY_TOO_COMPLEX', 'planned'],
    ]);
    expect(Object.values(data ?? {}).filter((planned) => planned !== null)).toHaveLength(5);
  });

  it('takes a credential', async () => {
    const { status, errors } = await shop.as(null).ask(PLAN, { document: CONTACT, variables: { name: 'A' } });
    expect([status, errors[0]?.extensions.code]).toEqual([401, 'UNAUTHENTICATED']);
  });

  it('makes no secret, and teaches the door no form of keys', async () => {
    const key = randomBytes(20).toString('hex');
    const input = {
      format: { prefix: 'planned_', length: 48, alphabet: '0123456789abcdef' },
      keys: [
        {
          ...{ kind: 'ACCOUNT', name: 'Brought along', scopes: ['contacts:read'] },
          hash: createHash('sha256').update(`planned_${key}`).digest('hex'),
        },
      ],
    };
    const document = 'mutation ($input: ImportApiKeysInput!) { importApiKeys(input: $input) { warnings } }';
    const told = await plan(shop.owner, document, { input });
    const brought = shop.as({ key: `planned_${key}` });
    expect((await brought.ask('{ me { kind } }')).errors[0]?.extensions.reason).toBe('MALFORMED');
    await perform(shop.owner, told.planId);
    expect(await brought.data('{ me { kind } }')).toEqual({ me: { kind: 'ACCOUNT_KEY' } });
  });
});

describe('performPlan', () => {
  it('is done once: a repeat, also at the same time, gets the effects of the first', async () => {
    const asking = await shop.key('messages:send');
    const { planId } = await plan(asking, sending, hello());
    const before = await shop.database.owner.effect.count();
    const all = await Promise.all(Array.from({ length: 6 }, () => perform(asking, planId)));
    const [first, ...repeats] = all.toSorted((one, other) => Number(one.data === null) - Number(other.data === null));
    expect(await shop.database.owner.effect.count()).toBe(before + 1);
    expect(first?.data).not.toBeNull();
    expect(first?.effects).toHaveLength(1);
    for (const repeat of repeats) expect(repeat).toMatchObject({ data: null, changes: null, effects: first?.effects });
    expect((await shop.trail('plan.perform')).filter(({ actorId }) => actorId === asking.keyId)).toHaveLength(1);
  });

  it('shows the secret of a key once', async () => {
    const document = `mutation {
      createApiKey(input: { kind: ACCOUNT, name: "Planned", scopes: ["contacts:read"] }) { key apiKey { start } }
    }`;
    const planned = await shop.owner.ask<{ planOperation: Plan }>(PLAN, { document });
    expect(planned.errors).toEqual([]);
    expect(planned.text).not.toMatch(/sp_acct_/);
    const planId = planned.data?.planOperation.planId ?? '';
    const key = String((await perform(shop.owner, planId)).data?.createApiKey?.key);
    expect(await shop.as({ key }).data('{ me { kind } }')).toEqual({ me: { kind: 'ACCOUNT_KEY' } });
    const again = await shop.owner.ask(PERFORM, { input: { planId } });
    expect(again.text).not.toContain('sp_acct_');
  });

  it('is judged, held and audited as what it holds', async () => {
    const writer = await shop.key('contacts:write', 'inboxes:write');
    const inbox = { workspaceId: shop.place.workspaceId, id: newId('inb'), channel: 'EMAIL', name: 'Spare' } as const;
    await shop.database.owner.inbox.create({ data: { ...inbox, address: `${inbox.id}@example.com` } });
    const document = `mutation ($id: ID!) {
      createContact(input: { name: "Audited" }) { effect { id } }
      deleteInbox(input: { id: $id }) { deletedId effect { id } }
    }`;
    await rule({ when: { act: 'ACTION', kinds: ['inbox.delete', 'plan.perform'] }, requirement: 'ONE' }, async () => {
      const told = await plan(writer, document, { id: inbox.id });
      expect(told).toMatchObject({
        rule: { requirement: 'ONE' },
        effects: [{ kind: 'inbox.delete', status: 'AWAITING_APPROVAL', payload: { id: inbox.id } }],
      });
      const done = await perform(writer, told.planId);
      expect(done.data?.deleteInbox).toMatchObject({ deletedId: null, effect: { id: done.effects[0]?.id } });
    });
    const made = await shop.lastEntry('contact.create');
    const performed = await shop.lastEntry('plan.perform');
    expect(made).toMatchObject({ allowedBy: 'contacts:write', apiKeyId: writer.keyId });
    expect(performed).toMatchObject({ allowedBy: 'authenticated', requestId: made.requestId, outcome: 'DONE' });
  });

  it('answers the plan of another key, person or workspace like one that nobody made', async () => {
    const mine = await shop.key('contacts:write');
    const { planId } = await plan(mine, CONTACT.replace('contact { id name }', 'effect { id }'), { name: 'Mine' });
    const forged = `${planId.slice(0, 60)}${planId[60] === 'A' ? 'B' : 'A'}${planId.slice(61)}`;
    const nobodys = await unperformed(mine, randomBytes(200).toString('base64url'));
    expect(nobodys.extensions.code).toBe('NOT_FOUND');
    const elsewhere = await shop.signIn(shop.elsewhere);
    const sibling = newId('wsp');
    const { organizationId } = shop.place;
    await shop.database.owner.workspace.create({ data: { id: sibling, organizationId, name: 'Sibling' } });
    const inSibling = shop.as({ cookie: shop.owner.headers.cookie ?? '', workspaceId: sibling });
    const inShop = shop.as({ cookie: shop.owner.headers.cookie ?? '', workspaceId: shop.place.workspaceId });
    const ofOwner = (await plan(inShop, CONTACT, { name: 'Ours' })).planId;
    for (const [client, id] of [
      [mine, forged],
      [mine, ''],
      [mine, ofOwner],
      [await shop.key('contacts:write'), planId],
      [inShop, planId],
      [elsewhere, planId],
      [elsewhere, ofOwner],
      [inSibling, ofOwner],
    ] as const) {
      expect(said(await shop.writesNothing(() => unperformed(client, id)))).toEqual(said(nobodys));
    }
    await shop.database.owner.workspace.delete({ where: { id: sibling } });
    expect((await perform(shop.owner, ofOwner)).data).not.toBeNull();
  });

  it('is refused once the plan is too old', async () => {
    const { planId, expiresAt } = await plan(shop.owner, CONTACT, { name: 'Late' });
    aheadMs = new Date(expiresAt).getTime() - Date.now() + 1_000;
    expect(await drift(shop.owner, planId)).toMatchObject({ reason: 'EXPIRED' });
    aheadMs = 0;
    await perform(shop.owner, planId);
  });

  it('drifts where what would leave reads differently by now', async () => {
    const asking = await shop.key('messages:send', 'messages:write');
    const id = await draft(asking);
    const { planId } = await plan(asking, sending, { input: { messageId: id } });
    await asking.data('mutation ($id: ID!) { updateDraft(input: { id: $id, body: "Bye." }) { messageId } }', { id });
    expect(await drift(asking, planId)).toMatchObject({ reason: 'OUTCOME' });
  });

  it('drifts where a row that it changes is another by now', async () => {
    const id = await contact('Before');
    const { planId } = await plan(shop.owner, RENAME, { id, name: 'After' });
    await shop.database.owner.contact.updateMany({ where: { id }, data: { company: 'Acme' } });
    expect(await drift(shop.owner, planId)).toMatchObject({ reason: 'OUTCOME' });
    await shop.database.owner.contact.updateMany({ where: { id }, data: { company: null } });
    expect((await perform(shop.owner, planId)).data).toEqual({ updateContact: { contact: { name: 'After' } } });
  });

  it('drifts by a rule, by the mode of the workspace, and by credits that are gone', async () => {
    const asking = await shop.key('messages:send');
    const { planId } = await plan(asking, sending, hello());
    await rule({ when: { kinds: ['message.send'] }, requirement: 'TWO' }, async () => {
      expect(await drift(asking, planId)).toMatchObject({ reason: 'OUTCOME' });
    });
    await setWorkspace({ mode: 'SANDBOX' });
    expect(await drift(asking, planId)).toMatchObject({ reason: 'OUTCOME' });
    await setWorkspace({ mode: 'LIVE' });
    await setCredits(0);
    expect(await drift(asking, planId)).toMatchObject({ reason: 'OUTCOME', cause: 'INSUFFICIENT_CREDITS' });
    await setCredits(1_000);
    // What drifted is still there to be performed once everything is as it was planned.
    expect((await perform(asking, planId)).effects).toHaveLength(1);
  });

  it('drifts whole: what another of its fields did is taken back', async () => {
    const id = await draft(shop.owner);
    const document = `mutation ($id: ID!) {
      createContact(input: { name: "Never" }) { contact { id } }
      deleteDraft(input: { id: $id }) { deletedId }
    }`;
    const { planId } = await plan(shop.owner, document, { id });
    await shop.database.owner.message.deleteMany({ where: { id } });
    expect(await drift(shop.owner, planId)).toMatchObject({ reason: 'OUTCOME', cause: 'NOT_FOUND' });
    expect(await shop.database.owner.contact.count({ where: { name: 'Never' } })).toBe(0);
  });

  it('is refused as itself where whoever planned it may not any more', async () => {
    const asking = await shop.key('contacts:write', 'contacts:read');
    const { planId } = await plan(asking, CONTACT, { name: 'No' });
    const narrowing =
      'mutation ($id: ID!) { updateApiKey(input: { id: $id, scopes: ["contacts:read"] }) { warnings } }';
    await shop.owner.data(narrowing, { id: asking.keyId });
    const { extensions } = await shop.writesNothing(() => unperformed(asking, planId));
    expect(extensions).toMatchObject({ code: 'FORBIDDEN', missingScopes: ['contacts:write'] });
  });

  it('takes an idempotency key of the caller’s own', async () => {
    const asking = await shop.key('messages:send');
    const [one, other] = [await plan(asking, sending, hello()), await plan(asking, sending, hello())];
    expect(one.planId).not.toBe(other.planId);
    const { effects } = await perform(asking, one.planId, { idempotencyKey: 'order-1' });
    expect(await perform(asking, one.planId, { idempotencyKey: 'order-1' })).toMatchObject({ data: null, effects });
    const { extensions } = await unperformed(asking, other.planId, { idempotencyKey: 'order-1' });
    expect(extensions.code).toBe('IDEMPOTENCY_CONFLICT');
    expect((await perform(asking, other.planId)).effects).toHaveLength(1);
  });
});

describe('the cost of a plan', () => {
  it('is drawn like that of the operation', async () => {
    const small = { rpm: 1_000, rpd: 1_000, costMax: 150, costPerSecond: 1 };
    const poor = await startShop({ works: false, env: { PLAN_LIMITS: JSON.stringify({ free: small }) } });
    try {
      const names = Array.from(
        { length: 20 },
        (_, i) => `c${i}: createContact(input: { name: "A" }) { effect { id } }`,
      );
      const document = `mutation { ${names.join(' ')} }`;
      const asking = await poor.key('contacts:write');
      await plan(asking, document);
      expect((await unplanned(asking, document)).extensions).toMatchObject({ code: 'RATE_LIMITED' });
    } finally {
      await poor.stop();
    }
  });
});

/** While it runs, a rule of the workspace's own stands before all others. */
async function rule(input: object, run: () => Promise<void>): Promise<void> {
  const { createApprovalRule } = await shop.owner.data<{ createApprovalRule: { approvalRule: { id: string } } }>(
    'mutation ($input: CreateApprovalRuleInput!) { createApprovalRule(input: $input) { approvalRule { id } } }',
    { input: { reason: 'For this test.', position: 0, ...input } },
  );
  await run();
  const { id } = createApprovalRule.approvalRule;
  await shop.owner.data('mutation ($id: ID!) { deleteApprovalRule(input: { id: $id }) { deletedId } }', { id });
}
