import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { defineConfig } from 'vitest/config';

// A test that reaches a database, by whatever files of test/, runs on both engines, or on the one in its name:
// lock.embedded.test.ts, races.postgres.test.ts. Every other test runs once.
const files = (readdirSync('test', { recursive: true }) as string[]).map((file) => join('test', file));
const tests = files.filter((file) => file.endsWith('.test.ts')).sort();

function reachesDatabase(file: string, seen = new Set<string>()): boolean {
  if (file === join('test', 'support', 'database.ts')) return true;
  if (seen.has(file) || !files.includes(file)) return false;
  seen.add(file);
  const imports = [...readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+)\.js'/g)];
  return imports.some(([, target = '']) => reachesDatabase(join(dirname(file), `${target}.ts`), seen));
}

const onlyEmbedded = tests.filter((file) => file.endsWith('.embedded.test.ts'));
const onlyPostgres = tests.filter((file) => file.endsWith('.postgres.test.ts'));
const onOne = [...onlyEmbedded, ...onlyPostgres];
const onBoth = tests.filter((file) => !onOne.includes(file) && reachesDatabase(file));
const once = tests.filter((file) => !onOne.includes(file) && !onBoth.includes(file));

const project = (name: string, include: string[], globalSetup: string[]) => ({
  extends: true as const,
  test: { name, include: include.length > 0 ? include : ['test/none'], globalSetup },
});

export default defineConfig({
  // Vite would take graphql's ES build for our files while Yoga and Pothos get its CommonJS one from Node: two realms.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    // On two cores vitest would use one: a test waits for its database or another process half of its time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    testTimeout: 30_000,
    hookTimeout: 120_000,
    projects: [
      project('once', once, []),
      project('embedded', [...onBoth, ...onlyEmbedded], ['test/support/embedded-setup.ts']),
      project('postgres', [...onBoth, ...onlyPostgres], ['test/support/postgres-setup.ts']),
    ],
  },
});
