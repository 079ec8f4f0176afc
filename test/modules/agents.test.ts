import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Shop, startShop } from './shop.js';

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
});
afterAll(() => shop?.stop());

const fields = 'id name description instructions model status';
const create = `mutation C($input: CreateAgentInput!) { createAgent(input: $input) { effect { id } agent { ${fields} } } }`;
const createBlind = 'mutation C($input: CreateAgentInput!) { createAgent(input: $input) { agent { id } } }';
const update = 'mutation U($input: UpdateAgentInput!) { updateAgent(input: $input) { effect { id } agent { id } } }';
const pause = 'mutation P($id: ID!) { pauseAgent(input: { id: $id }) { agent { id } } }';
const resume = 'mutation R($id: ID!) { resumeAgent(input: { id: $id }) { agent { id } } }';
const read = `query R($id: ID!) { agent(id: $id) { ${fields} } }`;

const whole = { name: 'Imke', description: 'Follows up.', instructions: 'Be kind.', model: 'small' };

interface Made {
  readonly createAgent: { readonly agent: { readonly id: string } };
}

describe('does', () => {
  it('creates an agent, changes, pauses and resumes it', async () => {
    const client = await shop.key('agents:read', 'agents:write');
    const { createAgent } = await client.data<Made>(create, { input: whole });
    const { id } = createAgent.agent;
    expect(createAgent).toEqual({ effect: null, agent: { id, ...whole, status: 'ACTIVE' } });
    await client.data(update, { input: { id, description: null, instructions: 'Be brief.' } });
    const changed = { id, ...whole, description: null, instructions: 'Be brief.' };
    expect(await client.data(read, { id })).toEqual({ agent: { ...changed, status: 'ACTIVE' } });
    await client.data(pause, { id });
    await client.data(pause, { id });
    expect(await client.data(read, { id })).toEqual({ agent: { ...changed, status: 'PAUSED' } });
    await client.data(resume, { id });
    expect(await client.data(read, { id })).toEqual({ agent: { ...changed, status: 'ACTIVE' } });
  });

  it('lets a key that may only write name what it made', async () => {
    const client = await shop.key('agents:write');
    const { createAgent } = await client.data<Made>(createBlind, { input: whole });
    expect(createAgent.agent.id).toMatch(/^agt_/);
    expect((await client.refused(create, { input: whole })).extensions.missingScopes).toEqual(['agents:read']);
  });

  it('gives a repeat under one idempotencyKey the same agent', async () => {
    const client = await shop.key('agents:write');
    const variables = { input: { ...whole, idempotencyKey: 'agent-1' } };
    const first = await client.data<Made>(createBlind, variables);
    expect(await shop.repeats(() => client.data(createBlind, variables))).toEqual(first);
    const refused = await shop.writesNothing(() =>
      client.refused(createBlind, { input: { ...variables.input, name: 'Other' } }),
    );
    expect(refused.extensions.code).toBe('IDEMPOTENCY_CONFLICT');
  });

  it('lets an agent key read and change its own agent, and see no other in the list', async () => {
    const client = await shop.agentKey(['agent:config:read', 'agent:config:write']);
    const { agentId: id } = shop.ids;
    await client.data(update, { input: { id, instructions: 'Be brief and kind.' } });
    expect(await client.data('{ agents { totalCount nodes { id instructions } } }')).toEqual({
      agents: { totalCount: 1, nodes: [{ id, instructions: 'Be brief and kind.' }] },
    });
  });
});

