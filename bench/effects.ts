// What the sallyport does in a second, on one process: requests that leave something to be approved, and effects that are
// performed (captured in a file, so that no provider's time is measured). Beside it the same build without the audit
// recorder, in the same run and in turns, since what is promised is the ratio.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { newKeySecret } from '../src/auth/key-format.js';
import type { Database } from '../src/db/database.js';
import { packageRoot } from '../src/db/migration-files.js';
import { openServer } from '../src/db/server.js';
import { newId } from '../src/platform/ids.js';
import { freePort } from '../test/support/postgres.js';
import { headersOf } from './answers.js';
import type { Cores } from './cores.js';
import { cpuOf, whenCalm } from './cpu.js';
import { openLoad } from './load.js';
import type { PostgresPlace } from './postgres-place.js';
import { insertRows } from './seed.js';

export const BUILDS = ['with the recorder', 'without it'] as const;
export type Build = (typeof BUILDS)[number];

/** One row of the table: per round and build, how many a second. */
export interface EffectLine {
  readonly title: string;
  readonly perSecond: Readonly<Record<Build, readonly number[]>>;
  /** Server CPU, in microseconds, of one. */
  readonly cpuMicroseconds: Readonly<Record<Build, readonly number[]>>;
}

interface Size {
  readonly rounds: number;
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly cores: Cores;
}

interface Shop {
  readonly waiting: { readonly id: string; readonly key: string };
  readonly free: { readonly id: string; readonly key: string };
  readonly conversationId: string;
  /** One for all servers: what the first closes under the key of a contact, the next one opens. */
  readonly secret: string;
}

const CONNECTIONS = 16;
/** How many are performed and measured for each millisecond that requests are measured; and as many before, unmeasured. */
const PERFORMED_PER_MS = 0.15;
const WITHIN_MS = 120_000;

export async function measureEffects(
  postgres: PostgresPlace,
  { rounds, warmUpMs, measureMs, cores }: Size,
  say: (line: string) => void,
): Promise<readonly EffectLine[]> {
  const built = await buildBoth();
  const performed = Math.round(measureMs * PERFORMED_PER_MS);
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-effects-'));
  try {
    const shop = await seedShop(postgres, say);
    const lines = {
      asked: emptyLine('requests that wait for approval'),
      queued: emptyLine('requests that leave at once'),
      performed: emptyLine('effects performed, four at a time'),
    };
    for (let round = 0; round < rounds; round++) {
      say(`Round ${round + 1} of ${rounds}.`);
      const inTurn = round % 2 === 0 ? BUILDS : [...BUILDS].reverse();
      for (const name of inTurn) {
        const url = await postgres.createDatabase(`effects_${round}_${BUILDS.indexOf(name)}`, 'effects');
        const start = (work: 'on' | 'off') => startServer(built.programs[name], { url, folder, work, shop, cores });
        const server = await start('off');
        try {
          add(lines.asked, name, await underLoad(server, shop, shop.waiting.key, { warmUpMs, measureMs }));
          add(lines.queued, name, await underLoad(server, shop, shop.free.key, { warmUpMs: 300, measureMs }));
          await queueUp(url, server, shop, 2 * performed);
        } finally {
          await server.stop();
        }
        add(lines.performed, name, await drain(url, performed, () => start('on')));
        say(
          `  ${name}: ${Object.values(lines)
            .map(({ perSecond }) => perSecond[name].at(-1)?.toFixed(0))
            .join(', ')} a second`,
        );
      }
    }
    return Object.values(lines);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    built.remove();
  }
}

const emptyLine = (title: string): EffectLine => ({
  title,
  perSecond: { 'with the recorder': [], 'without it': [] },
  cpuMicroseconds: { 'with the recorder': [], 'without it': [] },
});

interface Figure {
  readonly perSecond: number;
  readonly cpuMicroseconds: number;
}

function add({ perSecond, cpuMicroseconds }: EffectLine, name: Build, figure: Figure): void {
  (perSecond[name] as number[]).push(figure.perSecond);
  (cpuMicroseconds[name] as number[]).push(figure.cpuMicroseconds);
}

interface Server {
  readonly port: number;
  readonly process: ChildProcess;
  stop(): Promise<void>;
}

