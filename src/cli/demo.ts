import type { Command } from 'commander';
import { addCommand } from './command.js';
import { loadSettings } from './settings.js';

interface DemoOptions {
  readonly once: boolean;
  readonly port?: string;
}

export const addDemo = (parent: Command): void =>
  addCommand<DemoOptions>(parent, {
    name: 'demo',
    description: 'fill a workspace on the embedded database, play the main job over HTTP, and stay up',
    example: 'demo --once',
    flags: (command) =>
      command
        .option('--once', 'end after the walk; exit 1 when a step was not as it should be', false)
        .option('--port <port>', 'instead of PORT; 0 picks a free one'),
    run: async ({ once, ...flags }, output) => {
      const config = loadSettings(flags, { LOG_LEVEL: 'warn' });
      const { runDemo } = await import('./demo/run.js');
      return runDemo({ config, isOnce: once, output });
    },
  });
