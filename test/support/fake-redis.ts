// Speaks Redis's own protocol (RESP2) on a free port: what ioredis sends while it connects, and the two scripts of the
// limiter, by what they say they do. The scripts themselves run on a real Redis when TEST_REDIS_URL names one.
import { createHash } from 'node:crypto';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { DRAW, TAKE } from '../../src/auth/rate-limit/redis-scripts.js';

type Reply = string | number | Error | null | { readonly bulk: string } | readonly number[];

interface Entry {
  value: string;
  expiresAt: number;
}

export interface FakeRedis {
  readonly url: string;
  stop(): Promise<void>;
}

export async function startFakeRedis(): Promise<FakeRedis> {
  const data = new Map<string, Entry>();
  const loaded = new Set<string>();
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    let received = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => open.delete(socket));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      for (let command = readCommand(received); command !== null; command = readCommand(received)) {
        received = received.subarray(command.length);
        socket.write(encode(answer(data, loaded, command.words)));
      }
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of open) socket.destroy();
      }),
  };
}

/** One array of bulk strings from the start of the buffer; null: not all of it has come. */
function readCommand(buffer: Buffer): { readonly words: readonly string[]; readonly length: number } | null {
  let at = 0;
  const line = (): string | null => {
    const end = buffer.indexOf('\r\n', at);
    if (end === -1) return null;
    const text = buffer.toString('latin1', at, end);
    at = end + 2;
    return text;
  };
  const head = line();
  if (head === null) return null;
  if (!head.startsWith('*')) throw new Error(`Not a command: ${head}`);
  const words: string[] = [];
  for (let left = Number(head.slice(1)); left > 0; left -= 1) {
    const size = line();
    if (size === null) return null;
    const bytes = Number(size.slice(1));
    if (buffer.length < at + bytes + 2) return null;
    words.push(buffer.toString('utf8', at, at + bytes));
    at += bytes + 2;
  }
  return { words, length: at };
}

function encode(reply: Reply): string {
  if (reply instanceof Error) return `-${reply.message}\r\n`;
  if (typeof reply === 'number') return `:${reply}\r\n`;
  if (reply === null) return '$-1\r\n';
  if (typeof reply === 'string') return `+${reply}\r\n`;
  if ('bulk' in reply) return `$${Buffer.byteLength(reply.bulk)}\r\n${reply.bulk}\r\n`;
  return `*${reply.length}\r\n${reply.map((number) => `:${number}\r\n`).join('')}`;
}

type Script = (data: Map<string, Entry>, keys: readonly string[], args: readonly number[]) => readonly number[];

const shaOf = (script: string): string => createHash('sha1').update(script).digest('hex');

function answer(data: Map<string, Entry>, loaded: Set<string>, [name = '', ...args]: readonly string[]): Reply {
  switch (name.toUpperCase()) {
    case 'INFO':
      return { bulk: 'redis_version:7.0.0\r\nloading:0\r\n' };
    case 'CLIENT':
    case 'SELECT':
      return 'OK';
    case 'PING':
      return 'PONG';
    case 'EVAL': {
      const sha = shaOf(args[0] ?? '');
      loaded.add(sha);
      return run(data, sha, args);
    }
    case 'EVALSHA':
      if (!loaded.has(args[0] ?? '')) return new Error('NOSCRIPT No matching script. Please use EVAL.');
      return run(data, args[0] ?? '', args);
    default:
      return new Error(`ERR unknown command '${name}'`);
  }
}

function run(data: Map<string, Entry>, sha: string, [, count = '0', ...rest]: readonly string[]): Reply {
  const script = SCRIPTS.get(sha);
  if (script === undefined) return new Error('ERR this script is not known here');
  return script(data, rest.slice(0, Number(count)), rest.slice(Number(count)).map(Number));
}

const get = (data: Map<string, Entry>, key: string): string | null => {
  const entry = data.get(key);
  return entry === undefined || entry.expiresAt <= Date.now() ? null : entry.value;
};

function levelOf(data: Map<string, Entry>, key: string, [most = 0, rate = 0, now = 0]: readonly number[]) {
  const held = get(data, key);
  if (held === null) return { level: most, since: now };
  const [points = 0, since = 0] = held.split(' ').map(Number);
  return { level: Math.min(most, points + (Math.max(0, now - since) * rate) / 1_000), since: Math.max(now, since) };
}

const take: Script = (data, keys, args) => {
  const counters = keys.slice(0, -1);
  const used = counters.map((key) => Number(get(data, key) ?? 0));
  const refused = used.findLastIndex((count, place) => count >= (args[2 * place] ?? 0)) + 1;
  if (refused === 0) {
    for (const [place, key] of counters.entries()) {
      const count = (used[place] ?? 0) + 1;
      used[place] = count;
      const expiresAt = count === 1 ? Date.now() + (args[2 * place + 1] ?? 0) : (data.get(key)?.expiresAt ?? 0);
      data.set(key, { value: String(count), expiresAt });
    }
  }
  const { level } = levelOf(data, keys.at(-1) ?? '', args.slice(-3));
  return [...used, refused, Math.floor(level)];
};

const draw: Script = (data, [key = ''], [most = 0, rate = 0, now = 0, points = 0]) => {
  const { level, since } = levelOf(data, key, [most, rate, now]);
  if (points > level) return [0, Math.floor(level)];
  const left = Math.min(most, level - points);
  const expiresAt = Date.now() + Math.ceil(((most - left) * 1_000) / rate) + 1_000;
  data.set(key, { value: `${left.toFixed(3)} ${since}`, expiresAt });
  return [1, Math.floor(left)];
};

const SCRIPTS: ReadonlyMap<string, Script> = new Map([
  [shaOf(TAKE), take],
  [shaOf(DRAW), draw],
]);
