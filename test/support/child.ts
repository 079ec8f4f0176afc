// Another process that runs a TypeScript file of this checkout: bundled first, since Node 20 cannot run it as it is.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';
import { packageRoot } from '../../src/db/migration-files.js';

export interface Bundle {
  start(args: readonly string[]): RunningChild;
  remove(): void;
}

export interface RunningChild {
  readonly process: ChildProcess;
  /** Resolves with the first line it writes, or with all of its error output when it ends without one. */
  readonly firstLine: Promise<string>;
  readonly exit: Promise<number | null>;
}

/** @param file relative to the checkout. */
export async function bundleForChild(file: string): Promise<Bundle> {
  const folder = join(packageRoot(), 'node_modules', '.cache', 'sallyport');
  mkdirSync(folder, { recursive: true });
  const outfile = join(folder, `${basename(file, '.ts')}.${process.pid}.mjs`);
  await build({
    absWorkingDir: packageRoot(),
    entryPoints: [file],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'error',
  });
  return {
    start: (args) => startChild(outfile, args),
    remove: () => rmSync(outfile, { force: true }),
  };
}

function startChild(outfile: string, args: readonly string[]): RunningChild {
  const child = spawn(process.execPath, [outfile, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const exit = new Promise<number | null>((resolve) => child.on('exit', resolve));
  const firstLine = new Promise<string>((resolve) => {
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
      if (output.includes('\n')) resolve(output.slice(0, output.indexOf('\n')));
    });
    child.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    child.on('close', () => resolve(errors));
  });
  return { process: child, firstLine, exit };
}
