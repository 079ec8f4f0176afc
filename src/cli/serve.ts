import type { Command } from 'commander';
import { addCommand } from './command.js';
import { aligned } from './output.js';
import { loadSettings } from './settings.js';

interface ServeOptions {
  readonly jobs: boolean;
  readonly port?: string;
}

export const addServe = (parent: Command): void =>
  addCommand<ServeOptions>(parent, {
    name: 'serve',
    description: 'answer HTTP and work jobs until told to stop (SIGTERM, Ctrl-C)',
    example: 'serve --port 8080',
    flags: (command) =>
      command
        .option('--no-jobs', 'answer HTTP only; another process works the jobs')
        .option('--port <port>', 'instead of PORT; 0 picks a free one'),
    run: async ({ jobs, ...flags }, output) => {
      const config = loadSettings(flags);
      const { openLog, start, toldToStop } = await import('../main.js');
      const told = toldToStop();
      const log = openLog(config);
      const running = await start({ config, log, listens: true, works: jobs });
      const places = placesOf(running.url ?? '');
      const signUp = await running.app.firstOwnerUrl();
      output.print({
        json: { ...places, pid: process.pid, jobs, ...(signUp === null ? {} : { signUp }) },
        lines: [
          'Sallyport listens.',
          '',
          ...aligned(Object.entries(places).map(([name, url]) => [`  ${name}`, url])),
          ...(signUp === null
            ? []
            : ['', 'Nobody has signed up yet. Whoever opens this first is the owner:', `  ${signUp}`]),
        ],
      });
      log.info({ url: places.url, jobs }, 'listening');
      await told;
      log.info('stopping');
      await running.stop();
      return 0;
    },
  });

/** Where a server that listens at `url` answers. */
export const placesOf = (url: string) => ({
  url,
  graphql: `${url}/graphql`,
  graphiql: `${url}/graphql`,
  schema: `${url}/schema.graphql`,
  health: `${url}/readyz`,
});
