import type { Command } from 'commander';
import { addCommand } from './command.js';
import { reach } from './reach.js';
import { loadSettings } from './settings.js';

export const addMigrate = (parent: Command): void =>
  addCommand<object>(parent, {
    name: 'migrate',
    description: 'bring the database to the schema of this version; every start does so too',
    example: 'migrate',
    run: async (_options, output) => {
      const config = loadSettings();
      const { applyMigrationsTo } = await import('./apply-migrations.js');
      const { applied, total } = await reach(config, 'migrate', {}, () => applyMigrationsTo(config));
      const summary =
        applied.length === 0
          ? `The database is up to date: ${total} migrations.`
          : `Applied ${applied.length} of ${total} migrations:`;
      output.print({ json: { applied, total }, lines: [summary, ...applied.map((name) => `  ${name}`)] });
      return 0;
    },
  });
