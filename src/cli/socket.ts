// The way into a running embedded server from the same machine: a unix socket in DATA_DIR that only its owner may open.
// One line of JSON asks for an operation by name, one line answers, and the connection ends. Both lines are bounded.
import { chmodSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { badInput, CodedError, ConfigurationError, type ErrorCode } from '../platform/errors.js';

/** A thousand keys to import, with room. */
const requestBytesMax = 1024 * 1024;
const answerBytesMax = 16 * 1024 * 1024;
const requestWithinMs = 5_000;
const connectionsMax = 16;
/** `sun_path` holds 104 bytes on some systems, one of them the end. */
const pathBytesMax = 103;

export interface SocketOptions {
  readonly dataDir: string;
  run(operation: string, input: unknown): Promise<unknown>;
  readonly log: { error(facts: object, message: string): void };
}

export interface OpenSocket {
  /** Takes no more requests and lets the ones that run answer. */
  close(): Promise<void>;
}

/** @throws ConfigurationError when the path is too long for a socket */
export function socketPath(dataDir: string): string {
  const path = join(dataDir, 'sallyport.sock');
  if (Buffer.byteLength(path) <= pathBytesMax) return path;
  throw new ConfigurationError(
    `DATA_DIR: ${path} is too long for a unix socket (${Buffer.byteLength(path)} bytes, at most ${pathBytesMax}), so commands cannot reach the running server. Set DATA_DIR to a shorter path, or stop the server first.`,
  );
}

/** The folder must be ours already: a socket that is still there belongs to no one. */
export async function openSocket({ dataDir, run, log }: SocketOptions): Promise<OpenSocket> {
  const path = socketPath(dataDir);
  rmSync(path, { force: true });
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    void answer(socket, run, log);
  });
  server.maxConnections = connectionsMax;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // Between bind and chmod anyone could enter.
    const mask = process.umask(0o177);
    try {
      server.listen(path, resolve);
    } finally {
      process.umask(mask);
    }
  });
  chmodSync(path, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        rmSync(path, { force: true });
      }),
  };
}

async function answer(socket: Socket, run: SocketOptions['run'], log: SocketOptions['log']): Promise<void> {
  const late = setTimeout(() => socket.destroy(), requestWithinMs);
  try {
    const line = await readLine(socket, requestBytesMax);
    clearTimeout(late);
    const { operation, input } = requestOf(JSON.parse(line));
    socket.end(`${JSON.stringify({ result: await run(operation, input) })}\n`);
  } catch (error) {
    const wire = wireOf(error);
    if (wire.code === 'INTERNAL_SERVER_ERROR') log.error({ err: error }, 'a command failed');
    socket.end(`${JSON.stringify({ error: wire })}\n`);
  } finally {
    clearTimeout(late);
  }
}

function requestOf(value: unknown): { readonly operation: string; readonly input: unknown } {
  const { operation, input } = (value ?? {}) as { operation?: unknown; input?: unknown };
  if (typeof operation !== 'string') throw badInput('A request names its operation.');
  return { operation, input };
}

interface WireError {
  readonly code: string;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
}

function wireOf(error: unknown): WireError {
  if (error instanceof CodedError) return { code: error.code, message: error.message, data: error.data };
  if (error instanceof ConfigurationError) return { code: 'CONFIGURATION', message: error.message, data: {} };
  if (error instanceof SyntaxError) return { code: 'BAD_USER_INPUT', message: 'The request is not JSON.', data: {} };
  return { code: 'INTERNAL_SERVER_ERROR', message: 'The running server failed at it; its log says why.', data: {} };
}

/** Thrown when nobody answers at the socket. */
export class NobodyThere extends Error {
  override readonly name = 'NobodyThere';
}

/** Asks the running server. @throws NobodyThere, or what the operation threw there */
export async function askServer(dataDir: string, operation: string, input: unknown): Promise<unknown> {
  const socket = await connect(socketPath(dataDir));
  try {
    socket.write(`${JSON.stringify({ operation, input })}\n`);
    const line = await readLine(socket, answerBytesMax);
    const { result, error } = JSON.parse(line) as { result?: unknown; error?: WireError };
    if (error === undefined) return result;
    throw error.code === 'CONFIGURATION'
      ? new ConfigurationError(error.message)
      : new CodedError(error.code as ErrorCode, error.message, error.data);
  } finally {
    socket.destroy();
  }
}

function connect(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      const isNobody = error.code === 'ENOENT' || error.code === 'ECONNREFUSED';
      const reason = `${path} cannot be opened (${error.code ?? error.message}). Run this as the user of the server.`;
      reject(isNobody ? new NobodyThere() : new ConfigurationError(`DATA_DIR: ${reason}`));
    });
  });
}

function readLine(socket: Socket, bytesMax: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const cut = () => reject(new CodedError('SERVICE_UNAVAILABLE', 'The connection ended before the line did.'));
    socket.once('error', cut);
    socket.once('close', cut);
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      const end = chunk.indexOf('\n');
      if (bytes > bytesMax) reject(badInput(`A line has at most ${bytesMax} bytes.`));
      else chunks.push(end === -1 ? chunk : chunk.subarray(0, end));
      if (end !== -1) resolve(Buffer.concat(chunks).toString('utf8'));
    });
  });
}
