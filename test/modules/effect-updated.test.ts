import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ownersAudit } from '../../src/app.js';
import { revokeKey } from '../../src/auth/keys.js';
import type { FanOut } from '../../src/events/fan-out.js';
import type { Client, GraphqlError } from '../support/client.js';
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

interface Event {
  readonly data?: { readonly effectUpdated: { readonly id: string; readonly status: string } | null } | null;
  readonly errors?: readonly GraphqlError[];
}

interface Stream {
  readonly status: number;
  readonly events: readonly Event[];
  /** Resolves once that many events have come; fails when the stream ends before. */
  until(count: number): Promise<readonly Event[]>;
  /** Resolves when the server has ended it. */
  readonly ended: Promise<void>;
  close(): void;
}

const watching = 'subscription W($id: ID) { effectUpdated(id: $id) { id status charged } }';

async function watch({ url, headers }: Client, id: string | null = null): Promise<Stream> {
  const controller = new AbortController();
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query: watching, variables: { id } }),
    signal: controller.signal,
  });
  const events: Event[] = [];
  let isOver = false;
  const read = async () => {
    let text = '';
    const decoder = new TextDecoder();
    try {
      for await (const part of response.body ?? []) {
        text += decoder.decode(part, { stream: true });
        for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
          const data = /^event: next\ndata: (.*)$/m.exec(text.slice(0, end))?.[1];
          if (data !== undefined) events.push(JSON.parse(data) as Event);
          text = text.slice(end + 2);
        }
      }
      // A request that was refused is answered as one JSON object.
      if (text.startsWith('{')) events.push(JSON.parse(text) as Event);
    } catch (error) {
      if (!controller.signal.aborted) throw error;
    } finally {
      isOver = true;
    }
  };
  const ended = read();
  return {
    status: response.status,
    events,
    ended,
    async until(count) {
      for (let tries = 0; tries < 400 && events.length < count && !isOver; tries++) await delay(25);
      if (events.length < count)
        throw new Error(`${count} events expected: ${JSON.stringify(events)}, over: ${isOver}`);
      return events;
    },
    close: () => controller.abort(),
  };
}

async function ask(client: Client) {
  const { sendMessage } = await client.data<Sent>(sending, {
    input: { conversationId: shop.ids.conversationId, body: 'It arrives tomorrow.' },
  });
  return sendMessage.effect;
}

const statuses = (events: readonly Event[]) => events.map(({ data }) => data?.effectUpdated?.status);

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

  it.each([
    ['of one effect', true],
    ['of all', false],
  ] as const)('a stream %s within a second after its key was revoked', async (_, hasId) => {
    const client = await shop.key('messages:send');
    const effect = await ask(client);
    const stream = await watch(client, hasId ? effect.id : null);
    if (hasId) await stream.until(1);
    await delay(150);
    const startedAt = performance.now();
    await revoke(client.keyId);
    await Promise.race([stream.ended, delay(1_000).then(() => Promise.reject(new Error('It goes on.')))]);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect((await watch(client)).status).toBe(401);
  });

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

  it('a stream at the next event after its key was narrowed', async () => {
    const client = await shop.key('messages:send', 'approvals:read');
    const stream = await watch(client);
    await delay(150);
    await shop.database.owner.apiKey.update({
      where: { workspaceId_id: { workspaceId: shop.place.workspaceId, id: client.keyId } },
      data: { scopes: ['messages:send'] },
    });
    await ask(await shop.key('messages:send'));
    await stream.ended;
    expect(stream.events).toEqual([]);
  });
});