async function underLoad(
  server: Server,
  shop: Shop,
  key: string,
  { warmUpMs, measureMs }: { warmUpMs: number; measureMs: number },
): Promise<Figure> {
  const load = await openLoad({ port: server.port, headers: headersOf({ key }), body: bodyOf(shop) }, CONNECTIONS);
  try {
    await load.run(warmUpMs);
    await whenCalm(server.process);
    const before = await cpuOf(server.process);
    const { requests, milliseconds } = await load.run(measureMs);
    // What is sealed behind the answers belongs to their cost.
    await whenCalm(server.process);
    const cpu = (await cpuOf(server.process)) - before;
    return { perSecond: (1_000 * requests) / milliseconds, cpuMicroseconds: cpu / requests };
  } finally {
    load.close();
  }
}

async function queueUp(url: string, server: Server, shop: Shop, count: number): Promise<void> {
  const load = await openLoad(
    { port: server.port, headers: headersOf({ key: shop.free.key }), body: bodyOf(shop) },
    CONNECTIONS,
  );
  const database = await openServer({ databaseUrl: url, warn: () => undefined });
  try {
    while ((await countOf(database, 'QUEUED')) < count) await load.run(300);
  } finally {
    load.close();
    await database.close();
  }
}

/** From a server that begins to work: what it performs between the first and the last that are measured. */
async function drain(url: string, count: number, start: () => Promise<Server>): Promise<Figure> {
  const database = await openServer({ databaseUrl: url, warn: () => undefined });
  const server = await start();
  try {
    // So that the compiler has seen enough.
    await until(database, count);
    const [began, cpu, done] = [performance.now(), await cpuOf(server.process), await countOf(database, 'SUCCEEDED')];
    await until(database, done + count);
    const seconds = (performance.now() - began) / 1_000;
    const performed = (await countOf(database, 'SUCCEEDED')) - done;
    const used = (await cpuOf(server.process)) - cpu;
    return { perSecond: performed / seconds, cpuMicroseconds: used / performed };
  } finally {
    await server.stop();
    await database.close();
  }
}

async function until(database: Database, count: number): Promise<void> {
  for (let waitedMs = 0; waitedMs < WITHIN_MS; waitedMs += 20) {
    if ((await countOf(database, 'SUCCEEDED')) >= count) return;
    await sleep(20);
  }
  throw new Error(`Fewer than ${count} effects were performed within ${WITHIN_MS / 1_000} s.`);
}

async function countOf(database: Database, status: string): Promise<number> {
  const { rows } = await database.executeAsOwner('SELECT count(*)::int AS n FROM effect WHERE status::text = $1', [
    status,
  ]);
  return Number(rows[0]?.n);
}

const bodyOf = ({ conversationId }: Shop): string =>
  JSON.stringify({
    query: `mutation Send($input: SendMessageInput!) {
      sendMessage(input: $input) { messageId status effect { id status seal price } } }`,
    variables: { input: { conversationId, body: 'Your frame left the workshop this morning.' } },
  });

async function seedShop(postgres: PostgresPlace, say: (line: string) => void): Promise<Shop> {
  const database = await openServer({ databaseUrl: await postgres.createDatabase('effects'), warn: say });
  try {
    const { owner: db } = database;
    const [organizationId, workspaceId] = [newId('org'), newId('wsp')];
    await db.organization.create({ data: { id: organizationId, name: 'Halberd' } });
    await db.workspace.create({ data: { id: workspaceId, organizationId, name: 'Shop' } });
    const ids = { contact: newId('ctc'), inbox: newId('inb'), conversation: newId('cnv') };
    await db.contact.create({ data: { workspaceId, id: ids.contact, name: 'Amelia', email: 'amelia@example.com' } });
    await db.inbox.create({ data: { workspaceId, id: ids.inbox, channel: 'EMAIL', address: 'shop@example.com' } });
    const conversation = { channel: 'EMAIL', contactId: ids.contact, inboxId: ids.inbox } as const;
    await db.conversation.create({ data: { workspaceId, id: ids.conversation, ...conversation } });
    const credits = 100_000_000;
    await db.creditAccount.create({ data: { workspaceId, balanceCredits: credits } });
    const topUp = { kind: 'TOP_UP', balanceDelta: credits, reservedDelta: 0 } as const;
    await db.ledgerEntry.create({ data: { workspaceId, id: newId('lge'), ...topUp } });
    const key = async () => {
      const [id, secret] = [newId('key'), newKeySecret('ACCOUNT', 'sp')];
      const scopes = ['messages:send'];
      const { keyPrefix, start } = secret;
      await insertRows(database, 'api_key', workspaceId, [
        { id, kind: 'ACCOUNT', name: 'Key', key_prefix: keyPrefix, start, scopes, allowed_ips: [] },
      ]);
      const hash = `\\x${secret.hash.toString('hex')}`;
      await insertRows(database, 'api_key_secret', workspaceId, [{ id: newId('sec'), key_id: id, hash }]);
      return { id, key: secret.key };
    };
    const secret = randomBytes(32).toString('base64');
    return { waiting: await key(), free: await key(), conversationId: ids.conversation, secret };
  } finally {
    await database.close();
  }
}

