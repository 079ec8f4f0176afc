import type { Command } from 'commander';
import { addCommand } from './command.js';
import { aligned } from './output.js';
import { perform } from './reach.js';
import { loadSettings } from './settings.js';

interface KeysListOptions {
  readonly workspace: string;
  readonly revoked: boolean;
}

export const addKeysList = (parent: Command): void =>
  addCommand<KeysListOptions>(parent, {
    name: 'list',
    description: 'list the API keys of a workspace, newest first',
    example: 'keys list --workspace wsp_…',
    flags: (command) =>
      command
        .requiredOption('--workspace <id>', 'the workspace')
        .option('--revoked', 'list revoked keys as well', false),
    run: async ({ workspace, revoked }, output) => {
      const { keys } = await perform(loadSettings(), 'keys.list', { workspaceId: workspace, withRevoked: revoked });
      const head = ['id', 'kind', 'status', 'start', 'last used', 'name'];
      const rows = keys.map(({ id, kind, status, start, lastUsedAt, name }) => [
        ...[id, kind, status, start],
        ...[lastUsedAt ?? 'never', name],
      ]);
      output.print({ json: { keys }, lines: rows.length === 0 ? ['No keys.'] : aligned([head, ...rows]) });
      return 0;
    },
  });
