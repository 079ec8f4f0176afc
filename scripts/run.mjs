// Runs a TypeScript file of this checkout: `node scripts/run.mjs scripts/db-check.ts`. Node 20 cannot by itself.
import { mkdirSync, rmSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { generate, nodeBundle, root } from './build.mjs';

const [given, ...args] = process.argv.slice(2);
if (given === undefined) {
  process.stderr.write('Usage: node scripts/run.mjs FILE.ts [ARGUMENTS]\n');
  process.exit(2);
}

const file = relative(root, resolve(given));
generate();
// Inside node_modules, so that the bundle finds the packages; out of git's sight.
const folder = join(root, 'node_modules', '.cache', 'sallyport');
mkdirSync(folder, { recursive: true });
const outfile = join(folder, `${basename(file, '.ts')}.${process.pid}.mjs`);
// The code finds package.json by going up from its own place: that stays the source's, wherever node_modules really lies.
const define = { 'import.meta.url': JSON.stringify(pathToFileURL(join(root, file)).href) };
const options = { ...nodeBundle, define, absWorkingDir: root, entryPoints: [file], outfile, sourcemap: 'inline' };
await build(options).catch(() => process.exit(1));
process.on('exit', () => rmSync(outfile, { force: true }));
process.argv = [process.argv[0], file, ...args];
await import(pathToFileURL(outfile).href);
