// npm run bench: what a request costs the server, beside the same schema with nothing around it and beside LIMIT, in one
// run on one machine. Rounds are interleaved and warmed, since a machine drifts; it prints and claims nothing.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../src/db/migration-files.js';
import { openServer } from '../src/db/server.js';
import { headersOf, requireEqualAnswers } from './answers.js';
import { measureAudit } from './audit.js';
import { type ContestantName, openStable, type Running, type Stable } from './contestants.js';
import { openCores } from './cores.js';
import { cpuOf, memoryOf, whenCalm } from './cpu.js';
import { measureEffects } from './effects.js';
import { measureKeys } from './keys.js';
import { type Load, openLoad } from './load.js';
import { bodyOf, OPERATIONS, type OperationName, SCOPES } from './operations.js';
import { HELP, type Options, readOptions } from './options.js';
import { openPostgresPlace, type PostgresPlace } from './postgres-place.js';
import { type Cell, effectReport, keyReport, type Line, report } from './report.js';
import { type Place, seed } from './seed.js';

const CONNECTIONS = 16;
const DEEP_MESSAGES = 1_000;

/** One row of the table: an operation in one of the seeded workspaces. */
interface Task {
  readonly title: string;
  readonly operation: OperationName;
  readonly place: Place;
}

const say = (line: string) => process.stderr.write(`${line}\n`);

async function main(options: Options): Promise<void> {
  if (options.hasAudit) process.stdout.write(await measureAudit());
  if (options.isAuditAlone) return;
  const cores = openCores();
  const postgres = await openPostgresPlace();
  let stable: Stable | null = null;
  const close = async () => {
    await stable?.close();
    await postgres.close();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void close().finally(() => process.exit(1)));
  }
  try {
    if (options.hasServers) {
      say('Building.');
      execFileSync(process.execPath, [join(packageRoot(), 'scripts', 'build.mjs')], { stdio: 'inherit' });
      stable = await openStable(cores);
      await compare(postgres, stable, { ...options, areShared: cores.areShared });
    }
    const { manyKeys } = options;
    if (manyKeys !== null) {
      const lines = await measureKeys(postgres, { ...options, manyKeys }, say);
      process.stdout.write(keyReport(lines, postgres.title));
    }
    if (!options.hasEffects) return;
    say('Asking for effects, and performing them.');
    process.stdout.write(effectReport(await measureEffects(postgres, { ...options, cores }, say), postgres.title));
  } finally {
    await close();
  }
}

async function compare(
  postgres: PostgresPlace,
  stable: Stable,
  options: Options & { readonly areShared: boolean },
): Promise<void> {
  const places = await seedAll(postgres, options);
  say(`Starting ${options.servers.length} servers.`);
  const servers: Running[] = [];
  for (const name of options.servers) {
    const databaseUrl = await postgres.createDatabase(name, 'seed');
    servers.push(await stable.start(name, databaseUrl, principalsOf(places), profilerOf(options, name)));
  }
  const tasks = tasksOf(options, places);
  for (const { operation, place } of tasks) await requireEqualAnswers(servers, OPERATIONS[operation], place);
  say('The answers of all servers are equal.');
  const lines = await measure(servers, tasks, options);
  const lives = servers.map((server) => ({ ...server, memory: memoryOf(server.process) }));
  process.stdout.write(report(lines, lives, { ...options, connections: CONNECTIONS, postgres: postgres.title }));
  await Promise.all(servers.map((server) => server.stop()));
}

async function seedAll(postgres: PostgresPlace, { keys, deep }: Options): Promise<{ shop: Place; deep: Place | null }> {
  say('Seeding.');
  const database = await openServer({ databaseUrl: await postgres.createDatabase('seed'), warn: say });
  try {
    const shop = await seed(database, { keys, messagesEach: 10 });
    const long = deep ? await seed(database, { keys: 1, messagesEach: DEEP_MESSAGES }) : null;
    await database.executeAsOwner('VACUUM ANALYZE');
    return { shop, deep: long };
  } finally {
    await database.close();
  }
}

function tasksOf({ operations }: Options, { shop, deep }: { shop: Place; deep: Place | null }): readonly Task[] {
  const tasks = operations.map((operation) => ({ title: OPERATIONS[operation].title, operation, place: shop }));
  if (deep === null) return tasks;
  const title = `the same, ${DEEP_MESSAGES} messages in each conversation`;
  return tasks.flatMap((task) => (task.operation === 'nested' ? [task, { ...task, title, place: deep }] : [task]));
}

/** For the bare server, which asks no database who is there. */
const principalsOf = ({ shop, deep }: { shop: Place; deep: Place | null }) =>
  Object.fromEntries([shop, ...(deep === null ? [] : [deep])].map(({ key, ...place }) => [key, principalFacts(place)]));

const principalFacts = ({ keyId, organizationId, workspaceId }: Omit<Place, 'key'>) => ({
  kind: 'ACCOUNT',
  keyId,
  organizationId,
  workspaceId,
  agentId: null,
  plan: 'free',
  scopes: SCOPES,
  rpm: null,
  rpd: null,
});

const profilerOf = ({ profile }: Options, name: ContestantName): readonly string[] =>
  profile === null ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`, `--cpu-prof-name=${name}.cpuprofile`];

async function measure(
  servers: readonly Running[],
  tasks: readonly Task[],
  options: Options,
): Promise<readonly Line[]> {
  const lines = tasks.map(({ title }): Line => ({ title, cells: new Map() }));
  say('Warming up.');
  for (const task of tasks)
    for (const server of servers) await underLoad(server, task, ({ run }) => run(options.warmUpMs));
  for (let round = 0; round < options.rounds; round++) {
    say(`Round ${round + 1} of ${options.rounds}.`);
    for (const [index, task] of tasks.entries()) {
      // Another one begins each time, so that no server always comes after the same neighbour.
      const first = round % servers.length;
      for (const server of [...servers.slice(first), ...servers.slice(0, first)]) {
        const cells = lines[index]?.cells;
        cells?.set(server.name, [...(cells.get(server.name) ?? []), await measureOne(server, task, options)]);
      }
    }
  }
  return lines;
}

const measureOne = (server: Running, task: Task, { warmMs, measureMs }: Options): Promise<Cell> =>
  underLoad(server, task, async ({ run }) => {
    // What is written behind the answers belongs to their cost, and not to that of the next measurement.
    const settled = () => (task.operation === 'draft' ? whenCalm(server.process) : Promise.resolve());
    await run(warmMs);
    await settled();
    const before = await cpuOf(server.process);
    const measured = await run(measureMs);
    await settled();
    return { ...measured, cpuMicroseconds: (await cpuOf(server.process)) - before };
  });

async function underLoad<T>(server: Running, task: Task, work: (load: Load) => Promise<T>): Promise<T> {
  const { operation, place } = task;
  const body = bodyOf(OPERATIONS[operation], place);
  const load = await openLoad({ port: server.port, headers: headersOf(place), body }, CONNECTIONS);
  try {
    return await work(load);
  } finally {
    load.close();
  }
}

try {
  const options = readOptions();
  if (options === null) process.stdout.write(HELP);
  else await main(options);
} catch (error) {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = 1;
}
