// Sends a generated operation. A subscription is heard until its first event and then closed.
import { expect } from 'vitest';
import type { Client, GraphqlError } from '../client.js';
import type { Operation } from './operations.js';

export interface Said {
  readonly status: number;
  /** Undefined: nothing was executed. */
  readonly data: unknown;
  readonly errors: readonly GraphqlError[];
  /** The body as it came. */
  readonly text: string;
  /** But for those that differ from request to request. */
  readonly headers: Readonly<Record<string, string>>;
}

const passing = /^(date|x-request-id|ratelimit.*|retry-after|keep-alive)$/;

export async function say(client: Client, query: string, variables: object): Promise<Said> {
  const isStream = query.startsWith('subscription');
  const stop = new AbortController();
  const response = await fetch(`${client.url}/graphql`, {
    method: 'POST',
    headers: {
      ...client.headers,
      'content-type': 'application/json',
      accept: `${isStream ? 'text/event-stream, ' : ''}application/graphql-response+json`,
    },
    body: JSON.stringify({ query, variables }),
    signal: stop.signal,
  });
  const isEvents = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  const text = isEvents ? await firstEvent(response) : await response.text();
  if (isEvents) stop.abort();
  const body = JSON.parse(text) as { data?: unknown; errors?: readonly GraphqlError[] };
  const headers = Object.fromEntries([...response.headers].filter(([name]) => !passing.test(name)));
  return { status: response.status, data: body.data, errors: body.errors ?? [], text, headers };
}

async function firstEvent({ body }: Response): Promise<string> {
  let heard = '';
  const decoder = new TextDecoder();
  for await (const chunk of body ?? []) {
    heard += decoder.decode(chunk as Uint8Array, { stream: true });
    const data = /^data: (\{.*\})$/m.exec(heard)?.[1];
    if (data !== undefined) return data;
  }
  throw new Error(`A stream ended without an event: ${heard}`);
}

/** What stands at the field of an operation: its first value where lists are on the way; undefined when it was not reached. */
export function reached(data: unknown, fieldNames: readonly string[]): unknown {
  let value = data;
  for (const name of fieldNames) {
    if (Array.isArray(value)) value = value.find((one) => one !== null);
    if (typeof value !== 'object' || value === null) return undefined;
    value = Reflect.get(value, name);
  }
  return value;
}

/** A list short enough for one page counts no more rows than it shows, and there is none behind them. */
export function expectWholePage({ data, text }: Said, { steps }: Operation): void {
  const page = reached(
    data,
    steps.map(({ field }) => field.name),
  );
  const { nodes, totalCount } = page as { nodes: readonly unknown[]; totalCount: number };
  expect(nodes.length, text).toBeGreaterThan(0);
  expect(page, text).toMatchObject({
    totalCount: nodes.length,
    pageInfo: { hasNextPage: false, hasPreviousPage: false },
  });
  expect(totalCount, text).toBeLessThan(20);
}

/** The whole answer as one text, without what differs from request to request. */
export const wholeOf = ({ status, headers, text }: Said): string =>
  JSON.stringify({ status, headers, text: text.replace(/"requestId":"[^"]*"/g, '"requestId":"…"') });
