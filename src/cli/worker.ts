import type { Command } from 'commander';
import { ConfigurationError } from '../platform/errors.js';
import { addCommand } from './command.js';
import { loadSettings } from './settings.js';

export const addWorker = (parent: Command): void =>
  addCommand<object>(parent, {
    name: 'worker',
    description: 'work jobs beside other processes, without HTTP; needs DATABASE_URL',
    example: 'worker',
    run: async (_options, output) => {
      const config = loadSettings();
      if (config.databaseUrl === null) {
        throw new ConfigurationError(
          'DATABASE_URL is needed by a worker: the embedded database has one process, and `sallyport serve` works its jobs.',
        );
      }
      const { openLog, start, toldToStop } = await import('../main.js');
      const told = toldToStop();
      const log = openLog(config);
      const running = await start({ config, log, listens: false, works: true });
      output.print({ json: { pid: process.pid, jobs: true }, lines: ['Sallyport works jobs.'] });
      await told;
      log.info('stopping');
      await running.stop();
      return 0;
    },
  });
