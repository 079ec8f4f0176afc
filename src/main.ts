// The life of the process, in order: the database is opened, the app connected, the door opened, jobs worked; told to stop,
// it takes no more, lets what runs end, closes the database. What goes wrong is one line and an exit code.
import type { App } from './app.js';
import { keyPatterns } from './auth/key-format.js';
import { endAtOnce } from './cli/last-words.js';
import type { Desk } from './cli/operations.js';
import { type OpenSocket, openSocket } from './cli/socket.js';
import type { Config } from './config.js';
import { openDatabase } from './db/open.js';
import { createLogger, type Logger, logOutput } from './platform/logger.js';
import { boundMemory } from './platform/memory.js';

export interface StartOptions {
  readonly config: Config;
  readonly log: Logger;
  /** False: no HTTP; a worker. */
  readonly listens: boolean;
  /** False: effects wait for another process. */
  readonly works: boolean;
}

export interface Running {
  readonly app: App;
  /** Null when it does not listen. */
  readonly url: string | null;
  /** What the command line's operations take. */
  readonly desk: Desk;
  /** Resolves when everything is closed, within 15 s; past them the process ends. */
  stop(): Promise<void>;
}

const stopWithinMs = 15_000;
/** What is left for closing once requests and jobs had their time. */
const closeWithinMs = 3_000;

/** Logs of a process go to standard error: standard output is for what a command answers. */
export const openLog = ({ logLevel }: Pick<Config, 'logLevel'>): Logger =>
  createLogger({ level: logLevel, secretPatterns: keyPatterns, destination: logOutput(process.stderr) });

/** @throws ConfigurationError for whatever the operator can mend, with everything closed again */
export async function start({ config, log, listens, works }: StartOptions): Promise<Running> {
  const { databaseUrl, dataDir } = config;
  process.once('uncaughtExceptionMonitor', (error) => log.fatal({ err: error }, 'the process ends by a defect'));
  const warn = (line: string) => log.warn(line);
  boundMemory({ runsWasm: databaseUrl === null });
  const opening = openDatabase({ databaseUrl, dataDir, onFatal: endAtOnce, warn });
  // The schema is built, which is most of a start, while the database is waited for.
  const [database, { createApp }] = await Promise.all([opening, import('./app.js')]).catch(async (error: unknown) => {
    await opening.then((opened) => opened.close()).catch(() => undefined);
    throw error;
  });
  let app: App | null = null;
  try {
    app = await createApp({ config, database, log });
    const url = listens ? await app.listen() : null;
    if (works) await app.work();
    const { secrets } = app;
    const desk: Desk = { config, database, auditKeys: () => secrets.auditKeys };
    const socket = database.engine === 'embedded' ? await openCommandSocket(desk, log) : null;
    return { app, url, desk, stop: () => stop(desk, app, socket) };
  } catch (error) {
    await stop({ database }, app, null);
    throw error;
  }
}

/** Commands that cannot get in are no reason not to serve. */
async function openCommandSocket(desk: Desk, log: Logger): Promise<OpenSocket | null> {
  const { dataDir } = desk.config;
  const { runOperation } = await import('./cli/operations.js');
  return openSocket({ dataDir, run: (name, input) => runOperation(name, input, desk), log }).catch((error: Error) => {
    log.warn(`Commands cannot reach this server: ${error.message}`);
    return null;
  });
}

async function stop({ database }: Pick<Desk, 'database'>, app: App | null, socket: OpenSocket | null): Promise<void> {
  const cut = setTimeout(() => endAtOnce(`It did not stop within ${stopWithinMs / 1_000} s.`), stopWithinMs);
  try {
    await Promise.all([socket?.close(), app?.stop(stopWithinMs - closeWithinMs)]);
    await database.close();
  } finally {
    clearTimeout(cut);
  }
}

/** npm and a terminal both pass one Ctrl-C on: what follows that soon is no second one. */
const oneSignalMs = 500;

/** Resolves at the first SIGTERM or SIGINT. The next one ends the process at once. */
export function toldToStop(): Promise<void> {
  return new Promise((resolve) => {
    let firstAt: number | null = null;
    const onSignal = (signal: NodeJS.Signals) => {
      if (firstAt === null) {
        firstAt = performance.now();
        resolve();
      } else if (performance.now() - firstAt > oneSignalMs) {
        process.exit(signal === 'SIGINT' ? 130 : 143);
      }
    };
    process.on('SIGTERM', onSignal);
    process.on('SIGINT', onSignal);
  });
}
