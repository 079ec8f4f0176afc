import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { packageRoot } from '../db/migration-files.js';
import { addCommand } from './command.js';
import { aligned } from './output.js';

interface SchemaCheckOptions {
  readonly write: boolean;
}

export const addSchemaCheck = (parent: Command): void =>
  addCommand<SchemaCheckOptions>(parent, {
    name: 'check',
    description: 'compare schema.graphql and test/access-map.txt with the code; exit 1 when one is stale',
    example: 'schema check --write',
    flags: (command) => command.option('--write', 'write what is stale', false),
    run: async ({ write }, output) => {
      const files = (await snapshots()).map(({ file, text }) => ({ file, state: judge(file, text, write) }));
      const ok = files.every(({ state }) => state === 'current' || state === 'written');
      output.print({
        json: { ok, files },
        lines: [
          ...aligned(files.map(({ file, state }) => [file, state])),
          ...(ok ? [] : ['Write them with: sallyport schema check --write']),
        ],
      });
      return ok ? 0 : 1;
    },
  });

/** The access map is part of a checkout only. */
async function snapshots(): Promise<{ file: string; text: string }[]> {
  const [{ printSdl }, { accessMap }, { schema }] = await Promise.all([
    import('../graphql/print.js'),
    import('../graphql/access-map.js'),
    import('../schema.js'),
  ]);
  const inCheckout = existsSync(join(packageRoot(), 'test'));
  const sdl = { file: 'schema.graphql', text: printSdl(schema) };
  return inCheckout ? [sdl, { file: 'test/access-map.txt', text: accessMap(schema) }] : [sdl];
}

function judge(file: string, text: string, write: boolean): 'current' | 'missing' | 'stale' | 'written' {
  const path = join(packageRoot(), file);
  const isThere = existsSync(path);
  if (isThere && readFileSync(path, 'utf8').replaceAll('\r\n', '\n') === text) return 'current';
  if (!write) return isThere ? 'stale' : 'missing';
  writeFileSync(path, text);
  return 'written';
}
