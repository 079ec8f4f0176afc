import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createClientFor } from '../support/client.js';
import { createTestDatabase } from '../support/database.js';
import { buildOnce, openPlace, type Place } from './sallyport.js';

// Each start of a server takes seconds on a busy machine.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

describe('on a PostgreSQL server', () => {
  let place: Place;
  let drop: () => Promise<void>;
  beforeAll(async () => {
    await buildOnce();
    const database = await createTestDatabase({ isEmpty: true });
    drop = database.drop;
    place = openPlace({
      DATABASE_URL: database.url,
      SALLYPORT_SECRET: Buffer.alloc(32, 7).toString('base64'),
    });
  });
  afterAll(async () => {
    place?.remove();
    await drop?.();
  });

  it('migrate applies what is missing, once, and doctor tells', async () => {
    expect(await place.json(['doctor'])).toMatchObject({ ok: true });
    const { applied, total } = await place.json<{ applied: string[]; total: number }>(['migrate']);
    expect(applied).toHaveLength(total);
    expect(await place.json(['migrate'])).toEqual({ applied: [], total });
  });

  it('a worker does what a server without jobs only takes in, and both end with 0', async () => {
    const person = ['--email', 'olive@example.com', '--password', 'long enough'];
    const { workspaceId } = await place.json<{ workspaceId: string }>([
      'bootstrap',
      '--org',
      'Halberd',
      '--workspace',
      'Shop',
      ...person,
    ]);
    const served = await place.serve(['serve', '--no-jobs']);
    const worker = await place.serve(['worker']);
    const makeKey = async (...flags: string[]) =>
      createClientFor(served.url)(
        await place.json<{ key: string }>(['keys', 'create', '--workspace', workspaceId, '--name', 'k', ...flags]),
      );
    const account = await makeKey('--kind', 'account', '--scopes', 'agents:write');
    const { createAgent } = await account.data<{ createAgent: { agent: { id: string } } }>(
      'mutation { createAgent(input: { name: "Robin", instructions: "Be brief." }) { agent { id } } }',
    );
    const { id } = createAgent.agent;
    const agent = await makeKey('--kind', 'agent', '--agent', id, '--scopes', 'agent:trigger');
    const { triggerAgent } = await agent.data<{ triggerAgent: { effect: { id: string } } }>(
      'mutation Say($id: ID!) { triggerAgent(input: { agentId: $id, mode: CHAT, message: "Hello" }) { effect { id } } }',
      { id },
    );
    let status = '';
    for (let tries = 0; tries < 100 && status !== 'SUCCEEDED'; tries++) {
      await sleep(100);
      const query = 'query E($id: ID!) { effect(id: $id) { status } }';
      const answer = await agent.data<{ effect: { status: string } }>(query, { id: triggerAgent.effect.id });
      status = answer.effect.status;
    }
    expect(status).toBe('SUCCEEDED');
    for (const running of [served, worker]) expect((await running.stop()).code).toBe(0);
  });
});
