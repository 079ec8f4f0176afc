// Prisma's client, without what a process would keep for as long as it lives: its compiler of queries as text, twice, nine
// megabytes, is read from a file beside the bundle; its graph of all arguments, fifteen megabytes, is kept once for all
// clients and in maps, since V8 gives an object whose names are numbers room up to the highest. Prisma's version is exact,
// and a build that finds another text fails.
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require = createRequire(import.meta.url);
const compilerFile = 'query-compiler.wasm';

const carriedCompiler =
  /const \{ wasm \} = await import\("(@prisma\/client\/runtime\/[\w.]+)-base64\.mjs"\)\s+return await decodeBase64AsWasm\(wasm\)/;
const compilerOfFile = `const { readFileSync } = await import('node:fs')
    return new WebAssembly.Module(readFileSync(new URL('./${compilerFile}', import.meta.url)))`;

/** In the runtime as it is published: what stands there, how often, and what is put in its place. */
const graphEdits = [
  ['static deserialize(t,r){let n=Ba(t);', 1, 'static deserialize(t,r){let n=graphOf(t,Ba);'],
  ['o={};for(let s=0;s<i;s++){let a=this.#i(),u=', 2, 'o=new Map;for(let s=0;s<i;s++){let a=this.#i(),u='],
  ['o[a]=S}r.push({edges:o})', 1, 'o.set(a,S)}r.push({edges:o})'],
  ['o[a]=P}r.push({edges:o})', 1, 'o.set(a,P)}r.push({edges:o})'],
  ['n.edges[i]', 2, 'n.edges.get(i)'],
];
const graphOf = `const graphs = new WeakMap();
function graphOf(schema, read) {
  if (!graphs.has(schema)) graphs.set(schema, read(schema));
  return graphs.get(schema);
}`;

/** Null: it is another text than the one that is known here. */
function withSmallGraph(runtime) {
  let text = runtime;
  for (const [from, times, to] of graphEdits) {
    const parts = text.split(from);
    if (parts.length !== times + 1) return null;
    text = parts.join(to);
  }
  return `${text}\n${graphOf}\n`;
}

const changed = (what) => ({
  errors: [{ text: `Prisma ${what} in another way: scripts/lighter-prisma.mjs finds it no more.` }],
});

/** A plugin of esbuild. */
export const lighterPrisma = {
  name: 'lighter-prisma',
  setup({ onLoad, onEnd, initialOptions: { outdir } }) {
    let compiler = null;
    onLoad({ filter: /generated[/\\]prisma[/\\]internal[/\\]class\.ts$/ }, ({ path }) => {
      const contents = readFileSync(path, 'utf8');
      const [, name] = carriedCompiler.exec(contents) ?? [];
      if (name === undefined) return changed('carries its compiler');
      compiler = Buffer.from(require(`${name}-base64.js`).wasm, 'base64');
      return { contents: contents.replace(carriedCompiler, compilerOfFile), loader: 'ts' };
    });
    onLoad({ filter: /@prisma[/\\]client[/\\]runtime[/\\]client\.js$/ }, ({ path }) => {
      const contents = withSmallGraph(readFileSync(path, 'utf8'));
      return contents === null ? changed('reads its graph') : { contents, loader: 'js' };
    });
    onEnd(() => {
      if (compiler !== null) writeFileSync(join(outdir, compilerFile), compiler);
    });
  },
};
