// The product, bundled as scripts/build.mjs bundles it, but for its connectors.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { packageRoot } from '../../src/db/migration-files.js';

const replaced = join('src', 'connectors', 'registry.ts');

/** @returns the file to run, and what removes it */
export async function buildKeyed(): Promise<{ program: string; remove(): void }> {
  const root = packageRoot();
  const folder = join(root, 'node_modules', '.cache', 'sallyport', `keyed-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  let isReplaced = false;
  await build({
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    logLevel: 'error',
    absWorkingDir: root,
    entryPoints: { main: join('src', 'cli', 'main.ts') },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    // The code finds the migrations by going up from its own place.
    define: { 'import.meta.url': JSON.stringify(pathToFileURL(join(root, 'dist', 'main.js')).href) },
    plugins: [
      {
        name: 'keyed',
        setup({ onLoad }) {
          onLoad({ filter: /registry\.ts$/ }, ({ path }) => {
            if (path !== join(root, replaced)) return null;
            isReplaced = true;
            return { contents: "export * from './test/support/keyed-registry.js';", resolveDir: root, loader: 'ts' };
          });
        },
      },
    ],
  });
  if (!isReplaced) throw new Error(`The build still holds ${replaced}.`);
  return { program: join(folder, 'main.mjs'), remove: () => rmSync(folder, { recursive: true, force: true }) };
}