describe('refuses', () => {
  const bad: readonly [string, object, string, RegExp][] = [
    ['a blank name', { name: ' ' }, 'input.name', /give a name/],
    ['a name of two lines', { name: 'A\nB' }, 'input.name', /one line/],
    ['a name of 101 characters', { name: 'x'.repeat(101) }, 'input.name', /at most 100/],
    ['a description of 1,001 characters', { description: 'x'.repeat(1_001) }, 'input.description', /at most 1,000/],
    ['instructions of 20,001 characters', { instructions: 'x'.repeat(20_001) }, 'input.instructions', /20,000/],
    ['a blank model', { model: '' }, 'input.model', /give a model name/],
  ];
  it.each(bad)('%s, naming the field, in a new agent and in an old one', async (_, patch, field, sentence) => {
    const client = await shop.key('agents:write');
    for (const [document, input] of [
      [createBlind, { ...whole, ...patch }],
      [update, { id: shop.ids.agentId, ...patch }],
    ] as const) {
      const refused = await shop.writesNothing(() => client.refused(document, { input }));
      expect(refused.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field });
      expect(refused.message).toMatch(sentence);
    }
  });

  it.each(['name', 'instructions'])('to clear the %s', async (field) => {
    const client = await shop.key('agents:write');
    const refused = await shop.writesNothing(() =>
      client.refused(update, { input: { id: shop.ids.agentId, [field]: null } }),
    );
    expect(refused.extensions).toMatchObject({ code: 'BAD_USER_INPUT', field: `input.${field}` });
  });

  it('an agent key to make, pause or resume an agent', async () => {
    const client = await shop.agentKey(['agent:config:read', 'agent:config:write']);
    for (const [document, variables] of [
      [createBlind, { input: whole }],
      [pause, { id: shop.ids.agentId }],
      [resume, { id: shop.ids.agentId }],
    ] as const) {
      const refused = await shop.writesNothing(() => client.refused(document, variables));
      expect(refused).toMatchObject({ status: 403, extensions: { code: 'FORBIDDEN' } });
    }
  });

  it('an agent key that names another agent of its own workspace, before anything runs', async () => {
    const { createAgent } = await shop.owner.data<Made>(createBlind, { input: whole });
    const { id } = createAgent.agent;
    const client = await shop.agentKey(['agent:config:read', 'agent:config:write']);
    for (const [document, variables] of [
      [read, { id }],
      [update, { input: { id, name: 'Taken over' } }],
      [`{ agent(id: "${id}") { name } }`, {}],
      ['query N($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids: [shop.ids.agentId, id] }],
    ] as const) {
      const refused = await shop.writesNothing(() => client.refused(document, variables));
      expect(refused).toMatchObject({ status: 403, extensions: { code: 'FORBIDDEN_AGENT' } });
    }
  });
});

describe('isolates', () => {
  it('an agent of another workspace as if it did not exist, from account and agent keys alike', async () => {
    const { agentId } = shop.elsewhere.ids;
    const account = await shop.key('agents:read', 'agents:write');
    await shop.looksUnknown(agentId, (id) => account.ask(read, { id }));
    await shop.looksUnknown(agentId, (id) => account.ask(update, { input: { id, name: 'Taken over' } }));
    await shop.looksUnknown(agentId, (id) => account.ask(pause, { id }));
    await shop.looksUnknown(agentId, (id) => account.ask(resume, { id }));
    const own = await shop.agentKey(['agent:config:read', 'agent:config:write']);
    await shop.looksUnknown(agentId, (id) => own.ask(read, { id }));
    await shop.looksUnknown(agentId, (id) => own.ask(update, { input: { id, name: 'Taken over' } }));
  });
});

describe('records', () => {
  it('each change by the scope that allowed it, and never what agents are told', async () => {
    const client = await shop.key('agents:write');
    const { createAgent } = await client.data<Made>(createBlind, { input: whole });
    const { id: subjectId } = createAgent.agent;
    await client.data(update, { input: { id: subjectId, instructions: 'A secret.' } });
    await client.data(pause, { id: subjectId });
    await client.data(resume, { id: subjectId });
    const by = { subjectId, actorId: client.keyId, allowedBy: 'agents:write', outcome: 'DONE' };
    expect(await shop.lastEntry('agent.create')).toMatchObject(by);
    expect(await shop.lastEntry('agent.update')).toMatchObject({ ...by, details: { fields: ['instructions'] } });
    expect(await shop.lastEntry('agent.pause')).toMatchObject(by);
    expect(await shop.lastEntry('agent.resume')).toMatchObject(by);
    const entries = await shop.database.owner.auditEntry.findMany({ where: { subjectId } });
    expect(JSON.stringify(entries)).not.toMatch(/secret|Imke|kind/);
  });

  it('an agent key as acting for its agent', async () => {
    const client = await shop.agentKey(['agent:config:write']);
    const { agentId } = shop.ids;
    await client.data(update, { input: { id: agentId, description: 'Answers.' } });
    expect(await shop.lastEntry('agent.update')).toMatchObject({
      actorKind: 'AGENT_KEY',
      actorId: client.keyId,
      agentId,
      allowedBy: 'agent:config:write',
    });
  });

  it('the refusal of another agent', async () => {
    const { createAgent } = await shop.owner.data<Made>(createBlind, { input: whole });
    const client = await shop.agentKey(['agent:config:read']);
    await client.refused(read, { id: createAgent.agent.id });
    expect(await shop.lastEntry('access.refused')).toMatchObject({
      actorId: client.keyId,
      outcome: 'REFUSED',
      details: { code: 'FORBIDDEN_AGENT' },
    });
  });
});
