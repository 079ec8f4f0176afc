// `sallyport demo`: a server of its own on the embedded database, the walk played against it, and then it stays up.
import type { Config } from '../../config.js';
import { openLog, type Running, start, toldToStop } from '../../main.js';
import { aligned, type Output, styled } from '../output.js';
import { placesOf } from '../serve.js';
import { type Prepared, prepareDemo } from './prepare.js';
import { openStage, type Stage } from './stage.js';
import { walk } from './walk.js';

export interface DemoOptions {
  readonly config: Config;
  readonly isOnce: boolean;
  readonly output: Output;
}

/** The exit code: 0 when every step was as it should be. */
export async function runDemo({ config: given, isOnce, output }: DemoOptions): Promise<number> {
  const told = toldToStop();
  const config = embedded(given, output);
  const running = await start({ config, log: openLog(config), listens: true, works: true });
  try {
    const stage = openStage(output);
    const prepared = await prepareDemo(running.desk, running.app);
    const isPlayed = await Promise.race([play(running, prepared, stage).then(() => true), told.then(() => false)]);
    if (!isPlayed) return 1;
    const ok = stage.steps.length > 0 && stage.steps.every((step) => step.ok);
    report(running, prepared, stage, ok, isOnce, output);
    if (!isOnce) await told;
    return ok ? 0 : 1;
  } finally {
    await running.stop();
  }
}

/** A server that others work with is no place for a demo. */
function embedded(config: Config, output: Output): Config {
  if (config.databaseUrl === null) return config;
  output.note('DATABASE_URL is set: the demo leaves that database alone and uses the embedded one in DATA_DIR.');
  // The secret in the environment is that database's.
  return { ...config, databaseUrl: null, secrets: { current: null, previous: null } };
}

const play = (running: Running, prepared: Prepared, stage: Stage): Promise<void> =>
  walk({ url: running.url ?? '', desk: running.desk, prepared, sealAll: () => running.app.sealer.sealAll() }, stage);

function report(
  { url, desk }: Running,
  { owner, accountKey, agentKey, workspaceId }: Prepared,
  { steps }: Stage,
  ok: boolean,
  isOnce: boolean,
  output: Output,
): void {
  const places = placesOf(url ?? '');
  const keys = { account: accountKey.key, agent: agentKey.key };
  const verdict = ok
    ? styled('green', `All ${steps.length} steps were as they should be.`)
    : styled('red', 'The walk did not come to its end.');
  const json = { ok, steps, ...places, dataDir: desk.config.dataDir, workspaceId, keys, owner };
  const details = [
    '',
    ...aligned([
      ['GraphiQL', places.graphiql],
      ['account key', keys.account],
      ['agent key', keys.agent],
      ['owner', `${owner.email}, password ${owner.password}, at POST /api/auth/sign-in/email`],
      ['data', desk.config.dataDir],
    ]),
    '',
    'The keys are shown this once; the next start makes new ones. Ctrl-C stops the server. Try:',
    '',
    `  curl ${places.graphql} -H 'X-API-Key: ${keys.account}' -H 'Content-Type: application/json' \\`,
    `    -d '{"query":"{ me { kind scopes } }"}'`,
  ];
  output.print({ json, lines: ['', verdict, ...(isOnce ? [] : details)] });
}
