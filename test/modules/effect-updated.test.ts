import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ownersAudit } from '../../src/app.js';
import { revokeKey } from '../../src/auth/keys.js';
import type { FanOut } from '../../src/events/fan-out.js';
import type { Client } from '../support/client.js';
import { type Event, subscribe } from '../support/stream.js';
import { type Sent, type Shop, said, sending, startShop, unknownId } from './shop.js';

// How many listen is nowhere to be seen from outside, so the app's own fan-out is held on to.
const opened = vi.hoisted((): { fanOut: FanOut | null } => ({ fanOut: null }));
vi.mock('../../src/events/fan-out.js', async (importOriginal) => {
  const original = await importOriginal<typeof import('../../src/events/fan-out.js')>();
  const openFanOut: typeof original.openFanOut = async (database) => {
    opened.fanOut = await original.openFanOut(database);
    return opened.fanOut;
  };
  return { ...original, openFanOut };
});
const listeners = () => opened.fanOut?.subscriberCount ?? Number.NaN;
async function listenersBecome(count: number): Promise<void> {
  for (let tries = 0; tries < 200 && listeners() !== count; tries++) await delay(25);
  expect(listeners()).toBe(count);
}

let shop: Shop;
beforeAll(async () => {
  shop = await startShop();
});
afterAll(() => shop?.stop());

interface Updated {
  readonly effectUpdated: { readonly id: string; readonly status: string } | null;
}

const watching = 'subscription W($id: ID) { effectUpdated(id: $id) { id status charged } }';

const watch = (client: Client, id: string | null = null) => subscribe<Updated>(client, watching, { id });

async function ask(client: Client) {
  const { sendMessage } = await client.data<Sent>(sending, {
    input: { conversationId: shop.ids.conversationId, body: 'It arrives tomorrow.' },
  });
  return sendMessage.effect;
}

const statuses = (events: readonly Event<Updated>[]) => events.map(({ data }) => data?.effectUpdated?.status);

describe('does', () => {
  it('tell the present state, then each change until the end', async () => {
    const client = await shop.key('messages:send');
    const effect = await ask(client);
    const stream = await watch(client, effect.id);
    await stream.until(1);
    expect(statuses(stream.events)).toEqual(['AWAITING_APPROVAL']);
    await shop.approve(effect);
    await stream.until(4);
    // Each event reads afresh, so a fast worker may show a later state under an earlier event, never the reverse.
    const order = ['AWAITING_APPROVAL', 'QUEUED', 'PERFORMING', 'SUCCEEDED'];
    const places = statuses(stream.events).map((status) => order.indexOf(status ?? ''));
    expect(places).toEqual([...places].sort());
    expect(statuses(stream.events).at(-1)).toBe('SUCCEEDED');
    stream.close();
    await stream.ended;
  });

  it('tell a key of all its own requests, and of no other', async () => {
    const client = await shop.key('messages:send');
    const other = await shop.key('messages:send');
    const stream = await watch(client);
    await delay(100);
    const foreign = await ask(other);
    const own = await ask(client);
    await stream.until(1);
    await delay(100);
    const seen = new Set(stream.events.map(({ data }) => data?.effectUpdated?.id));
    expect([...seen]).toEqual([own.id]);
    expect(seen).not.toContain(foreign.id);
    stream.close();
  });

  it('tell whoever reads approvals of the requests of others', async () => {
    const reader = await shop.key('approvals:read');
    const stream = await watch(reader);
    await delay(100);
    const effect = await ask(await shop.key('messages:send'));
    await stream.until(1);
    expect(stream.events[0]?.data?.effectUpdated).toMatchObject({ id: effect.id, status: 'AWAITING_APPROVAL' });
    stream.close();
  });
});

describe('refuses', () => {
  it('the effect of another, and of another workspace, as if it did not exist', async () => {
    const client = await shop.key('messages:send');
    const effect = await ask(await shop.key('messages:send'));
    const answers: unknown[] = [];
    for (const id of [effect.id, unknownId('eff')]) {
      const stream = await watch(client, id);
      await stream.ended;
      expect(stream.events).toHaveLength(1);
      const error = stream.events[0]?.errors?.[0];
      expect(error?.extensions.code).toBe('NOT_FOUND');
      answers.push(error === undefined ? null : said(error));
    }
    expect(answers[0]).toEqual(answers[1]);
    const there = await shop.signIn(shop.elsewhere);
    const foreign = await watch(there, effect.id);
    await foreign.ended;
    expect(foreign.events[0]?.errors?.[0]?.extensions.code).toBe('NOT_FOUND');
  });

  it('an anonymous caller, and one whose key is no good, before a stream is opened', async () => {
    expect((await watch(shop.as(null))).status).toBe(401);
    expect((await watch(shop.as({ key: 'sp_acct_nonsense' }))).status).toBe(401);
  });
});

describe('ends', () => {
  it.each([
    ['of one effect', true],
    ['of all', false],
  ] as const)(
    'a stream %s with its caller, and listens no longer, though nothing happens any more',
    async (_, hasId) => {
      await listenersBecome(0);
      const client = await shop.key('messages:send');
      const effect = await ask(client);
      const stream = await watch(client, hasId ? effect.id : null);
      await listenersBecome(1);
      stream.close();
      await listenersBecome(0);
    },
  );

  it('a stream that was refused, and listens no longer', async () => {
    const stream = await watch(await shop.key('messages:send'), unknownId('eff'));
    await stream.ended;
    await listenersBecome(0);
  });

  const revoke = (id: string) => revokeKey({ database: shop.database, audit: ownersAudit }, { id });

  it('no stream of another key', async () => {
    const revoked = await shop.key('messages:send');
    const client = await shop.key('messages:send');
    const effect = await ask(client);
    const stream = await watch(client, effect.id);
    await stream.until(1);
    await revoke(revoked.keyId);
    await shop.approve(effect);
    await stream.until(2);
    stream.close();
  });
});