interface Start {
  readonly url: string;
  readonly folder: string;
  readonly work: 'on' | 'off';
  readonly shop: Shop;
  readonly cores: Cores;
}

async function startServer(program: string, { url, folder, work, shop, cores }: Start): Promise<Server> {
  const port = await freePort();
  const unlimited = { rpm: 1_000_000_000, rpd: 1_000_000_000, costPerSecond: 1_000_000_000 };
  const leash = pathToFileURL(join(packageRoot(), 'bench', 'leash.mjs')).href;
  const [command = '', ...args] = [...cores.before, process.execPath, '--import', leash, program];
  const child = spawn(command, args, {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: {
      PATH: process.env.PATH,
      ...{ NODE_ENV: 'production', LOG_LEVEL: 'warn', HOST: '127.0.0.1', PORT: String(port), DATA_DIR: folder },
      ...{ DATABASE_URL: url, SALLYPORT_SECRET: shop.secret },
      PLAN_LIMITS: JSON.stringify({ free: unlimited }),
      ...{ BENCH_WORK: work, BENCH_FREE_KEY: shop.free.id },
    },
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async () => {
    child.kill('SIGTERM');
    const cut = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(cut);
  };
  for (let waitedMs = 0; waitedMs < 30_000; waitedMs += 50) {
    const isReady = await fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) {
      cores.settle(child.pid);
      return { port, process: child, stop };
    }
    await sleep(50);
  }
  await stop();
  throw new Error('The server was not ready within 30 s.');
}

async function buildBoth(): Promise<{ programs: Readonly<Record<Build, string>>; remove(): void }> {
  const root = packageRoot();
  const folder = join(root, 'node_modules', '.cache', 'sallyport', `effects-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  const made = async (name: string, plugins: Plugin[]): Promise<string> => {
    await build({
      // As scripts/build.mjs bundles the product.
      ...{
        bundle: true,
        format: 'esm',
        platform: 'node',
        target: 'node20.19',
        packages: 'external',
        logLevel: 'error',
      },
      absWorkingDir: root,
      entryPoints: { [name]: join('bench', 'effects-server.ts') },
      outdir: folder,
      outExtension: { '.js': '.mjs' },
      // The code finds the migrations by going up from its own place: that stays the checkout, wherever node_modules lies.
      define: { 'import.meta.url': JSON.stringify(pathToFileURL(join(root, 'bench', 'effects-server.ts')).href) },
      plugins,
    });
    return join(folder, `${name}.mjs`);
  };
  const silenced = { count: 0 };
  const programs = {
    'with the recorder': await made('with', []),
    'without it': await made('without', [silent(silenced)]),
  };
  if (silenced.count !== 1) throw new Error('The build without a recorder still holds src/audit/record.ts.');
  return { programs, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Everything of record.ts as it is, but for what writes. */
const silent = (silenced: { count: number }): Plugin => ({
  name: 'silent',
  setup({ onLoad }) {
    const root = packageRoot();
    const path = join(root, 'src', 'audit', 'record.ts');
    onLoad({ filter: /record\.ts$/ }, (asked) => {
      if (asked.path !== path || asked.suffix === '?real') return null;
      silenced.count++;
      const standIn = JSON.stringify(join(root, 'bench', 'silent', 'record.ts'));
      const contents = `export * from ${JSON.stringify(`${path}?real`)};\nexport { auditIn } from ${standIn};`;
      return { contents, resolveDir: root, loader: 'ts' };
    });
  },
});
