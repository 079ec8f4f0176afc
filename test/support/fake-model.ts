// A model runtime on loopback that speaks the chat-completions protocol and can be told how to behave.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export type ModelBehaviour =
  | { readonly answer: string }
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** Any 200 body, chat completion or not. */
  | { readonly body: string }
  | 'drop'
  | 'hang';

export interface AskedModel {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: { readonly model: string; readonly messages: readonly { role: string; content: string }[] };
}

export interface FakeModel {
  /** What MODEL_URL takes. */
  readonly url: string;
  readonly asked: AskedModel[];
  behave(behaviour: ModelBehaviour): void;
  close(): Promise<void>;
}

export async function startFakeModel(): Promise<FakeModel> {
  const asked: AskedModel[] = [];
  let behaviour: ModelBehaviour = { answer: 'Hello from the model.' };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks).toString('utf8'));
    asked.push({ path: request.url ?? '', headers: request.headers, body });
    if (behaviour === 'hang') return;
    if (behaviour === 'drop') {
      request.socket.destroy();
    } else if ('status' in behaviour) {
      response.writeHead(behaviour.status, behaviour.headers).end('{"error":{"message":"told to"}}');
    } else {
      const text = 'body' in behaviour ? behaviour.body : completion(body.model, behaviour.answer);
      response.writeHead(200, { 'content-type': 'application/json' }).end(text);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    asked,
    behave(next) {
      behaviour = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const completion = (model: string, content: string): string =>
  JSON.stringify({
    id: 'chatcmpl-1',
    object: 'chat.completion',
    created: 1,
    model,
    choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content } }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  });
