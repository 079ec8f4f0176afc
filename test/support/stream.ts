// A subscription over HTTP as a browser reads it: server-sent events, each as it comes.
import { setTimeout as delay } from 'node:timers/promises';
import type { Client, GraphqlError } from './client.js';

export interface Event<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly GraphqlError[];
}

export interface Stream<Data> {
  readonly status: number;
  readonly events: readonly Event<Data>[];
  /** Resolves once that many events have come; fails when the stream ends before. */
  until(count: number): Promise<readonly Event<Data>[]>;
  /** Resolves when the server has ended it. */
  readonly ended: Promise<void>;
  /** Whether the server has ended it. */
  isOver(): boolean;
  close(): void;
}

/** @param from `X-Forwarded-For`, for a server behind proxies */
export async function subscribe<Data>(
  { url, headers }: Client,
  query: string,
  variables: object = {},
  from: string | null = null,
): Promise<Stream<Data>> {
  const controller = new AbortController();
  const forwarded = from === null ? {} : { 'x-forwarded-for': from };
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { ...headers, ...forwarded, 'content-type': 'application/json', accept: 'text/event-stream' },
    body: JSON.stringify({ query, variables }),
    signal: controller.signal,
  });
  const events: Event<Data>[] = [];
  let isOver = false;
  const read = async () => {
    let text = '';
    const decoder = new TextDecoder();
    try {
      for await (const part of response.body ?? []) {
        text += decoder.decode(part, { stream: true });
        for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
          const data = /^event: next\ndata: (.*)$/m.exec(text.slice(0, end))?.[1];
          if (data !== undefined) events.push(JSON.parse(data) as Event<Data>);
          text = text.slice(end + 2);
        }
      }
      // A request that was refused is answered as one JSON object.
      if (text.startsWith('{')) events.push(JSON.parse(text) as Event<Data>);
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
    isOver: () => isOver,
    async until(count) {
      for (let tries = 0; tries < 400 && events.length < count && !isOver; tries++) await delay(25);
      if (events.length < count)
        throw new Error(`${count} events expected: ${JSON.stringify(events)}, over: ${isOver}`);
      return events;
    },
    close: () => controller.abort(),
  };
}
