// Prisma's client carries its compiler of queries as text, which a process keeps twice for as long as it lives: nine
// megabytes. In the bundle it is read from a file beside it. Prisma's version is exact, and a build that finds another text fails.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(import.meta.url);
const compilerFile = 'query-compiler.wasm';

const carriedCompiler =
  /const \{ wasm \} = await import\("(@prisma\/client\/runtime\/[\w.]+)-base64\.mjs"\)\s+return await decodeBase64AsWasm\(wasm\)/;
const compilerOfFile = `const { readFileSync } = await import('node:fs')
    return new WebAssembly.Module(readFileSync(new URL('./${compilerFile}', import.meta.url)))`;

/** A plugin of esbuild. */
export const lighterPrisma = {
  name: 'lighter-prisma',
  setup({ onLoad, onEnd, initialOptions: { outdir } }) {
    let compiler = null;
    onLoad({ filter: /generated[/\\]prisma[/\\]internal[/\\]class\.ts$/ }, ({ path }) => {
      const contents = readFileSync(path, 'utf8');
      const [, name] = carriedCompiler.exec(contents) ?? [];
      if (name === undefined) {
        return {
          errors: [
            { text: 'Prisma carries its compiler in another way: scripts/lighter-prisma.mjs finds it no more.' },
          ],
        };
      }
      compiler = Buffer.from(require(`${name}-base64.js`).wasm, 'base64');
      return { contents: contents.replace(carriedCompiler, compilerOfFile), loader: 'ts' };
    });
    onEnd(() => {
      if (compiler !== null) writeFileSync(join(outdir, compilerFile), compiler);
    });
  },
};
