// A provider of messages on loopback that takes an idempotency key, as Stripe's API does: under one key it acts once and
// gives a repeat the first answer. It logs every call.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ProviderCall {
  readonly key: string;
  readonly body: string;
  /** False: a repeat, which changed nothing. */
  readonly acted: boolean;
}

export interface FakeProvider {
  readonly url: string;
  readonly calls: ProviderCall[];
  /** Called with each call before it is answered, which is then put off by as many milliseconds. */
  whenCalled(hook: ((call: ProviderCall) => number) | null): void;
  close(): Promise<void>;
}

export async function startFakeProvider(): Promise<FakeProvider> {
  const calls: ProviderCall[] = [];
  const answers = new Map<string, string>();
  let hook: ((call: ProviderCall) => number) | null = null;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const key = /^"(.+)"$/.exec(String(request.headers['idempotency-key']))?.[1];
    if (key === undefined) {
      response.writeHead(400).end('{}');
      return;
    }
    const call = { key, body: Buffer.concat(chunks).toString('utf8'), acted: !answers.has(key) };
    calls.push(call);
    const answer = answers.get(key) ?? JSON.stringify({ id: `sent-${calls.length}` });
    answers.set(key, answer);
    const waitMs = hook?.(call) ?? 0;
    setTimeout(() => response.writeHead(200, { 'content-type': 'application/json' }).end(answer), waitMs);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    calls,
    whenCalled(next) {
      hook = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
