// Where an operation runs. The embedded database has one process: while a server holds the folder, it does what commands
// ask for; else the command opens the database itself.
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../config.js';
import { holderOf } from '../db/folder-lock.js';
import { ConfigurationError } from '../platform/errors.js';
import { endAtOnce, tell } from './last-words.js';
import type { InputOf, OperationName, ResultOf } from './operations.js';
import { askServer, NobodyThere } from './socket.js';

/** A server that starts holds the folder for a moment before it answers; another command holds it for as long as it runs. */
const patienceMs = 10_000;

/** @throws what the operation throws; ConfigurationError when the folder is held by a process that does not answer */
export async function perform<Name extends OperationName>(
  config: Config,
  name: Name,
  input: InputOf<Name>,
): Promise<ResultOf<Name>> {
  return reach(config, name, input, () => runHere(config, name, input));
}

/** Asks the server that holds the folder, or does it here when none does. */
export async function reach<Name extends OperationName>(
  config: Config,
  operation: Name,
  input: InputOf<Name>,
  here: () => Promise<ResultOf<Name>>,
): Promise<ResultOf<Name>> {
  if (config.databaseUrl !== null) return here();
  const lockFile = join(config.dataDir, 'db.lock');
  const end = Date.now() + patienceMs;
  for (;;) {
    const pid = await holderOf(lockFile);
    try {
      return pid === null ? await here() : ((await askServer(config.dataDir, operation, input)) as ResultOf<Name>);
    } catch (error) {
      if (Date.now() > end && error instanceof NobodyThere) throw silent(config.dataDir, pid);
      if (Date.now() > end || !(await isTaken(error, lockFile))) throw error;
    }
    await sleep(200);
  }
}

/** Nobody answers yet, or someone else took the folder between our look and our try. */
const isTaken = async (error: unknown, lockFile: string): Promise<boolean> =>
  error instanceof NobodyThere || (error instanceof ConfigurationError && (await holderOf(lockFile)) !== null);

const silent = (dataDir: string, pid: number | null): ConfigurationError =>
  new ConfigurationError(
    `DATA_DIR: process ${pid} holds the database in ${dataDir} and does not answer commands. Stop it and try again.`,
  );

async function runHere<Name extends OperationName>(
  config: Config,
  name: Name,
  input: InputOf<Name>,
): Promise<ResultOf<Name>> {
  const [{ openDatabase }, { secretsOf }, { runOperation }] = await Promise.all([
    import('../db/open.js'),
    import('../app.js'),
    import('./operations.js'),
  ]);
  const { databaseUrl, dataDir } = config;
  const database = await openDatabase({ databaseUrl, dataDir, onFatal: endAtOnce, warn: tell });
  try {
    return (await runOperation(name, input, {
      config,
      database,
      auditKeys: () => secretsOf(config).auditKeys,
    })) as ResultOf<Name>;
  } finally {
    await database.close();
  }
}
