import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { openStreams } from '../../src/http/streams.js';
import { closed, startTestServer } from './test-server.js';

const asStream = { accept: 'text/event-stream' };

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; tries < 200 && !condition(); tries += 1) await delay(10);
  expect(condition()).toBe(true);
}

describe('a subscription', () => {
  it('comes as server-sent events, by POST or as EventSource asks by GET', async () => {
    const server = await startTestServer();
    const query = 'subscription { ticks(until: 2) }';
    for (const response of [
      await server.post({ query }, asStream),
      await server.get(`/graphql?query=${encodeURIComponent(query)}`, asStream),
    ]) {
      expect(response.headers.get('content-type')).toBe('text/event-stream');
      const text = await response.text();
      expect(text).toContain('event: next\ndata: {"data":{"ticks":1}}');
      expect(text).toContain('event: next\ndata: {"data":{"ticks":2}}');
      expect(text).toContain('event: complete');
    }
    await server.door.drain(1_000);
  });

  it('is not opened for a caller who cannot read events', async () => {
    const server = await startTestServer();
    const before = closed.streams;
    const response = await server.post({ query: 'subscription { silence }' }, { accept: 'application/json' });
    expect(response.status).toBe(406);
    expect(closed.streams).toBe(before);
    await server.door.drain(1_000);
  });

  it('is closed at its source when the caller goes', async () => {
    const server = await startTestServer();
    const before = closed.streams;
    const controller = new AbortController();
    const response = await fetch(server.graphql, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...asStream },
      body: JSON.stringify({ query: 'subscription { silence }' }),
      signal: controller.signal,
    });
    const reader = response.body?.getReader();
    await reader?.read();
    controller.abort();
    await until(() => closed.streams > before);
    await server.door.drain(1_000);
  });

  it('ends politely when the server drains', async () => {
    const server = await startTestServer();
    const before = closed.streams;
    const response = await server.post({ query: 'subscription { silence }' }, asStream);
    const text = response.text();
    await delay(50);
    const startedAt = performance.now();
    await server.door.drain(10_000);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    expect(await text).toContain('event: complete');
    expect(closed.streams).toBe(before + 1);
  });
});

describe('streams in flight', () => {
  const source = (events: number[]) => {
    let isClosed = false;
    const iterator: AsyncIterableIterator<number> = {
      [Symbol.asyncIterator]() {
        return this;
      },
      async next() {
        const value = events.shift();
        return value === undefined ? new Promise<never>(() => undefined) : { done: false, value };
      },
      async return() {
        isClosed = true;
        throw new Error('cannot close cleanly');
      },
    };
    return { iterator, isClosed: () => isClosed };
  };

  it('wait for events, pass them on, and end all at once', async () => {
    const streams = openStreams();
    const { iterator, isClosed } = source([1]);
    const copy = streams.add(iterator, (event) => event * 2);
    expect(await copy.next()).toEqual({ done: false, value: 2 });
    const waiting = copy.next();
    expect(streams.size).toBe(1);
    streams.endAll();
    expect(await waiting).toMatchObject({ done: true });
    expect(await copy.next()).toMatchObject({ done: true });
    expect([streams.size, isClosed()]).toEqual([0, true]);
  });

  it('that come after the end are ended at once', async () => {
    const streams = openStreams();
    streams.endAll();
    const { iterator, isClosed } = source([1]);
    expect(await streams.add(iterator, (event) => event).next()).toMatchObject({ done: true });
    expect(isClosed()).toBe(true);
  });
});
