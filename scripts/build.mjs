// From the sources to `dist`, offline: Prisma's client and Pothos' types are generated when the schema changed, then
// esbuild bundles `src` and the packages it stands on: a thousand small files are most of what a start would read.
// `node scripts/build.mjs generate` stops after the first half.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lighterPrisma } from './lighter-prisma.mjs';
import { noticesOf } from './third-party.mjs';

export const root = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);
const at = (...parts) => join(root, ...parts);

/** What esbuild is told for everything of ours that runs on Node: packages stay outside, save in the product. */
export const nodeBundle = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  sourcemap: true,
  logLevel: 'warning',
};

/** The product's own: with its packages, but for those that find a file by their own place or are asked for by few. */
const productBundle = {
  ...nodeBundle,
  packages: 'bundle',
  external: [
    '@electric-sql/pglite',
    '@graphql-yoga/render-graphiql',
    '@prisma/schema-engine-wasm',
    'pg-native',
    'pino-pretty',
  ],
  banner: {
    // What CommonJS packages take for granted.
    js: [
      `import { createRequire as requireFrom } from 'node:module';`,
      'const require = requireFrom(import.meta.url);',
      'const { filename: __filename, dirname: __dirname } = import.meta;',
    ].join('\n'),
  },
  // The map leads to each source; of a package the text would be ten times the program.
  sourcesContent: false,
  metafile: true,
  plugins: [lighterPrisma],
};

function fail(line) {
  process.stderr.write(`${line}\n`);
  process.exit(1);
}

function schemaFingerprint() {
  const hash = createHash('sha256').update(require('prisma/package.json').version);
  const schemas = readdirSync(at('prisma')).filter((file) => file.endsWith('.prisma'));
  for (const file of schemas.sort()) hash.update(file).update(readFileSync(at('prisma', file)));
  return hash.digest('hex');
}

/** Writes src/generated, unless it was made from this very schema. */
export function generate() {
  const stamp = at('src/generated/schema.sha256');
  const fingerprint = schemaFingerprint();
  const isCurrent =
    existsSync(at('src/generated/prisma/client.ts')) &&
    existsSync(at('src/generated/pothos-types.ts')) &&
    existsSync(stamp) &&
    readFileSync(stamp, 'utf8') === fingerprint;
  if (isCurrent) return;
  try {
    execFileSync(
      process.execPath,
      [require.resolve('prisma/build/index.js'), 'generate', '--schema', 'prisma', '--no-hints'],
      {
        cwd: root,
        stdio: 'pipe',
        env: {
          ...process.env,
          // Where the second generator is found, also when npm did not start us.
          PATH: `${at('node_modules/.bin')}${delimiter}${process.env.PATH ?? ''}`,
          // Prisma would download its engine here. Generating needs none, but wants a file to be named; it is never run.
          PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
          PRISMA_HIDE_UPDATE_MESSAGE: '1',
          CHECKPOINT_DISABLE: '1',
          NO_UPDATE_NOTIFIER: '1',
        },
      },
    );
  } catch (error) {
    fail(`prisma generate failed:\n${error.stdout ?? ''}${error.stderr ?? error.message}`);
  }
  writeFileSync(stamp, fingerprint);
}

function newestChange(folder) {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    newest = Math.max(newest, entry.isDirectory() ? newestChange(path) : statSync(path).mtimeMs);
  }
  return newest;
}

/** Whether `dist` was built from the sources as they are. */
export function isBuilt() {
  const built = statSync(at('dist/main.js'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (built === 0) return false;
  // npm writes the last one whenever it installs: `dist` holds packages too.
  const files = ['package.json', 'node_modules/.package-lock.json'].map(
    (file) => statSync(at(file), { throwIfNoEntry: false })?.mtimeMs ?? 0,
  );
  return built > Math.max(newestChange(at('src')), newestChange(at('prisma')), newestChange(at('scripts')), ...files);
}

/**
 * V8 keeps a text in which one letter is beyond Latin-1 at two bytes for each of its letters: three megabytes more. After
 * esbuild, which escapes them, they stand in comments alone.
 */
function narrow(file) {
  const text = readFileSync(file, 'utf8');
  if (/[^\0-\xff]/.test(text)) writeFileSync(file, text.replace(/[^\0-\xff]/g, '?'));
}

/** Writes `dist`, and puts it in place in one step: another process may be starting from the one before. */
export async function build() {
  generate();
  if (!existsSync(at('src/cli/main.ts'))) fail('src/cli/main.ts is missing: it is what `sallyport` runs.');
  const { build: bundle } = await import('esbuild');
  const draft = at(`dist.${process.pid}`);
  const previous = `${draft}.previous`;
  mkdirSync(draft);
  try {
    const { metafile } = await bundle({
      ...productBundle,
      absWorkingDir: root,
      entryPoints: { main: 'src/cli/main.ts' },
      outdir: draft,
      splitting: true,
    });
    for (const file of readdirSync(draft)) if (file.endsWith('.js')) narrow(join(draft, file));
    writeFileSync(join(draft, 'THIRD-PARTY.txt'), noticesOf(root, Object.keys(metafile.inputs)));
    if (existsSync(at('dist'))) renameSync(at('dist'), previous);
    renameSync(draft, at('dist'));
  } catch (error) {
    if (!existsSync(at('dist')) && existsSync(previous)) renameSync(previous, at('dist'));
    // Another process put its own build in place first: as good as this one.
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST' && error.code !== 'ENOENT') throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
    rmSync(previous, { recursive: true, force: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [what = 'build'] = process.argv.slice(2);
  if (what !== 'build' && what !== 'generate') fail('Usage: node scripts/build.mjs [generate]');
  if (what === 'generate') generate();
  else if (!isBuilt()) await build().catch(() => process.exit(1));
}
