// The servers that are compared, each a process of its own on a database of its own: the audit trail is linked in the
// background by whoever listens, and must not be linked by a neighbour.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { packageRoot } from '../src/db/migration-files.js';
import { freePort } from '../test/support/postgres.js';
import type { Cores } from './cores.js';

export const CONTESTANT_NAMES = ['sallyport', 'ordinary', 'unpoliced', 'unbound', 'bare', 'limit'] as const;
export type ContestantName = (typeof CONTESTANT_NAMES)[number];

interface Contestant {
  readonly title: string;
  /** What is left out, for the legend. */
  readonly meaning: string;
  readonly entry: 'product' | 'server' | 'bare' | 'limit';
  readonly env?: Readonly<Record<string, string>>;
}

export const CONTESTANTS: Readonly<Record<ContestantName, Contestant>> = {
  sallyport: {
    title: 'sallyport',
    meaning: 'the built product: `node bin/sallyport.js serve --no-jobs`',
    entry: 'product',
  },
  ordinary: {
    title: 'no fast lane',
    meaning: 'the same with FAST_LANE=off: Yoga, resolvers and Prisma answer everything',
    entry: 'product',
    env: { FAST_LANE: 'off' },
  },
  unpoliced: {
    title: 'no policies',
    meaning: 'besides, connects as the owner, whom no policy judges; still binds each statement to its workspace',
    entry: 'server',
    env: { FAST_LANE: 'off', BENCH_RLS: 'unpoliced' },
  },
  unbound: {
    title: 'no RLS at all',
    meaning: 'besides, sends no set_config: a read is one plain statement instead of BEGIN, set_config, read, COMMIT',
    entry: 'server',
    env: { FAST_LANE: 'off', BENCH_RLS: 'off' },
  },
  bare: {
    title: 'bare',
    meaning:
      'besides, looks up no key, counts no use, has no preflight and no check on any field; the guard still confines',
    entry: 'bare',
    env: { FAST_LANE: 'off', BENCH_RLS: 'off', BENCH_PREFLIGHT: 'off' },
  },
  limit: {
    title: 'LIMIT',
    meaning: 'node:http and pg, one prepared statement per request: key, scopes, confinement and JSON in PostgreSQL',
    entry: 'limit',
  },
};

export interface Running {
  readonly name: ContestantName;
  readonly port: number;
  readonly process: ChildProcess;
  /** From its beginning until it says that it is ready. */
  readonly startMs: number;
  stop(): Promise<void>;
}

export interface Stable {
  /** @param nodeFlags for the process itself, such as those of the profiler */
  start(name: ContestantName, databaseUrl: string, principals: object, nodeFlags?: readonly string[]): Promise<Running>;
  /** Ends what still runs and removes what was built. */
  close(): Promise<void>;
}

const READY_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 10;

/** Builds the servers; the product itself is built by scripts/build.mjs. */
export async function openStable(cores: Cores): Promise<Stable> {
  const root = packageRoot();
  const folder = join(root, 'node_modules', '.cache', 'sallyport', `bench-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  const dataDir = mkdtempSync(join(tmpdir(), 'sallyport-bench-'));
  await buildServers(root, folder);
  const entries: Readonly<Record<Contestant['entry'], readonly string[]>> = {
    product: [join(root, 'bin', 'sallyport.js'), 'serve', '--no-jobs'],
    server: [join(folder, 'server.mjs')],
    bare: [join(folder, 'bare.mjs')],
    limit: [join(folder, 'limit.mjs')],
  };
  const leash = pathToFileURL(join(root, 'bench', 'leash.mjs')).href;
  const running: Running[] = [];
  return {
    async start(name, databaseUrl, principals, nodeFlags = []) {
      const { entry, env = {} } = CONTESTANTS[name];
      const port = await freePort();
      const program = [process.execPath, ...nodeFlags, '--import', leash, ...entries[entry]];
      const [command = '', ...args] = [...cores.before, ...program];
      const child = spawn(command, args, {
        cwd: dataDir,
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
        env: {
          PATH: process.env.PATH,
          NODE_ENV: 'production',
          LOG_LEVEL: 'warn',
          HOST: '127.0.0.1',
          PORT: String(port),
          DATA_DIR: join(dataDir, name),
          DATABASE_URL: databaseUrl,
          // Counted as ever, and never refused.
          PLAN_LIMITS: JSON.stringify({
            free: { rpm: 1_000_000_000, rpd: 1_000_000_000, costPerSecond: 1_000_000_000 },
          }),
          SALLYPORT_SECRET: randomBytes(32).toString('base64'),
          BENCH_PRINCIPALS: JSON.stringify(principals),
          ...env,
        },
      });
      const began = performance.now();
      const one = { name, port, process: child, stop: () => stop(child) };
      running.push({ ...one, startMs: Number.NaN });
      await whenReady(one);
      const startMs = performance.now() - began;
      cores.settle(child.pid);
      return { ...one, startMs };
    },
    async close() {
      await Promise.all(running.map((one) => one.stop()));
      for (const made of [folder, dataDir]) rmSync(made, { recursive: true, force: true });
    },
  };
}

async function buildServers(root: string, folder: string): Promise<void> {
  const made = (file: string, name: string, plugins: Plugin[]) =>
    build({
      // As scripts/build.mjs bundles the product.
      bundle: true,
      format: 'esm',
      platform: 'node',
      target: 'node20.19',
      packages: 'external',
      sourcemap: true,
      logLevel: 'error',
      absWorkingDir: root,
      entryPoints: { [name]: join('bench', file) },
      outdir: folder,
      outExtension: { '.js': '.mjs' },
      // The code finds the migrations by going up from its own place: that stays the checkout, wherever node_modules lies.
      define: { 'import.meta.url': JSON.stringify(pathToFileURL(join(root, 'bench', file)).href) },
      plugins,
    });
  await made('server.ts', 'server', []);
  await made('limit.ts', 'limit', []);
  const replaced = new Set<string>();
  await made('server.ts', 'bare', [replacing(root, replaced)]);
  if (replaced.size !== REPLACED.length) throw new Error(`The bare server still holds ${REPLACED.join(' or ')}.`);
}

const REPLACED = ['src/auth/authenticate.ts', 'src/graphql/guard-plugin/second-wall.ts'] as const;

/** Puts bench/bare/NAME.ts in the place of each file. */
const replacing = (root: string, replaced: Set<string>): Plugin => ({
  name: 'bare',
  setup({ onLoad }) {
    for (const file of REPLACED) {
      const path = join(root, file);
      onLoad({ filter: new RegExp(`${basename(file, '.ts')}\\.ts$`) }, (asked) => {
        if (asked.path !== path) return null;
        replaced.add(file);
        const standIn = join(root, 'bench', 'bare', basename(file));
        return { contents: `export * from ${JSON.stringify(standIn)};`, resolveDir: root, loader: 'ts' };
      });
    }
  },
});

async function whenReady({ name, port, process: child }: Omit<Running, 'startMs'>): Promise<void> {
  for (let waitedMs = 0; waitedMs < READY_WITHIN_MS; waitedMs += LOOK_EVERY_MS) {
    if (child.exitCode !== null)
      throw new Error(`The server ${name} ended with ${child.exitCode} before it was ready.`);
    const isReady = await fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return;
    await sleep(LOOK_EVERY_MS);
  }
  throw new Error(`The server ${name} was not ready within ${READY_WITHIN_MS / 1_000} s.`);
}

const STOP_WITHIN_MS = 10_000;

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  const cut = setTimeout(() => child.kill('SIGKILL'), STOP_WITHIN_MS);
  await ended;
  clearTimeout(cut);
}
