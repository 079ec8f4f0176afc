import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { badInput } from '../platform/errors.js';
import { addCommand } from './command.js';
import type { InputOf } from './operations.js';
import { aligned } from './output.js';
import { perform } from './reach.js';
import { loadSettings } from './settings.js';

interface KeysImportOptions {
  readonly workspace: string;
}

export const addKeysImport = (parent: Command): void =>
  addCommand<KeysImportOptions>(parent, {
    name: 'import <file>',
    description: 'bring along keys that exist elsewhere, by their SHA-256 hashes; all of them or none',
    example: 'keys import keys.json --workspace wsp_…',
    flags: (command) =>
      command
        .requiredOption('--workspace <id>', 'the workspace the keys see')
        .addHelpText(
          'after',
          '\nThe file: {"format": {"prefix": "ago_", "length": 36, "alphabet": "0123…xyz"},\n  "keys": [{"kind": "ACCOUNT", "name": "CRM", "scopes": ["contacts:read"], "hash": "<sha256 in hex>"}]}',
        ),
    run: async ({ workspace }, output, [file = '']) => {
      const input = readInput(file);
      const { keys, warnings } = await perform(loadSettings(), 'keys.import', { workspaceId: workspace, input });
      output.print({
        json: { keys, warnings },
        lines: [
          ...aligned(keys.map(({ id, kind, start, name }) => [id, kind, start, name])),
          ...warnings.map((warning) => `warning: ${warning}`),
        ],
      });
      return 0;
    },
  });

/** What stands in it is judged where it is imported. */
function readInput(file: string): InputOf<'keys.import'>['input'] {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    const cause = error instanceof SyntaxError ? 'is not JSON' : 'cannot be read';
    throw badInput(`${file} ${cause}. Give a JSON file with format and keys; see --help.`, 'file');
  }
}
