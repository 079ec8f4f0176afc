import type { Command } from 'commander';
import { addCommand } from './command.js';
import { perform } from './reach.js';
import { loadSettings } from './settings.js';

export const addKeysRevoke = (parent: Command): void =>
  addCommand<object>(parent, {
    name: 'revoke <id>',
    description: 'refuse a key from its next request on; this cannot be undone',
    example: 'keys revoke key_…',
    run: async (_options, output, [id = '']) => {
      const revoked = await perform(loadSettings(), 'keys.revoke', { id });
      output.print({ json: revoked, lines: [`${revoked.name} (${revoked.start}…) is revoked.`] });
      return 0;
    },
  });
