// The built command line as its user meets it: a process with arguments, an environment, a folder, and an exit code.
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../src/db/migration-files.js';

const program = join(packageRoot(), 'bin', 'sallyport.js');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Served {
  readonly url: string;
  readonly pid: number | undefined;
  /** The JSON it printed. */
  readonly said: unknown;
  /** Sends SIGTERM, or these signals one after the other. */
  stop(...signals: NodeJS.Signals[]): Promise<Ended>;
}

export interface Place {
  /** Gone after `remove`. */
  readonly dataDir: string;
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended>;
  /** The one JSON value of a command that must succeed. */
  json<Value>(args: readonly string[]): Promise<Value>;
  /** `serve --json`, or another command that stays up, once it has said where. */
  serve(args?: readonly string[], env?: Readonly<Record<string, string>>): Promise<Served>;
  remove(): void;
}

/** Built once for all test files: the second finds nothing to do. */
export const buildOnce = (): Promise<unknown> =>
  promisify(execFile)(process.execPath, [join(packageRoot(), 'scripts', 'build.mjs')]);

/** @param built what to run in place of the built product: another build of it */
export function openPlace(settings: Readonly<Record<string, string>> = {}, built = program): Place {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-cli-'));
  const dataDir = join(folder, 'data');
  const launch = (args: readonly string[], env: Readonly<Record<string, string>>): ChildProcess =>
    spawn(process.execPath, [built, ...args], {
      // Not the checkout: a `.env` there is someone else's.
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, DATA_DIR: dataDir, PORT: '0', LOG_LEVEL: 'warn', ...settings, ...env },
    });
  const running = new Set<ChildProcess>();
  const place: Place = {
    dataDir,
    run: (args, env = {}) => endOf(launch(args, env)),
    async json<Value>(args: readonly string[]) {
      const { code, stdout, stderr } = await place.run([...args, '--json']);
      if (code !== 0) throw new Error(`sallyport ${args.join(' ')} ended with ${code}: ${stdout}${stderr}`);
      return JSON.parse(stdout) as Value;
    },
    async serve(args = ['serve'], env = {}) {
      const child = launch([...args, '--json'], env);
      running.add(child);
      const end = endOf(child);
      const line = await firstLine(child, end);
      const said = JSON.parse(line) as { url?: string; error?: object };
      if (said.error !== undefined) throw new Error(`sallyport ${args.join(' ')} did not start: ${line}`);
      return {
        url: said.url ?? '',
        pid: child.pid,
        said,
        stop: (...signals) => {
          for (const signal of signals.length === 0 ? (['SIGTERM'] as const) : signals) child.kill(signal);
          return end;
        },
      };
    },
    remove() {
      for (const child of running) child.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return place;
}

function endOf(child: ChildProcess): Promise<Ended> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
}

function firstLine(child: ChildProcess, end: Promise<Ended>): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    child.stdout?.on('data', (chunk) => {
      text += chunk;
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
    });
    void end.then(({ code, stderr }) => reject(new Error(`It ended with ${code} instead: ${stderr}`)));
  });
}
