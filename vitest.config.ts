import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

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

/** Vitest takes the largest files first, but these last long however short they are. The two that wait most lie apart. */
const longest = [
  'effects/chaos-killed-keyed.postgres.test.ts',
  'guard/workspace-isolation.test.ts',
  'effects/chaos-killed-mail.postgres.test.ts',
  'guard/scope-matrix.test.ts',
  'guard/agent-isolation.test.ts',
  'guard/workspace-isolation-lists.test.ts',
  'graphql/explain-law.test.ts',
  'modules/api-key-use.test.ts',
  'auth/key-usage.postgres.test.ts',
].map((file) => join('test', file));

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const placeOf = ({ moduleId }: TestSpecification): number => {
      const place = longest.findIndex((file) => moduleId.endsWith(file));
      return place === -1 ? longest.length : place;
    };
    const sorted = await super.sort(files);
    const projects = [...new Set(sorted.map((file) => file.project))];
    // The projects stay one behind the other, as vitest has them.
    return projects.flatMap((project) =>
      sorted.filter((file) => file.project === project).sort((one, other) => placeOf(one) - placeOf(other)),
    );
  }
}

/** Loading the code takes a file longer than most of its tests: all share what is loaded, but for those that mock a module. */
const projects = (name: string, files: readonly string[], globalSetup: string[]) => {
  const mocking = files.filter((file) => /\bvi\.(do)?mock\(/i.test(readFileSync(file, 'utf8')));
  return [
    project(name, { include: files.filter((file) => !mocking.includes(file)), globalSetup, isolate: false }),
    project(`${name}, apart`, { include: mocking, globalSetup }),
  ];
};

const project = (
  name: string,
  { include, ...options }: { include: string[]; globalSetup: string[]; isolate?: false },
) => ({
  extends: true as const,
  test: { name, include: include.length > 0 ? include : ['test/none'], ...options },
});

export default defineConfig({
  // Vite would take graphql's ES build for our files while Yoga and Pothos get its CommonJS one from Node: two realms.
  resolve: { alias: [{ find: /^graphql$/, replacement: 'graphql/index.js' }] },
  test: {
    // On two cores vitest would use one: a test waits for its database or another process half of its time.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // A test file makes much and keeps little: with more room it is collected seldom.
    execArgv: ['--min-semi-space-size=16', '--max-semi-space-size=64'],
    sequence: { sequencer: LongestFirst },
    testTimeout: 30_000,
    hookTimeout: 120_000,
    projects: [
      ...projects('once', once, []),
      ...projects('embedded', [...onBoth, ...onlyEmbedded], ['test/support/embedded-setup.ts']),
      ...projects('postgres', [...onBoth, ...onlyPostgres], ['test/support/postgres-setup.ts']),
    ],
  },
});
