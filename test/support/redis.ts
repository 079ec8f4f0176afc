// A Redis that can be lost: a relay in front of a fake one, or of the real one that TEST_REDIS_URL names. What is counted
// is named by workspaces that are new each time, so nothing needs to be emptied.
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { startFakeRedis } from './fake-redis.js';

export interface TestRedis {
  readonly url: string;
  /** Every connection breaks, and no new one is taken. */
  cut(): Promise<void>;
  /** Connections stay, and nothing is answered. */
  hang(): void;
  /** All is as before. */
  mend(): Promise<void>;
  stop(): Promise<void>;
}

export async function startTestRedis(): Promise<TestRedis> {
  const given = process.env.TEST_REDIS_URL;
  const fake = given === undefined || given === '' ? await startFakeRedis() : null;
  const target = new URL(fake?.url ?? given ?? '');
  const url = new URL(target);
  const open = new Set<Socket>();
  let isHung = false;
  const server = createServer((near) => {
    const far = connect(Number(target.port || 6_379), target.hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.on('data', (chunk) => (isHung ? undefined : to.write(chunk)));
      from.on('error', () => from.destroy());
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
    }
  });
  const listen = (port: number) => new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const cut = (): Promise<void> =>
    new Promise((resolve) => {
      if (!server.listening) return resolve();
      server.close(() => resolve());
      for (const socket of open) socket.destroy();
    });
  url.port = String(port);
  url.hostname = '127.0.0.1';
  return {
    url: url.href,
    cut,
    hang() {
      isHung = true;
    },
    async mend() {
      // What was swallowed is lost for good: those connections cannot go on.
      if (isHung) for (const socket of open) socket.destroy();
      isHung = false;
      if (!server.listening) await listen(port);
    },
    async stop() {
      await cut();
      await fake?.stop();
    },
  };
}
