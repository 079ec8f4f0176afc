// Load over kept connections, each with one request in flight: the same bytes again and again, and of the answer only
// what must be looked at. Raw sockets, because the load shares the machine with the server that is measured.
import { connect, type Socket } from 'node:net';

export interface Measured {
  readonly requests: number;
  readonly milliseconds: number;
  /** Of each request, in milliseconds. */
  readonly latencies: readonly number[];
}

export interface Load {
  /** Sends until the time is over and every answer is here. @throws when an answer is not 200 or not of the usual length */
  run(milliseconds: number): Promise<Measured>;
  close(): void;
}

export interface LoadRequest {
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Whatever the time allows, one run is at most so many requests. */
const REQUESTS_MAX = 500_000;
const ANSWER_WITHIN_MS = 20_000;

export async function openLoad(request: LoadRequest, connections: number): Promise<Load> {
  const bytes = bytesOf(request);
  const lines = await Promise.all(Array.from({ length: connections }, () => openLine(request.port)));
  return {
    async run(milliseconds) {
      const latencies: number[] = [];
      const start = performance.now();
      const end = start + milliseconds;
      await Promise.all(
        lines.map(async (ask) => {
          for (let now = performance.now(); now < end && latencies.length < REQUESTS_MAX; ) {
            await ask.send(bytes);
            const answered = performance.now();
            latencies.push(answered - now);
            now = answered;
          }
        }),
      );
      return { requests: latencies.length, milliseconds: performance.now() - start, latencies };
    },
    close: () => {
      for (const line of lines) line.close();
    },
  };
}

const bytesOf = ({ port, headers, body }: LoadRequest): Buffer => {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const length = `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  return Buffer.from(`POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${lines.join('')}${length}\r\n${body}`);
};

interface Line {
  send(bytes: Buffer): Promise<void>;
  close(): void;
}

async function openLine(port: number): Promise<Line> {
  const socket = await new Promise<Socket>((resolve, reject) => {
    const opened = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(opened));
    opened.once('error', reject);
  });
  let usualLength: number | null = null;
  let waiting: { resolve(): void; reject(error: Error): void } | null = null;
  let answer = startAnswer();
  const fail = (why: string): void => {
    waiting?.reject(new Error(`Port ${port}: ${why}`));
    waiting = null;
  };
  socket.setTimeout(ANSWER_WITHIN_MS, () => fail(`no answer within ${ANSWER_WITHIN_MS / 1_000} s`));
  socket.on('error', (error) => fail(error.message));
  socket.on('close', () => fail('the connection was closed'));
  socket.on('data', (chunk) => {
    answer.take(chunk);
    if (!answer.isComplete()) return;
    const { status, length, text } = answer;
    answer = startAnswer();
    usualLength ??= length;
    if (status !== 200 || length !== usualLength)
      return fail(`status ${status}, ${length} bytes: ${text().slice(0, 500)}`);
    waiting?.resolve();
    waiting = null;
  });
  return {
    send: (bytes) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject };
        socket.write(bytes);
      }),
    close: () => socket.destroy(),
  };
}

function startAnswer() {
  const chunks: Buffer[] = [];
  let headBytes = 0;
  let bodyBytes: number | null = null;
  let received = 0;
  const head = (bytes: Buffer): void => {
    const end = bytes.indexOf('\r\n\r\n');
    if (end === -1) return;
    headBytes = end + 4;
    const text = bytes.toString('latin1', 0, end);
    made.status = Number(text.slice(9, 12));
    const [, length] = /\r\ncontent-length: (\d+)/i.exec(text) ?? [];
    bodyBytes = length === undefined ? null : Number(length);
  };
  const made = {
    status: 0,
    length: 0,
    text: () => Buffer.concat(chunks).toString('latin1'),
    take(chunk: Buffer): void {
      chunks.push(chunk);
      received += chunk.length;
      if (headBytes === 0) head(chunks.length === 1 ? chunk : Buffer.concat(chunks));
      made.length = received - headBytes;
    },
    isComplete(): boolean {
      if (headBytes === 0) return false;
      if (bodyBytes !== null) return made.length >= bodyBytes;
      // In chunks: the JSON itself holds no line break, so only the last chunk can look like this.
      return Buffer.concat(chunks.slice(-2)).subarray(-5).equals(LAST_CHUNK);
    },
  };
  return made;
}

const LAST_CHUNK = Buffer.from('0\r\n\r\n');
